//! The lookup of a job, and the errors of the store as errors of the API.

use crate::model::problem::Problem;
use crate::store::{Job, KeyConflict, State as Records};

impl From<KeyConflict> for Problem {
    fn from(_: KeyConflict) -> Self {
        Self::key_conflict()
    }
}

/// Returns a job of this account.
pub(super) fn find<'a>(records: &'a Records, account: &str, id: &str) -> Result<&'a Job, Problem> {
    records.job(account, id).ok_or_else(|| Problem::no_job(id))
}
