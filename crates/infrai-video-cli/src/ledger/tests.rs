use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::wish::Wish;

#[path = "../../tests/machines/postgres.rs"]
mod postgres;

const SERVICE: &str = "http://127.0.0.1:1";

/// Where a test has its ledger.
struct Desk {
    directory: tempfile::TempDir,
    /// Nothing where it is a file.
    database: Option<Location>,
}

impl Desk {
    fn with_a_file() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), database: None }
    }

    fn with_postgres() -> Self {
        use std::sync::OnceLock;

        // Never dropped: its guard sees that these tests have ended.
        static SERVER: OnceLock<postgres::Postgres> = OnceLock::new();
        let name = uuid::Uuid::now_v7().simple().to_string();
        let url = SERVER.get_or_init(postgres::Postgres::start).database(&name);
        let database = Location::of_flag(&url).unwrap();
        Self { database: Some(database), ..Self::with_a_file() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("state %20 dir/../state %20 dir/ledger #1?%41.db")
    }

    async fn open(&self) -> Ledger {
        let file = || Location::File(self.file());
        Ledger::open(&self.database.clone().unwrap_or_else(file)).await.unwrap()
    }
}

/// Runs each test with a file, and with PostgreSQL, which is ignored unless asked for.
macro_rules! with_each_database {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Desk::with_a_file()).await;
            })*
        }

                mod on_postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
            async fn $test() {
                super::$test(super::Desk::with_postgres()).await;
            })*
        }
    };
}

with_each_database! {
    what_is_written_is_read_by_another_process
    an_item_belongs_to_one_process_until_it_dies
    nobody_takes_twice_what_it_has_also_after_its_lease
    what_is_saved_is_nobodys
    numbers_may_be_missing_at_first_and_come_later
    two_processes_write_the_same_plan_at_once
    services_do_not_share_items
}

/// Lets the leases of all run out.
async fn expire(ledger: &Ledger) {
    sqlx::query("UPDATE items SET lease_until = 0").execute(&ledger.pool).await.unwrap();
}

fn item(id: &str, line: i64) -> Item {
    let wish = Wish {
        prompt: "a city".to_owned(),
        duration_seconds: Some(2.5),
        resolution: None,
        aspect_ratio: None,
        prefer: None,
        reference_image_url: None,
    };
    let place = Place::File("/clips/a.mp4".into());
    Item {
        batch: Some("plan".to_owned()),
        line: Some(line),
        ..Item::planned(SERVICE, id, format!("key-{id}"), &wish, place)
    }
}

async fn what_is_written_is_read_by_another_process(desk: Desk) {
    let ledger = desk.open().await;
    assert_eq!(ledger.add(&[item("a", 1)]).await.unwrap(), 1);
    assert_eq!(ledger.add(&[item("a", 7)]).await.unwrap(), 0, "what is there stays");
    let mut taken = ledger.take(SERVICE, Take::One("a")).await.unwrap().remove(0);
    assert_eq!((taken.line, taken.seconds, taken.prompt().as_str()), (Some(1), Some(2.5), "a city"));
    taken.stage = Stage::Saved;
    taken.job_id = Some("vj_1".to_owned());
    taken.cost_usd = Some(0.2);
    taken.bytes = Some(5_000_000_000);
    ledger.write(&taken).await.unwrap();
    ledger.close().await;

    let read = desk.open().await.find(SERVICE, "vj_1").await.unwrap().unwrap();
    assert_eq!(read, Item { worker: None, ..taken });
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_ledger() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::with_a_file();
    let ledger = desk.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let directory = desk.file().parent().unwrap().to_owned();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    for entry in directory.read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
    }
}

