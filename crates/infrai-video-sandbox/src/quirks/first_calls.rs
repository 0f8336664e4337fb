//! Which operations each account has called, for [`Quirk::NoRetryAfter`](super::Quirk::NoRetryAfter).

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::operation::Operation;

#[derive(Default)]
pub(crate) struct FirstCalls(Mutex<HashSet<(String, Operation)>>);

impl FirstCalls {
    /// Whether this is the first call of the operation by the account.
    pub(super) fn is_first(&self, account: &str, operation: Operation) -> bool {
        self.lock().insert((account.to_owned(), operation))
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    pub(crate) fn reset_account(&self, account: &str) {
        self.lock().retain(|(caller, _)| caller != account);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(String, Operation)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
