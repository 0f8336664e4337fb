//! The state of a sandbox, and every change of it.
//!
//! Only [`State::apply`] modifies the state. A [`Change`] is a plain value, so that a persistent sandbox can store each
//! change.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::{Job, JobState};
use crate::model::money::Usd;
use crate::model::operation::Operation;

#[derive(Default)]
pub(crate) struct State {
    /// Increases with every change.
    pub(super) revision: u64,
    /// The revision of the last reset.
    pub(super) began: u64,
    /// The starting balance of accounts.
    pub(super) opening: Usd,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) numbers: HashMap<String, u64>,
    pub(super) last_number: u64,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) topups: BTreeMap<String, Topup>,
    pub(super) ledger: Vec<Entry>,
    pub(super) lost_responses: HashSet<u64>,
    /// Failing jobs by the time of their refund.
    pub(super) refunds_due: BTreeSet<(Timestamp, u64)>,
    /// Accounts and idempotency keys by the time of use.
    pub(super) keys_by_age: BTreeSet<(Timestamp, String, String)>,
}

#[derive(Default)]
pub(super) struct Account {
    pub(super) balance: Usd,
    pub(super) jobs: BTreeSet<u64>,
    pub(super) deleted: HashSet<String>,
    pub(super) keys: HashMap<String, KeyRecord>,
}

/// The kind of a movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LedgerKind {
    /// The starting balance of an account.
    Opening,
    /// The price of a job.
    Charge,
    /// The refund of a job that failed, was cancelled, or was deleted before it finished.
    Refund,
    /// A top-up whose checkout_url was opened.
    Topup,
}

/// One movement of money.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) account: String,
    pub(crate) kind: LedgerKind,
    pub(crate) amount: Usd,
    pub(crate) number: Option<u64>,
    pub(crate) job_id: Option<String>,
    pub(crate) key: Option<String>,
    /// The fingerprint of the request.
    pub(crate) request: String,
    pub(crate) at: Timestamp,
}

/// What an idempotency key was used for, and the response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) operation: Operation,
    pub(crate) fingerprint: String,
    pub(crate) at: Timestamp,
    pub(crate) data: Value,
    pub(crate) vendor: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Topup {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) amount: Usd,
    pub(crate) paid: bool,
}

/// A change of the state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Change {
    AccountOpened { account: String },
    JobAccepted(Box<Job>),
    JobCancelled { number: u64, at: Timestamp },
    JobDeleted { number: u64 },
    RetentionSet { number: u64, expires: Timestamp, gone: bool },
    MoneyMoved(Entry),
    KeyUsed { account: String, key: String, record: KeyRecord },
    KeyForgotten { account: String, key: String },
    TopupOpened(Topup),
    TopupPaid { id: String },
    ResponseLost { number: u64 },
    ResponseDelivered { number: u64 },
}

impl State {
    pub(crate) fn opening_at(opening: Usd) -> Self {
        Self { opening, ..Self::default() }
    }

    pub(super) fn apply(&mut self, change: Change) {
        self.revision += 1;
        match change {
            Change::AccountOpened { account } => {
                self.accounts.entry(account).or_default();
            }
            Change::JobAccepted(job) => self.accept(*job),
            Change::JobCancelled { number, at } => {
                if let Some(job) = self.jobs.get_mut(&number) {
                    job.cancelled = Some(at);
                    self.refunds_due.remove(&(job.ends, number));
                }
            }
            Change::JobDeleted { number } => self.delete(number),
            Change::RetentionSet { number, expires, gone } => {
                if let Some(job) = self.jobs.get_mut(&number) {
                    job.expires = expires;
                    job.gone = gone;
                }
            }
            Change::MoneyMoved(entry) => self.move_money(entry),
            Change::KeyUsed { account, key, record } => {
                self.keys_by_age.insert((record.at, account.clone(), key.clone()));
                self.accounts.entry(account).or_default().keys.insert(key, record);
            }
            Change::KeyForgotten { account, key } => {
                if let Some(record) =
                    self.accounts.get_mut(&account).and_then(|account| account.keys.remove(&key))
                {
                    self.keys_by_age.remove(&(record.at, account, key));
                }
            }
            Change::TopupOpened(topup) => {
                self.topups.insert(topup.id.clone(), topup);
            }
            Change::TopupPaid { id } => {
                if let Some(topup) = self.topups.get_mut(&id) {
                    topup.paid = true;
                }
            }
            Change::ResponseLost { number } => {
                self.lost_responses.insert(number);
            }
            Change::ResponseDelivered { number } => {
                self.lost_responses.remove(&number);
            }
        }
    }

