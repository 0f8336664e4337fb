//! Machines share a plan and are killed one after the other. In the end every clip exists once and is charged once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use infrai_video_sandbox::{JobTimes, Operation, Sandbox};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fleet::{Fleet, Worker, read};
use crate::postgres::Postgres;

const ITEMS: usize = 500;
const WORKERS: usize = 4;
const KILLS: usize = 16;

/// Determines who is killed and when, unless `INFRAI_VIDEO_SEED` is set.
const SEED: u64 = 0x5eed;

/// After this many kills one worker is suspended, as a sleeping machine, until others have taken over its items.
const PER_STOP: usize = 6;

/// The number of changes of the ledger in a run without kills. An item has five.
const CHANGES: u64 = 5 * ITEMS as u64;

/// Long enough for kills during all states, and for all kills before the last item is saved.
const TIMES: JobTimes = JobTimes {
    queued: Duration::from_millis(300),
    running: Duration::from_millis(1700),
    per_clip_second: Duration::ZERO,
};

/// Long enough for kills while responses are pending.
const LATENCY: Duration = Duration::from_millis(50);

/// Makes the database record who changes what: each process connects under its own name.
const NOTES: &str = "
    CREATE TABLE notes (at BIGSERIAL, actor TEXT, id TEXT, had TEXT, has TEXT, was TEXT, stage TEXT);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO notes (actor, id, had, has, was, stage)
        VALUES (current_setting('application_name'), NEW.id, OLD.worker, NEW.worker, OLD.stage, NEW.stage);
        RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW
        WHEN (OLD.stage IS DISTINCT FROM NEW.stage OR OLD.worker IS DISTINCT FROM NEW.worker)
        EXECUTE FUNCTION note();";

struct Scene {
    fleet: Fleet,
    server: Postgres,
    started: usize,
}

impl Scene {
    async fn new(server: Postgres) -> Self {
        let builder = Sandbox::builder().job_times(TIMES).latency(LATENCY);
        let fleet = Fleet::new(builder, server.database("clips")).await;
        fleet.plan("plan.jsonl", 0..ITEMS);
        let made = fleet.run(["batch", "status"]);
        assert!(made.status.success(), "{made:?}");
        server.query(&fleet.ledger, NOTES);
        Self { fleet, server, started: 0 }
    }

    /// Starts a worker. Returns its name.
    fn start(&mut self) -> (String, Worker) {
        self.started += 1;
        let name = format!("m{}", self.started);
        let output = format!("{name}/clips");
        let worker = self.fleet.start(
            &name,
            &["batch", "run", "plan.jsonl", "--output", &output, "-j", "16", "--timeout", "2m", "-q"],
        );
        (name, worker)
    }

    fn number(&self, statement: &str) -> u64 {
        let answer = self.server.query(&self.fleet.ledger, statement);
        answer.parse().unwrap_or_else(|error| panic!("{statement}: {answer:?}: {error}"))
    }

    fn changes(&self) -> u64 {
        self.number("SELECT count(*) FROM notes")
    }

    /// Waits for this many more changes of the ledger, or until all items are saved.
    fn wait_for_changes(&self, more: u64) {
        let until = self.changes() + more;
        while self.changes() < until && self.saved() < ITEMS as u64 {}
    }

    fn saved(&self) -> u64 {
        self.number("SELECT count(*) FROM items WHERE stage = 'saved'")
    }

    /// The worker id in the ledger, as SQL.
    fn id(name: &str) -> String {
        format!("(SELECT DISTINCT has FROM notes WHERE actor = '{name}' AND has IS NOT NULL)")
    }

    /// The number of items that a worker holds.
    fn held(&self, name: &str) -> u64 {
        self.number(&format!("SELECT count(*) FROM items WHERE worker = {}", Self::id(name)))
    }

