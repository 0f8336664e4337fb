//! Downloads in two steps: the clip is fetched and verified, and then renamed.

use infrai_video::ErrorKind;
use infrai_video::download::Overwrite;
use infrai_video_sandbox::{Action, Fault, Operation};
use sha2::{Digest as _, Sha256};

use crate::support::harness::Harness;

const UNSAVED: [&str; 2] = ["clip.mp4.part", "clip.mp4.part.json"];

fn part(harness: &Harness) -> std::path::PathBuf {
    harness.path().with_extension("mp4.part")
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_has_its_final_name_only_once_it_is_saved() {
    let harness = Harness::with([Fault::on(Operation::Clip, Action::cut(4000)).times(2)]);
    let job = harness.finished_job().await;
    let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
    let fetched = job.download().fetch_to(harness.path()).await.unwrap();
    assert_eq!(harness.files(), UNSAVED);
    assert!(std::fs::read(part(&harness)).unwrap() == clip);
    assert_eq!(fetched.path(), harness.path());
    assert_eq!((fetched.bytes(), fetched.sha256()), (clip.len() as u64, &*hex_sha256(&clip)));
    let (bytes, sha256) = (fetched.bytes(), fetched.sha256().to_owned());
    let before = harness.sandbox.journal().len();
    let saved = fetched.save().await.unwrap();
    assert_eq!((saved.path, saved.bytes, saved.sha256), (harness.path(), bytes, sha256));
    assert_eq!(harness.sandbox.journal().len(), before, "a name needs no request");
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_that_is_dropped_costs_the_next_run_no_request() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    drop(job.download().fetch_to(harness.path()).await.unwrap());
    assert_eq!(harness.files(), UNSAVED);
    let before = harness.sandbox.journal().len();
    let again = job.download().fetch_to(harness.path()).await.unwrap();
    assert_eq!(again.sha256(), hex_sha256(&harness.sandbox.clip_bytes(job.id()).await.unwrap()));
    drop(again);
    job.download().to_path(harness.path()).await.unwrap();
    assert_eq!(harness.sandbox.journal().len(), before);
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_is_locked() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let fetched = job.download().fetch_to(harness.path()).await.unwrap();
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    assert!(error.to_string().contains("is being written by another download"), "{error}");
    fetched.save().await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_created_before_the_clip_was_saved_is_kept_and_so_is_the_clip() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let fetched = job.download().fetch_to(harness.path()).await.unwrap();
    std::fs::write(harness.path(), b"precious").unwrap();
    let error = fetched.save().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(std::fs::read(harness.path()).unwrap(), b"precious");
    let before = harness.sandbox.journal().len();
    let download = job.download().with_overwrite(Overwrite::Replace);
    let fetched = download.fetch_to(harness.path()).await.unwrap();
    assert_eq!(std::fs::read(harness.path()).unwrap(), b"precious", "replaced only at the very end");
    fetched.save().await.unwrap();
    assert_eq!(harness.sandbox.journal().len(), before);
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_whose_bytes_changed_on_the_disk_is_fetched_again() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    drop(job.download().fetch_to(harness.path()).await.unwrap());
    let mut bytes = std::fs::read(part(&harness)).unwrap();
    *bytes.last_mut().unwrap() ^= 1; // within the pictures, where the check of an MP4 does not look
    std::fs::write(part(&harness), bytes).unwrap();
    job.download().to_path(harness.path()).await.unwrap();
    assert_eq!(harness.requests(Operation::Clip).len(), 2);
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_with_an_unexpected_hash_is_fetched_again_and_rejected() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    drop(job.download().fetch_to(harness.path()).await.unwrap());
    let download = job.download().with_expected_sha256("0".repeat(64));
    let error = download.fetch_to(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(harness.requests(Operation::Clip).len(), 2, "the file host may have another one by now");
    assert!(!harness.path().exists());
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_of_another_job_is_not_used() {
    let harness = Harness::with([]);
    let other = harness.client.generate("another city").duration_seconds(0.4).submit().await.unwrap();
    let job = harness.finished_job().await;
    drop(other.download().fetch_to(harness.path()).await.unwrap());
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}
