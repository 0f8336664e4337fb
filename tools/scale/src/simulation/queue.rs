//! Virtual time: events in the order of their times, and in the order of their creation where these are equal.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::database::Write;
use super::service::{Call, Outcome};

/// Microseconds since the start of the run.
pub(crate) type Micros = u64;

/// A second.
pub(crate) const SECOND: Micros = 1_000_000;
/// A minute.
pub(crate) const MINUTE: Micros = 60 * SECOND;
/// An hour.
pub(crate) const HOUR: Micros = 60 * MINUTE;

/// A process: its number in the order of starts, from 1.
pub(super) type Process = u32;

/// A task of a process: a place, and how often the place was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskId {
    pub(super) place: u32,
    pub(super) use_: u32,
}

/// What happens at a time.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// The loop of a process continues. Only the last one that was scheduled counts.
    Loop(Process, u32),
    /// A process extends its leases.
    Heartbeat(Process),
    /// The statements of a transaction.
    TransactionAtDatabase(Process, Vec<Statement>),
    /// The response to a transaction.
    TransactionDone(Process, Vec<(Statement, StatementResult)>),
    /// A statement is sent again.
    StatementAgain(Process, Statement),
    RequestAtService(TaskId, Call, bool),
    Response(TaskId, Outcome),
    /// A call is attempted again.
    Retry(TaskId),
    Downloaded(TaskId),
    /// A round of polls begins. Only the last one that was scheduled counts.
    Round(Process, u32),
    PollAtService(Process, u32),
    PollRead(Process, u32),
    Fault(super::faults::Fault),
    Start(u32),
}

/// A statement that changes the ledger.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Write(TaskId, Box<Write>),
    Lease(Lease),
    /// Extends all leases of the process.
    Heartbeat,
    /// Ends all leases of the process.
    ReleaseAll,
}

/// A statement that leases items.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) max: usize,
    /// The items that it has leased, and may have leased before without a response.
    pub(super) items: Vec<u32>,
    pub(super) failures: u32,
}

/// The result of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatementResult {
    Done,
    /// Another process holds the lease.
    Lost,
    /// There was no response.
    Unreachable,
}

#[derive(Debug)]
struct Entry {
    at: Micros,
    order: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    /// The heap returns the greatest entry first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// Events to come.
#[derive(Debug, Default)]
pub(super) struct Queue {
    now: Micros,
    entries: BinaryHeap<Entry>,
    orders: u64,
}

impl Queue {
    pub(super) fn now(&self) -> Micros {
        self.now
    }

    pub(super) fn at(&mut self, at: Micros, event: Event) {
        self.orders += 1;
        self.entries.push(Entry { at: at.max(self.now), order: self.orders, event });
    }

    pub(super) fn after(&mut self, delay: Micros, event: Event) {
        self.at(self.now + delay, event);
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        let entry = self.entries.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }
}
