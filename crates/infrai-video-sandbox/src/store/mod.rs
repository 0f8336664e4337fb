//! The state behind one lock. Each method is one transaction.

#[cfg(feature = "persist")]
mod durable;
mod job;
pub(crate) mod journal;
mod ledger;
pub(crate) mod redaction;
mod state;
mod summary;
#[cfg(not(feature = "persist"))]
mod volatile;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

#[cfg(feature = "persist")]
pub use self::durable::PersistError;
#[cfg(feature = "persist")]
pub(crate) use self::durable::{Durable, Opened};
pub(crate) use self::job::{Failure, Job};
pub use self::job::{JobRecord, JobState};
pub use self::ledger::{Ledger, LedgerEntry};
#[cfg(test)]
pub(crate) use self::state::LOOKED_AT;
pub use self::state::LedgerKind;
pub(crate) use self::state::{Change, KeyRecord, State, Topup, charge, deletion, refund};
pub(crate) use self::summary::Stamp;
#[cfg(not(feature = "persist"))]
pub(crate) use self::volatile::Durable;
use crate::model::money::Usd;
use crate::model::operation::Operation;
use crate::model::time::{DAY, later};

/// How long an idempotency key is remembered.
const KEY_LIFETIME: Duration = DAY;

/// How far the clock of an account can be ahead of that of the sandbox: about 292 years.
const MAX_AHEAD: Duration = Duration::from_nanos(i64::MAX as u64);

pub(crate) struct Store {
    state: Mutex<State>,
    /// Where changes are stored, for a persistent sandbox.
    durable: Option<Durable>,
}

/// Why changes can no longer be stored.
#[derive(Clone, Debug)]
pub(crate) struct NotPersisted(pub(crate) String);

/// The idempotency key of a request, with the fingerprint that distinguishes it from other requests under the key.
#[derive(Clone, Debug)]
pub(crate) struct KeyUse {
    pub(crate) key: String,
    pub(crate) operation: Operation,
    pub(crate) fingerprint: String,
}

/// The account and the numbers of a job.
#[derive(Clone, Debug)]
pub(crate) struct JobIdentity {
    pub(crate) account: String,
    /// Counted over all accounts.
    pub(crate) number: u64,
    /// Counted within its account.
    pub(crate) ordinal: u64,
}

/// The key was used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyConflict;

/// The changes and the response of a transaction.
pub(crate) struct Write {
    pub(crate) changes: Vec<Change>,
    pub(crate) data: Value,
    pub(crate) vendor: Option<String>,
}

/// The result of a transaction.
#[derive(Debug)]
pub(crate) enum Written {
    /// It was carried out now.
    Done { data: Value, vendor: Option<String> },
    /// It was carried out before under the same key: the earlier response.
    Replayed { data: Value, vendor: Option<String> },
}

impl Store {
    pub(crate) fn new(state: State, durable: Option<Durable>) -> Self {
        Self { state: Mutex::new(state), durable }
    }

    /// Waits until all changes so far are on the disk.
    pub(crate) async fn persisted(&self) -> Result<(), NotPersisted> {
        match &self.durable {
            Some(durable) => durable.persisted().await,
            None => Ok(()),
        }
    }

    /// Whether further changes can be stored, as far as known.
    pub(crate) fn can_persist(&self) -> Result<(), NotPersisted> {
        self.durable.as_ref().map_or(Ok(()), Durable::failed)
    }

    /// Writes pending changes to the disk. Later changes are not stored.
    pub(crate) fn stop(&self, now: Timestamp) {
        if let Some(durable) = &self.durable {
            durable.stop(now);
        }
    }

