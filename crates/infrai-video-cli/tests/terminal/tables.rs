//! Tables on terminals of several widths.

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::Harness;
use crate::pty::Terminal;

const REASON: &str = "the vendor refused the prompt for two of its words";

/// A harness with a successful job and a newer failed one.
async fn two_jobs() -> (Harness, [String; 2]) {
    let action = Action::FailJob { code: "REFUSED".to_owned(), message: REASON.to_owned() };
    let fail = Fault::on(Operation::Generate, action).nth(2);
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    let well = harness.job();
    let failed = harness.job();
    (harness, [failed, well])
}

async fn screen(harness: &Harness, args: &[&str], columns: u16) -> Vec<String> {
    let end = Terminal::start(harness.command(args), columns).end().await;
    assert_eq!(end.code, 0, "{:#?}", end.screen);
    assert!(end.screen.iter().all(|line| line.chars().count() <= columns.into()), "{:#?}", end.screen);
    end.screen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_fits_and_its_ids_stay_whole() {
    let (harness, [failed, well]) = two_jobs().await;
    // Without a ledger, so that a list has what the service knows.
    let list = ["list", "--ledger=none"];
    let wide = screen(&harness, &list, 80).await;
    assert!(wide[0].starts_with("JOB") && wide[0].ends_with("STATE      REASON"), "{wide:#?}");
    assert_eq!(wide[1], format!("{failed}  failed     REFUSED: the vendor refused the pro..."));
    assert_eq!(wide[2..], [format!("{well}  succeeded")]);
    let narrow = screen(&harness, &list, 60).await;
    assert_eq!(narrow[1], format!("{failed}  failed     REFUSED: the ve..."));
    // `status` shows the reason.
    assert_eq!(
        screen(&harness, &list, 40).await,
        [
            "JOB                            STATE".to_owned(),
            format!("{failed}  failed"),
            format!("{well}  succeeded"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_reasons_omits_their_column_on_a_narrow_terminal() {
    let harness = Harness::instant().await;
    let id = harness.job();
    assert_eq!(screen(&harness, &["list", "--ledger=none"], 40).await[1], format!("{id}  succeeded"));
    // The prompt stays, on a line of its own.
    assert_eq!(
        screen(&harness, &["list"], 40).await,
        [
            "JOB                            STATE",
            "  PROMPT",
            &format!("{id}  succeeded"),
            "  a lighthouse in a storm"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_fit() {
    let harness = Harness::instant().await;
    let wide = screen(&harness, &["capabilities"], 100).await;
    assert_eq!(wide.len(), 4, "{wide:#?}");
    assert_eq!(wide[3].find("cinema-3,"), wide[0].find("MODELS"), "{wide:#?}");
    for columns in [80, 60, 40] {
        let shown = screen(&harness, &["capabilities"], columns).await;
        for vendor in ["sandbox-swift", "sandbox-studio"] {
            assert!(shown.iter().any(|line| line.contains(vendor)), "{columns}: {shown:#?}");
        }
        assert!(shown.iter().any(|line| line.to_lowercase().contains("upscale")), "{columns}: {shown:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_aligned_and_links_stay_whole() {
    let (harness, [failed, well]) = two_jobs().await;
    for columns in [80, 60, 40] {
        let get = harness.command(["get", &well, "--ledger=none"]);
        let get = Terminal::start(get, columns).end().await;
        let gap = if columns == 40 { " " } else { "  " };
        assert_eq!(get.screen[0], format!("job       {gap}{well}"), "{:#?}", get.screen);
        assert_eq!(get.screen[1], format!("state     {gap}succeeded"));
        // A link that only the terminal wraps can be copied as a whole.
        let link = get.written.lines().find(|line| line.starts_with("video ")).expect("there is a link");
        assert!(link.starts_with(&format!("video     {gap}http://")) && link.len() > 80, "{link}");
    }
    assert_eq!(
        screen(&harness, &["status", &failed, "--ledger=none"], 40).await,
        [
            format!("job   {failed}"),
            "state failed".to_owned(),
            "error the vendor refused the prompt for".to_owned(),
            "      two of its words (REFUSED)".to_owned(),
        ]
    );
}
