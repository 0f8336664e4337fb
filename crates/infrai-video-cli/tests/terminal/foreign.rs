//! Text in other scripts: wide, joined, combined, and from right to left.

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, SMALL};
use crate::pty::Terminal;

/// A harness whose jobs fail with this message.
async fn failing(message: &str) -> Harness {
    let action = Action::FailJob { code: "REFUSED".to_owned(), message: message.to_owned() };
    Harness::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Generate, action))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_in_wide_characters_stays_on_its_line() {
    let harness = failing(&"東京の夕暮れ👩\u{200d}🚀e\u{301} ".repeat(8)).await;
    let id = harness.job();
    for columns in [80, 60] {
        let end = Terminal::start(harness.command(["list", "--ledger=none"]), columns).end().await;
        assert_eq!(end.screen.len(), 2, "{:#?}", end.screen);
        assert!(end.screen[1].starts_with(&format!("{id}  failed  REFUSED: 東京")), "{:#?}", end.screen);
        assert!(end.screen[1].ends_with("..."), "{:#?}", end.screen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_from_right_to_left_is_isolated_only_on_a_terminal() {
    let harness = failing("שלום עולם").await;
    let end = Terminal::start(harness.command(SMALL), 120).end().await;
    assert_eq!(end.code, 3);
    assert!(end.written.contains("failed: \u{2068}שלום עולם\u{2069} (REFUSED)"), "{}", end.written);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let list = Terminal::start(harness.command(["list", "--ledger=none"]), 80).end().await;
    assert!(list.written.contains("REFUSED: \u{2068}שלום עולם\u{2069}"), "{}", list.written);
    // A pipe gets the text unchanged.
    let piped = harness.run(["list"]);
    assert!(piped.text().starts_with(&format!("{id}\tfailed\tשלום עולם (REFUSED)\t")), "{}", piped.text());
    assert!(harness.run(["download", &id]).stderr.contains("failed: שלום עולם (REFUSED)\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn file_names_are_printed_unchanged() {
    let harness = Harness::instant().await;
    for name in ["東京.mp4", "שלום.mp4", "👩\u{200d}🚀.mp4", "e\u{301}clair.mp4"] {
        let end = Terminal::start_piped(harness.command(SMALL.iter().chain(&["-o", name])), 80).end().await;
        assert_eq!((end.code, end.stdout.trim_end()), (0, name), "{:#?}", end.screen);
        assert!(harness.path(name).is_file());
        // Lines for copying contain no direction marks.
        let again = Terminal::start(harness.command(SMALL.iter().chain(&["-o", name])), 80).end().await;
        assert_eq!(again.code, 7);
        let next = again.written.lines().find(|line| line.contains("next")).expect("there is a next step");
        assert!(!next.contains(['\u{2068}', '\u{2069}']), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_in_any_script_is_printed_unchanged() {
    let harness = Harness::instant().await;
    let prompt = "مدينة 👩\u{200d}🚀 東京 e\u{301} שלום";
    let end = Terminal::start(harness.command(["generate", prompt, "--duration=0.5", "--dry-run"]), 120)
        .end()
        .await;
    assert_eq!(end.code, 0, "{:#?}", end.screen);
    let line = end.written.lines().find(|line| line.contains("\"prompt\"")).expect("the request");
    let request: serde_json::Value = serde_json::from_str(line.trim()).expect("it is JSON");
    assert_eq!(request["prompt"], prompt);
}
