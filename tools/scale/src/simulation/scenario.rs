//! What happens in a run: its size, the service, the database, faults, and bugs that are planted to test the checks.

use super::queue::{HOUR, MINUTE, Micros, SECOND};

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// Seed of every random decision.
    pub(crate) seed: u64,
    /// Number of lines of the plan.
    pub(crate) items: u32,
    /// Number of machines, each with one process at a time.
    pub(crate) workers: u32,
    /// `-j` of each process.
    pub(crate) concurrency: usize,
    /// The service.
    pub(crate) service: ServiceSettings,
    /// The database of the ledger.
    pub(crate) database: DatabaseSettings,
    /// A machine.
    pub(crate) machine: MachineSettings,
    /// What goes wrong.
    pub(crate) faults: Faults,
    /// The bug that is planted.
    pub(crate) bug: Option<Bug>,
}

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceSettings {
    /// Requests per second that the account may send; above it the service responds with 429.
    pub(crate) requests_per_second: u64,
    /// Time from a process to the service, or back.
    pub(crate) one_way: Micros,
    /// The shortest job.
    pub(crate) shortest_job: Micros,
    /// The longest job.
    pub(crate) longest_job: Micros,
    /// How long an idempotency key is remembered.
    pub(crate) key_lifetime: Micros,
}

/// The database of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseSettings {
    /// Transactions that it commits in a second, and statements that it runs in a second. Each takes its time for itself.
    pub(crate) commits_per_second: u64,
    pub(crate) statements_per_second: u64,
    /// Time from a process to the database, or back.
    pub(crate) one_way: Micros,
    /// How far the standby may be behind the primary when it takes over; 0 for synchronous replication.
    pub(crate) standby_lag: Micros,
}

/// A machine.
#[derive(Debug, Clone)]
pub(crate) struct MachineSettings {
    /// Bytes of a clip.
    pub(crate) clip_bytes: u64,
    /// Bytes per second from the network through the hash to the disk.
    pub(crate) bytes_per_second: u64,
}

/// What goes wrong. Numbers of events are for the whole run; their times are random.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Processes that are killed, each while one of its items is at a chosen step, in turns of all steps.
    pub(crate) deaths: u32,
    /// Processes that stand still for 35 to 120 s, longer than their leases.
    pub(crate) stalls: u32,
    /// Machines that cannot reach the database for 35 to 120 s, but the service.
    pub(crate) partitions: u32,
    /// Failovers of the database, each without a database for this long.
    pub(crate) failovers: Vec<Micros>,
    /// Outages of the service.
    pub(crate) outages: Vec<Micros>,
    /// How long the account is without credit once half of the clips are charged.
    pub(crate) no_credit: Micros,
    /// One of so many requests is lost before it arrives; 0 for none.
    pub(crate) lost_request: u32,
    /// One of so many responses is lost; 0 for none.
    pub(crate) lost_response: u32,
    /// One of so many requests arrives up to 10 minutes late; 0 for none.
    pub(crate) late_request: u32,
    /// One of so many jobs fails, and is refunded; 0 for none.
    pub(crate) failed_job: u32,
    /// One of so many lines is rejected by the service whenever it is sent; 0 for none.
    pub(crate) rejected_item: u32,
    /// At the time of the first failover all processes die, and are started again after this time.
    pub(crate) site_outage: Option<Micros>,
}

/// Bugs that the checks must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The stage `sent` is stored after the request, not before it.
    SentAfterRequest,
    /// A process that takes an item over sends it under a new idempotency key.
    NewKeyOnTakeover,
    /// An unknown outcome is taken for a failure: the item is sent again under a new idempotency key.
    NewKeyOnUnknownOutcome,
    /// The age of an idempotency key is not checked.
    NoKeyAgeCheck,
    /// A write does not name the process that must hold the lease.
    WritesWithoutOwner,
    /// Leases do not expire.
    LeasesNeverExpire,
    /// An idle process keeps the leases of items that it has finished, as the ledger forgot in a failover.
    IdleKeepsLeases,
    /// An item that meets an outage is taken for one that the service rejects.
    OutageRejectsItem,
    /// The stage `saved` is stored before the clip has its final name.
    SavedBeforeRename,
}

