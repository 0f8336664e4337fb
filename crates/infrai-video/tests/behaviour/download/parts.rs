//! Part files and sidecars: other files are kept, and fetched bytes are not lost.

use std::fs::File;
use std::path::PathBuf;

use futures_util::FutureExt as _;
use infrai_video::ErrorKind;
use infrai_video::download::{Download, Overwrite};
use infrai_video_sandbox::{Action, Fault, Operation};
use tokio::time::{Duration, Instant, sleep};

use crate::support::harness::Harness;

fn part(harness: &Harness) -> PathBuf {
    harness.path().with_extension("mp4.part")
}

fn note(harness: &Harness) -> PathBuf {
    harness.path().with_extension("mp4.part.json")
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_program_is_not_overwritten() {
    for path in [part, note] {
        let harness = Harness::with([]);
        let job = harness.finished_job().await;
        std::fs::write(path(&harness), b"precious").unwrap();
        let files = harness.files();
        let error = job.download().to_path(harness.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().ends_with("move it away, or choose another path"), "{error}");
        assert_eq!(std::fs::read(path(&harness)).unwrap(), b"precious");
        assert_eq!(harness.files(), files);
        assert!(harness.requests(Operation::Clip).is_empty(), "nothing was fetched");
        std::fs::remove_file(path(&harness)).unwrap();
        job.download().to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_symbolic_link_at_the_path_of_the_part_is_not_followed() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let elsewhere = harness.path().with_file_name("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, part(&harness)).unwrap();
    for there in [false, true] {
        if there {
            std::fs::write(&elsewhere, b"").unwrap();
        }
        let error = job.download().to_path(harness.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert_eq!(elsewhere.exists(), there);
        assert!(!harness.path().exists() && !note(&harness).exists());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fetched_nothing_leaves_no_files() {
    for fault in [
        Fault::on(Operation::DownloadUrl, Action::status(404)),
        Fault::on(Operation::DownloadUrl, Action::status(410)),
        Fault::on(Operation::Clip, Action::status(403)),
        Fault::on(Operation::Clip, Action::status(418)),
        Fault::on(Operation::Clip, Action::html()),
        Fault::on(Operation::Clip, Action::cut(0)),
    ] {
        let harness = Harness::with([fault.clone()]);
        let job = harness.finished_job().await;
        job.download().to_path(harness.path()).await.unwrap_err();
        assert!(harness.files().is_empty(), "{fault:?}: {:?}", harness.files());
    }
    let harness = Harness::with([]);
    let unfinished = harness.job().await;
    let error = unfinished.download().to_path(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(harness.files().is_empty(), "{:?}", harness.files());
}

#[tokio::test(start_paused = true)]
async fn a_download_waits_for_a_part_that_is_about_to_be_unlocked() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let held = File::create(part(&harness)).unwrap();
    held.lock().unwrap();
    let let_go = async {
        sleep(Duration::from_millis(1500)).await;
        drop(held);
    };
    let (saved, ()) = tokio::join!(job.download().to_path(harness.path()), let_go);
    saved.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_locked_part_is_an_error_after_two_seconds() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let held = File::create(part(&harness)).unwrap();
    held.lock().unwrap();
    let started = Instant::now();
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    assert!(error.to_string().contains("is being written by another download"), "{error}");
    assert!(error.is_retryable());
    assert!((2000..2300).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert!(harness.requests(Operation::Clip).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_download_does_not_block_the_next() {
    let harness = Harness::with([Fault::on(Operation::Clip, Action::hang()).times(1)]);
    let job = harness.finished_job().await;
    let to_path = || job.download().to_path(harness.path());
    assert!(tokio::time::timeout(Duration::from_secs(1), to_path()).await.is_err());
    // Dropped while a thread opens the part, which stays locked for a moment.
    assert!(to_path().now_or_never().is_none());
    to_path().await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn two_downloads_to_one_path_do_not_damage_each_others_clips() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let to_path = |overwrite| job.download().with_overwrite(overwrite).to_path(harness.path());
    let (first, second) = tokio::join!(to_path(Overwrite::Refuse), to_path(Overwrite::Refuse));
    let error = first.and(second).unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(harness.requests(Operation::Clip).len(), 1, "the clip is not fetched to be refused");
    harness.assert_whole_clip(&job).await;
    let (first, second) = tokio::join!(to_path(Overwrite::Replace), to_path(Overwrite::Replace));
    first.and(second).unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_clip_that_cannot_be_renamed_is_whole_for_the_next_run() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let in_the_way = harness.path();
    let download = job.download().with_progress(move |_| std::fs::write(&in_the_way, b"precious").unwrap());
    let error = download.to_path(harness.path()).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(std::fs::read(harness.path()).unwrap(), b"precious");
    std::fs::remove_file(harness.path()).unwrap();
    let before = harness.requests(Operation::Clip).len();
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
    assert_eq!(harness.requests(Operation::Clip).len(), before, "nothing is fetched again");
}

#[tokio::test(start_paused = true)]
async fn a_clip_with_the_longest_name_is_fetched_and_resumed() {
    for name in ["a".repeat(251), "b".repeat(238), "é".repeat(125) + "a", "東".repeat(83)] {
        let harness = Harness::with([Fault::on(Operation::Clip, Action::cut(1000)).times(1)]);
        let job = harness.finished_job().await;
        let name = name + ".mp4";
        let path = harness.path().with_file_name(&name);
        Download::check_path(&path, Overwrite::Refuse).unwrap();
        let error = job.download().with_max_failures(1).to_path(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{error}");
        let files = harness.files();
        assert!(files.len() == 2 && files.iter().all(|file| file.len() < 100), "{files:?}");
        Download::check_path(&path, Overwrite::Refuse).unwrap();
        job.download().to_path(&path).await.unwrap();
        assert_eq!(harness.requests(Operation::Clip)[1].header("range"), Some("bytes=1000-"));
        assert_eq!(harness.files(), [name]);
        assert!(std::fs::read(&path).unwrap() == harness.sandbox.clip_bytes(job.id()).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_impossible_path_is_rejected_before_anything_is_fetched() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let directory = harness.path().with_file_name("clips");
    std::fs::create_dir_all(directory.join(format!("{}.mp4", job.id()))).unwrap();
    std::fs::create_dir(directory.join("part.mp4.part")).unwrap();
    std::fs::write(directory.join("sidecar.mp4.part.json"), "mine").unwrap();
    let deep = "deep/".repeat(900);
    for name in
        ["a".repeat(256), "東".repeat(86), deep, "part.mp4".into(), "sidecar.mp4".into(), "none/a.mp4".into()]
    {
        let path = directory.join(name);
        for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
            let error = job.download().with_overwrite(overwrite).to_path(&path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
            let checked = Download::check_path(&path, overwrite).unwrap_err();
            assert_eq!(checked.to_string(), error.to_string());
        }
    }
    let download = job.download().with_overwrite(Overwrite::Replace);
    let error = download.to_path(&directory).await.unwrap_err();
    assert!(error.to_string().contains(".mp4 is a directory"), "{error}");
    Download::check_path(&directory, Overwrite::Refuse).unwrap();
    assert!(
        harness.requests(Operation::DownloadUrl).is_empty() && harness.requests(Operation::Clip).is_empty()
    );
}
