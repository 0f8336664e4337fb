//! Summaries of the state for the page. Each takes the lock once and briefly, however large the state is.

use jiff::Timestamp;
use serde::Serialize;

use super::Store;
use super::job::{Job, JobState};
use super::ledger::{LedgerEntry, double_charges, public};

/// The visible state of a job, for comparison with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) number: u64,
    state: JobState,
    has_clip: bool,
    expires: Timestamp,
}

/// The newest jobs at one moment.
pub(crate) struct JobsSummary {
    /// Increases with every change of the state, including a reset.
    pub(crate) revision: u64,
    /// The revision of the last reset.
    pub(crate) began: u64,
    /// The number of all jobs.
    pub(crate) total: usize,
    /// Newest first.
    pub(crate) newest: Vec<Stamp>,
}

/// The balances and movements of money at one moment.
#[derive(Serialize)]
pub(crate) struct MoneySummary {
    /// The first accounts by name.
    accounts: Vec<Balance>,
    /// The number of all accounts, and of the jobs of all of them.
    account_count: usize,
    job_count: usize,
    /// The newest movements, newest first.
    entries: Vec<LedgerEntry>,
    /// The number of all movements.
    entry_count: usize,
    /// The number of duplicate charges of all accounts.
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
    pub(crate) fn jobs_summary(&self, now: Timestamp, account: Option<&str>, limit: usize) -> JobsSummary {
        let mut state = self.lock();
        self.settle(&mut state, now);
        let stamp = |job: &Job| {
            let now = state.time_of(&job.account, now);
            Stamp {
                number: job.number,
                state: job.state(now),
                has_clip: job.has_clip(now),
                expires: job.expires,
            }
        };
        let (total, newest) = match account {
            None => (state.jobs.len(), state.jobs.values().rev().take(limit).map(stamp).collect()),
            Some(name) => {
                let total = state.accounts.get(name).map_or(0, |account| account.jobs.len());
                (total, state.jobs_of(name).take(limit).map(stamp).collect())
            }
        };
        JobsSummary { revision: state.revision, began: state.began, total, newest }
    }

    /// The jobs with these numbers, except for deleted ones.
    pub(crate) fn numbered(&self, numbers: &[u64]) -> Vec<Job> {
        let state = self.lock();
        numbers.iter().filter_map(|number| state.jobs.get(number).cloned()).collect()
    }

    /// The balances, and the newest movements of one account or of all.
    pub(crate) fn money_summary(
        &self,
        account: Option<&str>,
        max_accounts: usize,
        max_entries: usize,
    ) -> MoneySummary {
        let state = self.lock();
        let accounts = state.accounts.iter().take(max_accounts).map(|(name, account)| Balance {
            name: name.clone(),
            balance_usd: account.balance.dollars(),
            jobs: account.jobs.len(),
        });
        let of_account =
            || state.ledger.iter().filter(|entry| account.is_none_or(|name| entry.account == name));
        MoneySummary {
            accounts: accounts.collect(),
            account_count: state.accounts.len(),
            job_count: state.jobs.len(),
            entries: of_account().rev().take(max_entries).map(|entry| public(entry, &state)).collect(),
            entry_count: of_account().count(),
            double_charges: double_charges(&state, None),
        }
    }
}