    /// Makes the leases of a worker expire.
    fn expire(&self, name: &str) {
        let statement = format!("UPDATE items SET lease_until = 0 WHERE worker = {}", Self::id(name));
        self.server.query(&self.fleet.ledger, &statement);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn sixteen_kills_of_machines_that_share_a_plan_lose_no_clip_and_charge_none_twice() {
    let seed = std::env::var("INFRAI_VIDEO_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut scene = Scene::new(Postgres::start()).await;
    let mut workers: Vec<(String, Worker)> = (0..WORKERS).map(|_| scene.start()).collect();

    // The leases of the first dead worker expire without help.
    let (first, worker) = workers.remove(chance.usize(..WORKERS));
    while scene.held(&first) == 0 {}
    worker.kill();
    assert!(scene.held(&first) > 0, "it finished everything before it was killed");
    workers.push(scene.start());

    let (mut met, mut stopped) = (BTreeMap::<String, u64>::new(), Vec::new());
    for kill in 1..KILLS {
        // On a busy machine more changes happen before each kill, and the kills that are left come sooner.
        let left = CHANGES.saturating_sub(scene.changes()) / (KILLS - kill + 1) as u64;
        scene.wait_for_changes(chance.u64(1..=left.max(1)));
        let (name, worker) = workers.remove(chance.usize(..workers.len()));
        worker.kill();
        let held =
            format!("SELECT stage, count(*) FROM items WHERE worker = {} GROUP BY stage", Scene::id(&name));
        for row in scene.server.query(&scene.fleet.ledger, &held).lines() {
            let (stage, count) = row.split_once('|').unwrap();
            *met.entry(stage.to_owned()).or_default() += count.parse::<u64>().unwrap();
        }
        scene.expire(&name);
        workers.push(scene.start());
        if kill.is_multiple_of(PER_STOP) {
            stopped.push(sleep_through_leases(&scene, &mut workers, &mut chance));
        }
    }
    for (name, worker) in workers {
        let (code, said) = worker.end();
        assert_eq!(code, Some(0), "{name}: {said}");
    }
    assert!(!stopped.is_empty());

    let clips = clips_on_the_disk(&scene).await;
    let keys = keys_by_prompt(&scene);
    let took_over = "SELECT count(*) FROM notes WHERE had <> has";
    let by_itself = format!("{took_over} AND had = {}", Scene::id(&first));
    println!(
        "{ITEMS} items, {} jobs, {} charges, {clips} clips, {KILLS} kills, {} taken over ({} of them by a lease that ran \
         out, {} stopped machines), {} requests for generate; the kills met {met:?}",
        scene.fleet.sandbox.jobs().len(),
        scene.fleet.charges(),
        scene.number(took_over),
        scene.number(&by_itself),
        stopped.len(),
        scene.fleet.requests(),
    );
    assert_eq!((scene.fleet.sandbox.jobs().len(), scene.fleet.charges(), clips), (ITEMS, ITEMS, ITEMS));
    assert_eq!(keys.len(), ITEMS);
    for (prompt, keys) in keys {
        assert_eq!(keys.len(), 1, "{prompt:?} was asked for under {keys:?}");
    }
    assert!(scene.number(&by_itself) > 0, "nobody waited for a lease");
    assert_eq!(scene.number("SELECT count(*) FROM items WHERE worker IS NOT NULL"), 0);
    assert_eq!(foreign_writes(&scene), "");
}

/// Suspends a worker that holds items until others have taken them over, then resumes it. Returns its name.
fn sleep_through_leases(
    scene: &Scene,
    workers: &mut [(String, Worker)],
    chance: &mut fastrand::Rng,
) -> String {
    let (name, worker) = &mut workers[chance.usize(..WORKERS)];
    while scene.held(name) == 0 && worker.is_running() {}
    worker.signal("-STOP");
    scene.expire(name);
    while scene.held(name) > 0 {}
    worker.signal("-CONT");
    name.clone()
}

/// The number of items that have their own clip at its path.
async fn clips_on_the_disk(scene: &Scene) -> usize {
    let status = scene.fleet.run(["batch", "status", "plan", "--json"]);
    let report: Value = serde_json::from_slice(&status.stdout).unwrap();
    let mut jobs = HashSet::new();
    for item in report["items"].as_array().unwrap() {
        assert_eq!(item["state"], "saved", "{item}");
        let (job, path) = (item["job_id"].as_str().unwrap(), item["path"].as_str().unwrap());
        assert!(jobs.insert(job.to_owned()), "two items have the job {job}");
        let clip = read(path.as_ref());
        assert_eq!(scene.fleet.sandbox.clip_bytes(job).await.unwrap(), clip, "{item}");
        let sum: String = Sha256::digest(&clip).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(item["sha256"], sum, "{item}");
    }
    jobs.len()
}

fn keys_by_prompt(scene: &Scene) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::<_, BTreeSet<_>>::new();
    for seen in scene.fleet.sandbox.journal() {
        if seen.operation == Some(Operation::Generate) {
            let prompt = seen.json().unwrap()["prompt"].as_str().unwrap().to_owned();
            keys.entry(prompt).or_default().insert(seen.header("idempotency-key").unwrap().to_owned());
        }
    }
    keys
}

/// Changes of items by workers that did not hold them.
fn foreign_writes(scene: &Scene) -> String {
    let statement = "
        WITH ids AS (SELECT DISTINCT actor, has AS id FROM notes WHERE has IS NOT NULL AND has IS DISTINCT FROM had)
        SELECT notes.* FROM notes WHERE stage <> was AND NOT EXISTS (
            SELECT FROM ids WHERE ids.actor = notes.actor AND ids.id = notes.had)";
    scene.server.query(&scene.fleet.ledger, statement)
}
