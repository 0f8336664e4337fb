//! The database of the ledger: one row for each item, leases, and failovers.

use std::collections::{BTreeSet, VecDeque};

use super::queue::{MINUTE, Micros, Process, SECOND, StatementResult};
use super::scenario::{Bug, DatabaseSettings};
use super::service::{JobId, JobState};
use super::violations::Violations;

/// As in the command.
const LEASE: Micros = 30 * SECOND;

/// Where an item stands, in the order in which a clip is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Planned,
    Sent,
    Accepted,
    Fetched,
    Saved,
    Failed,
    Refused,
}

impl Stage {
    pub(super) fn is_final(self) -> bool {
        self >= Self::Saved
    }
}

/// An item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) stage: Stage,
    pub(super) state: JobState,
    pub(super) attempt: u8,
    /// The process that holds the lease; 0 if none does.
    pub(super) worker: Process,
    leased_at: Micros,
    pub(super) prepared_at: Micros,
    pub(super) key: u64,
    pub(super) job: Option<JobId>,
}

/// A write of a process: the new row of an item.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) process: Process,
    pub(super) item: u32,
    pub(super) row: Row,
    pub(super) then: Then,
    /// Whether it may have been carried out before.
    pub(super) is_retry: bool,
    pub(super) failures: u32,
}

/// What a write does to the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Keep,
    End,
    /// It only ends the lease.
    Release,
}

/// Counts of the ledger.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct LedgerCounts {
    /// Transactions, each with statements of one process.
    pub(crate) transactions: u64,
    /// Statements that write an item.
    pub(crate) writes: u64,
    /// Statements that lease items, also where there is none.
    pub(crate) leases: u64,
    pub(crate) heartbeats: u64,
    /// Statements without a response, which are sent again.
    pub(crate) retries: u64,
    /// Items of dead processes, and of those that are alive but slow, that another process took over.
    pub(crate) taken_from_dead: u64,
    pub(crate) taken_from_living: u64,
    /// Writes of processes that had lost their lease.
    pub(crate) refused_writes: u64,
    /// Commits that a failover lost.
    pub(crate) lost_commits: u64,
}

/// A process as the database sees it.
#[derive(Debug, Default)]
struct Holder {
    beat: Micros,
    is_dead: bool,
    /// Items that it has leased. Some are finished or belong to others by now.
    items: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Database {
    settings: DatabaseSettings,
    bug: Option<Bug>,
    pub(super) rows: Vec<Row>,
    holders: Vec<Holder>,
    /// The first item that was never leased, and items that were planned again.
    next: u32,
    planned: BTreeSet<u32>,
    /// Items in progress that nobody holds.
    free: BTreeSet<u32>,
    /// Items that are not finished.
    pub(super) pending: u32,
    /// Unfinished items, and some that have finished since.
    unfinished: Vec<u32>,
    /// Changes that a standby may not have yet.
    log: VecDeque<(Micros, u32, Row)>,
    busy_until: Micros,
    pub(super) down_until: Micros,
    /// When the last failover began. Responses on their way were lost.
    pub(super) failed_at: Option<Micros>,
    pub(super) counts: LedgerCounts,
}

impl Database {
    pub(super) fn new(settings: DatabaseSettings, items: u32, bug: Option<Bug>) -> Self {
        let row = Row {
            stage: Stage::Planned,
            state: JobState::Queued,
            attempt: 1,
            worker: 0,
            leased_at: 0,
            prepared_at: 0,
            key: 0,
            job: None,
        };
        Self {
            settings,
            bug,
            rows: vec![row; items as usize],
            holders: vec![Holder::default()],
            next: 0,
            planned: BTreeSet::new(),
            free: BTreeSet::new(),
            pending: items,
            unfinished: Vec::new(),
            log: VecDeque::new(),
            busy_until: 0,
            down_until: 0,
            failed_at: None,
            counts: LedgerCounts::default(),
        }
    }

    /// Registers a process that starts.
    pub(super) fn register(&mut self, now: Micros) -> Process {
        self.holders.push(Holder { beat: now, ..Holder::default() });
        Process::try_from(self.holders.len() - 1).expect("there are few processes")
    }

    pub(super) fn set_dead(&mut self, process: Process) {
        self.holders[process as usize].is_dead = true;
    }

