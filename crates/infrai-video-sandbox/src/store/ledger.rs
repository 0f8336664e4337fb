//! The ledger: every movement of money, and what it proves.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::state::{Entry, State};
use crate::ids;

/// A copy of the sandbox's ledger at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The balance of each account in US dollars.
    pub balances: BTreeMap<String, f64>,
    /// Every movement, oldest first.
    pub entries: Vec<LedgerEntry>,
    double_charges: usize,
}

/// What moved money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LedgerKind {
    /// The credit that an account opens with.
    Opening,
    /// The price of a job.
    Charge,
    /// The price of a job that failed, was cancelled, or was deleted before it was over, given back.
    Refund,
    /// A top-up whose checkout_url was opened.
    Topup,
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The account.
    pub account: String,
    /// What moved it.
    pub kind: LedgerKind,
    /// How much, in US dollars: below zero for a charge.
    pub amount_usd: f64,
    /// The job, for charges and refunds.
    pub job_id: Option<String>,
    /// The key that the job was made under.
    pub idempotency_key: Option<String>,
    /// When.
    pub at: Timestamp,
    /// For a charge: whether no answer that told of the job has reached the caller, neither the first nor a repeated one.
    pub answer_lost: bool,
}

impl Ledger {
    /// The name of the account that `key` opens.
    pub fn account_of(key: &str) -> String {
        ids::account_of(key)
    }

    /// The balance of the account that `key` opens, in US dollars. Nothing if the key was never used.
    pub fn balance_usd(&self, key: &str) -> Option<f64> {
        self.balances.get(&ids::account_of(key)).copied()
    }

    /// The charges alone.
    pub fn charges(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter().filter(|entry| entry.kind == LedgerKind::Charge)
    }

    /// The refunds alone.
    pub fn refunds(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter().filter(|entry| entry.kind == LedgerKind::Refund)
    }

    /// How many charges were one too many.
    ///
    /// A charge counts if an earlier one in the same account was for the same key, or for the same request (apart
    /// from its key) with an answer that never reached the caller: what a client does that sends a lost request
    /// again under a new key. The same request made twice with both answers received is no double charge.
    pub fn double_charges(&self) -> usize {
        self.double_charges
    }

    pub(super) fn of(state: &State) -> Self {
        let entries = state.ledger.iter().map(|entry| public(entry, state)).collect();
        let balances =
            state.accounts.iter().map(|(name, account)| (name.clone(), account.balance.dollars())).collect();
        Self { balances, entries, double_charges: double_charges(state) }
    }
}

/// See [`Ledger::double_charges`].
pub(super) fn double_charges(state: &State) -> usize {
    let mut keys = HashSet::new();
    let mut lost_requests = HashSet::new();
    let mut count = 0;
    for entry in state.ledger.iter().filter(|entry| entry.kind == LedgerKind::Charge) {
        let request = (&entry.account, &entry.request);
        let key_was_charged = entry.key.as_ref().is_some_and(|key| !keys.insert((&entry.account, key)));
        if key_was_charged || lost_requests.contains(&request) {
            count += 1;
        }
        if answer_lost(entry, state) {
            lost_requests.insert(request);
        }
    }
    count
}

fn answer_lost(entry: &Entry, state: &State) -> bool {
    entry.number.is_some_and(|number| state.lost_answers.contains(&number))
}

pub(super) fn public(entry: &Entry, state: &State) -> LedgerEntry {
    LedgerEntry {
        account: entry.account.clone(),
        kind: entry.kind,
        amount_usd: entry.amount.dollars(),
        job_id: entry.job_id.clone(),
        idempotency_key: entry.key.clone(),
        at: entry.at,
        answer_lost: entry.kind == LedgerKind::Charge && answer_lost(entry, state),
    }
}
