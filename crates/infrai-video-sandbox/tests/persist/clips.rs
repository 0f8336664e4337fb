use std::fs;

use infrai_video_sandbox::Sandbox;

use crate::common::{Bench, delete, download, generate, link, post};

async fn start(bench: &Bench) -> Sandbox {
    bench.builder().instant_jobs().start().await.expect("a directory that can be used")
}

/// A bench with one finished clip in its directory, the id of its job, and what was downloaded.
async fn kept() -> (Bench, String, (String, Vec<u8>)) {
    let bench = Bench::new();
    let sandbox = start(&bench).await;
    let id = generate(&sandbox, "k1", "a lighthouse").await;
    let clip = download(&link(&sandbox, &id).await).await;
    assert_eq!((bench.made(), bench.clip_files().len()), (1, 2));
    (bench, id, clip)
}

/// Checks that the clip is served as it was before.
async fn is_served(bench: &Bench, id: &str, clip: &(String, Vec<u8>)) {
    let sandbox = start(bench).await;
    assert_eq!(&download(&link(&sandbox, id).await).await, clip);
}

#[tokio::test]
async fn a_finished_clip_is_loaded_instead_of_produced_again() {
    let (bench, id, clip) = kept().await;
    is_served(&bench, &id, &clip).await;
    assert_eq!(bench.made(), 1);
}

#[tokio::test]
async fn a_half_written_clip_is_swept_and_made_again() {
    let (bench, id, clip) = kept().await;
    for file in bench.clip_files() {
        let half =
            file.with_file_name(format!("{}.part", file.file_name().expect("a name").to_string_lossy()));
        fs::write(half, &clip.1[..10]).expect("it can be written");
        fs::remove_file(file).expect("it can be removed");
    }
    is_served(&bench, &id, &clip).await;
    assert_eq!(bench.made(), 2);
    assert!(bench.clip_files().iter().all(|file| file.extension().is_none_or(|ending| ending != "part")));
}

#[tokio::test]
async fn a_damaged_clip_is_made_again() {
    let (bench, id, clip) = kept().await;
    for file in bench.clip_files() {
        let mut bytes = fs::read(&file).expect("it can be read");
        bytes[3] ^= 1;
        fs::write(&file, bytes).expect("it can be written");
    }
    is_served(&bench, &id, &clip).await;
    is_served(&bench, &id, &clip).await;
    assert_eq!(bench.made(), 2, "the second time it is read");
}

#[tokio::test]
async fn a_clip_is_deleted_with_its_last_job() {
    let (bench, id, _) = kept().await;
    let sandbox = start(&bench).await;
    let twin = generate(&sandbox, "k2", "a lighthouse").await;
    delete(&sandbox, &id).await;
    assert_eq!(bench.clip_files().len(), 2);
    delete(&sandbox, &twin).await;
    assert!(bench.clip_files().is_empty());
    let id = generate(&sandbox, "k3", "a harbour").await;
    download(&link(&sandbox, &id).await).await;
    assert_eq!(bench.clip_files().len(), 2);
    assert_eq!(post(&sandbox, "/v1/video/delete_all", &serde_json::json!({})).await.0, 200);
    assert!(bench.clip_files().is_empty());
}

#[tokio::test]
async fn clips_whose_time_is_over_are_swept_at_the_start() {
    let (bench, _, _) = kept().await;
    let sandbox = start(&bench).await;
    sandbox.clock().advance(std::time::Duration::from_secs(31 * 24 * 3600));
    drop(sandbox);
    let _sandbox = start(&bench).await;
    assert!(bench.clip_files().is_empty());
}

#[tokio::test]
async fn an_interrupted_clip_is_produced_at_the_next_start() {
    let bench = Bench::new();
    // Without prerendering nobody has made the clip when the sandbox stops.
    let sandbox = bench.start().await;
    generate(&sandbox, "k1", "a lighthouse").await;
    drop(sandbox);
    assert_eq!(bench.made(), 0);
    let sandbox = bench.builder().prerender(true).start().await.expect("it starts");
    let id = &sandbox.jobs()[0].job_id;
    // Whoever asks finds it under way or made: once in either case.
    assert!(sandbox.clip_bytes(id).await.is_some());
    drop(sandbox);
    assert_eq!((bench.made(), bench.clip_files().len()), (1, 2));
}
