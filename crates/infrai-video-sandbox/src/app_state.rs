//! The state that all requests of a running sandbox share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use jiff::Timestamp;

use crate::clips::clip_cache::ClipCache;
use crate::clips::links::{FileKind, Links};
use crate::clips::source::ClipRequest;
use crate::clock::ClockHandle;
use crate::faults::Faults;
use crate::faults::scenario::Scenario;
use crate::model::catalogue::{Catalogue, Quote};
use crate::model::cursor::Cursors;
use crate::model::ids::Seed;
use crate::model::order::Order;
use crate::model::problem::Problem;
use crate::model::resolution::frame_size;
use crate::model::settings::Settings;
use crate::model::time::later;
use crate::network::admin_auth::AdminAuth;
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::allowed_origins::AllowedOrigins;
use crate::network::limits::Limits;
use crate::quirks::Quirk;
use crate::quirks::first_calls::FirstCalls;
use crate::store::journal::{Journal, RequestObserver};
use crate::store::{Job, Store};

/// One frame at 24 frames a second.
const SHORTEST_CLIP: Duration = Duration::from_millis(42);

/// The lifetime of links with [`Quirk::ShortLinks`]. They expire at whole seconds: this is at least one second.
const SHORT_LINK: Duration = Duration::from_nanos(1_999_999_999);

/// The state of axum's handlers.
pub(crate) type Shared = State<Arc<AppState>>;

pub(crate) struct AppState {
    pub(crate) seed: Seed,
    pub(crate) clock: ClockHandle,
    /// The builder's settings, without a scenario.
    pub(crate) base_settings: Settings,
    /// The current settings.
    pub(crate) settings: RwLock<Settings>,
    /// The base URL of the API, without a slash at the end.
    pub(crate) api_base: String,
    /// The base URL of the file host, without a slash at the end.
    pub(crate) file_base: String,
    pub(crate) limits: Limits,
    pub(crate) admin_auth: AdminAuth,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) allowed_origins: Arc<AllowedOrigins>,
    /// Called with each request of the journal after its response was decided.
    pub(crate) on_request: Option<RequestObserver>,
    pub(crate) store: Store,
    pub(crate) catalogue: RwLock<Catalogue>,
    pub(crate) cursors: Cursors,
    pub(crate) links: Links,
    pub(crate) faults: Faults,
    pub(crate) first_calls: FirstCalls,
    pub(crate) journal: Journal,
    pub(crate) clips: ClipCache,
    /// The number of the first request.
    pub(crate) first_request: u64,
    pub(crate) requests: AtomicU64,
}

impl AppState {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.timestamp()
    }

    /// The time of an account, or of the sandbox.
    pub(crate) fn now_for(&self, account: Option<&str>) -> Timestamp {
        let now = self.now();
        account.map_or(now, |account| self.store.time_of(account, now))
    }

    pub(crate) fn settings(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_request_id(&self, at: Timestamp) -> String {
        self.seed.id("req_", at, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn quote(&self, order: &Order) -> Result<Quote, Problem> {
        self.catalogue.read().unwrap_or_else(PoisonError::into_inner).quote(order)
    }

    /// A new link to a file of a job, and its expiry, which is never after that of the clip.
    pub(crate) fn link(&self, job: &Job, kind: FileKind, now: Timestamp) -> (String, Timestamp) {
        let mut expires = self.link_expires(job, now);
        if self.settings().quirks.has(Quirk::ShortLinks) {
            expires = expires.min(later(now, SHORT_LINK));
        }
        (format!("{}{}", self.file_base, self.links.sign(&kind.path(&job.id), expires)), expires)
    }

    /// Like [`AppState::link`], for the admin API: does not change the numbering of the API's links.
    pub(crate) fn link_to_show(&self, job: &Job, kind: FileKind, now: Timestamp) -> String {
        let expires = self.link_expires(job, now);
        format!("{}{}", self.file_base, self.links.sign_to_show(&kind.path(&job.id), expires))
    }

    fn link_expires(&self, job: &Job, now: Timestamp) -> Timestamp {
        later(now, self.settings().link_lifetime).min(job.expires)
    }

    /// The request for the clip of a job.
    pub(crate) fn clip_request(&self, job: &Job) -> ClipRequest {
        clip_request(self.seed, job)
    }

    /// Resets the sandbox and starts a scenario.
    pub(crate) fn play(&self, scenario: &Scenario) {
        let settings = scenario.over(self.base_settings);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        self.faults.replace(scenario.faults().to_vec());
        self.reset();
    }

    pub(crate) fn reset(&self) {
        self.store.reset(self.settings().starting_balance);
        self.journal.reset();
        self.faults.reset();
        self.first_calls.reset();
        self.links.reset();
        self.requests.store(self.first_request, Ordering::Relaxed);
        self.clips.forget_jobs();
    }

    /// Resets an account alone.
    pub(crate) fn reset_account(&self, account: &str) {
        let jobs = self.store.reset_account(self.now(), account);
        jobs.iter().for_each(|job| self.clips.job_deleted(&self.clip_request(job)));
        self.journal.reset_account(account);
        self.faults.reset_account(account);
        self.first_calls.reset_account(account);
    }
}

/// The request for the clip of a job in a sandbox with this seed.
pub(crate) fn clip_request(seed: Seed, job: &Job) -> ClipRequest {
    let order = &job.order;
    let (width, height) = frame_size(&order.resolution, &order.aspect)
        .expect("a catalogue names only known resolutions, and the aspect was validated");
    // The shortest durations that the contract allows are shorter than one frame.
    let duration = Duration::from_secs_f64(order.duration_seconds).max(SHORTEST_CLIP);
    ClipRequest { prompt: order.prompt.clone(), seed: seed.0, width, height, duration }
}
