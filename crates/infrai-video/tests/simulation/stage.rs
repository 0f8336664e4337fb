//! What all processes of a run share: the service, the disk, and the records on it.

use std::path::PathBuf;
use std::time::SystemTime;

use fastrand::Rng;
use infrai_video::transport::TowerTransport;
use infrai_video::{Client, Submission};
use infrai_video_sandbox::{JobState as ServerState, SandboxRouter};
use tokio::time::Duration;

use crate::life::{LONGEST_JUMPS, Life};
use crate::support::client_of;

/// The state of a run.
pub(crate) struct Stage {
    pub(crate) sandbox: SandboxRouter,
    pub(crate) directory: PathBuf,
    pub(crate) items: Vec<Item>,
    pub(crate) violations: Vec<String>,
}

impl Stage {
    /// The client of a new process, without any state of an earlier one.
    pub(crate) fn client(&self, seed: u64, life: &Life) -> Client {
        let transport = TowerTransport::new(self.sandbox.clone());
        let client = client_of(self.sandbox.base_url()).with_seed(seed).with_transport(transport);
        client.with_wall_clock(life.wall_clock(&self.sandbox)).build().expect("the settings are valid")
    }
}

/// A requested clip and its records. The fields are stored on disk: they survive a crash.
pub(crate) struct Item {
    pub(crate) prompt: String,
    pub(crate) path: PathBuf,
    pub(crate) submission: Option<String>,
    pub(crate) job_id: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    /// Whether the job is to be deleted when it is final.
    pub(crate) tidy: bool,
    pub(crate) deleted: bool,
    /// The state of the job in the sandbox before it was deleted.
    pub(crate) last_state: Option<ServerState>,
    /// The last rejection because of the age of the idempotency key. Whether there is a job is then unknown.
    pub(crate) refused: Option<Refused>,
    /// The number of times that it was sent in spite of its age. Each may start another job.
    pub(crate) again: usize,
    pub(crate) cancel_after: Option<Duration>,
    pub(crate) curious: bool,
    pub(crate) insists: bool,
    pub(crate) keep_days: Option<u32>,
    /// When it was prepared, by the service's clock.
    pub(crate) prepared: Option<SystemTime>,
}

/// A submission that was not sent because of its age by the service's clock.
pub(crate) struct Refused {
    /// The time since it was prepared.
    pub(crate) age: Duration,
    /// The difference of its timestamp and the service's clock, in seconds.
    pub(crate) ahead: i64,
}

/// The final outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Saved,
    Failed,
    Cancelled,
    NoCredit,
}

impl Item {
    /// An account that cannot pay two jobs never insists: an unpaid second job would look like a missing one.
    pub(crate) fn new(number: usize, poor: bool, random: &mut Rng) -> Self {
        let fails = random.u8(..10) == 0;
        let cancel_after = (random.u8(..6) == 0).then(|| Duration::from_millis(random.u64(0..60_000)));
        let prompt = format!("scene {number} of {}{}", random.u32(..), if fails { " [fail]" } else { "" });
        Self {
            prompt,
            path: PathBuf::from(format!("clip-{number}.mp4")),
            submission: None,
            job_id: None,
            outcome: None,
            tidy: random.u8(..4) == 0,
            deleted: false,
            last_state: None,
            refused: None,
            again: 0,
            cancel_after,
            curious: random.bool(),
            insists: !poor && random.u8(..4) == 0,
            keep_days: random.bool().then(|| random.u32(LONGEST_JUMPS..=90)),
            prepared: None,
        }
    }

    /// The id of a final job that is still to be deleted.
    pub(crate) fn to_delete(&self) -> Option<&str> {
        let is_left = self.tidy && !self.deleted && self.outcome.is_some();
        self.job_id.as_deref().filter(|_| is_left)
    }
}

impl Refused {
    pub(crate) fn now(
        sandbox: &SandboxRouter,
        submission: &Submission,
        prepared: Option<SystemTime>,
    ) -> Self {
        let now = sandbox.clock().now();
        let prepared = prepared.unwrap_or(now);
        let age = now.duration_since(prepared).unwrap_or_default();
        let ahead = match SystemTime::try_from(submission.prepared_at())
            .expect("after 1970")
            .duration_since(prepared)
        {
            Ok(ahead) => ahead.as_secs() as i64,
            Err(behind) => -(behind.duration().as_secs() as i64),
        };
        Self { age, ahead }
    }

    /// Whether the key may be forgotten by the service's clock, or was minted in its future.
    pub(crate) fn is_right(&self) -> bool {
        const TOLERANCE: i64 = 600;
        let by_the_service = self.age.as_secs() as i64 - self.ahead;
        by_the_service >= 24 * 3600 - TOLERANCE || by_the_service <= 0
    }
}
