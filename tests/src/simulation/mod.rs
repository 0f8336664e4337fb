//! The SDK against the sandbox, with no sockets, on a paused clock, driven by a seed: random jobs, random faults on every
//! operation, random crashes of the client, random cancels, a client whose wall clock is wrong and is set, a machine that sleeps, a
//! service that forgets idempotency keys, spells states in its own way and refuses ranges. Afterwards the promises are held against
//! the ledger and the disk.
//!
//! One seed always gives the same run: [`run`] tells of it in a [`Report`] with a digest to compare.

mod chaos;
mod clip;
mod life;
mod process;
mod verdict;

use std::path::PathBuf;

use infrai_video::Client;
use infrai_video_sandbox::{ClipFiles, Clock, Sandbox, SandboxRouter};
use sha2::{Digest as _, Sha256};
use tokio::time::{Duration, Instant, timeout};

use crate::client_of;
use crate::transports::RouterTransport;
use life::Life;
use process::{Item, Process};

/// A run takes this long on the simulated clock at the very most, or something hangs.
const LONGEST_RUN: Duration = Duration::from_secs(3 * 24 * 3600);

/// What a run was like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The seed that repeats it.
    pub seed: u64,
    /// How many jobs were asked for.
    pub jobs: usize,
    /// How many requests the sandbox saw.
    pub requests: usize,
    /// How many times the client crashed.
    pub crashes: u32,
    /// Every promise that was broken.
    pub violations: Vec<String>,
    /// Stands for every request and every charge: equal for two runs of one seed.
    pub digest: String,
}

/// Plays one seed.
///
/// # Panics
///
/// Where the machine itself fails: no runtime, or no temporary directory.
pub fn run(seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(play(seed))
}

/// What all processes of a run share: the service, the disk, and what was stored on it.
struct Stage {
    sandbox: SandboxRouter,
    directory: PathBuf,
    items: Vec<Item>,
    complaints: Vec<String>,
}

impl Stage {
    /// A client as a process makes it: nothing of an earlier one's memory is in it.
    fn client(&self, seed: u64, life: &Life) -> Client {
        let transport = RouterTransport(self.sandbox.clone());
        let client = client_of(self.sandbox.base_url()).with_seed(seed).with_transport(transport);
        client.with_wall_clock(life.wall_clock(&self.sandbox)).build().expect("the settings are valid")
    }
}

async fn play(seed: u64) -> Report {
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let poor = random.u8(..10) == 0;
    let habits = chaos::habits(&mut random);
    let sandbox = Sandbox::builder()
        .seed(seed)
        .clock(Clock::real())
        .epoch("2026-01-01T00:00:00Z".parse().expect("a valid time"))
        .starting_balance(if poor { 0.5 } else { 100.0 })
        .link_lifetime(Duration::from_secs(random.u64(30..900)))
        .faults(chaos::faults(&mut random))
        .faults(habits.iter().cloned())
        .clip_source(|clip| ClipFiles { mp4: clip::of_prompt(&clip.prompt), thumbnail_jpeg: Vec::new() })
        .router();
    let items = (0..random.usize(1..=4)).map(|number| Item::new(number, poor, &mut random)).collect();
    let mut stage = Stage { sandbox, directory: directory.path().to_owned(), items, complaints: Vec::new() };

    let started = Instant::now();
    let crashes = random.u32(0..5);
    for generation in 0..crashes {
        let life = Life::draw(generation, &mut random);
        live(&life, seed, generation, life.ends, &mut stage).await;
        // File work that was under way when the process died comes to its end: the clock does not move before.
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.sandbox.clock().advance(life.pause);
    }
    // The network is well again, and one last process finishes what was stored.
    stage.sandbox.set_faults([vec![chaos::slow_start().nth(1)], habits].concat());
    let life = Life::draw(crashes, &mut random);
    if !live(&life, seed, crashes, LONGEST_RUN, &mut stage).await {
        stage.complaints.push("the last process never came to an end".to_owned());
    }
    if started.elapsed() > LONGEST_RUN {
        stage.complaints.push(format!("the run took {:?}", started.elapsed()));
    }
    let violations = verdict::violations(&stage);
    Report {
        seed,
        jobs: stage.items.len(),
        requests: stage.sandbox.journal().len(),
        crashes,
        violations,
        digest: digest(&stage),
    }
}

/// Lets a process run for at most so long, on a machine that may sleep meanwhile. Gives whether it came to its end.
async fn live(life: &Life, seed: u64, generation: u32, most: Duration, stage: &mut Stage) -> bool {
    let sandbox = stage.sandbox.clone();
    let process = Process::new(seed, generation, life, stage);
    let run = timeout(most, process.run());
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
