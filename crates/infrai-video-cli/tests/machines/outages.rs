//! Outages of the database.

use std::time::Duration;

use infrai_video_sandbox::{Clock, Sandbox};

use crate::fleet::Fleet;
use crate::postgres::Postgres;

const ITEMS: usize = 40;

/// How often all connections break, and the number of clips between two breaks.
const BREAKS: usize = 6;
const PER_BREAK: usize = 5;

const RUN: [&str; 5] = ["batch", "run", "plan.jsonl", "-q", "--output=clips"];
const DISCONNECT: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'm%'";

fn number(server: &Postgres, fleet: &Fleet, statement: &str) -> usize {
    server.query(&fleet.ledger, statement).parse().unwrap()
}

fn at_stage(server: &Postgres, fleet: &Fleet, stage: &str) -> usize {
    number(server, fleet, &format!("SELECT count(*) FROM items WHERE stage = '{stage}'"))
}

async fn scene(server: &Postgres) -> Fleet {
    let fleet = Fleet::new(Sandbox::builder().clock(Clock::manual()), server.database("clips")).await;
    fleet.plan("plan.jsonl", 0..ITEMS);
    assert!(fleet.run(["batch", "status"]).status.success());
    fleet
}

/// Each clip exists once and is charged once.
fn judge(server: &Postgres, fleet: &Fleet) {
    assert_eq!(at_stage(server, fleet, "saved"), ITEMS);
    assert_eq!((fleet.sandbox.jobs().len(), fleet.charges()), (ITEMS, ITEMS));
    let clips = fleet.path("clips").read_dir().unwrap().flatten();
    let names = clips.map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".mp4")).count(), ITEMS);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn broken_database_connections_cost_nothing() {
    let server = Postgres::start();
    let fleet = scene(&server).await;
    let (mut breaks, mut ended) = (0, 0);
    loop {
        let mut worker = fleet.start(&format!("m{}", ended + 1), &RUN);
        while worker.is_running() {
            fleet.sandbox.clock().advance(Duration::from_secs(1));
            // Between two statements or during one.
            let is_due = at_stage(&server, &fleet, "saved") >= PER_BREAK * breaks;
            if is_due && breaks < BREAKS && number(&server, &fleet, DISCONNECT) > 0 {
                breaks += 1;
            }
        }
        let (code, said) = worker.end();
        if code == Some(0) {
            break;
        }
        ended += 1;
        // The batch had not begun. One that has begun waits for the database.
        assert_eq!(code, Some(7), "{said}");
        assert!(said.contains("the ledger postgres:///clips cannot be used: "), "{said}");
        let next = "infrai-video batch run plan.jsonl -q --output=clips  (nothing is lost or charged twice)";
        assert!(said.contains(next), "{said}");
        server.query(&fleet.ledger, "UPDATE items SET lease_until = 0");
    }
    println!("{BREAKS} breaks, {ended} runs ended by them");
    assert!(ended <= BREAKS && breaks == BREAKS);
    judge(&server, &fleet);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn an_unavailable_database_pauses_a_batch_until_it_is_back() {
    let server = Postgres::start();
    let fleet = scene(&server).await;
    let batch = ["batch", "run", "plan.jsonl", "--output=clips"];
    let mut patient = fleet.start("m1", &batch);
    let impatient = fleet.start("m2", &[&batch[..], &["--max-pause=0"]].concat());
    while at_stage(&server, &fleet, "accepted") < 16 {}
    let outside = server.url("postgres");
    server.query(&outside, "ALTER DATABASE clips ALLOW_CONNECTIONS false");
    server.query(&outside, DISCONNECT);
    fleet.sandbox.clock().advance(Duration::from_secs(3600));
    let (code, said) = impatient.end();
    assert_eq!(code, Some(1), "{said}");
    let (reason, next) = said.rsplit_once("\nnext ").unwrap_or_else(|| panic!("{said}"));
    assert!(reason.contains("not currently accepting connections"), "{said}");
    assert!(
        next.contains("check INFRAI_LEDGER") && next.contains("(nothing is lost or charged twice)"),
        "{said}"
    );
    while !patient.stderr().contains("paused ") {
        assert!(patient.is_running(), "{}", patient.stderr());
    }

    let refused = fleet.run(RUN);
    assert_eq!(refused.status.code(), Some(7), "{refused:?}");
    server.query(&outside, "ALTER DATABASE clips ALLOW_CONNECTIONS true");
    // The other process could not release its leases.
    server.query(&fleet.ledger, "UPDATE items SET lease_until = 0");
    while patient.is_running() {
        fleet.sandbox.clock().advance(Duration::from_secs(3600));
        number(&server, &fleet, "SELECT 1");
    }
    let (code, said) = patient.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((said.matches("paused ").count(), said.matches("\nresuming ").count()), (1, 1), "{said}");
    judge(&server, &fleet);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn a_rejected_database_login_is_reported_at_once() {
    let server = Postgres::start();
    let mut fleet = scene(&server).await;
    let rules = server.query(&fleet.ledger, "SHOW hba_file");
    let rule = "COPY (VALUES ('local all keeper scram-sha-256'), ('local all all trust')) TO";
    server.query(&fleet.ledger, &format!("{rule} '{rules}'"));
    server.query(&fleet.ledger, "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'r1ght'");
    server.query(&fleet.ledger, "SELECT pg_reload_conf()");
    let right = fleet.ledger.clone();
    for (ledger, reason) in [
        (right.replace("user=postgres", "user=keeper&password=wr0ng"), "password authentication failed"),
        (right.replace("/clips?", "/nowhere?"), "database \"nowhere\" does not exist"),
        (right.replace("port=5432", "port=5433"), "No such file"),
    ] {
        fleet.ledger = ledger;
        let begun = std::time::Instant::now();
        let run = fleet.run(RUN);
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(7), "{said}");
        assert!(said.contains(reason) && !said.contains("wr0ng"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
async fn no_error_shows_the_password_of_the_database() {
    let server = Postgres::start();
    let mut fleet = scene(&server).await;
    let rules = server.query(&fleet.ledger, "SHOW hba_file");
    server.query(
        &fleet.ledger,
        &format!("COPY (VALUES ('local all keeper scram-sha-256'), ('local all all trust')) TO '{rules}'"),
    );
    server.query(&fleet.ledger, "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'r1ght'");
    server.query(&fleet.ledger, "SELECT pg_reload_conf()");
    let (_, host) = fleet.ledger.split_once("host=").unwrap();
    let directory = host.split('&').next().unwrap().to_owned();
    let url =
        |password: &str| format!("postgres://keeper:{password}@localhost/clips?host={directory}&port=5432");
    fleet.ledger = url("r1ght");
    let run = fleet.run(["batch", "status"]);
    assert!(run.status.success(), "{run:?}");

    for ledger in [
        url("s3cret"),
        "postgres://keeper:s3cret@localhost/clips?host=/nowhere".to_owned(),
        "postgres://keeper:s3cret@localhost:high/clips".to_owned(),
        "postgres://keeper:s3c/ret@localhost/clips".to_owned(),
        "postgres://localhost/clips?password=s3cret&host=/nowhere".to_owned(),
    ] {
        fleet.ledger = ledger;
        for args in [&["batch", "status"][..], &["batch", "run", "plan.jsonl", "-v"], &["resume", "--json"]] {
            let run = fleet.run(args);
            let said = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(7), "{}: {said}", fleet.ledger);
            assert!(!said.contains("s3c") && said.contains("next"), "{said}");
            assert!(run.stdout.is_empty());
        }
    }
}
