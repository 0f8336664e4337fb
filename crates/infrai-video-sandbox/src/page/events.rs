//! The event stream of the page: the whole state first, then changes.
//!
//! The state of a job follows from the clock without any notification, so the stream polls the sandbox a few times a second
//! and sends what differs. Each poll takes the lock of the store briefly, and never while it waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::{StreamExt as _, future, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::jobs::JobView;
use super::ready::{READY, Ready};
use super::requests::RequestSummary;
use super::samples::{Sample, samples};
use crate::app_state::{AppState, Shared};
use crate::faults::FaultRecord;
use crate::faults::scenario::Scenario;
use crate::network::peer::Stopping;
use crate::store::Stamp;
use crate::store::journal::JournalFilter;

/// The polling interval of a stream, in real time.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// After so many polls without a change a comment is sent, which detects a closed connection.
const KEEP_ALIVE_POLLS: u32 = 60;

/// The maximum number of jobs, requests, movements of money, and accounts: the newest, and the first accounts by name.
const MAX_JOBS: usize = 500;
const MAX_REQUESTS: usize = 200;
const MAX_ENTRIES: usize = 50;
const MAX_ACCOUNTS: usize = 200;

/// `GET /__sandbox/events`, with `?account=` for a single account, and `job`, `status` and `hide` for a part of its requests.
///
/// The stream ends when the server shuts down, which waits for responses in progress.
pub(super) async fn events(
    State(app): Shared,
    filter: JournalFilter,
    stopping: Option<Extension<Stopping>>,
) -> impl IntoResponse {
    let listener = Listener::new(app, filter);
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Sse::new(events.take_until(async move {
        match stopping {
            Some(Extension(stopping)) => stopping.wait().await,
            None => future::pending().await,
        }
    }))
}

/// What does not change while a page is open.
#[derive(Serialize)]
struct Hello {
    version: &'static str,
    samples: &'static [Sample],
    scenarios: Vec<Scenario>,
}

#[derive(Serialize)]
struct Jobs {
    total: usize,
    /// The jobs that changed, newest first.
    changed: Vec<JobView>,
    /// The numbers of the jobs that are no longer among the newest.
    gone: Vec<u64>,
}

#[derive(Serialize)]
struct Requests {
    /// The number of all requests in the journal.
    all: usize,
    /// The number of requests that were asked for.
    total: usize,
    /// The requests that are new or got their response, newest first.
    changed: Vec<RequestSummary>,
    /// The numbers of the requests that are no longer among the newest.
    gone: Vec<u64>,
}

#[derive(Serialize)]
struct Switch {
    #[serde(flatten)]
    ready: Ready,
    on: bool,
}

/// The state of one stream: what it has sent so far.
struct Listener {
    app: Arc<AppState>,
    filter: JournalFilter,
    ticks: Interval,
    idle_polls: u32,
    queued: VecDeque<Event>,
    greeted: bool,
    jobs: HashMap<u64, Stamp>,
    total: Option<usize>,
    revision: Option<u64>,
    began: u64,
    advanced: Option<Duration>,
    faults: Option<Vec<FaultRecord>>,
    journal: Option<u64>,
    /// The resets of the journal, and whether each request that was sent has its response.
    epoch: u64,
    requests: HashMap<u64, bool>,
}