    /// When a transaction that is sent now is executed.
    pub(super) fn execution_time(&mut self, now: Micros, statements: usize) -> Micros {
        let DatabaseSettings { one_way, commits_per_second, statements_per_second, .. } = self.settings;
        let takes = SECOND / commits_per_second + statements as u64 * SECOND / statements_per_second;
        self.busy_until = self.busy_until.max(now + one_way) + takes;
        self.busy_until
    }

    pub(super) fn one_way(&self) -> Micros {
        self.settings.one_way
    }

    pub(super) fn is_down(&self, now: Micros) -> bool {
        now < self.down_until
    }

    pub(super) fn heartbeat(&mut self, process: Process, now: Micros) {
        self.counts.heartbeats += 1;
        self.holders[process as usize].beat = now;
    }

    fn is_expired(&self, row: &Row, now: Micros) -> bool {
        let beat = self.holders[row.worker as usize].beat;
        beat.max(row.leased_at) + LEASE < now && self.bug != Some(Bug::LeasesNeverExpire)
    }

    /// Leases up to `max` items that `wants` accepts: those in progress first. `before` are items that the same statement may have
    /// leased without a response.
    pub(super) fn lease(
        &mut self,
        process: Process,
        max: usize,
        before: &[u32],
        now: Micros,
        wants: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        self.counts.leases += 1;
        self.collect_expired(process, now);
        let is_ours = |item: &&u32| {
            let row = &self.rows[**item as usize];
            row.worker == process && !row.stage.is_final()
        };
        let mut items: Vec<u32> = before.iter().filter(is_ours).copied().collect();
        for is_planned in [false, true] {
            let queue = if is_planned { &self.planned } else { &self.free };
            let (mut stale, mut taken) = (Vec::new(), Vec::new());
            for item in queue {
                if items.len() + taken.len() >= max {
                    break;
                }
                let row = &self.rows[*item as usize];
                let is_free = row.worker == 0 || row.worker != process && self.is_expired(row, now);
                if row.stage.is_final() || (row.stage == Stage::Planned) != is_planned || !is_free {
                    stale.push(*item);
                } else if wants(*item) {
                    taken.push(*item);
                }
            }
            for item in stale {
                self.planned_or_free(is_planned).remove(&item);
                self.index(item);
            }
            for item in taken {
                self.planned_or_free(is_planned).remove(&item);
                let holder = &self.holders[self.rows[item as usize].worker as usize];
                match self.rows[item as usize].worker {
                    0 => {}
                    _ if holder.is_dead => self.counts.taken_from_dead += 1,
                    _ => self.counts.taken_from_living += 1,
                }
                items.push(item);
            }
        }
        while items.len() < max && (self.next as usize) < self.rows.len() {
            items.push(self.next);
            self.next += 1;
        }
        for item in &items {
            let row = Row { worker: process, leased_at: now, ..self.rows[*item as usize] };
            self.set(*item, row, now);
        }
        self.holders[process as usize].items.extend(&items);
        items
    }

    fn planned_or_free(&mut self, is_planned: bool) -> &mut BTreeSet<u32> {
        if is_planned { &mut self.planned } else { &mut self.free }
    }

    /// Puts an unfinished item where leases find it: once nobody holds it, or with its holder.
    fn index(&mut self, item: u32) {
        let row = self.rows[item as usize];
        match row.worker {
            _ if row.stage.is_final() => {}
            0 => {
                self.planned_or_free(row.stage == Stage::Planned).insert(item);
            }
            holder => self.holders[holder as usize].items.push(item),
        }
    }

    /// Finds items whose leases have expired.
    fn collect_expired(&mut self, process: Process, now: Micros) {
        for holder in 1..self.holders.len() {
            let is_silent = self.holders[holder].beat + LEASE < now && holder != process as usize;
            if !is_silent || self.holders[holder].items.is_empty() {
                continue;
            }
            for item in std::mem::take(&mut self.holders[holder].items) {
                let row = self.rows[item as usize];
                if row.stage.is_final() || row.worker as usize != holder {
                    continue;
                }
                match self.is_expired(&row, now) {
                    true => {
                        self.planned_or_free(row.stage == Stage::Planned).insert(item);
                    }
                    false => self.holders[holder].items.push(item),
                }
            }
        }
    }

