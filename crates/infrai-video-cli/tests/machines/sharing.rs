//! Processes that share a ledger with different plans and commands.

use std::time::Duration;

use infrai_video_sandbox::{Clock, Sandbox};
use serde_json::Value;

use crate::fleet::{Fleet, Worker};
use crate::postgres::Postgres;

/// One of two processes on the same batch.
fn run(fleet: &Fleet, name: &str, plan: &str) -> Worker {
    fleet.start(name, &["batch", "run", plan, "--output", &format!("{name}/clips"), "-j", "16", "-q"])
}

async fn still(server: &Postgres) -> Fleet {
    let fleet = Fleet::new(Sandbox::builder().clock(Clock::manual()), server.database("clips")).await;
    assert!(fleet.run(["batch", "status"]).status.success());
    fleet
}

/// Advances the clock until all processes have exited.
fn wait_for_exit<const N: usize>(
    server: &Postgres,
    fleet: &Fleet,
    mut workers: [Worker; N],
) -> [(Option<i32>, String); N] {
    while workers.iter_mut().any(Worker::is_running) {
        fleet.sandbox.clock().advance(Duration::from_secs(5));
        server.query(&fleet.ledger, "SELECT 1");
    }
    workers.map(Worker::end)
}

fn wait_until(server: &Postgres, fleet: &Fleet, condition: &str) {
    while server.query(&fleet.ledger, &format!("SELECT count(*) FROM items HAVING {condition}")).is_empty() {}
}

/// Each ignores the lines of the other, and neither waits for them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn two_versions_of_a_plan_run_concurrently() {
    let server = Postgres::start();
    let fleet = still(&server).await;
    fleet.plan("one/plan.jsonl", 0..40);
    fleet.plan("other/plan.jsonl", 20..60);
    let one = run(&fleet, "m1", "one/plan.jsonl");
    wait_until(&server, &fleet, "count(*) FILTER (WHERE stage = 'accepted') = 16");
    let other = run(&fleet, "m2", "other/plan.jsonl");
    wait_until(&server, &fleet, "count(*) FILTER (WHERE stage = 'accepted') = 32");
    // As if both had inserted their lines at the same moment, and neither knew those of the other.
    server.query(&fleet.ledger, "UPDATE items SET stage = 'planned', error = NULL WHERE stage = 'dropped'");
    for (code, said) in wait_for_exit(&server, &fleet, [one, other]) {
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(server.query(&fleet.ledger, "SELECT stage, count(*) FROM items GROUP BY stage"), "saved|60");
    assert_eq!((fleet.sandbox.jobs().len(), fleet.charges()), (60, 60));
}

/// Another process may be able to save a clip, so that neither keeps its lease, and neither waits for the other.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn two_processes_that_cannot_save_their_clips_do_not_wait_for_each_other() {
    let server = Postgres::start();
    let fleet = still(&server).await;
    fleet.plan("plan.jsonl", 0..20);
    let one = run(&fleet, "m1", "plan.jsonl");
    wait_until(&server, &fleet, "count(*) FILTER (WHERE stage = 'accepted') = 16");
    let other = run(&fleet, "m2", "plan.jsonl");
    wait_until(&server, &fleet, "count(*) FILTER (WHERE stage = 'accepted') = 20");
    for (name, scene) in ["m1", "m2"].iter().flat_map(|name| (0..20).map(move |scene| (name, scene))) {
        std::fs::write(fleet.path(&format!("{name}/clips/s{scene}.mp4")), "mine").unwrap();
    }
    for (code, said) in wait_for_exit(&server, &fleet, [one, other]) {
        assert_eq!(code, Some(13), "{said}");
        assert!(said.contains("20 of 20 items have no clip"), "{said}");
    }
    for scene in 0..20 {
        assert_eq!(std::fs::read(fleet.path(&format!("m1/clips/s{scene}.mp4"))).unwrap(), b"mine");
    }
    let resumed = fleet.run(["batch", "run", "plan.jsonl", "-q", "--output=clips"]);
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    assert_eq!((fleet.sandbox.jobs().len(), fleet.charges()), (20, 20));
}

