//! Looks at the state for somebody who watches it: each takes the lock once and briefly, whatever the state has grown to.

use jiff::Timestamp;
use serde::Serialize;

use super::Store;
use super::job::{Job, JobState};
use super::ledger::{LedgerEntry, double_charges, public};

/// What tells whether a job looks different from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) number: u64,
    state: JobState,
    has_clip: bool,
    expires: Timestamp,
}

/// The newest jobs at one moment, without what they hold.
pub(crate) struct Glance {
    /// Goes up with every change of the state, a reset included.
    pub(crate) revision: u64,
    /// The revision at which everything before was forgotten.
    pub(crate) began: u64,
    /// How many jobs there are altogether.
    pub(crate) total: usize,
    /// The newest first.
    pub(crate) newest: Vec<Stamp>,
}

/// The money at one moment.
#[derive(Serialize)]
pub(crate) struct Purse {
    /// The first accounts by name.
    accounts: Vec<Balance>,
    /// How many accounts there are altogether.
    account_count: usize,
    /// The newest movements, the newest first.
    entries: Vec<LedgerEntry>,
    /// How many movements there are altogether.
    entry_count: usize,
    /// How many charges of all accounts were one too many.
    double_charges: usize,
}

#[derive(Serialize)]
struct Balance {
    name: String,
    balance_usd: f64,
    jobs: usize,
}

impl Store {
    /// The newest jobs of one account, or of all.
    pub(crate) fn glance(&self, now: Timestamp, account: Option<&str>, most: usize) -> Glance {
        let mut state = self.lock();
        self.settle(&mut state, now);
        let stamp = |job: &Job| Stamp {
            number: job.number,
            state: job.state(now),
            has_clip: job.has_clip(now),
            expires: job.expires,
        };
        let (total, newest) = match account {
            None => (state.jobs.len(), state.jobs.values().rev().take(most).map(stamp).collect()),
            Some(name) => {
                let total = state.accounts.get(name).map_or(0, |account| account.jobs.len());
                (total, state.jobs_of(name).take(most).map(stamp).collect())
            }
        };
        Glance { revision: state.revision, began: state.began, total, newest }
    }

    /// The jobs with these numbers, without those that are gone.
    pub(crate) fn numbered(&self, numbers: &[u64]) -> Vec<Job> {
        let state = self.lock();
        numbers.iter().filter_map(|number| state.jobs.get(number).cloned()).collect()
    }

    /// The balances, and the newest movements of one account or of all.
    pub(crate) fn purse(&self, account: Option<&str>, most_accounts: usize, most_entries: usize) -> Purse {
        let state = self.lock();
        let accounts = state.accounts.iter().take(most_accounts).map(|(name, account)| Balance {
            name: name.clone(),
            balance_usd: account.balance.dollars(),
            jobs: account.jobs.len(),
        });
        let of_account =
            || state.ledger.iter().filter(|entry| account.is_none_or(|name| entry.account == name));
        Purse {
            accounts: accounts.collect(),
            account_count: state.accounts.len(),
            entries: of_account().rev().take(most_entries).map(|entry| public(entry, &state)).collect(),
            entry_count: of_account().count(),
            double_charges: double_charges(&state),
        }
    }
}
