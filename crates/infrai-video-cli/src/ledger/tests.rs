use std::sync::Arc;
use std::time::Duration;

use super::charges::Charge;
use super::*;
use crate::args::ClipRequest;
use crate::money::Usd;

#[cfg(feature = "postgres")]
#[path = "../../tests/machines/postgres.rs"]
mod postgres;

const SERVICE: &str = "http://127.0.0.1:1";

/// The location of a test's ledger.
struct Fixture {
    directory: tempfile::TempDir,
    /// `None` for a file.
    database: Option<Location>,
}

impl Fixture {
    fn with_a_file() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: None }
    }

    #[cfg(feature = "postgres")]
    fn with_postgres() -> Self {
        use std::sync::OnceLock;

        // Never dropped: its guard process stops it after the tests.
        static SERVER: OnceLock<postgres::Postgres> = OnceLock::new();
        let name = uuid::Uuid::now_v7().simple().to_string();
        let url = SERVER.get_or_init(postgres::Postgres::start).database(&name);
        let database = Location::of_option(&url).unwrap();
        Self { database: Some(database), ..Self::with_a_file() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("state %20 dir/../state %20 dir/ledger #1?%41.db")
    }

    async fn open(&self) -> Ledger {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<Ledger, LedgerError> {
        let file = || Location::File(self.file());
        Ledger::open(&self.database.clone().unwrap_or_else(file), || ()).await
    }
}

/// Runs each test with a file, and with PostgreSQL if the feature is on and ignored tests are included.
macro_rules! with_each_database {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Fixture::with_a_file()).await;
            })*
        }

        #[cfg(feature = "postgres")]
        mod on_postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
            async fn $test() {
                super::$test(super::Fixture::with_postgres()).await;
            })*
        }
    };
}

with_each_database! {
    another_process_reads_a_stored_item
    one_process_holds_an_item_until_it_dies
    a_process_never_leases_its_own_item_again
    a_saved_item_has_no_lease
    numbers_can_be_null_and_set_later
    two_processes_insert_the_same_plan_concurrently
    a_long_plan_is_inserted_whole
    services_do_not_share_items
    a_ledger_of_version_1_is_migrated_without_loss
    each_job_has_one_charge_and_keeps_its_time
    a_wait_that_nobody_watched_has_no_duration
    what_the_charges_leave_out_is_counted
    a_ledger_of_another_version_is_rejected
}

/// Makes all leases expire.
async fn expire(ledger: &Ledger) {
    ledger.database.execute("UPDATE items SET lease_until = 0", Vec::new()).await.unwrap();
}

fn item(id: &str, line: i64) -> Item {
    let request = ClipRequest {
        prompt: "a city".to_owned(),
        duration_seconds: Some(2.5),
        resolution: None,
        aspect_ratio: None,
        prefer: None,
        reference_image_url: None,
    };
    let destination = Destination::File("/clips/a.mp4".into());
    Item {
        batch: Some("plan".to_owned()),
        line: Some(line),
        ..Item::planned(SERVICE, id, format!("key-{id}"), &request, destination)
    }
}

async fn another_process_reads_a_stored_item(fixture: Fixture) {
    let ledger = fixture.open().await;
    assert_eq!(ledger.add(&[item("a", 1)]).await.unwrap(), 1);
    assert_eq!(ledger.add(&[item("a", 7)]).await.unwrap(), 0, "an existing item stays");
    let mut taken = ledger.lease(SERVICE, Selection::One("a")).await.unwrap().remove(0);
    assert_eq!((taken.line, taken.seconds, taken.prompt().as_str()), (Some(1), Some(2.5), "a city"));
    taken.stage = Stage::Saved;
    taken.job_id = Some("vj_1".to_owned());
    taken.cost_usd = Some(0.2);
    taken.bytes = Some(5_000_000_000);
    ledger.write(&taken, &mut JobFacts::default()).await.unwrap();
    ledger.close().await;

    let read = fixture.open().await.find(SERVICE, "vj_1").await.unwrap().unwrap();
    assert_eq!(read, Item { worker: None, ..taken });
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_ledger() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::with_a_file();
    let ledger = fixture.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let directory = fixture.file().parent().unwrap().to_owned();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    for entry in directory.read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
    }
}

