//! From a prompt to a clip on the disk, over real HTTP, judged by ffprobe.

use contract_tests::{client_of, quick_sandbox};
use infrai_video::{AspectRatio, Resolution};
use infrai_video_sandbox::Sandbox;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

#[tokio::test]
async fn a_prompt_becomes_a_whole_clip_and_one_charge() {
    let sandbox = quick_sandbox().start().await.unwrap();
    let client = client_of(sandbox.base_url()).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("skyline.mp4");

    let job = client
        .generate("a timelapse of a city skyline at dusk")
        .duration_seconds(0.5)
        .submit()
        .await
        .unwrap();
    let saved = job.wait().await.unwrap().download().to_path(&path).await.unwrap();

    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes, sandbox.clip_bytes(job.id()).await.unwrap());
    assert_eq!(saved.bytes, bytes.len() as u64);
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(saved.sha256, hash);
    let names: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["skyline.mp4"], "nothing else is left behind");
    let ledger = sandbox.ledger();
    assert_eq!((ledger.charges().count(), ledger.double_charges()), (1, 0));
    let seen = sandbox.journal();
    assert!(seen.iter().all(|seen| seen.authorization == (seen.host == infrai_video_sandbox::Host::Api)));
}

#[tokio::test]
async fn every_size_is_what_was_asked_for() {
    if Command::new("ffprobe").arg("-version").output().await.is_err() {
        assert!(std::env::var_os("CI").is_none(), "ffprobe is missing; install Debian's ffmpeg");
        eprintln!("skipped: ffprobe is not there to judge the clips; install Debian's ffmpeg");
        return;
    }
    let sandbox = Sandbox::builder().instant_jobs().starting_balance(100.0).start().await.unwrap();
    let client = client_of(sandbox.base_url()).build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (resolution, ratio, size) in [
        (Resolution::P720, AspectRatio::Landscape, "1280,720"),
        (Resolution::P720, AspectRatio::Portrait, "720,1280"),
        (Resolution::P720, AspectRatio::Square, "720,720"),
        (Resolution::P1080, AspectRatio::Landscape, "1920,1080"),
        (Resolution::P1080, AspectRatio::Portrait, "1080,1920"),
        (Resolution::P1080, AspectRatio::Square, "1080,1080"),
        (Resolution::Uhd4k, AspectRatio::Landscape, "3840,2160"),
        (Resolution::Uhd4k, AspectRatio::Portrait, "2160,3840"),
        (Resolution::Uhd4k, AspectRatio::Square, "2160,2160"),
    ] {
        let path = directory.path().join(format!("{resolution}-{size}.mp4"));
        let generate = client.generate("a lighthouse in a storm").resolution(resolution).aspect_ratio(ratio);
        let job = generate.duration_seconds(0.5).submit().await.unwrap();
        job.download().to_path(&path).await.unwrap();
        assert_eq!(probe(&path).await, format!("h264,{size},0.500000"));
    }
    assert_eq!(sandbox.ledger().charges().filter(|charge| charge.amount_usd != 0.0).count(), 9);
}

/// The codec, the size and the length of the video stream, as ffprobe reads them.
async fn probe(path: &std::path::Path) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=codec_name,width,height,duration"])
        .arg(path)
        .output()
        .await
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