    /// Carries out a write once per idempotency key.
    ///
    /// `work` reads the state at the time of the account and returns the changes; an error changes nothing. Of two concurrent
    /// equal requests, the second one to take the lock finds the key of the first.
    pub(crate) fn write<E: From<KeyConflict>>(
        &self,
        now: Timestamp,
        account: &str,
        key: Option<&KeyUse>,
        work: impl FnOnce(&State, Timestamp) -> Result<Write, E>,
    ) -> Result<Written, E> {
        let mut state = self.settled(now, account);
        if let Some(replayed) = replay(&state, account, key)? {
            return Ok(replayed);
        }
        let at = state.time_of(account, now);
        let Write { mut changes, data, vendor } = work(&state, at)?;
        if let Some(KeyUse { key, operation, fingerprint }) = key.cloned() {
            let record = KeyRecord { operation, fingerprint, at, data: data.clone(), vendor: vendor.clone() };
            changes.push(Change::KeyUsed { account: account.to_owned(), key, record });
        }
        self.commit(&mut state, now, changes);
        Ok(Written::Done { data, vendor })
    }

    /// The earlier response under this key, if any.
    pub(crate) fn replay(
        &self,
        now: Timestamp,
        account: &str,
        key: Option<&KeyUse>,
    ) -> Result<Option<Written>, KeyConflict> {
        replay(&self.settled(now, account), account, key)
    }

    /// Reads the state on behalf of an account, at its time.
    pub(crate) fn read<T>(
        &self,
        now: Timestamp,
        account: &str,
        read: impl FnOnce(&State, Timestamp) -> T,
    ) -> T {
        let state = self.settled(now, account);
        read(&state, state.time_of(account, now))
    }

    /// The time of an account when that of the sandbox is `now`.
    pub(crate) fn time_of(&self, account: &str, now: Timestamp) -> Timestamp {
        self.lock().time_of(account, now)
    }

    /// How far the clock of an account is ahead of that of the sandbox.
    pub(crate) fn ahead_of(&self, account: &str) -> Duration {
        self.lock().ahead_of(account)
    }

    /// Moves the clock of an account forward, alone.
    pub(crate) fn advance(&self, now: Timestamp, account: &str, by: Duration) {
        let mut state = self.settled(now, account);
        let ahead = state.ahead_of(account).saturating_add(by).min(MAX_AHEAD);
        self.commit(&mut state, now, vec![Change::AccountAhead { account: account.to_owned(), ahead }]);
    }

    /// The job of any account. For the file host, where the signature of a link is the authorization.
    pub(crate) fn find(&self, id: &str) -> Option<Job> {
        let state = self.lock();
        state.numbers.get(id).and_then(|number| state.jobs.get(number)).cloned()
    }

    /// The number of the job with this id.
    pub(crate) fn number_of(&self, id: &str) -> Option<u64> {
        self.lock().numbers.get(id).copied()
    }

    /// The number of the job with this id, which may have been deleted.
    pub(crate) fn number_charged(&self, id: &str) -> Option<u64> {
        let state = self.lock();
        let charge = || state.ledger.iter().find(|entry| entry.job_id.as_deref() == Some(id));
        state.numbers.get(id).copied().or_else(|| charge()?.number)
    }

    /// The id of an account's job with this number, which may have been deleted.
    pub(crate) fn id_charged(&self, account: &str, number: u64) -> Option<String> {
        let state = self.lock();
        let charge = state.ledger.iter().find(|entry| entry.number == Some(number))?;
        charge.job_id.clone().filter(|_| charge.account == account)
    }

    /// The account and the numbers of the job with this id.
    pub(crate) fn identity_of(&self, id: &str) -> Option<JobIdentity> {
        let state = self.lock();
        let job = state.jobs.get(state.numbers.get(id)?)?;
        Some(JobIdentity { account: job.account.clone(), number: job.number, ordinal: state.ordinal(job) })
    }

    /// The account of a job that exists or was deleted.
    pub(crate) fn account_of_job(&self, id: &str) -> Option<String> {
        self.lock().account_of_job(id).map(str::to_owned)
    }

    /// The account of a top-up.
    pub(crate) fn account_of_topup(&self, id: &str) -> Option<String> {
        self.lock().topups.get(id).map(|topup| topup.account.clone())
    }

    /// Credits a top-up, once. Returns the amount and whether it was credited now.
    pub(crate) fn pay(&self, now: Timestamp, id: &str) -> Option<(Usd, bool)> {
        let mut state = self.lock();
        let topup = state.topups.get(id)?.clone();
        if !topup.paid {
            let at = state.time_of(&topup.account, now);
            let credited = state::credit(&topup.account, LedgerKind::Topup, topup.amount, at);
            self.commit(&mut state, now, vec![credited, Change::TopupPaid { id: topup.id }]);
        }
        Some((topup.amount, !topup.paid))
    }

