//! The state of a sandbox, and every change of it.
//!
//! Only [`State::apply`] modifies the state. A [`Change`] is a plain value, so that a persistent sandbox can store each
//! change.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::{Job, JobState};
use crate::model::money::Usd;
use crate::model::operation::Operation;
use crate::model::time::{earlier, later};

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
    /// How many top-ups were forgotten with their accounts: the number of a top-up is not used twice.
    pub(super) topups_forgotten: u64,
    pub(super) ledger: Vec<Entry>,
    pub(super) lost_responses: HashSet<u64>,
    /// Failing jobs by the time of their refund on the sandbox's clock.
    pub(super) refunds_due: BTreeSet<(Timestamp, u64)>,
    /// Accounts and idempotency keys by the time of use on the sandbox's clock.
    pub(super) keys_by_age: BTreeSet<(Timestamp, String, String)>,
}

#[derive(Default)]
pub(super) struct Account {
    pub(super) balance: Usd,
    /// How far its clock is ahead of the sandbox's.
    pub(super) ahead: Duration,
    /// The numbers of all jobs that it was charged for, in ascending order.
    charged: Vec<u64>,
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
    AccountOpened {
        account: String,
    },
    /// The clock of an account alone was advanced to be so far ahead of the sandbox's.
    AccountAhead {
        account: String,
        ahead: Duration,
    },
    AccountReset {
        account: String,
    },
    JobAccepted(Box<Job>),
    JobCancelled {
        number: u64,
        at: Timestamp,
    },
    JobDeleted {
        number: u64,
    },
    /// The account had this job and deleted it.
    DeletedJobKnown {
        account: String,
        id: String,
    },
    RetentionSet {
        number: u64,
        expires: Timestamp,
        gone: bool,
    },
    MoneyMoved(Entry),
    KeyUsed {
        account: String,
        key: String,
        record: KeyRecord,
    },
    KeyForgotten {
        account: String,
        key: String,
    },
    TopupOpened(Topup),
    TopupPaid {
        id: String,
    },
    ResponseLost {
        number: u64,
    },
    ResponseDelivered {
        number: u64,
    },
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
            Change::AccountAhead { account, ahead } => self.set_ahead(&account, ahead),
            Change::AccountReset { account } => self.reset_account(&account),
            Change::JobAccepted(job) => self.accept(*job),
            Change::JobCancelled { number, at } => {
                self.refund_is_not_due(number);
                if let Some(job) = self.jobs.get_mut(&number) {
                    job.cancelled = Some(at);
                }
            }
            Change::JobDeleted { number } => self.delete(number),
            Change::DeletedJobKnown { account, id } => {
                self.accounts.entry(account).or_default().deleted.insert(id);
            }
            Change::RetentionSet { number, expires, gone } => {
                if let Some(job) = self.jobs.get_mut(&number) {
                    job.expires = expires;
                    job.gone = gone;
                }
            }
            Change::MoneyMoved(entry) => self.move_money(entry),
            Change::KeyUsed { account, key, record } => {
                let used = self.sandbox_time(&account, record.at);
                self.keys_by_age.insert((used, account.clone(), key.clone()));
                self.accounts.entry(account).or_default().keys.insert(key, record);
            }
            Change::KeyForgotten { account, key } => {
                if let Some(record) =
                    self.accounts.get_mut(&account).and_then(|account| account.keys.remove(&key))
                {
                    let used = self.sandbox_time(&account, record.at);
                    self.keys_by_age.remove(&(used, account, key));
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
                // The account may have been reset meanwhile.
                if self.accounts.values().any(|account| account.charged.binary_search(&number).is_ok()) {
                    self.lost_responses.insert(number);
                }
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
            self.refunds_due.insert((self.sandbox_time(&job.account, job.ends), job.number));
        }
        self.jobs.insert(job.number, job);
    }

    /// A failing job was refunded, or never will be.
    fn refund_is_not_due(&mut self, number: u64) {
        if let Some(job) = self.jobs.get(&number) {
            let due = self.sandbox_time(&job.account, job.ends);
            self.refunds_due.remove(&(due, number));
        }
    }

