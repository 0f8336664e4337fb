use std::time::Duration;

use super::*;
use crate::wish::Wish;

const SERVICE: &str = "http://127.0.0.1:1";

struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("state dir/ledger #1?.db")
    }

    async fn open(&self) -> Ledger {
        Ledger::open(&Location::File(self.file())).await.unwrap()
    }
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
    let place = Place::File("/tmp/a.mp4".into());
    Item {
        batch: Some("plan".to_owned()),
        line: Some(line),
        ..Item::planned(SERVICE, id, format!("key-{id}"), &wish, place)
    }
}

#[tokio::test]
async fn what_is_written_is_read_by_another_process() {
    let desk = Desk::new();
    let ledger = desk.open().await;
    assert_eq!(ledger.add(&[item("a", 1)]).await.unwrap(), 1);
    assert_eq!(ledger.add(&[item("a", 7)]).await.unwrap(), 0, "what is there stays");
    let mut taken = ledger.take(SERVICE, Take::One("a"), 1).await.unwrap().remove(0);
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

    let desk = Desk::new();
    let ledger = desk.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let directory = desk.file().parent().unwrap().to_owned();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    for entry in directory.read_dir().unwrap().flatten().filter(|entry| entry.path().is_file()) {
        assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn an_item_belongs_to_one_process_until_it_dies() {
    let desk = Desk::new();
    let (one, other) = (desk.open().await, desk.open().await);
    for line in 1..=3 {
        one.add(&[item(&format!("i{line}"), line)]).await.unwrap();
    }
    let first = one.take(SERVICE, Take::Planned("plan"), 2).await.unwrap();
    assert_eq!(first.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i1", "i2"]);
    let rest = other.take(SERVICE, Take::Planned("plan"), 9).await.unwrap();
    assert_eq!(rest.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i3"]);
    assert!(matches!(other.write(&first[0]).await, Err(LedgerError::Lost)));

    // A process that is killed lets go of its lock, and tells nobody.
    drop(one);
    let left = other.take(SERVICE, Take::Planned("plan"), 9).await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(other.write(&first[0]).await.is_ok());
}

#[tokio::test]
async fn services_do_not_share_items() {
    let desk = Desk::new();
    let ledger = desk.open().await;
    ledger.add(&[item("a", 1)]).await.unwrap();
    let elsewhere = Item { service: "http://127.0.0.1:2".to_owned(), ..item("a", 1) };
    assert_eq!(ledger.add(&[elsewhere]).await.unwrap(), 1);
    assert_eq!(ledger.batch(SERVICE, "plan").await.unwrap().len(), 1);
    assert!(ledger.find("http://127.0.0.1:3", "a").await.unwrap().is_none());
    assert_eq!(ledger.batches(SERVICE).await.unwrap(), [("plan".to_owned(), "planned".to_owned(), 1)]);
}

#[test]
fn a_lease_outlives_two_lost_heartbeats() {
    assert!(LEASE >= 2 * HEARTBEAT + Duration::from_secs(5));
}