impl Bug {
    /// All bugs.
    pub(crate) const ALL: [Self; 9] = [
        Self::SentAfterRequest,
        Self::NewKeyOnTakeover,
        Self::NewKeyOnUnknownOutcome,
        Self::NoKeyAgeCheck,
        Self::WritesWithoutOwner,
        Self::LeasesNeverExpire,
        Self::IdleKeepsLeases,
        Self::OutageRejectsItem,
        Self::SavedBeforeRename,
    ];

    /// What is wrong, for the page.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::SentAfterRequest => "`sent` is stored after the request",
            Self::NewKeyOnTakeover => "a process that takes an item over sends it under a new key",
            Self::NewKeyOnUnknownOutcome => "after an unknown outcome the item is sent under a new key",
            Self::NoKeyAgeCheck => "the age of a key is not checked",
            Self::WritesWithoutOwner => "a write does not name its owner",
            Self::LeasesNeverExpire => "leases do not expire",
            Self::IdleKeepsLeases => "an idle process keeps leases of items whose end a standby has lost",
            Self::OutageRejectsItem => "an item that meets an outage is taken for a rejected one",
            Self::SavedBeforeRename => "`saved` is stored before the clip has its final name",
        }
    }
}

impl Faults {
    /// Every kind of fault, in numbers that fit the number of workers.
    pub(crate) fn all(workers: u32) -> Self {
        Self {
            deaths: (2 * workers).max(26),
            stalls: workers.div_ceil(2),
            partitions: workers.div_ceil(2),
            failovers: vec![45 * SECOND],
            outages: vec![20 * SECOND, 2 * MINUTE, 8 * MINUTE],
            no_credit: 10 * MINUTE,
            lost_request: 5000,
            lost_response: 5000,
            late_request: 20_000,
            failed_job: 100,
            rejected_item: 5000,
            site_outage: None,
        }
    }

    /// A site with the database and all machines fails, and is started again a day later, after the keys have expired.
    pub(crate) fn site_outage() -> Self {
        Self { failovers: vec![30 * SECOND], site_outage: Some(25 * HOUR), ..Self::default() }
    }
}

impl Scenario {
    /// A run with the usual settings.
    pub(crate) fn new(seed: u64, items: u32, workers: u32, concurrency: usize) -> Self {
        Self {
            seed,
            items,
            workers,
            concurrency,
            service: ServiceSettings {
                requests_per_second: 10_000,
                one_way: SECOND / 40,
                shortest_job: MINUTE,
                longest_job: 10 * MINUTE,
                key_lifetime: 24 * HOUR,
            },
            database: DatabaseSettings {
                commits_per_second: 5000,
                statements_per_second: 20_000,
                one_way: SECOND / 2000,
                standby_lag: 0,
            },
            machine: MachineSettings { clip_bytes: 5_000_000, bytes_per_second: 100_000_000 },
            faults: Faults::default(),
            bug: None,
        }
    }

    /// With all faults, and so small that a run takes milliseconds.
    pub(crate) fn small(seed: u64) -> Self {
        Self { faults: Faults::all(5), ..Self::new(seed, 400, 5, 8) }
    }

    /// A failover to a standby that is up to 2 s behind.
    pub(crate) fn small_asynchronous(seed: u64) -> Self {
        let mut scenario = Self::new(seed, 3000, 5, 64);
        scenario.database.standby_lag = 2 * SECOND;
        scenario.faults = Faults { failovers: vec![20 * SECOND], ..Faults::default() };
        scenario
    }

    /// All machines and the database fail, and start again after the keys have expired.
    pub(crate) fn small_site_outage(seed: u64, standby_lag: Micros) -> Self {
        let mut scenario = Self::new(seed, 2000, 5, 64);
        scenario.database.standby_lag = standby_lag;
        scenario.faults = Faults { lost_response: 200, ..Faults::site_outage() };
        scenario
    }

    /// The mean time of a job: see [`Service`](super::service::Service).
    pub(crate) fn mean_job(&self) -> Micros {
        self.service.shortest_job + (self.service.longest_job - self.service.shortest_job) / 4
    }

    /// The time that all jobs need if all workers are always full.
    pub(crate) fn full_time(&self) -> Micros {
        u64::from(self.items) * self.mean_job() / (u64::from(self.workers) * self.concurrency as u64)
    }
}