    /// Due times are on the sandbox's clock, so they change when the clock of the account is advanced alone.
    fn set_ahead(&mut self, name: &str, ahead: Duration) {
        let account = self.accounts.entry(name.to_owned()).or_default();
        account.ahead = ahead;
        let ends = |number: &u64| self.jobs.get(number).filter(|job| job.account == name).map(|job| job.ends);
        let refunds = std::mem::take(&mut self.refunds_due).into_iter();
        self.refunds_due = refunds
            .map(|(due, number)| (ends(&number).map_or(due, |ends| earlier(ends, ahead)), number))
            .collect();
        self.keys_by_age.retain(|(_, account, _)| account != name);
        let keys = account.keys.iter().map(|(key, record)| (record.at, key));
        self.keys_by_age.extend(keys.map(|(at, key)| (earlier(at, ahead), name.to_owned(), key.clone())));
    }

    /// Forgets an account. The numbers of other jobs continue.
    fn reset_account(&mut self, name: &str) {
        let Some(account) = self.accounts.remove(name) else {
            return;
        };
        for number in &account.charged {
            self.lost_responses.remove(number);
        }
        for number in account.jobs {
            if let Some(job) = self.jobs.remove(&number) {
                self.numbers.remove(&job.id);
            }
        }
        self.refunds_due.retain(|(_, number)| self.jobs.contains_key(number));
        self.keys_by_age.retain(|(_, account, _)| account != name);
        let topups = self.topups.len();
        self.topups.retain(|_, topup| topup.account != name);
        self.topups_forgotten += (topups - self.topups.len()) as u64;
        self.ledger.retain(|entry| entry.account != name);
    }

    fn delete(&mut self, number: u64) {
        self.refund_is_not_due(number);
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        self.numbers.remove(&job.id);
        let account = self.accounts.entry(job.account).or_default();
        account.jobs.remove(&number);
        account.deleted.insert(job.id);
    }

    fn move_money(&mut self, entry: Entry) {
        // The ledger knows the numbers of deleted jobs too.
        self.last_number = self.last_number.max(entry.number.unwrap_or(0));
        let account = self.accounts.entry(entry.account.clone()).or_default();
        account.balance += entry.amount;
        match (entry.kind, entry.number) {
            (LedgerKind::Charge, Some(number)) => account.charged.push(number),
            (LedgerKind::Refund, Some(number)) => self.refund_is_not_due(number),
            _ => {}
        }
        self.ledger.push(entry);
    }

    /// The time of an account when that of the sandbox is `now`.
    pub(crate) fn time_of(&self, account: &str, now: Timestamp) -> Timestamp {
        later(now, self.ahead_of(account))
    }

    /// The time of the sandbox when that of the account is `at`.
    fn sandbox_time(&self, account: &str, at: Timestamp) -> Timestamp {
        earlier(at, self.ahead_of(account))
    }

    pub(super) fn ahead_of(&self, account: &str) -> Duration {
        self.accounts.get(account).map_or(Duration::ZERO, |account| account.ahead)
    }

    /// How many jobs the account had when it got this one, which counts too.
    pub(super) fn ordinal(&self, job: &Job) -> u64 {
        let charged = self.accounts.get(&job.account).map_or(&[][..], |account| &account.charged);
        charged.partition_point(|number| *number <= job.number) as u64
    }

    /// Continues the numbers of jobs and top-ups, of which some were forgotten before the start.
    #[cfg(feature = "persist")]
    pub(super) fn continue_after(&mut self, last_number: u64, topups_forgotten: u64) {
        self.last_number = self.last_number.max(last_number);
        self.topups_forgotten = topups_forgotten;
    }

    /// The account of a job that exists or was deleted.
    pub(crate) fn account_of_job(&self, id: &str) -> Option<&str> {
        let job = self.numbers.get(id).and_then(|number| self.jobs.get(number));
        let deleted = || self.accounts.iter().find(|(_, account)| account.deleted.contains(id));
        job.map(|job| job.account.as_str()).or_else(|| deleted().map(|(name, _)| name.as_str()))
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

    /// The jobs of this account whose number is above `number`, oldest first.
    pub(crate) fn jobs_after(&self, account: &str, number: u64) -> impl Iterator<Item = &Job> {
        let numbers =
            self.accounts.get(account).map(|account| account.jobs.range((Excluded(number), Unbounded)));
        numbers.into_iter().flatten().filter_map(|number| self.jobs.get(number))
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
        self.topups_forgotten + self.topups.len() as u64
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