    fn accept(&mut self, job: Job) {
        self.last_number = self.last_number.max(job.number);
        self.numbers.insert(job.id.clone(), job.number);
        self.accounts.entry(job.account.clone()).or_default().jobs.insert(job.number);
        if job.failure.is_some() {
            self.refunds_due.insert((job.ends, job.number));
        }
        self.jobs.insert(job.number, job);
    }

    fn delete(&mut self, number: u64) {
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        self.numbers.remove(&job.id);
        self.refunds_due.remove(&(job.ends, number));
        let account = self.accounts.entry(job.account).or_default();
        account.jobs.remove(&number);
        account.deleted.insert(job.id);
    }

    fn move_money(&mut self, entry: Entry) {
        // The ledger knows the numbers of deleted jobs too.
        self.last_number = self.last_number.max(entry.number.unwrap_or(0));
        self.accounts.entry(entry.account.clone()).or_default().balance += entry.amount;
        if let (LedgerKind::Refund, Some(job)) =
            (entry.kind, entry.number.and_then(|number| self.jobs.get(&number)))
        {
            self.refunds_due.remove(&(job.ends, job.number));
        }
        self.ledger.push(entry);
    }

    /// A job that this account had and deleted, from before the start.
    #[cfg(feature = "persist")]
    pub(super) fn remember_deleted(&mut self, account: String, id: String) {
        self.accounts.entry(account).or_default().deleted.insert(id);
    }

    /// The number that the next job gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    pub(crate) fn balance(&self, account: &str) -> Usd {
        self.accounts.get(account).map_or(Usd::ZERO, |account| account.balance)
    }

    /// A job of this account.
    pub(crate) fn job(&self, account: &str, id: &str) -> Option<&Job> {
        self.jobs.get(self.numbers.get(id)?).filter(|job| job.account == account)
    }

    /// The jobs of this account, newest first.
    pub(crate) fn jobs_of(&self, account: &str) -> impl Iterator<Item = &Job> {
        self.jobs_before(account, u64::MAX)
    }

    /// The jobs of this account whose number is below `number`, newest first.
    pub(crate) fn jobs_before(&self, account: &str, number: u64) -> impl Iterator<Item = &Job> {
        let numbers = self.accounts.get(account).map(|account| account.jobs.range(..number).rev());
        numbers.into_iter().flatten().inspect(|_| looked_at()).filter_map(|number| self.jobs.get(number))
    }

    /// Whether this account had a job of this id and deleted it.
    pub(crate) fn was_deleted(&self, account: &str, id: &str) -> bool {
        self.accounts.get(account).is_some_and(|account| account.deleted.contains(id))
    }

    /// Every job, oldest first.
    #[cfg(feature = "persist")]
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub(crate) fn topups_opened(&self) -> u64 {
        self.topups.len() as u64
    }
}

#[cfg(test)]
thread_local! {
    /// How many jobs were looked at for lists: what a page costs, without a clock.
    pub(crate) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts a job that a list looks at, in tests.
fn looked_at() {
    #[cfg(test)]
    LOOKED_AT.with(|count| count.set(count.get() + 1));
}

/// The charge for a new job.
pub(crate) fn charge(job: &Job, request: &str) -> Change {
    Change::MoneyMoved(Entry {
        account: job.account.clone(),
        kind: LedgerKind::Charge,
        amount: -job.cost,
        number: Some(job.number),
        job_id: Some(job.id.clone()),
        key: job.idempotency_key.clone(),
        request: request.to_owned(),
        at: job.created,
    })
}

/// The charge of a job, given back.
pub(crate) fn refund(job: &Job, at: Timestamp) -> Change {
    Change::MoneyMoved(Entry {
        account: job.account.clone(),
        kind: LedgerKind::Refund,
        amount: job.cost,
        number: Some(job.number),
        job_id: Some(job.id.clone()),
        key: job.idempotency_key.clone(),
        request: String::new(),
        at,
    })
}

/// The changes that delete a job. An unfinished job is refunded.
pub(crate) fn deletion(job: &Job, now: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    if matches!(job.state(now), JobState::Queued | JobState::Running) {
        changes.push(refund(job, now));
    }
    changes.push(Change::JobDeleted { number: job.number });
    changes
}

/// A credit that does not belong to a job.
pub(crate) fn credit(account: &str, kind: LedgerKind, amount: Usd, at: Timestamp) -> Change {
    Change::MoneyMoved(Entry {
        account: account.to_owned(),
        kind,
        amount,
        number: None,
        job_id: None,
        key: None,
        request: String::new(),
        at,
    })
}
