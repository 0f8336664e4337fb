//! The SDK against the sandbox, without sockets, on a paused clock, driven by a seed: random jobs, random faults on every
//! operation, crashes of the client, cancellations, a client whose wall clock is wrong and is set, a machine that sleeps, a
//! service that forgets idempotency keys, has its own names for states and refuses ranges. Afterwards the ledger and the disk
//! are checked against the invariants.
//!
//! One seed always gives the same run: the [`Report`] of [`run`] has a digest to compare.

use std::time::SystemTime;

use infrai_video_sandbox::{ClipFiles, Clock, Sandbox};
use sha2::{Digest as _, Sha256};
use tokio::time::{Duration, Instant, timeout};

use crate::life::Life;
use crate::process::Process;
use crate::stage::{Item, Stage};
use crate::{clip, faults, invariants};

/// 2026-01-01T00:00:00Z, since the epoch.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

/// The longest run on the simulated clock. A longer one hangs.
const LONGEST_RUN: Duration = Duration::from_secs(3 * 24 * 3600);

/// The outcome of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The number of requests to the sandbox.
    pub(crate) requests: usize,
    /// The number of times that the client crashed.
    pub(crate) crashes: u32,
    pub(crate) violations: Vec<String>,
    /// A hash of every request and every charge.
    pub(crate) digest: String,
}

/// Runs one seed.
pub(crate) fn run(seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(play(seed))
}

async fn play(seed: u64) -> Report {
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let poor = random.u8(..10) == 0;
    let habits = faults::habits(&mut random);
    let sandbox = Sandbox::builder()
        .seed(seed)
        .clock(Clock::real())
        .epoch(SystemTime::UNIX_EPOCH + NEW_YEAR)
        .starting_balance(if poor { 0.5 } else { 100.0 })
        .link_lifetime(Duration::from_secs(random.u64(30..900)))
        .faults(faults::faults(&mut random))
        .faults(habits.iter().cloned())
        .clip_source(|clip| ClipFiles { mp4: clip::of_prompt(&clip.prompt), thumbnail_jpeg: Vec::new() })
        .router();
    let items = (0..random.usize(1..=4)).map(|number| Item::new(number, poor, &mut random)).collect();
    let mut stage = Stage { sandbox, directory: directory.path().to_owned(), items, violations: Vec::new() };

    let started = Instant::now();
    let crashes = random.u32(0..5);
    for generation in 0..crashes {
        let life = Life::draw(generation, &mut random);
        live(&life, seed, generation, life.ends, &mut stage).await;
        // File work that was under way at the crash finishes first: until then the clock stands still.
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.sandbox.clock().advance(life.pause);
    }
    // The faults end, and one last process finishes everything that was stored.
    stage.sandbox.set_faults([vec![faults::slow_start().nth(1)], habits].concat());
    let life = Life::draw(crashes, &mut random);
    if !live(&life, seed, crashes, LONGEST_RUN, &mut stage).await {
        stage.violations.push("the last process did not finish".to_owned());
    }
    if started.elapsed() > LONGEST_RUN {
        stage.violations.push(format!("the run took {:?}", started.elapsed()));
    }
    let violations = invariants::violations(&stage);
    Report { seed, requests: stage.sandbox.journal().len(), crashes, violations, digest: digest(&stage) }
}

/// Runs a process for at most `limit`, on a machine that may sleep meanwhile. Returns whether the process finished.
async fn live(life: &Life, seed: u64, generation: u32, limit: Duration, stage: &mut Stage) -> bool {
    let sandbox = stage.sandbox.clone();
    let process = Process::new(seed, generation, life, stage);
    let run = timeout(limit, process.run());
    let sleep = async {
        if let Some((begins, lasts)) = life.sleep {
            tokio::time::sleep(begins).await;
            sandbox.clock().advance(lasts);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = run => ended.is_ok(),
        () = sleep => false,
    }
}

fn digest(stage: &Stage) -> String {
    let mut hash = Sha256::new();
    for seen in stage.sandbox.journal() {
        hash.update(serde_json::to_vec(&seen).expect("a request has a JSON form"));
    }
    hash.update(format!("{:?}", stage.sandbox.ledger()));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
