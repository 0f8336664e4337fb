//! What every part of a running sandbox shares.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use crate::allowed_hosts::AllowedHosts;
use crate::catalogue::{Catalogue, Quote};
use crate::clock::{ClockHandle, later};
use crate::cursor::Cursors;
use crate::faults::Faults;
use crate::gate::Gate;
use crate::ids::Seed;
use crate::journal::Journal;
use crate::limits::Limits;
use crate::links::Links;
use crate::problem::Problem;
use crate::resolution::frame_size;
use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::source::ClipRequest;
use crate::store::{Job, Store};
use crate::studio::Studio;
use crate::validate::Order;

/// One frame at 24 frames a second.
const SHORTEST_CLIP: Duration = Duration::from_millis(42);

pub(crate) struct App {
    pub(crate) seed: Seed,
    pub(crate) clock: ClockHandle,
    /// The builder's settings, without a scenario.
    pub(crate) base_settings: Settings,
    /// The settings that hold now.
    pub(crate) settings: RwLock<Settings>,
    /// Where the API is, without a slash at the end.
    pub(crate) api_base: String,
    /// Where the files are, without a slash at the end.
    pub(crate) file_base: String,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) store: Store,
    pub(crate) catalogue: RwLock<Catalogue>,
    pub(crate) cursors: Cursors,
    pub(crate) links: Links,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) studio: Studio,
    /// The number of the first request.
    pub(crate) first_request: u64,
    pub(crate) requests: AtomicU64,
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
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

    /// A new link to a file of a job, and when it expires: never after the clip itself.
    pub(crate) fn link(&self, job: &Job, kind: FileKind, now: Timestamp) -> (String, Timestamp) {
        let expires = self.link_expires(job, now);
        (format!("{}{}", self.file_base, self.links.sign(&kind.path(job), expires)), expires)
    }

    /// As [`App::link`], for somebody who watches the sandbox: the links of the API stay the same.
    pub(crate) fn link_to_show(&self, job: &Job, kind: FileKind, now: Timestamp) -> String {
        let expires = self.link_expires(job, now);
        format!("{}{}", self.file_base, self.links.sign_to_show(&kind.path(job), expires))
    }

    fn link_expires(&self, job: &Job, now: Timestamp) -> Timestamp {
        later(now, self.settings().link_lifetime).min(job.expires)
    }

    /// What is to be made for a job.
    pub(crate) fn clip_request(&self, job: &Job) -> ClipRequest {
        clip_request(self.seed, job)
    }

    /// Starts over with a scenario's settings and rules in place of those of the scenario before.
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
        self.links.reset();
        self.requests.store(self.first_request, Ordering::Relaxed);
        self.studio.forget_jobs();
    }
}

/// What is to be made for a job in a sandbox of this seed.
pub(crate) fn clip_request(seed: Seed, job: &Job) -> ClipRequest {
    let order = &job.order;
    let (width, height) = frame_size(&order.resolution, &order.aspect)
        .expect("a catalogue names only resolutions that can be rendered, and the aspect is checked");
    // The shortest durations that the contract allows are shorter than one frame.
    let duration = Duration::from_secs_f64(order.duration_seconds).max(SHORTEST_CLIP);
    ClipRequest { prompt: order.prompt.clone(), seed: seed.0, width, height, duration }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Clip,
    Thumbnail,
}

impl FileKind {
    /// The path of a job's file on the file host.
    fn path(self, job: &Job) -> String {
        match self {
            Self::Clip => format!("/clips/{}.mp4", job.id),
            Self::Thumbnail => format!("/thumbnails/{}.jpg", job.id),
        }
    }
}
