//! Which resource binds first: the clips per second that each of them allows.

use crate::constants::Constants;
use crate::results::{Results, Sharing};

/// The numbers of workers that the page shows.
pub(crate) const WORKERS: [u32; 4] = [1, 10, 100, 1000];

/// The limits of the API that the page shows, in requests per second.
pub(crate) const API_LIMITS: [f64; 3] = [100.0, 1000.0, 10_000.0];

/// The mean time of a job in seconds, and the longest: see [`Scenario::new`](crate::simulation::Scenario::new).
pub(crate) const MEAN_JOB: f64 = 195.0;
pub(crate) const LONGEST_JOB: f64 = 600.0;

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    Jobs,
    Ledger,
    Processor,
    Network,
    Disk,
    Api,
}

impl Resource {
    pub(crate) const ALL: [Self; 6] =
        [Self::Jobs, Self::Ledger, Self::Processor, Self::Network, Self::Disk, Self::Api];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Jobs => "jobs in flight",
            Self::Ledger => "ledger",
            Self::Processor => "processor",
            Self::Network => "network",
            Self::Disk => "hash and disk",
            Self::Api => "API limit",
        }
    }
}

/// The model.
pub(crate) struct Model<'a> {
    pub(crate) constants: &'a Constants,
    sharing: &'a [Sharing],
}

impl<'a> Model<'a> {
    pub(crate) fn new(results: &'a Results) -> Self {
        Self { constants: &results.constants, sharing: &results.sharing }
    }

    /// What an item needs if so many workers share an API key: between two sizes that were simulated by the logarithm of the
    /// number of workers, and beyond the largest as there, where nearly every job is polled alone.
    pub(crate) fn sharing(&self, workers: u32) -> Sharing {
        let after = self.sharing.partition_point(|sharing| sharing.workers <= workers);
        let before = &self.sharing[after - 1];
        let Some(after) = self.sharing.get(after) else { return before.clone() };
        let place = |workers: u32| f64::from(workers).log10();
        let share = (place(workers) - place(before.workers)) / (place(after.workers) - place(before.workers));
        let between = |value: fn(&Sharing) -> f64| value(before) + share * (value(after) - value(before));
        Sharing {
            workers,
            polls: between(|sharing| sharing.polls),
            pages: between(|sharing| sharing.pages),
            transactions: between(|sharing| sharing.transactions),
            writes: between(|sharing| sharing.writes),
            leases: between(|sharing| sharing.leases),
            delay: between(|sharing| sharing.delay),
        }
    }

    /// The clips per second that a resource allows.
    pub(crate) fn rate(&self, resource: Resource, workers: u32, api_limit: f64) -> f64 {
        let get = |name| self.constants.get(name);
        let sharing = self.sharing(workers);
        let machines = f64::from(workers);
        match resource {
            Resource::Jobs => machines * get("concurrency") / (MEAN_JOB + sharing.delay),
            Resource::Ledger => self.ledger(workers),
            Resource::Processor => machines * get("cores") / get("item_cpu"),
            Resource::Network => machines * get("network") / get("clip"),
            Resource::Disk => machines * get("download") / get("clip"),
            Resource::Api => api_limit / sharing.requests(),
        }
    }

    /// The clips per second that one PostgreSQL allows.
    pub(crate) fn ledger(&self, workers: u32) -> f64 {
        let sharing = self.sharing(workers);
        // All workers lease the same plan in the same order: the ids that a statement considers may all be leased by then.
        let leases = sharing.leases * (f64::from(workers) / self.constants.get("lease_window")).max(1.0);
        let commits = sharing.transactions / self.constants.get("commits");
        1.0 / (commits + (sharing.writes + leases) / self.constants.get("statements"))
    }

    /// The most workers, up to 1,000, for which one PostgreSQL allows what their jobs in flight do.
    pub(crate) fn workers_of_a_ledger(&self) -> u32 {
        let suffices =
            |workers: &u32| self.ledger(*workers) >= self.rate(Resource::Jobs, *workers, f64::INFINITY);
        (1..=1000).take_while(suffices).last().unwrap_or(0)
    }

    /// The resource that binds first, and its rate.
    pub(crate) fn binding(&self, workers: u32, api_limit: f64) -> (Resource, f64) {
        let rates = Resource::ALL.map(|resource| (resource, self.rate(resource, workers, api_limit)));
        rates.into_iter().min_by(|one, other| one.1.total_cmp(&other.1)).expect("there are resources")
    }

    /// Seconds for so many clips.
    pub(crate) fn makespan(&self, clips: f64, workers: u32, api_limit: f64) -> f64 {
        clips / self.binding(workers, api_limit).1 + LONGEST_JOB
    }
}