    /// Records that the response about a job did not reach the caller.
    pub(crate) fn response_lost(&self, now: Timestamp, number: u64) {
        self.commit(&mut self.lock(), now, vec![Change::ResponseLost { number }]);
    }

    /// Records that a later response about a job reached the caller.
    pub(crate) fn response_delivered(&self, now: Timestamp, number: u64) {
        let mut state = self.lock();
        if state.lost_responses.contains(&number) {
            self.commit(&mut state, now, vec![Change::ResponseDelivered { number }]);
        }
    }

    /// The ledger of one account, or of all.
    pub(crate) fn ledger(&self, now: Timestamp, account: Option<&str>) -> Ledger {
        let mut state = self.lock();
        self.settle(&mut state, now);
        Ledger::of(&state, account)
    }

    /// The jobs of one account, or of all, oldest first.
    pub(crate) fn jobs(&self, now: Timestamp, account: Option<&str>) -> Vec<JobRecord> {
        let state = self.lock();
        let jobs = state.jobs.values().filter(|job| account.is_none_or(|name| job.account == name));
        jobs.map(|job| JobRecord::of(job, state.time_of(&job.account, now))).collect()
    }

    /// Forgets an account. Returns its jobs.
    pub(crate) fn reset_account(&self, now: Timestamp, account: &str) -> Vec<Job> {
        let mut state = self.lock();
        let jobs = state.jobs_of(account).cloned().collect();
        self.commit(&mut state, now, vec![Change::AccountReset { account: account.to_owned() }]);
        jobs
    }

    /// Forgets everything. New accounts start with this credit.
    pub(crate) fn reset(&self, opening: Usd) {
        let mut state = self.lock();
        let began = state.revision + 1;
        *state = State { revision: began, began, ..State::opening_at(opening) };
        if let Some(durable) = &self.durable {
            durable.reset();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state, applies everything that is due by `now`, and opens the account if necessary.
    fn settled(&self, now: Timestamp, account: &str) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        self.settle(&mut state, now);
        if !state.accounts.contains_key(account) {
            let opened = Change::AccountOpened { account: account.to_owned() };
            let credited = state::credit(account, LedgerKind::Opening, state.opening, now);
            self.commit(&mut state, now, vec![opened, credited]);
        }
        state
    }

    /// Refunds jobs that failed by now, and forgets expired keys.
    fn settle(&self, state: &mut State, now: Timestamp) {
        while let Some((at, number)) = state.refunds_due.first().copied().filter(|(at, _)| *at <= now) {
            let Some(job) = state.jobs.get(&number) else {
                state.refunds_due.remove(&(at, number));
                continue;
            };
            let refund = refund(job, job.ends);
            self.commit(state, now, vec![refund]);
        }
        while let Some((_, account, key)) =
            state.keys_by_age.first().filter(|(used, ..)| later(*used, KEY_LIFETIME) <= now).cloned()
        {
            self.commit(state, now, vec![Change::KeyForgotten { account, key }]);
        }
    }

    /// Applies changes and sends them to the disk under the same lock, so that they arrive there in order.
    fn commit(&self, state: &mut State, now: Timestamp, changes: Vec<Change>) {
        if let Some(durable) = &self.durable {
            durable.append(now, &changes);
        }
        for change in changes {
            state.apply(change);
        }
    }
}

fn replay(state: &State, account: &str, key: Option<&KeyUse>) -> Result<Option<Written>, KeyConflict> {
    let Some(KeyUse { key, operation, fingerprint }) = key else {
        return Ok(None);
    };
    let Some(record) = state.accounts.get(account).and_then(|account| account.keys.get(key)) else {
        return Ok(None);
    };
    if record.operation != *operation || record.fingerprint != *fingerprint {
        return Err(KeyConflict);
    }
    Ok(Some(Written::Replayed { data: record.data.clone(), vendor: record.vendor.clone() }))
}
