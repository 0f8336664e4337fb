//! Templates, `--exec` and `--notify`, as users see them.

use crate::common::{Harness, SMALL};
use crate::pty::{End, Terminal};

const NOTIFICATION: &str = "\u{1b}]9;infrai-video generate finished\u{1b}\\\u{7}";

async fn generate(harness: &Harness, more: &[&str], columns: u16, environment: &[(&str, &str)]) -> End {
    let mut command = harness.command(SMALL.iter().chain(more));
    command.envs(environment.iter().copied());
    Terminal::start(command, columns).end().await
}

/// The screen without what differs from run to run.
fn plain(end: &End) -> String {
    let word = |word: &str| match word {
        word if word.starts_with("vj_") => "JOB".to_owned(),
        word if word.len() == 64 => "SHA256".to_owned(),
        word if word.len() == 5 && word.as_bytes()[2] == b':' => "00:00".to_owned(),
        word => word.to_owned(),
    };
    let line = |line: &String| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    end.screen.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_template_is_explained() {
    let harness = Harness::still().await;
    for columns in [60, 120] {
        let end = generate(&harness, &["-o", "{dat}-{slug}.mp4"], columns, &[]).await;
        assert_eq!(end.code, 7);
        insta::assert_snapshot!(format!("template_at_{columns}"), end.screen.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_command_is_shown_below_the_saved_clip() {
    let harness = Harness::instant().await;
    for columns in [60, 120] {
        let args =
            ["-q", "--ledger=none", "-o", "{slug}.mp4", "--force", "--exec", "echo uploading {}; exit 3"];
        let end = generate(&harness, &args, columns, &[]).await;
        assert_eq!(end.code, 14);
        insta::assert_snapshot!(format!("exec_at_{columns}"), plain(&end));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_rings_at_the_end_of_a_wait_on_a_terminal() {
    let harness = Harness::instant().await;
    let bell = |end: &End| (end.written.matches('\u{7}').count(), end.written.contains(NOTIFICATION));
    assert_eq!(bell(&generate(&harness, &["--notify"], 80, &[]).await), (1, true));
    assert_eq!(bell(&generate(&harness, &["--notify"], 80, &[("NO_COLOR", "1")]).await), (1, true));
    assert_eq!(bell(&generate(&harness, &["--notify"], 80, &[("TERM", "linux")]).await), (1, false));
    assert_eq!(bell(&generate(&harness, &["--notify"], 80, &[("TERM", "dumb")]).await), (1, false));
    assert_eq!(bell(&generate(&harness, &[], 80, &[]).await), (0, false));
    let rejected = generate(&harness, &["--notify", "-o", "none/a.mp4"], 80, &[]).await;
    assert!(
        rejected.written.contains("\u{1b}]9;infrai-video generate failed\u{1b}\\\u{7}"),
        "{}",
        rejected.written
    );
    let in_a_pipe = harness.run(SMALL.iter().chain(&["--notify"]));
    assert!(in_a_pipe.code == Some(0) && !in_a_pipe.stderr.contains('\u{7}'), "{in_a_pipe:?}");
}