    /// Executes a write.
    pub(super) fn write(
        &mut self,
        write: &Write,
        now: Micros,
        violations: &mut Violations,
    ) -> StatementResult {
        self.counts.writes += 1;
        let old = self.rows[write.item as usize];
        if old.worker != write.process && self.bug != Some(Bug::WritesWithoutOwner) {
            let is_stored = write.then == Then::End
                && (old.stage, old.attempt, old.worker) == (write.row.stage, write.row.attempt, 0);
            if write.then == Then::Release || write.is_retry && is_stored {
                return StatementResult::Done;
            }
            self.counts.refused_writes += 1;
            return StatementResult::Lost;
        }
        let new = match write.then {
            Then::Release => old,
            _ => write.row,
        };
        if old.stage == Stage::Saved && (new.stage, new.job) != (old.stage, old.job) {
            violations.add("a saved item was changed", write.item);
        }
        let worker = if write.then == Then::Keep { old.worker } else { 0 };
        self.set(write.item, Row { worker, leased_at: old.leased_at, ..new }, now);
        if worker == 0 {
            self.index(write.item);
        }
        StatementResult::Done
    }

    /// Ends all leases of a process.
    pub(super) fn release_all(&mut self, process: Process, now: Micros) {
        for item in std::mem::take(&mut self.holders[process as usize].items) {
            let row = self.rows[item as usize];
            if row.worker == process {
                self.set(item, Row { worker: 0, ..row }, now);
                self.index(item);
            }
        }
    }

    fn set(&mut self, item: u32, row: Row, now: Micros) {
        let old = std::mem::replace(&mut self.rows[item as usize], row);
        match (old.stage.is_final(), row.stage.is_final()) {
            (false, true) => self.pending -= 1,
            (true, false) => self.pending += 1,
            _ => {}
        }
        let lag = self.settings.standby_lag;
        if lag > 0 {
            self.log.push_back((now, item, old));
            while self.log.front().is_some_and(|(at, ..)| at + lag < now) {
                self.log.pop_front();
            }
        }
    }

    /// The primary fails. The standby may lack the last commits.
    pub(super) fn fail_over(&mut self, down_for: Micros, now: Micros) {
        self.down_until = now + down_for;
        self.failed_at = Some(now);
        let from = now.saturating_sub(self.settings.standby_lag);
        while let Some((_, item, old)) = self.log.pop_back().filter(|(at, ..)| *at >= from) {
            self.counts.lost_commits += 1;
            match (self.rows[item as usize].stage.is_final(), old.stage.is_final()) {
                (true, false) => self.pending += 1,
                (false, true) => self.pending -= 1,
                _ => {}
            }
            self.rows[item as usize] = old;
            self.index(item);
        }
        self.log.clear();
    }

    /// Whether an item is unfinished that `matters`.
    pub(super) fn has_pending(&mut self, matters: impl Fn(u32) -> bool) -> bool {
        if self.pending == 0 {
            return false;
        }
        if self.pending > 100_000 {
            return true;
        }
        // Rebuilt if an item that had finished is planned again.
        let rows = &self.rows;
        self.unfinished.retain(|item| !rows[*item as usize].stage.is_final());
        if self.unfinished.len() != self.pending as usize {
            let items = 0..u32::try_from(rows.len()).expect("the items are counted in 32 bits");
            self.unfinished = items.filter(|item| !rows[*item as usize].stage.is_final()).collect();
        }
        self.unfinished.iter().any(|item| matters(*item))
    }

    /// `batch retry`: failed items are planned under a new key. Returns their number.
    pub(super) fn retry_failed(&mut self, now: Micros) -> u32 {
        let mut retried = 0;
        for item in 0..self.rows.len() {
            let row = self.rows[item];
            if row.stage == Stage::Failed {
                let again =
                    Row { stage: Stage::Planned, attempt: row.attempt + 1, job: None, worker: 0, ..row };
                let item = u32::try_from(item).expect("the items are counted in 32 bits");
                self.set(item, Row { state: JobState::Queued, ..again }, now);
                self.index(item);
                retried += 1;
            }
        }
        retried
    }
}

/// Maximum number of statements in a transaction, as in the command.
pub(super) const MAX_STATEMENTS: usize = 128;

/// How long a statement may be without a response before it fails.
pub(super) const STATEMENT_TIMEOUT: Micros = 2 * SECOND;

/// The delay before a statement is sent again, as in the command.
pub(super) fn statement_delay(failures: u32) -> Micros {
    (SECOND / 5 * (1 << failures.min(10))).min(5 * SECOND)
}

/// `--max-pause` also limits outages of the database.
pub(super) const MAX_PAUSE: Micros = 60 * MINUTE;
