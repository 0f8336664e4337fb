//! Tables on terminals of several widths.

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::Bench;
use crate::pty::Terminal;

const REASON: &str = "the vendor refused the prompt for two of its words";

/// A bench with a job that went well and, newer, one that failed.
async fn two_jobs() -> (Bench, [String; 2]) {
    let action = Action::FailJob { code: "REFUSED".to_owned(), message: REASON.to_owned() };
    let fail = Fault::on(Operation::Generate, action).nth(2);
    let bench = Bench::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    let well = bench.job();
    let failed = bench.job();
    (bench, [failed, well])
}

async fn screen(bench: &Bench, args: &[&str], columns: u16) -> Vec<String> {
    let end = Terminal::start(bench.command(args), columns).end().await;
    assert_eq!(end.code, 0, "{:#?}", end.screen);
    assert!(end.screen.iter().all(|line| line.chars().count() <= columns.into()), "{:#?}", end.screen);
    end.screen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_fits_and_its_ids_stay_whole() {
    let (bench, [failed, well]) = two_jobs().await;
    let wide = screen(&bench, &["list"], 80).await;
    assert!(wide[0].starts_with("JOB") && wide[0].ends_with("STATE      REASON"), "{wide:#?}");
    assert_eq!(wide[1], format!("{failed}  failed     the vendor refused the prompt for t..."));
    assert_eq!(wide[2..], [format!("{well}  succeeded")]);
    let narrow = screen(&bench, &["list"], 60).await;
    assert_eq!(narrow[1], format!("{failed}  failed     the vendor refu..."));
    let by_cell = screen(&bench, &["list"], 40).await;
    assert_eq!(
        by_cell,
        [
            format!("job     {failed}"),
            "state   failed".to_owned(),
            "reason  the vendor refused the prompt".to_owned(),
            "        for two of its words (REFUSED)".to_owned(),
            String::new(),
            format!("job     {well}"),
            "state   succeeded".to_owned(),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_reasons_has_no_column_for_them_where_there_is_no_room() {
    let bench = Bench::instant().await;
    let id = bench.job();
    assert_eq!(screen(&bench, &["list"], 40).await[1], format!("{id}  succeeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_fit() {
    let bench = Bench::instant().await;
    let wide = screen(&bench, &["capabilities"], 100).await;
    assert_eq!(wide.len(), 4, "{wide:#?}");
    assert_eq!(wide[3].find("cinema-3,"), wide[0].find("MODELS"), "{wide:#?}");
    for columns in [80, 60, 40] {
        let shown = screen(&bench, &["capabilities"], columns).await;
        for vendor in ["sandbox-swift", "sandbox-studio"] {
            assert!(shown.iter().any(|line| line.contains(vendor)), "{columns}: {shown:#?}");
        }
        assert!(shown.iter().any(|line| line.to_lowercase().contains("upscale")), "{columns}: {shown:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_aligned_and_links_stay_whole() {
    let (bench, [failed, well]) = two_jobs().await;
    for columns in [80, 60, 40] {
        let get = Terminal::start(bench.command(["get", &well]), columns).end().await;
        let gap = if columns == 40 { " " } else { "  " };
        assert_eq!(get.screen[0], format!("job       {gap}{well}"), "{:#?}", get.screen);
        assert_eq!(get.screen[1], format!("state     {gap}succeeded"));
        // What is copied from a terminal is not broken where only the terminal goes on to the next line.
        let link = get.written.lines().find(|line| line.starts_with("video ")).expect("there is a link");
        assert!(link.starts_with(&format!("video     {gap}http://")) && link.len() > 80, "{link}");
    }
    assert_eq!(
        screen(&bench, &["status", &failed], 40).await,
        [
            format!("job   {failed}"),
            "state failed".to_owned(),
            "error the vendor refused the prompt for".to_owned(),
            "      two of its words (REFUSED)".to_owned(),
        ]
    );
}
