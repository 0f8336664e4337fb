//! The control interface of one account.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::app_state::AppState;
use crate::faults::{Fault, FaultRecord};
use crate::model::keys::account_of;
use crate::model::time::system_time;
use crate::store::journal::Seen;
use crate::store::{JobRecord, Ledger};

/// Controls and inspects one account of a running sandbox, without any effect on others.
///
/// Tests that share a sandbox can run side by side if each has an API key of its own:
///
/// ```
/// use std::time::Duration;
///
/// use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};
///
/// let sandbox = Sandbox::builder().clock(Clock::manual()).router();
/// let account = sandbox.account("ifr_pk_this_test");
/// account.set_faults([Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1)]);
/// account.advance(Duration::from_secs(60)); // the jobs of this account alone are a minute older
/// assert!(account.journal().is_empty() && account.jobs().is_empty());
/// ```
#[derive(Clone)]
pub struct AccountHandle {
    app: Arc<AppState>,
    name: String,
}

impl AccountHandle {
    /// The account of an API key.
    pub(crate) fn of(app: Arc<AppState>, key: &str) -> Self {
        Self { app, name: account_of(key) }
    }

    /// The name, as in [`LedgerEntry::account`](crate::LedgerEntry::account).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time of the account: that of the sandbox, and what this account was advanced alone.
    pub fn now(&self) -> SystemTime {
        system_time(self.app.now_for(Some(&self.name)))
    }

    /// Moves the clock of this account forward: its jobs finish, its links and clips expire as if `by` had passed. Its
    /// responses have the later time in `Date`. An account can be ahead of the sandbox by up to 292 years.
    pub fn advance(&self, by: Duration) {
        self.app.store.advance(self.app.now(), &self.name, by);
    }

    /// The balance, charges and refunds of this account.
    pub fn ledger(&self) -> Ledger {
        self.app.store.ledger(self.app.now(), Some(&self.name))
    }

    /// The requests with this account's API key, and the downloads of its clips, oldest first.
    pub fn journal(&self) -> Vec<Seen> {
        self.app.journal.seen_of(&self.name)
    }

    /// The jobs of this account except deleted ones, oldest first.
    pub fn jobs(&self) -> Vec<JobRecord> {
        self.app.store.jobs(self.app.now(), Some(&self.name))
    }

    /// The fault rules for this account alone.
    pub fn faults(&self) -> Vec<FaultRecord> {
        self.app.faults.records(Some(&self.name))
    }

    /// Replaces the fault rules for this account alone. The rules of others, and those for all accounts, stay.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        let own = faults.into_iter().map(|fault| fault.for_account(self.name.clone()));
        self.app.faults.replace_of(&self.name, own.collect());
    }

    /// Forgets the jobs, money, idempotency keys, requests and clock of this account, and resets the counts of its fault
    /// rules.
    pub fn reset(&self) {
        self.app.reset_account(&self.name);
    }
}

impl fmt::Debug for AccountHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountHandle").field("name", &self.name).finish_non_exhaustive()
    }
}
