//! The operations of the API.

pub(crate) mod account;
pub(crate) mod capabilities;
pub(crate) mod clips;
pub(crate) mod generate;
pub(crate) mod jobs;
pub(crate) mod list;
pub(crate) mod view;

use std::sync::Arc;

use axum::extract::State;

use crate::app::App;
use crate::problem::Problem;
use crate::store::{Job, KeyConflict, State as Records};

/// What every handler is given.
pub(crate) type Shared = State<Arc<App>>;

impl From<KeyConflict> for Problem {
    fn from(_: KeyConflict) -> Self {
        Self::key_conflict()
    }
}

/// A job of this account, or the answer that there is none.
pub(crate) fn find<'a>(records: &'a Records, account: &str, id: &str) -> Result<&'a Job, Problem> {
    records.job(account, id).ok_or_else(|| Problem::no_job(id))
}
