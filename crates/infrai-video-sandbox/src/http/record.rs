//! Requests as the journal and the observer get them.

use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::api::envelope;
use crate::app_state::AppState;
use crate::model::operation::Host;
use crate::model::problem::Problem;
use crate::model::time::system_time;
use crate::store::journal::{self, Seen, Ticket};
use crate::store::redaction;

/// The entry of a request in the journal, and a copy for the observer, which gets it when this is dropped: also if the caller
/// gives up. A reset may remove the entry before.
pub(super) struct Record<'a> {
    app: &'a AppState,
    ticket: Ticket,
    observed: Option<Seen>,
    /// In real time, which a test can pause.
    arrived: Instant,
}

impl<'a> Record<'a> {
    /// Adds a request to the journal.
    pub(super) fn open(app: &'a AppState, seen: Seen) -> Self {
        let observed = app.on_request.as_ref().map(|_| seen.clone());
        let ticket = app.journal.open(seen);
        let observed = observed.map(|observed| Seen { sequence: ticket.sequence(), ..observed });
        Self { app, ticket, observed, arrived: Instant::now() }
    }

    pub(super) fn amend(&mut self, change: impl Fn(&mut Seen)) {
        self.app.journal.amend(self.ticket, &change);
        self.observed.iter_mut().for_each(change);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let duration = self.arrived.elapsed();
        self.amend(|seen| seen.duration = Some(duration));
        if let (Some(observer), Some(seen)) = (&self.app.on_request, &self.observed) {
            observer(seen);
        }
    }
}

/// What a request line and headers say, without secrets.
pub(super) fn seen(
    host: Host,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    at: Timestamp,
    request_id: String,
) -> Seen {
    Seen {
        sequence: 0,
        at: system_time(at),
        host,
        method: method.to_string(),
        path: redaction::in_path(uri.path()),
        query: uri.query().map(redaction::in_query),
        headers: journal::shown(headers),
        authorization: headers.contains_key(AUTHORIZATION),
        body: None,
        operation: None,
        account: None,
        job_id: None,
        status: None,
        cost_usd: None,
        fault: None,
        request_id,
        duration: None,
        response_headers: Vec::new(),
        response_body: None,
        response_bytes: None,
    }
}

/// The response to a request that is rejected before it becomes a call. Only the observer gets it: it is not in the journal, and
/// no fault rule applies.
pub(super) fn reject(
    app: &AppState,
    host: Host,
    head: (&Method, &Uri, &HeaderMap),
    problem: &Problem,
) -> Response {
    if let Some(observer) = &app.on_request {
        let now = app.now();
        let status = Some(problem.status.as_u16());
        observer(&Seen { status, ..seen(host, head, now, app.next_request_id(now)) });
    }
    envelope::refusal(app, host, problem)
}