async fn an_item_belongs_to_one_process_until_it_dies(desk: Desk) {
    let (one, other) = (desk.open().await, desk.open().await);
    for line in 1..=3 {
        one.add(&[item(&format!("i{line}"), line)]).await.unwrap();
    }
    let free = async |ledger: &Ledger| ledger.free_items(SERVICE, Which::Planned, "plan").await.unwrap();
    let all = free(&one).await;
    assert_eq!(all, ["i1", "i2", "i3"]);
    let first = one.take(SERVICE, Take::Those(Which::Planned, &all[..2])).await.unwrap();
    assert_eq!(first.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i1", "i2"]);
    assert_eq!(free(&other).await, ["i3"]);
    let rest = other.take(SERVICE, Take::Those(Which::Planned, &all)).await.unwrap();
    assert_eq!(rest.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i3"]);
    assert!(matches!(other.write(&first[0]).await, Err(LedgerError::Lost)));

    // A process that is killed lets go of its lock, and tells nobody. On other machines only its lease tells.
    drop(one);
    if other.is_shared() {
        assert!(free(&other).await.is_empty());
        expire(&other).await;
    }
    let left = other.take(SERVICE, Take::Those(Which::Planned, &all)).await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(other.write(&first[0]).await.is_ok());
}

async fn nobody_takes_twice_what_it_has_also_after_its_lease(desk: Desk) {
    let ledger = desk.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    assert_eq!(ledger.take(SERVICE, Take::One("a")).await.unwrap().len(), 1);
    expire(&ledger).await;
    assert!(ledger.take(SERVICE, Take::One("a")).await.unwrap().is_empty());
    assert!(ledger.free_items(SERVICE, Which::Planned, "plan").await.unwrap().is_empty());
    let other = desk.open().await;
    assert_eq!(other.take(SERVICE, Take::One("a")).await.unwrap().len(), 1);
}

async fn what_is_saved_is_nobodys(desk: Desk) {
    let ledger = Arc::new(desk.open().await);
    ledger.add(&[item("a", 1), item("b", 2)]).await.unwrap();
    let ids = ["a".to_owned(), "b".to_owned()];
    let mut taken = ledger.take(SERVICE, Take::Those(Which::Planned, &ids)).await.unwrap();
    let mut entry = Entry::new(&ledger, taken.remove(0));
    entry.saved(None).await.unwrap();
    assert!(matches!(ledger.write(&entry.item).await, Err(LedgerError::Lost)));
    let rest = ledger.rest(SERVICE, "plan").await.unwrap();
    assert_eq!(rest, [("b".to_owned(), Which::Planned)]);
}

/// A plan may say of some clips how long they are to be, and not of others.
async fn numbers_may_be_missing_at_first_and_come_later(desk: Desk) {
    let ledger = desk.open().await;
    ledger.add(&[Item { seconds: None, ..item("a", 1) }, item("b", 2)]).await.unwrap();
    let ids = ["a".to_owned(), "b".to_owned()];
    let taken = ledger.take(SERVICE, Take::Those(Which::Planned, &ids)).await.unwrap();
    assert_eq!((taken[0].seconds, taken[1].seconds), (None, Some(2.5)));
    for cost_usd in [None, Some(0.1), None] {
        ledger.write(&Item { cost_usd, ..taken[0].clone() }).await.unwrap();
        assert_eq!(ledger.find(SERVICE, "a").await.unwrap().unwrap().cost_usd, cost_usd);
    }
}

/// Both have the same lines, in other orders, and neither waits for the other.
async fn two_processes_write_the_same_plan_at_once(desk: Desk) {
    let (one, other) = (desk.open().await, desk.open().await);
    for round in 0..5 {
        let items: Vec<Item> = (0..200).map(|line| item(&format!("{round}-{line}"), line)).collect();
        let reversed: Vec<Item> = items.iter().rev().cloned().collect();
        let (added, also) = tokio::join!(one.add(&items), other.add(&reversed));
        assert_eq!(added.unwrap() + also.unwrap(), 200);
    }
}

async fn services_do_not_share_items(desk: Desk) {
    let ledger = desk.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let elsewhere = Item { service: "http://127.0.0.1:2".to_owned(), ..item("a", 1) };
    assert_eq!(ledger.add(&[elsewhere]).await.unwrap(), 1);
    assert_eq!(ledger.batch(SERVICE, "plan").await.unwrap().len(), 1);
    assert!(ledger.find("http://127.0.0.1:3", "a").await.unwrap().is_none());
    assert_eq!(ledger.batches(SERVICE).await.unwrap(), [("plan".to_owned(), "planned".to_owned(), 1)]);
}

/// Each character of a path may mean something in a URL.
#[tokio::test]
async fn the_ledger_is_the_file_that_was_named() {
    let desk = Desk::with_a_file();
    desk.open().await.close().await;
    let directory = desk.directory.path().join("state %20 dir");
    assert!(directory.join("ledger #1?%41.db").metadata().unwrap().len() > 0);
    assert_eq!(desk.directory.path().read_dir().unwrap().count(), 1);
    let names: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("ledger #1?%41.db")), "{names:?}");
}

#[test]
fn a_lease_outlives_two_lost_heartbeats() {
    assert!(LEASE >= 2 * HEARTBEAT + Duration::from_secs(5));
}
