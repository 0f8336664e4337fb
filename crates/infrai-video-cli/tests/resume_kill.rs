//! `generate` and `resume` are killed with SIGKILL at random moments. Every begun clip ends with one charge and one complete
//! clip; others cost nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox};
use tokio::task::yield_now;

/// Each lane makes its clips one after the other, concurrently with other lanes.
const LANES: usize = 4;
const CLIPS: usize = 12;

/// Maximum number of kills for one clip.
const KILLS: usize = 4;

/// Maximum number of requests of all lanes before a kill, and of scheduler turns after them: few or many.
const REQUESTS: usize = 10;
const TURNS: [usize; 2] = [100, 3_000];

#[derive(Default)]
struct Counts {
    begun: usize,
    not_begun: usize,
    kills: usize,
    finished_first: usize,
}

struct Lane {
    sandbox: Arc<Sandbox>,
    /// The directory of the clips and the ledger.
    directory: PathBuf,
    chance: Rng,
    counts: Counts,
}

impl Lane {
    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infrai-video"));
        command
            .args(args)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_API_KEY", "ifr_pk_proj_4f9d2c")
            .env("INFRAI_BASE_URL", self.sandbox.base_url())
            .env("INFRAI_STATE_DIR", self.directory.join("state"))
            .current_dir(self.directory.join("clips"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Kills a process at a random moment. Returns its exit code if it had exited before.
    async fn kill(&mut self, mut child: Child) -> Option<i32> {
        let requests = self.sandbox.journal().len() + self.chance.usize(..=REQUESTS);
        let most = *self.chance.choice(&TURNS).unwrap();
        let mut turns = self.chance.usize(1..most);
        while turns > 0 {
            if let Some(status) = child.try_wait().unwrap() {
                self.counts.finished_first += 1;
                return status.code();
            }
            if self.sandbox.journal().len() >= requests {
                turns -= 1;
            }
            yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.counts.kills += 1;
        None
    }

    async fn make(&mut self, prompt: &str, file: &str) {
        let child = self.start(&["generate", prompt, "--duration=0.5", "--no-check", "-o", file]);
        let mut end = self.kill(child).await;
        for _ in 0..self.chance.usize(..KILLS) {
            let child = self.start(&["resume"]);
            end = self.kill(child).await.or(end);
        }
        let mut last = self.start(&["resume"]);
        let code = tokio::task::spawn_blocking(move || last.wait().unwrap().code()).await.unwrap();
        assert_eq!(code, Some(0), "{prompt}: resume does not end well; before it {end:?}");
        let jobs = self.sandbox.jobs().into_iter().filter(|job| job.prompt == prompt).collect::<Vec<_>>();
        match jobs.as_slice() {
            [] => {
                self.counts.not_begun += 1;
                assert!(!self.clip(file).exists());
            }
            [job] => {
                self.counts.begun += 1;
                let whole = self.sandbox.clip_bytes(&job.job_id).await.unwrap();
                assert!(std::fs::read(self.clip(file)).unwrap() == whole, "{prompt}: the clip is not whole");
            }
            several => panic!("{prompt}: {} jobs", several.len()),
        }
    }

    fn clip(&self, file: &str) -> PathBuf {
        self.directory.join("clips").join(file)
    }
}

async fn run(sandbox: Arc<Sandbox>, directory: PathBuf, number: usize) -> Counts {
    for part in ["clips", "state"] {
        std::fs::create_dir_all(directory.join(part)).unwrap();
    }
    let chance = Rng::with_seed(number as u64);
    let mut lane = Lane { sandbox, directory, chance, counts: Counts::default() };
    for clip in 0..CLIPS {
        lane.make(&format!("lane {number} scene {clip}"), &format!("{clip}.mp4")).await;
    }
    assert_eq!(names(&lane.directory.join("clips")).len(), lane.counts.begun, "nothing else is left behind");
    assert_eq!(names(&lane.directory.join("state/ledger.db-workers")), Vec::<String>::new());
    lane.counts
}

fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_begun_clip_ends_with_one_charge_and_one_complete_clip() {
    let times = JobTimes {
        queued: Duration::from_millis(100),
        running: Duration::from_millis(300),
        per_clip_second: Duration::ZERO,
    };
    // Clips are slow enough to be interrupted, and some responses are lost.
    let faults = [
        Fault::on(Operation::Clip, Action::SlowBytes { chunk: 4096, pause: Duration::from_millis(10) }),
        Fault::on(Operation::Generate, Action::AcceptThenDrop).with_probability(0.2),
    ];
    let sandbox = Sandbox::builder().job_times(times).faults(faults).start().await.unwrap();
    let sandbox = Arc::new(sandbox);
    let directory = tempfile::tempdir().unwrap();
    let lanes: Vec<_> = (0..LANES)
        .map(|number| {
            tokio::spawn(run(Arc::clone(&sandbox), directory.path().join(number.to_string()), number))
        })
        .collect();
    let mut sums = Counts::default();
    for lane in lanes {
        let counts = lane.await.unwrap();
        sums.begun += counts.begun;
        sums.not_begun += counts.not_begun;
        sums.kills += counts.kills;
        sums.finished_first += counts.finished_first;
    }
    let ledger = sandbox.ledger();
    let mut charged: BTreeMap<String, usize> = BTreeMap::new();
    for charge in ledger.charges() {
        *charged.entry(charge.job_id.clone().unwrap()).or_default() += 1;
    }
    println!(
        "{} begun, {} charges, {} double charges, {} whole clips, {} not begun, {} kills ({} came too late)",
        sums.begun,
        ledger.charges().count(),
        ledger.double_charges(),
        sums.begun,
        sums.not_begun,
        sums.kills,
        sums.finished_first
    );
    assert_eq!((charged.len(), ledger.double_charges()), (sums.begun, 0));
    assert!(charged.values().all(|charges| *charges == 1));
    assert!(sums.kills >= LANES * CLIPS / 2, "the kills came too late");
    assert!(sums.begun >= LANES * CLIPS / 4, "the kills came too early");
}
