//! A persistent server is killed repeatedly while many connections submit to it. Its responses stay valid:
//! no accepted job is lost, none is charged twice, and every clip is complete.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use infrai_video::retry::RetryPolicy;
use infrai_video::wait::{PollBackoff, WaitErrorKind};
use infrai_video::{Client, IdempotencyKey};
use infrai_video_sandbox::Sandbox;
use serde::Deserialize;
use tokio::sync::watch;

const KILLS: u64 = 20;
const CONNECTIONS: usize = 16;
const BALANCE: f64 = 10_000.0;
const API_KEY: &str = "ifr_pk_proj_4f9d2c";

/// Number of consecutive submissions of the same scene: few enough for every kill to interrupt a rendering.
const PER_SCENE: u64 = 16;
/// One of this many submissions requests a job that fails, and is refunded.
const PER_FAILURE: u64 = 11;

/// The server in a separate process.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infrai-video"));
        command
            .args(["sandbox", "-q", "--port=0", "--clock=x60", &format!("--balance={BALANCE}"), "--persist"])
            .arg(directory)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the command starts");
        let mut url = String::new();
        let stdout = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut url).expect("stdout is text");
        assert!(url.starts_with("http://"), "the server does not start");
        Self { process, url: url.trim_end().to_owned() }
    }
}

impl Drop for Server {
    /// With SIGKILL, where there are signals.
    fn drop(&mut self) {
        self.process.kill().expect("the server still runs");
        self.process.wait().expect("the server is gone");
    }
}

/// What the clients know.
struct Record {
    next: AtomicU64,
    ends: AtomicBool,
    /// The job of each submission by its number.
    accepted: Mutex<BTreeMap<u64, String>>,
    acknowledged: watch::Sender<u64>,
    lost_answers: AtomicU64,
}

fn prompt(number: u64) -> String {
    let scene = number / PER_SCENE;
    if number.is_multiple_of(PER_FAILURE) {
        format!("scene {scene} [fail]")
    } else {
        format!("scene {scene}")
    }
}

fn client(url: &str) -> Client {
    let client = Client::builder(API_KEY).with_base_url(url).with_retry_policy(RetryPolicy::never());
    client.build().expect("the settings are right")
}

/// Submits a request. Returns the id of the job.
async fn submit(client: &Client, number: u64) -> Result<String, infrai_video::Error> {
    let key: IdempotencyKey = format!("order-{number}").parse().expect("it is a key");
    let request = client.generate(prompt(number)).duration_seconds(0.5).with_idempotency_key(key);
    Ok(request.submit().await?.id().to_string())
}

