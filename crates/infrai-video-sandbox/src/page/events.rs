//! The stream that the page listens to: what there is when it connects, and from then on what changes.
//!
//! A job's state follows from the clock and is announced by nobody, so a listener's stream looks at the sandbox a few
//! times a second and tells what differs. Each look takes the store's lock for a moment and never while it waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::{StreamExt as _, future, stream};
use http::Uri;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::jobs::JobView;
use super::ready::{READY, Ready};
use super::samples::{Sample, samples};
use crate::api::Shared;
use crate::app::App;
use crate::faults::FaultRecord;
use crate::scenario::Scenario;
use crate::server::Stopping;
use crate::store::Stamp;

/// How often a stream looks, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// After so many looks without news a comment is sent, so that a connection that is gone is noticed.
const QUIET_LOOKS: u32 = 60;

/// How many jobs, movements of money and accounts are told at most: the newest, the newest, and the first by name.
const MOST_JOBS: usize = 100;
const MOST_ENTRIES: usize = 50;
const MOST_ACCOUNTS: usize = 200;

/// `GET /__sandbox/events`, with `?account=NAME` for one account alone.
///
/// It ends when the server is told to stop, which waits for the answers under way.
pub(super) async fn events(
    State(app): Shared,
    uri: Uri,
    stopping: Option<Extension<Stopping>>,
) -> impl IntoResponse {
    let query = uri.query().unwrap_or_default().as_bytes();
    let account = url::form_urlencoded::parse(query).find(|(name, _)| name == "account");
    let listener =
        Listener::new(app, account.map(|(_, name)| name.into_owned()).filter(|name| !name.is_empty()));
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

/// What never changes while a page is open.
#[derive(Serialize)]
struct Hello {
    version: &'static str,
    samples: &'static [Sample],
    scenarios: Vec<Scenario>,
}

#[derive(Serialize)]
struct Jobs {
    total: usize,
    /// Those that look different from before, the newest first.
    changed: Vec<JobView>,
    /// The numbers of those that are not among the newest any more.
    gone: Vec<u64>,
}

#[derive(Serialize)]
struct Switch {
    #[serde(flatten)]
    ready: Ready,
    on: bool,
}

/// One page that listens, and what it was told so far.
struct Listener {
    app: Arc<App>,
    account: Option<String>,
    ticks: Interval,
    quiet: u32,
    untold: VecDeque<Event>,
    greeted: bool,
    jobs: HashMap<u64, Stamp>,
    total: Option<usize>,
    revision: Option<u64>,
    began: u64,
    advanced: Option<Duration>,
    faults: Option<Vec<FaultRecord>>,
}

impl Listener {
    fn new(app: Arc<App>, account: Option<String>) -> Self {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            app,
            account,
            ticks,
            quiet: 0,
            untold: VecDeque::new(),
            greeted: false,
            jobs: HashMap::new(),
            total: None,
            revision: None,
            began: 0,
            advanced: None,
            faults: None,
        }
    }

    /// The next event, as soon as there is one.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.untold.pop_front() {
                self.quiet = 0;
                return event;
            }
            self.ticks.tick().await;
            self.look();
            self.quiet += 1;
            if self.quiet > QUIET_LOOKS {
                self.untold.push_back(Event::default().comment(""));
            }
        }
    }

    fn look(&mut self) {
        if !self.greeted {
            self.greeted = true;
            let hello = Hello {
                version: env!("CARGO_PKG_VERSION"),
                samples: samples(),
                scenarios: Scenario::all().collect(),
            };
            self.tell("hello", json!(hello));
        }
        // The clock comes first: what follows is told as of that time.
        let now = self.app.now();
        self.look_at_clock(now);
        self.look_at_store(now);
        self.look_at_faults();
    }

    fn look_at_clock(&mut self, now: Timestamp) {
        let advanced = self.app.clock.advanced();
        if self.advanced.replace(advanced) != Some(advanced) {
            self.tell("clock", json!({"now": now, "factor": self.app.clock.clock().factor()}));
        }
    }

    fn look_at_store(&mut self, now: Timestamp) {
        let glance = self.app.store.glance(now, self.account.as_deref(), MOST_JOBS);
        let there: HashSet<u64> = glance.newest.iter().map(|stamp| stamp.number).collect();
        // After a reset the numbers begin anew and stand for other jobs.
        let reset = std::mem::replace(&mut self.began, glance.began) != glance.began;
        let mut gone: Vec<u64> =
            self.jobs.keys().filter(|number| reset || !there.contains(number)).copied().collect();
        gone.sort_unstable();
        self.jobs.retain(|number, _| gone.binary_search(number).is_err());
        let changed: Vec<u64> = glance
            .newest
            .iter()
            .filter(|stamp| self.jobs.get(&stamp.number) != Some(stamp))
            .map(|stamp| stamp.number)
            .collect();
        let total = self.total.replace(glance.total);
        if total != Some(glance.total) || !gone.is_empty() || !changed.is_empty() {
            let changed = self.app.store.numbered(&changed);
            let changed = changed.iter().map(|job| JobView::of(&self.app, job, now)).collect();
            self.tell("jobs", json!(Jobs { total: glance.total, changed, gone }));
            self.jobs = glance.newest.into_iter().map(|stamp| (stamp.number, stamp)).collect();
        }
        if self.revision.replace(glance.revision) != Some(glance.revision) {
            let purse = self.app.store.purse(self.account.as_deref(), MOST_ACCOUNTS, MOST_ENTRIES);
            self.tell("ledger", json!(purse));
        }
    }

    fn look_at_faults(&mut self) {
        let active = self.app.faults.records();
        if self.faults.as_ref() == Some(&active) {
            return;
        }
        let switch = |ready: Ready| Switch { ready, on: ready.is_on(&active) };
        self.tell("faults", json!({"active": active, "ready": READY.map(switch)}));
        self.faults = Some(active);
    }

    fn tell(&mut self, name: &str, data: Value) {
        self.untold.push_back(Event::default().event(name).data(data.to_string()));
    }
}
