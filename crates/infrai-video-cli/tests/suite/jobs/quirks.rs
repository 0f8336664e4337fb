//! `generate` against a sandbox with each quirk.

use infrai_video_sandbox::{ClipFiles, Clock, Quirk, Sandbox};

use crate::common::{Harness, KEY, Run};

/// What the command says, and its exit code, where it cannot save the clip. Words that differ from run to run are replaced.
const NOT_SAVED: [(Quirk, i32, &str); 4] = [
    (
        Quirk::OtherFinalStates,
        8,
        "error      job ID is still \"ready\" (a state unknown to this version) after TIME and N polls; it keeps running \
         and is charged once\n\
         next       infrai-video resume ID\n           infrai-video download ID\n",
    ),
    (Quirk::IdMember, 11, NO_ID),
    (Quirk::JobInJob, 11, NO_ID),
    (Quirk::LinksNeedKey, 12, LINK_NEEDS_KEY),
];

const NO_ID: &str = "error      the response does not match the contract: job_id is missing at line 1 column N (status 200); the \
                     job may exist, under the idempotency key cube-1\n\
                     next       infrai-video resume cube-1\n";

const LINK_NEEDS_KEY: &str = "error      job ID succeeded, but its clip was not saved: the file host responded with 401 Unauthorized; it \
                              may require the API key, which is sent only to the host of the API: ask the service\n\
                              next       infrai-video resume ID\n";

/// A sandbox whose jobs finish at once, or within one poll where their states on the way matter.
async fn harness(quirk: Quirk, clip: ClipFiles) -> Harness {
    let sandbox = Sandbox::builder().clip_source(move |_| clip.clone()).quirk(quirk);
    match quirk {
        Quirk::StateSynonyms | Quirk::StateCapitals | Quirk::OtherStates => {
            Harness::with(sandbox.clock(Clock::scaled(60.0))).await
        }
        _ => Harness::with(sandbox.instant_jobs()).await,
    }
}

/// A clip for all sandboxes: to render one for each would take most of the time.
async fn clip() -> ClipFiles {
    let harness = Harness::with(Sandbox::builder().instant_jobs()).await;
    let arguments = ["generate", "a red cube", "--duration=1", "-o=cube.mp4"];
    let run = tokio::task::block_in_place(|| harness.run(arguments));
    assert_eq!(run.text(), "cube.mp4\n", "{}", run.stderr);
    let mp4 =
        harness.sandbox.clip_bytes(&harness.sandbox.jobs()[0].job_id).await.expect("the job has a clip");
    ClipFiles { mp4: mp4.to_vec(), thumbnail_jpeg: Vec::new() }
}

fn generate(harness: &Harness, quirk: Quirk) -> Run {
    let timeout = if quirk == Quirk::OtherFinalStates { "--timeout=1" } else { "--timeout=60" };
    let arguments =
        ["generate", "a red cube", "--duration=1", timeout, "--idempotency-key=cube-1", "-o=cube.mp4"];
    // The sandbox runs on the same threads.
    let run = tokio::task::block_in_place(|| harness.run(arguments));
    assert_eq!(harness.sandbox.ledger().charges().count(), 1, "{quirk}: {}", run.stderr);
    run
}

/// The error and the next step, without what differs from run to run.
fn failure(harness: &Harness, run: &Run, code: i32) -> String {
    let stderr = run.failed(code);
    let from = stderr.find("error  ").expect("an error is reported");
    let id = harness.sandbox.jobs()[0].job_id.to_string();
    let mut text = stderr[from..].replace(&id, "ID");
    for (before, after, replacement) in
        [("column ", " ", "N"), (" after ", " and ", "TIME"), (" and ", "; it keeps", "N polls")]
    {
        if let Some((start, rest)) = text.split_once(before)
            && let Some((_, end)) = rest.split_once(after)
        {
            text = format!("{start}{before}{replacement}{after}{end}");
        }
    }
    text
}

async fn check(quirk: Quirk, clip: ClipFiles) {
    let harness = harness(quirk, clip).await;
    let run = generate(&harness, quirk);
    if let Some((_, code, expected)) = NOT_SAVED.iter().find(|(not_saved, ..)| *not_saved == quirk) {
        assert_eq!(failure(&harness, &run, *code), *expected, "{quirk}");
        assert!(harness.files().is_empty(), "{quirk}");
        return;
    }
    assert_eq!((run.code, run.text()), (Some(0), "cube.mp4\n"), "{quirk}: {}", run.stderr);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let expected = harness.sandbox.clip_bytes(&id).await.expect("the job has a clip");
    assert_eq!(std::fs::read(harness.path("cube.mp4")).expect("the clip is saved"), expected, "{quirk}");
    assert!(!run.stderr.contains(KEY), "{quirk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_saves_the_clip_for_one_charge_or_says_why_it_cannot() {
    let clip = clip().await;
    // Two commands at a time.
    let halves = Quirk::ALL.chunks(Quirk::ALL.len().div_ceil(2)).map(<[Quirk]>::to_vec).map(|half| {
        let clip = clip.clone();
        tokio::spawn(async move {
            for quirk in half {
                check(quirk, clip.clone()).await;
            }
        })
    });
    for half in halves.collect::<Vec<_>>() {
        half.await.unwrap();
    }
}