/// One connection: submits one clip after the other, each under its own key until there is a response.
async fn work(record: Arc<Record>, mut server: watch::Receiver<String>) {
    let mut url = server.borrow_and_update().clone();
    let mut client = self::client(&url);
    while !record.ends.load(Ordering::Relaxed) {
        let number = record.next.fetch_add(1, Ordering::Relaxed);
        let id = loop {
            match submit(&client, number).await {
                Ok(id) => break id,
                Err(error) => {
                    let status = error.status();
                    assert!(status.is_none(), "the server refuses what it should take: {error}");
                    record.lost_answers.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The server was killed. The next one may have started already.
            if *server.borrow() == url && server.changed().await.is_err() {
                return;
            }
            url.clone_from(&server.borrow_and_update());
            client = self::client(&url);
        };
        record.accepted.lock().expect("no test panicked").insert(number, id);
        record.acknowledged.send_modify(|count| *count += 1);
    }
}

#[derive(Deserialize)]
struct Ledger {
    balances: HashMap<String, f64>,
    entries: Vec<Entry>,
    double_charges: usize,
}

#[derive(Deserialize)]
struct Entry {
    kind: String,
    amount_usd: f64,
    job_id: Option<String>,
}

impl Ledger {
    async fn of(url: &str) -> Self {
        let response = reqwest::get(format!("{url}/__sandbox/ledger")).await.expect("a response");
        response.json().await.expect("a ledger")
    }

    fn jobs(&self, kind: &str) -> Vec<&str> {
        let entries = self.entries.iter().filter(|entry| entry.kind == kind);
        entries.map(|entry| entry.job_id.as_deref().expect("it belongs to a job")).collect()
    }
}

/// Waits for a job and downloads its clip. Returns the SHA-256 of the clip, or `None` for a failed job.
async fn finish(client: &Client, id: &str) -> Result<Option<String>, String> {
    let wait = client
        .job(id)
        .wait()
        .with_backoff(PollBackoff::fixed(Duration::from_millis(20)))
        .with_poll_failure_timeout(Duration::ZERO)
        .with_max_wait(Duration::from_secs(60));
    match wait.await {
        Ok(finished) => {
            let written = finished.download().to_writer(tokio::io::sink()).await;
            written.map(|written| Some(written.sha256)).map_err(|error| format!("{id}: {error}"))
        }
        Err(error) if matches!(error.kind(), WaitErrorKind::Failed) => Ok(None),
        Err(error) => Err(format!("{id}: {error}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_no_accepted_job_charge_none_twice_and_break_no_clip() {
    let directory = tempfile::tempdir().expect("a directory");
    let record = Arc::new(Record {
        next: AtomicU64::new(1),
        ends: AtomicBool::new(false),
        accepted: Mutex::default(),
        acknowledged: watch::Sender::new(0),
        lost_answers: AtomicU64::new(0),
    });
    let mut server = Server::start(directory.path());
    let tell = watch::Sender::new(server.url.clone());
    let workers: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(work(Arc::clone(&record), tell.subscribe()))).collect();

    let mut chance = fastrand::Rng::with_seed(0x5eed);
    let mut acknowledged = record.acknowledged.subscribe();
    for _ in 0..KILLS {
        let until = *acknowledged.borrow() + chance.u64(1..=30);
        acknowledged.wait_for(|count| *count >= until).await.expect("the record is still there");
        drop(server);
        server = Server::start(directory.path());
        tell.send_replace(server.url.clone());
    }
    record.ends.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("a worker ends without a surprise");
    }

    let accepted = record.accepted.lock().expect("no test panicked").clone();
    let client = client(&server.url);
    let mut found = BTreeMap::new();
    for (number, id) in &accepted {
        let again = submit(&client, *number).await;
        if again.as_ref().ok() == Some(id) {
            found.insert(*number, id.clone());
        } else {
            println!("submission {number} was job {id} and is now {again:?}");
        }
    }
    let lost = accepted.len() - found.len();
    let ends: Vec<_> = stream::iter(found)
        .map(|(number, id)| {
            let client = client.clone();
            async move { (number, finish(&client, &id).await) }
        })
        .buffer_unordered(8)
        .collect()
        .await;

    let mut broken = 0;
    let (mut failed, mut sums) = (HashSet::new(), HashMap::new());
    for (number, end) in ends {
        match end {
            Ok(Some(sum)) => {
                assert!(!number.is_multiple_of(PER_FAILURE), "submission {number} should have failed");
                // Equal scenes are equal files, however often they were rendered.
                if *sums.entry(prompt(number)).or_insert_with(|| sum.clone()) != sum {
                    println!("the clip of submission {number} differs from that of an equal one");
                    broken += 1;
                }
            }
            Ok(None) => {
                failed.insert(accepted[&number].as_str());
            }
            Err(error) => {
                println!("submission {number} has no clip: {error}");
                broken += 1;
            }
        }
    }
    for prompt in differing_from_a_quiet_run(&sums).await {
        println!("the clip of {prompt:?} is not what it should be");
        broken += 1;
    }

    let ledger = Ledger::of(&server.url).await;
    let charges = ledger.jobs("charge");
    let charged: HashSet<_> = charges.iter().copied().collect();
    let jobs: HashSet<_> = accepted.values().map(String::as_str).collect();
    let double = ledger.double_charges.max(charges.len() - charged.len());
    println!(
        "{} accepted, {lost} lost, {double} double charges, {broken} broken clips, {KILLS} kills \
         ({} pictures, {} failed jobs, {} lost responses)",
        accepted.len(),
        sums.len(),
        failed.len(),
        record.lost_answers.load(Ordering::Relaxed)
    );
    assert_eq!((lost, double, broken), (0, 0, 0));
    assert_eq!(charged, jobs, "every charge is for a job that its caller knows");
    let refunds = ledger.jobs("refund");
    assert_eq!((refunds.len(), refunds.into_iter().collect::<HashSet<_>>()), (failed.len(), failed));
    let sum: f64 = ledger.entries.iter().map(|entry| entry.amount_usd).sum();
    let balance: f64 = ledger.balances.values().sum();
    assert!((sum - balance).abs() < 1e-6, "{sum} is not {balance}");
    assert!(record.lost_answers.load(Ordering::Relaxed) >= KILLS, "the kills met no request");
}

/// The prompts of clips that differ from those of an undisturbed sandbox.
async fn differing_from_a_quiet_run(sums: &HashMap<String, String>) -> Vec<String> {
    let sandbox = Sandbox::builder().instant_jobs().prerender(false).start().await.expect("free ports");
    let client = client(sandbox.base_url());
    let mut some: Vec<_> = sums.iter().collect();
    some.sort();
    let mut differing = Vec::new();
    for (prompt, sum) in some.into_iter().step_by(8) {
        let job = client.generate(prompt).duration_seconds(0.5).submit().await.expect("a job").into_inner();
        if finish(&client, job.id()).await.expect("a clip").as_ref() != Some(sum) {
            differing.push(prompt.clone());
        }
    }
    differing
}