async fn one_process_holds_an_item_until_it_dies(fixture: Fixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    for line in 1..=3 {
        one.add(&[item(&format!("i{line}"), line)]).await.unwrap();
    }
    let free = async |ledger: &Ledger| ledger.free_items(SERVICE, Pending::Planned, "plan").await.unwrap();
    let all = free(&one).await;
    assert_eq!(all, ["i1", "i2", "i3"]);
    let first = one.lease(SERVICE, Selection::Pending(Pending::Planned, &all[..2], 100)).await.unwrap();
    assert_eq!(first.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i1", "i2"]);
    assert_eq!(free(&other).await, ["i3"]);
    let rest = other.lease(SERVICE, Selection::Pending(Pending::Planned, &all, 100)).await.unwrap();
    assert_eq!(rest.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i3"]);
    assert!(matches!(other.write(&first[0], &mut JobFacts::default()).await, Err(LedgerError::Lost)));

    // A killed process releases only its lock. On other machines its lease must expire.
    drop(one);
    if other.is_shared() {
        assert!(free(&other).await.is_empty());
        expire(&other).await;
    }
    let left = other.lease(SERVICE, Selection::Pending(Pending::Planned, &all, 100)).await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(other.write(&first[0], &mut JobFacts::default()).await.is_ok());
}

async fn a_process_never_leases_its_own_item_again(fixture: Fixture) {
    let ledger = fixture.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    assert_eq!(ledger.lease(SERVICE, Selection::One("a")).await.unwrap().len(), 1);
    expire(&ledger).await;
    assert!(ledger.lease(SERVICE, Selection::One("a")).await.unwrap().is_empty());
    assert!(ledger.free_items(SERVICE, Pending::Planned, "plan").await.unwrap().is_empty());
    let other = fixture.open().await;
    assert_eq!(other.lease(SERVICE, Selection::One("a")).await.unwrap().len(), 1);
}

async fn a_saved_item_has_no_lease(fixture: Fixture) {
    let ledger = Arc::new(fixture.open().await);
    ledger.add(&[item("a", 1), item("b", 2)]).await.unwrap();
    let ids = ["a".to_owned(), "b".to_owned()];
    let mut taken = ledger.lease(SERVICE, Selection::Pending(Pending::Planned, &ids, 100)).await.unwrap();
    let mut leased = LeasedItem::new(&ledger, taken.remove(0));
    leased.set_saved(None).await.unwrap();
    assert!(matches!(ledger.write(&leased.item, &mut JobFacts::default()).await, Err(LedgerError::Lost)));
    let rest = ledger.pending(SERVICE, "plan").await.unwrap();
    assert_eq!(rest, [("b".to_owned(), Pending::Planned)]);
}

/// A plan may set the duration of some clips only.
async fn numbers_can_be_null_and_set_later(fixture: Fixture) {
    let ledger = fixture.open().await;
    ledger.add(&[Item { seconds: None, ..item("a", 1) }, item("b", 2)]).await.unwrap();
    let ids = ["a".to_owned(), "b".to_owned()];
    let taken = ledger.lease(SERVICE, Selection::Pending(Pending::Planned, &ids, 100)).await.unwrap();
    assert_eq!((taken[0].seconds, taken[1].seconds), (None, Some(2.5)));
    for cost_usd in [None, Some(0.1), None] {
        ledger.write(&Item { cost_usd, ..taken[0].clone() }, &mut JobFacts::default()).await.unwrap();
        assert_eq!(ledger.find(SERVICE, "a").await.unwrap().unwrap().cost_usd, cost_usd);
    }
}

/// Both have the same lines in different orders, and neither blocks the other.
async fn two_processes_insert_the_same_plan_concurrently(fixture: Fixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    for round in 0..5 {
        let items: Vec<Item> = (0..200).map(|line| item(&format!("{round}-{line}"), line)).collect();
        let reversed: Vec<Item> = items.iter().rev().cloned().collect();
        let (added, also) = tokio::join!(one.add(&items), other.add(&reversed));
        assert_eq!(added.unwrap() + also.unwrap(), 200);
    }
}

async fn a_long_plan_is_inserted_whole(fixture: Fixture) {
    let ledger = fixture.open().await;
    let plan = |length: i64| (0..length).map(|line| item(&line.to_string(), line)).collect::<Vec<Item>>();
    assert_eq!(ledger.add(&plan(1234)).await.unwrap(), 1234);
    // The second half is repeated.
    let mut twice = plan(1500);
    twice.extend_from_within(750..);
    assert_eq!(ledger.add(&twice).await.unwrap(), 1500 - 1234);
    let lines: Vec<Option<i64>> =
        ledger.batch(SERVICE, "plan").await.unwrap().iter().map(|item| item.line).collect();
    assert_eq!(lines, (0..1500).map(Some).collect::<Vec<_>>());
}

async fn services_do_not_share_items(fixture: Fixture) {
    let ledger = fixture.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let elsewhere = Item { service: "http://127.0.0.1:2".to_owned(), ..item("a", 1) };
    assert_eq!(ledger.add(&[elsewhere]).await.unwrap(), 1);
    assert_eq!(ledger.batch(SERVICE, "plan").await.unwrap().len(), 1);
    assert!(ledger.find("http://127.0.0.1:3", "a").await.unwrap().is_none());
    assert_eq!(ledger.batches(SERVICE).await.unwrap(), [("plan".to_owned(), "planned".to_owned(), 1)]);
}

async fn a_ledger_of_another_version_is_rejected(fixture: Fixture) {
    let ledger = fixture.open().await;
    let change = async |sql| assert_eq!(ledger.database.execute(sql, Vec::new()).await.unwrap(), 1);
    change("INSERT INTO _sqlx_migrations SELECT 3, 'more', installed_on, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1").await;
    assert!(matches!(fixture.try_open().await, Err(LedgerError::Newer)));
    change("DELETE FROM _sqlx_migrations WHERE version = 3").await;
    fixture.open().await.close().await;
    change("UPDATE _sqlx_migrations SET version = 20260101 WHERE version = 2").await;
    assert!(matches!(fixture.try_open().await, Err(LedgerError::Newer)));
}

/// Version 1 had one job for each item, the cost of its last response, and no times.
async fn a_ledger_of_version_1_is_migrated_without_loss(fixture: Fixture) {
    let ledger = fixture.open().await;
    let items = [
        ("a", "saved", "running", 0.2),
        ("b", "failed", "failed", 0.1),
        ("c", "accepted", "queued", 0.0),
        ("negative", "accepted", "queued", -1.0),
        ("no-job", "accepted", "queued", 0.3),
    ];
    for (index, (id, stage, state, cost)) in items.into_iter().enumerate() {
        ledger.add(&[item(id, index as i64)]).await.unwrap();
        let sql = format!(
            "UPDATE items SET stage = '{stage}', job_id = 'vj_{id}', job_state = '{state}', cost_usd = {cost}, created_at = {index}"
        );
        assert_eq!(
            ledger.database.execute(&format!("{sql} WHERE id = '{id}'"), Vec::new()).await.unwrap(),
            1
        );
    }
    ledger.add(&[item("planned", 9)]).await.unwrap();
    ledger.add(&[Item { id: "same-job".to_owned(), ..item("a", 10) }]).await.unwrap();
    for sql in [
        "UPDATE items SET stage = 'sent', job_id = 'vj_a' WHERE id = 'same-job'",
        "UPDATE items SET job_id = '' WHERE id = 'no-job'",
        "DROP TABLE charges",
        "DELETE FROM _sqlx_migrations WHERE version = 2",
    ] {
        ledger.database.execute(sql, Vec::new()).await.unwrap();
    }
    ledger.close().await;

    for _ in 0..2 {
        let ledger = fixture.open().await;
        let charges = ledger.charges(SERVICE, 0, 10).await.unwrap();
        let row = |charge: &Charge| {
            let (cost, state) = (charge.cost.map(Usd::dollars), charge.job_state.clone().unwrap());
            (charge.job_id.clone(), cost, state, charge.submitted_at, charge.finished_at)
        };
        let expected = [
            ("vj_negative", None, "queued", 3),
            ("vj_c", None, "queued", 2),
            ("vj_b", Some(0.1), "failed", 1),
            ("vj_a", Some(0.2), "succeeded", 0),
        ];
        let expected =
            expected.map(|(id, cost, state, at)| (id.to_owned(), cost, state.to_owned(), at, None));
        assert_eq!(charges.iter().map(row).collect::<Vec<_>>(), expected);
        assert_eq!(ledger.batch(SERVICE, "plan").await.unwrap().len(), 7);
        ledger.close().await;
    }
}

/// The only charge of a service.
async fn only_charge(ledger: &Ledger) -> Charge {
    let mut charges = ledger.charges(SERVICE, 0, 10).await.unwrap();
    assert_eq!(charges.len(), 1, "{charges:?}");
    charges.remove(0)
}

async fn each_job_has_one_charge_and_keeps_its_time(fixture: Fixture) {
    let ledger = fixture.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let mut taken = ledger.lease(SERVICE, Selection::One("a")).await.unwrap().remove(0);
    ledger.write(&taken, &mut JobFacts::default()).await.unwrap();
    assert_eq!(ledger.charges(SERVICE, 0, 10).await.unwrap(), []);
    (taken.stage, taken.job_id, taken.cost_usd) = (Stage::Accepted, Some("vj_1".to_owned()), Some(0.2));
    ledger.write(&taken, &mut JobFacts::accepted("swift", None)).await.unwrap();
    let first = only_charge(&ledger).await;
    ledger.database.execute("UPDATE items SET created_at = 2500", Vec::new()).await.unwrap();
    assert_eq!((first.vendor.as_deref(), first.cost.map(Usd::dollars)), (Some("swift"), Some(0.2)));
    ledger.database.execute("UPDATE charges SET submitted_at = 1000", Vec::new()).await.unwrap();

    // A repetition reports neither the cost nor, perhaps, the same vendor.
    (taken.cost_usd, taken.job_state) = (None, Some("failed".to_owned()));
    ledger.write(&taken, &mut JobFacts::accepted("other", Some(2000))).await.unwrap();
    let again = Charge { submitted_at: 1000, job_state: Some("failed".to_owned()), ..first };
    assert_eq!(only_charge(&ledger).await, again);

    // A new attempt is another job, and what the first one cost stays known.
    (taken.attempt, taken.job_id, taken.cost_usd) = (2, Some("vj_2".to_owned()), Some(0.3));
    ledger.finish(&taken, &mut JobFacts::accepted("swift", Some(3000))).await.unwrap();
    let charges = ledger.charges(SERVICE, 0, 10).await.unwrap();
    assert_eq!(charges.iter().map(|charge| charge.submitted_at).collect::<Vec<_>>(), [3000, 1000]);
    assert_eq!(ledger.charges(SERVICE, 1001, 10).await.unwrap().len(), 1);
    // The clock of the service may differ: the job is not older than its item.
    let other = fixture.open().await;
    other.add(&[item("b", 2)]).await.unwrap();
    let b = other.lease(SERVICE, Selection::One("b")).await.unwrap().remove(0);
    let b = Item { job_id: Some("vj_3".to_owned()), ..b };
    for clock in [7, i64::MAX] {
        other.database.execute("DELETE FROM charges WHERE job_id = 'vj_3'", Vec::new()).await.unwrap();
        other.write(&b, &mut JobFacts::accepted("swift", Some(clock))).await.unwrap();
        assert_eq!(other.charges(SERVICE, 0, 10).await.unwrap()[0].submitted_at, b.created_at);
    }
    // A process without the lease records nothing.
    taken.job_id = Some("vj_4".to_owned());
    assert!(matches!(ledger.write(&taken, &mut JobFacts::default()).await, Err(LedgerError::Lost)));
    assert_eq!(ledger.charges(SERVICE, 0, 10).await.unwrap().len(), 3);
}

async fn what_the_charges_leave_out_is_counted(fixture: Fixture) {
    let ledger = fixture.open().await;
    assert_eq!(ledger.uncertain(SERVICE, 0).await.unwrap(), Uncertain::default());
    let elsewhere = Item { service: "http://127.0.0.1:2".to_owned(), ..item("c", 3) };
    ledger.add(&[item("a", 1), item("b", 2), elsewhere]).await.unwrap();
    for sql in [
        "UPDATE items SET stage = 'sent', submission = '{}', updated_at = 1000 WHERE id = 'a'",
        "UPDATE items SET stage = 'refused', submission = '{}' WHERE id = 'b'",
        "INSERT INTO charges (service, job_id, item, key, submitted_at)
             VALUES ('http://127.0.0.1:2', 'vj_1', 'c', 'k', 1000)",
    ] {
        assert_eq!(ledger.database.execute(sql, Vec::new()).await.unwrap(), 1, "{sql}");
    }
    let elsewhere = vec![("http://127.0.0.1:2".to_owned(), 1)];
    assert_eq!(
        ledger.uncertain(SERVICE, 1000).await.unwrap(),
        Uncertain { requests: 1, elsewhere, api_keys: 0 }
    );
    assert_eq!(ledger.uncertain(SERVICE, 1001).await.unwrap(), Uncertain::default());
}

async fn a_wait_that_nobody_watched_has_no_duration(fixture: Fixture) {
    let ledger = Arc::new(fixture.open().await);
    ledger.add(&[item("a", 1)]).await.unwrap();
    let mut taken = ledger.lease(SERVICE, Selection::One("a")).await.unwrap().remove(0);
    (taken.stage, taken.job_id) = (Stage::Accepted, Some("vj_1".to_owned()));
    ledger.write(&taken, &mut JobFacts::default()).await.unwrap();
    let state = |state: &str| -> infrai_video::types::VideoJob {
        serde_json::from_value(serde_json::json!({"job_id": "vj_1", "state": state})).unwrap()
    };
    // Another process finds that it has succeeded meanwhile.
    LeasedItem::new(&ledger, taken.clone()).set_job_state(&state("succeeded")).await.unwrap();
    assert_eq!(only_charge(&ledger).await.finished_at, None);
    let mut watching = LeasedItem::new(&ledger, taken);
    watching.set_job_state(&state("running")).await.unwrap();
    watching.set_job_state(&state("succeeded")).await.unwrap();
    let charge = only_charge(&ledger).await;
    assert!(charge.finished_at.is_some_and(|at| at >= charge.submitted_at), "{charge:?}");
}

/// Earlier versions created it with sqlx.
#[tokio::test]
async fn a_ledger_that_sqlx_created_is_read() {
    let fixture = Fixture::with_a_file();
    let directory = fixture.directory.path().join("state %20 dir");
    std::fs::create_dir(&directory).unwrap();
    let db = rusqlite::Connection::open(directory.join("ledger #1?%41.db")).unwrap();
    db.execute_batch(include_str!("../../migrations/0001_items.sql")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE _sqlx_migrations (
             version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
         INSERT INTO _sqlx_migrations VALUES (1, 'items', '2026-11-28 15:08:14', TRUE,
             X'c0a395a8de4dd31a87582386a96c96d2bc4b77fb694cf34fcba5c6f9fc3ae2d8f6887bef2fc1e17a3333e019c08cdef1', 3498776);
         INSERT INTO items (service, id, attempt, key, request, target, overwrite, stage, lease_until, created_at, updated_at)
             VALUES ('http://127.0.0.1:1', 'a', 1, 'k', '{}', 'nowhere', 0, 'planned', 0, 0, 0);",
    )
    .unwrap();
    drop(db);
    assert_eq!(fixture.open().await.find(SERVICE, "k").await.unwrap().unwrap().id, "a");
}

/// A statement whose caller has gone is carried out entirely or not at all.
#[tokio::test]
async fn a_dropped_future_leaves_the_ledger_usable() {
    let ledger = Fixture::with_a_file().open().await;
    let items: Vec<Item> = (0..500).map(|line| item(&format!("i{line}"), line)).collect();
    for _ in 0..20 {
        let insert = ledger.add(&items);
        let _late = tokio::time::timeout(Duration::from_micros(fastrand::u64(0..2000)), insert).await;
        let stored = ledger.batch(SERVICE, "plan").await.unwrap().len();
        assert!([0, 500].contains(&stored), "{stored}");
        ledger.database.execute("DELETE FROM items", Vec::new()).await.unwrap();
    }
    ledger.close().await;
    assert!(matches!(ledger.add(&items).await, Err(LedgerError::Sql(_))));
    ledger.close().await;
}

/// Every character of a path could have a meaning in a URI.
#[tokio::test]
async fn the_ledger_is_exactly_the_named_file() {
    let fixture = Fixture::with_a_file();
    fixture.open().await.close().await;
    let directory = fixture.directory.path().join("state %20 dir");
    assert!(directory.join("ledger #1?%41.db").metadata().unwrap().len() > 0);
    assert_eq!(fixture.directory.path().read_dir().unwrap().count(), 1);
    let names: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("ledger #1?%41.db")), "{names:?}");
}

#[test]
fn a_lease_outlives_two_lost_heartbeats() {
    assert!(LEASE >= 2 * HEARTBEAT_INTERVAL + Duration::from_secs(5));
}
