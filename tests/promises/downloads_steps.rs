//! Downloads in two steps: the clip is there and checked, and then it gets its name.

use infrai_video::{ErrorKind, Overwrite};
use infrai_video_sandbox::{Action, Fault, Operation};
use sha2::{Digest as _, Sha256};

use crate::world::World;

const UNSAVED: [&str; 2] = ["clip.mp4.part", "clip.mp4.part.json"];

fn part(world: &World) -> std::path::PathBuf {
    world.path().with_extension("mp4.part")
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_has_its_final_name_only_once_it_is_saved() {
    let world = World::with([Fault::on(Operation::Clip, Action::cut(4000)).times(2)]);
    let job = world.finished_job().await;
    let clip = world.sandbox.clip_bytes(job.id()).await.unwrap();
    let fetched = job.download().fetch_to(world.path()).await.unwrap();
    assert_eq!(world.files(), UNSAVED);
    assert!(std::fs::read(part(&world)).unwrap() == clip);
    assert_eq!(fetched.path(), world.path());
    assert_eq!((fetched.bytes(), fetched.sha256()), (clip.len() as u64, &*hex_sha256(&clip)));
    let (bytes, sha256) = (fetched.bytes(), fetched.sha256().to_owned());
    let before = world.sandbox.journal().len();
    let saved = fetched.save().await.unwrap();
    assert_eq!((saved.path, saved.bytes, saved.sha256), (world.path(), bytes, sha256));
    assert_eq!(world.sandbox.journal().len(), before, "a name needs no request");
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_that_is_dropped_costs_the_next_run_no_request() {
    let world = World::with([]);
    let job = world.finished_job().await;
    drop(job.download().fetch_to(world.path()).await.unwrap());
    assert_eq!(world.files(), UNSAVED);
    let before = world.sandbox.journal().len();
    let again = job.download().fetch_to(world.path()).await.unwrap();
    assert_eq!(again.sha256(), hex_sha256(&world.sandbox.clip_bytes(job.id()).await.unwrap()));
    drop(again);
    job.download().to_path(world.path()).await.unwrap();
    assert_eq!(world.sandbox.journal().len(), before);
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_is_no_other_downloads_to_write_into() {
    let world = World::with([]);
    let job = world.finished_job().await;
    let fetched = job.download().fetch_to(world.path()).await.unwrap();
    let error = job.download().to_path(world.path()).await.unwrap_err();
    assert!(error.to_string().contains("is being written by another download"), "{error}");
    fetched.save().await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_came_before_the_clip_was_saved_is_kept_and_so_is_the_clip() {
    let world = World::with([]);
    let job = world.finished_job().await;
    let fetched = job.download().fetch_to(world.path()).await.unwrap();
    std::fs::write(world.path(), b"precious").unwrap();
    let error = fetched.save().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("is there already"), "{error}");
    assert_eq!(std::fs::read(world.path()).unwrap(), b"precious");
    let before = world.sandbox.journal().len();
    let download = job.download().with_overwrite(Overwrite::Replace);
    let fetched = download.fetch_to(world.path()).await.unwrap();
    assert_eq!(std::fs::read(world.path()).unwrap(), b"precious", "replaced only at the very end");
    fetched.save().await.unwrap();
    assert_eq!(world.sandbox.journal().len(), before);
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_whose_bytes_changed_on_the_disk_is_fetched_again() {
    let world = World::with([]);
    let job = world.finished_job().await;
    drop(job.download().fetch_to(world.path()).await.unwrap());
    let mut bytes = std::fs::read(part(&world)).unwrap();
    *bytes.last_mut().unwrap() ^= 1; // within the pictures, where the check of an MP4 does not look
    std::fs::write(part(&world), bytes).unwrap();
    job.download().to_path(world.path()).await.unwrap();
    assert_eq!(world.requests(Operation::Clip).len(), 2);
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_that_is_not_the_expected_one_is_fetched_again_and_refused() {
    let world = World::with([]);
    let job = world.finished_job().await;
    drop(job.download().fetch_to(world.path()).await.unwrap());
    let download = job.download().with_expected_sha256("0".repeat(64));
    let error = download.fetch_to(world.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(world.requests(Operation::Clip).len(), 2, "the file host may have another one by now");
    assert!(!world.path().exists());
    job.download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_of_another_job_is_not_taken_for_this_ones() {
    let world = World::with([]);
    let other = world.client.generate("another city").duration_seconds(0.4).submit().await.unwrap();
    let job = world.finished_job().await;
    drop(other.download().fetch_to(world.path()).await.unwrap());
    job.download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}