impl Listener {
    fn new(app: Arc<AppState>, filter: JournalFilter) -> Self {
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            app,
            filter,
            ticks,
            idle_polls: 0,
            queued: VecDeque::new(),
            greeted: false,
            jobs: HashMap::new(),
            total: None,
            revision: None,
            began: 0,
            advanced: None,
            faults: None,
            journal: None,
            epoch: 0,
            requests: HashMap::new(),
        }
    }

    /// Waits for the next event.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.queued.pop_front() {
                self.idle_polls = 0;
                return event;
            }
            self.ticks.tick().await;
            self.poll();
            self.idle_polls += 1;
            if self.idle_polls > KEEP_ALIVE_POLLS {
                self.queued.push_back(Event::default().comment(""));
            }
        }
    }

    fn poll(&mut self) {
        if !self.greeted {
            self.greeted = true;
            let hello = Hello {
                version: env!("CARGO_PKG_VERSION"),
                samples: samples(),
                scenarios: Scenario::all().collect(),
            };
            self.send("hello", json!(hello));
        }
        // The clock comes first: the other events are as of that time.
        let now = self.app.now();
        self.poll_clock();
        self.poll_store(now);
        self.poll_faults();
        self.poll_journal();
    }

    fn poll_clock(&mut self) {
        let account = self.filter.account.as_deref();
        let ahead = account.map_or(Duration::ZERO, |account| self.app.store.ahead_of(account));
        let advanced = self.app.clock.advanced().saturating_add(ahead);
        if self.advanced.replace(advanced) != Some(advanced) {
            let now = self.app.now_for(account);
            self.send("clock", json!({"now": now, "factor": self.app.clock.clock().factor()}));
        }
    }

    fn poll_store(&mut self, now: Timestamp) {
        let summary = self.app.store.jobs_summary(now, self.filter.account.as_deref(), MAX_JOBS);
        let there: HashSet<u64> = summary.newest.iter().map(|stamp| stamp.number).collect();
        // After a reset the numbers start again and refer to other jobs.
        let reset = std::mem::replace(&mut self.began, summary.began) != summary.began;
        let mut gone: Vec<u64> =
            self.jobs.keys().filter(|number| reset || !there.contains(number)).copied().collect();
        gone.sort_unstable();
        self.jobs.retain(|number, _| gone.binary_search(number).is_err());
        let changed: Vec<u64> = summary
            .newest
            .iter()
            .filter(|stamp| self.jobs.get(&stamp.number) != Some(stamp))
            .map(|stamp| stamp.number)
            .collect();
        let total = self.total.replace(summary.total);
        if total != Some(summary.total) || !gone.is_empty() || !changed.is_empty() {
            let changed = self.app.store.numbered(&changed);
            let changed = changed.iter().map(|job| JobView::of(&self.app, job)).collect();
            self.send("jobs", json!(Jobs { total: summary.total, changed, gone }));
            self.jobs = summary.newest.into_iter().map(|stamp| (stamp.number, stamp)).collect();
        }
        if self.revision.replace(summary.revision) != Some(summary.revision) {
            let money =
                self.app.store.money_summary(self.filter.account.as_deref(), MAX_ACCOUNTS, MAX_ENTRIES);
            self.send("ledger", json!(money));
        }
    }

    fn poll_journal(&mut self) {
        // Read before the requests: a change in between is only seen twice.
        let revision = self.app.journal.revision();
        if self.journal.replace(revision) == Some(revision) {
            return;
        }
        let found = self.app.journal.newest(&self.filter, MAX_REQUESTS);
        let newest: HashMap<u64, bool> = found.newest.iter().copied().collect();
        // After a reset the numbers start again and refer to other requests.
        let reset = std::mem::replace(&mut self.epoch, found.epoch) != found.epoch;
        let mut gone: Vec<u64> =
            self.requests.keys().filter(|number| reset || !newest.contains_key(number)).copied().collect();
        gone.sort_unstable();
        let known = |number: &u64, is_done: &bool| !reset && self.requests.get(number) == Some(is_done);
        let changed = found.newest.iter().filter(|(number, is_done)| !known(number, is_done));
        let changed: Vec<u64> = changed.map(|(number, _)| *number).collect();
        let changed = self.app.journal.numbered(&changed, RequestSummary::of);
        self.requests = newest;
        self.send("requests", json!(Requests { all: found.all, total: found.total, changed, gone }));
    }

    fn poll_faults(&mut self) {
        let active = self.app.faults.records(None);
        if self.faults.as_ref() == Some(&active) {
            return;
        }
        let switch = |ready: Ready| Switch { ready, on: ready.is_on(&active) };
        self.send("faults", json!({"active": active, "ready": READY.map(switch)}));
        self.faults = Some(active);
    }

    fn send(&mut self, name: &str, data: Value) {
        self.queued.push_back(Event::default().event(name).data(data.to_string()));
    }
}
