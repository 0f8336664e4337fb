//! The facts about a request that handlers and fault rules use.

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;

use crate::app_state::AppState;
use crate::faults::{Action, Repetition};
use crate::model::operation::{Host, Operation};
use crate::quirks::Quirks;

/// The facts about a request before it is carried out. It is an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Call(Arc<Facts>);

#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) request_id: String,
    pub(crate) arrived: Timestamp,
    pub(crate) host: Host,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) operation: Option<Operation>,
    /// The account of the API key, or on the file host that of the job.
    pub(crate) account: Option<String>,
    pub(crate) fault: Option<Action>,
    /// The call that it retries, if that is still in progress.
    pub(crate) repetition: Option<Repetition>,
    /// The ways in which the server differs from the contract, for this call.
    pub(crate) quirks: Quirks,
}

impl Call {
    pub(crate) fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }

    /// The time of its account.
    pub(crate) fn now(&self, app: &AppState) -> Timestamp {
        app.now_for(self.account.as_deref())
    }

    /// The query, or an empty text.
    pub(crate) fn query(&self) -> &str {
        self.query.as_deref().unwrap_or_default()
    }
}

impl std::ops::Deref for Call {
    type Target = Facts;
    fn deref(&self) -> &Facts {
        &self.0
    }
}