/// The transactions of `m1` that insert into a table wait while the table `gate` has a row.
fn close_gate(server: &Postgres, fleet: &Fleet, table: &str) {
    let statements = format!(
        "CREATE TABLE gate AS SELECT true AS is_closed;
         CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             WHILE EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
             RETURN NULL;
         END $$;
         CREATE TRIGGER wait AFTER INSERT ON {table} FOR EACH ROW
             WHEN (current_setting('application_name') = 'm1') EXECUTE FUNCTION wait_at_gate();"
    );
    server.query(&fleet.ledger, &statements);
}

/// Suspends `m1` in a transaction, as a laptop is when it is closed: it keeps its connections.
fn suspend_in_transaction(server: &Postgres, fleet: &Fleet, m1: &mut Worker) {
    let waiting = "SELECT FROM pg_stat_activity WHERE application_name = 'm1' AND wait_event = 'PgSleep'";
    while server.query(&fleet.ledger, &format!("SELECT EXISTS ({waiting})")) == "f" {
        assert!(m1.is_running(), "{}", m1.stderr());
    }
    m1.signal("-STOP");
    server.query(&fleet.ledger, "DELETE FROM gate");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn a_process_that_is_suspended_in_a_transaction_does_not_hold_up_the_others() {
    // While the plan is stored, and while an accepted job is.
    for table in ["items", "charges"] {
        let server = Postgres::start();
        let mut fleet = still(&server).await;
        fleet.connect_over_tcp().await;
        fleet.plan("plan.jsonl", 0..4);
        close_gate(&server, &fleet, table);
        let mut sleeper = run(&fleet, "m1", "plan.jsonl");
        suspend_in_transaction(&server, &fleet, &mut sleeper);

        server.query(&fleet.ledger, "UPDATE items SET lease_until = 0");
        let [(code, said)] = wait_for_exit(&server, &fleet, [run(&fleet, "m2", "plan.jsonl")]);
        assert_eq!(code, Some(0), "{table}: {said}");
        sleeper.signal("-CONT");
        let [(code, said)] = wait_for_exit(&server, &fleet, [sleeper]);
        assert_eq!(code, Some(0), "{table}: {said}");
        assert_eq!((fleet.sandbox.jobs().len(), fleet.charges()), (4, 4), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn a_process_that_was_suspended_in_a_transaction_runs_it_again() {
    let server = Postgres::start();
    let mut fleet = still(&server).await;
    fleet.connect_over_tcp().await;
    close_gate(&server, &fleet, "charges");
    let mut sleeper = fleet.start("m1", &["generate", "a city", "--duration=0.5", "-o", "city.mp4"]);
    suspend_in_transaction(&server, &fleet, &mut sleeper);
    // It waits for the end of the transaction.
    server.query(&fleet.ledger, "DROP TRIGGER wait ON charges");
    sleeper.signal("-CONT");
    let [(code, said)] = wait_for_exit(&server, &fleet, [sleeper]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("without"), "{said}");
    let recorded = "SELECT stage, count(charges.*) FROM items LEFT JOIN charges ON item = id GROUP BY stage";
    assert_eq!((&*server.query(&fleet.ledger, recorded), fleet.charges()), ("saved|1", 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn status_and_resume_consider_other_machines() {
    let server = Postgres::start();
    let fleet = still(&server).await;
    fleet.plan("plan.jsonl", 0..20);
    let worker = run(&fleet, "m1", "plan.jsonl");
    wait_until(&server, &fleet, "count(*) FILTER (WHERE stage = 'accepted') = 16");
    let status = fleet.run(["batch", "status"]);
    assert_eq!(String::from_utf8(status.stdout).unwrap(), "plan\t20\t0\t16\t4\t0\n");
    let busy = fleet.run(["resume"]);
    let said = String::from_utf8(busy.stderr).unwrap();
    assert_eq!(said.matches("another process is working on it").count(), 16, "{said}");

    worker.kill();
    fleet.sandbox.clock().advance(Duration::from_secs(3600));
    server.query(&fleet.ledger, "UPDATE items SET lease_until = 0");
    let resumed = fleet.run(["resume", "--json"]);
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let lines = String::from_utf8(resumed.stdout).unwrap();
    let items: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(items.len(), 16, "what is not begun waits for its plan");
    for item in items {
        let clip = std::fs::read(item["path"].as_str().unwrap()).unwrap();
        assert_eq!(fleet.sandbox.clip_bytes(item["job_id"].as_str().unwrap()).await.unwrap(), clip);
    }
    let status = fleet.run(["batch", "status"]);
    assert_eq!(String::from_utf8(status.stdout).unwrap(), "plan\t20\t16\t0\t4\t0\n");
    assert_eq!((fleet.sandbox.jobs().len(), fleet.charges(), fleet.requests()), (16, 16, 16));
}

/// A line that was removed from the plan is dropped, unless another process has just begun it: then it is charged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn a_line_that_another_process_begins_is_not_dropped() {
    let server = Postgres::start();
    let fleet = Fleet::new(Sandbox::builder().instant_jobs(), server.database("clips")).await;
    fleet.plan("one/plan.jsonl", 0..2);
    fleet.plan("other/plan.jsonl", 1..3);
    let planned = fleet.run(["batch", "run", "one/plan.jsonl", "--max-jobs=0"]);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    // This happens between the query and the drop of a line.
    server.query(
        &fleet.ledger,
        "CREATE FUNCTION begin_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE items SET stage = 'sent' WHERE name = 's0'; RETURN NULL;
         END $$;
         CREATE TRIGGER begin_one AFTER INSERT ON items EXECUTE FUNCTION begin_one();",
    );
    let run = fleet.run(["batch", "run", "other/plan.jsonl", "-q", "--output=clips"]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let rows = server.query(&fleet.ledger, "SELECT name, stage FROM items ORDER BY name");
    assert_eq!(rows, "s0|saved\ns1|saved\ns2|saved");
    assert_eq!((fleet.sandbox.jobs().len(), fleet.charges()), (3, 3));
}

/// Two new requests at the same time would be two charges.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn a_new_request_of_another_process_is_not_repeated() {
    let server = Postgres::start();
    let fleet = Fleet::new(Sandbox::builder().instant_jobs(), server.database("clips")).await;
    std::fs::write(fleet.path("plan.jsonl"), "{\"prompt\": \"a [fail]\"}\n").unwrap();
    assert_eq!(fleet.run(["batch", "run", "plan.jsonl"]).status.code(), Some(13));
    let key = server.query(&fleet.ledger, "SELECT key FROM items");
    // This happens between the query and the lease of the item.
    server.query(
        &fleet.ledger,
        "CREATE FUNCTION be_quicker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.stage := 'saved'; NEW.attempt := 2; RETURN NEW;
         END $$;
         CREATE TRIGGER be_quicker BEFORE UPDATE ON items FOR EACH ROW
             WHEN (OLD.stage = 'failed') EXECUTE FUNCTION be_quicker();",
    );
    for args in [&["resume", &key, "--again"][..], &["batch", "retry", "plan", "--failed"]] {
        let run = fleet.run(args);
        assert_eq!(run.status.code(), Some(0), "{run:?}");
        assert_eq!((fleet.requests(), fleet.charges()), (1, 1));
        server.query(
            &fleet.ledger,
            "ALTER TABLE items DISABLE TRIGGER be_quicker; UPDATE items SET stage = 'failed', attempt = 1;
             ALTER TABLE items ENABLE TRIGGER be_quicker",
        );
    }
}
