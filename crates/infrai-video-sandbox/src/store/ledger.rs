//! The ledger of all movements of money.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use serde::Serialize;

use super::state::{Entry, LedgerKind, State};
use crate::model::keys;
use crate::model::time::{as_rfc3339, system_time};

/// A snapshot of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The balance of each account in US dollars.
    pub balances: BTreeMap<String, f64>,
    /// Every movement, in the order in which they were recorded.
    pub entries: Vec<LedgerEntry>,
    double_charges: usize,
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The account.
    pub account: String,
    /// The kind of movement.
    pub kind: LedgerKind,
    /// The amount in US dollars: negative for a charge.
    pub amount_usd: f64,
    /// The job, for charges and refunds.
    pub job_id: Option<String>,
    /// The idempotency key of the request.
    pub idempotency_key: Option<String>,
    /// The time, on the clock of the account.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: SystemTime,
    /// For a charge: whether no response about the job has reached the caller, neither the first nor a replayed one.
    pub response_lost: bool,
}

impl Ledger {
    /// The name of the account of an API key.
    pub fn account_of(key: &str) -> String {
        keys::account_of(key)
    }

    /// The balance of the account of an API key, in US dollars. `None` if the key was never used.
    pub fn balance_usd(&self, key: &str) -> Option<f64> {
        self.balances.get(&keys::account_of(key)).copied()
    }

    /// The charges.
    pub fn charges(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter().filter(|entry| entry.kind == LedgerKind::Charge)
    }

    /// The refunds.
    pub fn refunds(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter().filter(|entry| entry.kind == LedgerKind::Refund)
    }

    /// The number of duplicate charges.
    ///
    /// A charge is a duplicate if an earlier one in the same account has the same idempotency key, or is for the same request
    /// (apart from its key) and its response never reached the caller: this happens to a client that retries a lost request
    /// under a new key. The same request sent twice is not a duplicate if both responses arrived.
    pub fn double_charges(&self) -> usize {
        self.double_charges
    }

    /// The ledger of one account, or of all.
    pub(super) fn of(state: &State, account: Option<&str>) -> Self {
        let belongs = |name: &str| account.is_none_or(|account| account == name);
        let entries = state.ledger.iter().filter(|entry| belongs(&entry.account));
        let accounts = state.accounts.iter().filter(|(name, _)| belongs(name));
        Self {
            balances: accounts.map(|(name, account)| (name.clone(), account.balance.dollars())).collect(),
            entries: entries.map(|entry| public(entry, state)).collect(),
            double_charges: double_charges(state, account),
        }
    }
}

/// See [`Ledger::double_charges`]: of one account, or of all.
pub(super) fn double_charges(state: &State, account: Option<&str>) -> usize {
    let mut keys = HashSet::new();
    let mut lost_requests = HashSet::new();
    let mut count = 0;
    let charges = state.ledger.iter().filter(|entry| entry.kind == LedgerKind::Charge);
    for entry in charges.filter(|entry| account.is_none_or(|account| entry.account == account)) {
        let request = (&entry.account, &entry.request);
        let key_was_charged = entry.key.as_ref().is_some_and(|key| !keys.insert((&entry.account, key)));
        if key_was_charged || lost_requests.contains(&request) {
            count += 1;
        }
        if response_lost(entry, state) {
            lost_requests.insert(request);
        }
    }
    count
}

fn response_lost(entry: &Entry, state: &State) -> bool {
    entry.number.is_some_and(|number| state.lost_responses.contains(&number))
}

pub(super) fn public(entry: &Entry, state: &State) -> LedgerEntry {
    LedgerEntry {
        account: entry.account.clone(),
        kind: entry.kind,
        amount_usd: entry.amount.dollars(),
        job_id: entry.job_id.clone(),
        idempotency_key: entry.key.clone(),
        at: system_time(entry.at),
        response_lost: entry.kind == LedgerKind::Charge && response_lost(entry, state),
    }
}
