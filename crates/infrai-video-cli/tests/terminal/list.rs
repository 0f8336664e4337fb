//! Lists of jobs on terminals of several widths, in a pipe, and without colours.

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use rusqlite::Connection;

use crate::common::Harness;
use crate::pty::{CTRL_C, Terminal};

const CITY: &str = "a timelapse of a city skyline at dusk, seen from a slow train";

/// A harness with a saved clip of an hour ago, a failed job, a clip of another machine that is gone, and a job of another ledger.
async fn four_jobs() -> (Harness, Vec<String>) {
    let action =
        Action::FailJob { code: "REFUSED".to_owned(), message: "two words are not allowed".to_owned() };
    let fail = Fault::on(Operation::Generate, action).nth(2);
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    let generate = |prompt: &str, options: &[&str]| {
        let args = ["generate", prompt, "--duration=0.5"];
        let run = harness.run(args.iter().chain(options));
        assert!(matches!(run.code, Some(0 | 3)), "{}", run.stderr);
    };
    std::fs::create_dir(harness.path("clips")).expect("there is room");
    generate(CITY, &["--resolution=1080p", "--aspect-ratio=9:16", "-o", "clips/skyline.mp4"]);
    generate("東京の夕暮れ👩\u{200d}🚀、灯台と嵐", &[]);
    generate("שלום עולם", &["-o", "clips/gone.mp4"]);
    generate("of another ledger", &["--ledger=none", "-o", "other.mp4"]);
    std::fs::remove_file(harness.path("clips/gone.mp4")).expect("it is saved");
    let db = Connection::open(harness.state.path().join("ledger.db")).expect("there is a ledger");
    for (prompt, minutes) in [(CITY, 62), ("東京", 45), ("שלום עולם", 3)] {
        let sql = "UPDATE charges SET submitted_at = submitted_at - ?1 * 60000
                   WHERE item IN (SELECT id FROM items WHERE request LIKE '%' || ?2 || '%')";
        assert_eq!(db.execute(sql, (minutes, prompt)).expect("it can be written"), 1);
    }
    let ids = harness.sandbox.jobs().into_iter().map(|job| job.job_id).collect();
    (harness, ids)
}

/// A recording without what differs from run to run.
fn recording(text: &str, harness: &Harness, ids: &[String]) -> String {
    let directory = harness.directory.path().canonicalize().expect("it is there");
    let mut text = text.replace(&directory.display().to_string(), "DIRECTORY");
    for (index, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("{:=<width$}", format!("job{index}"), width = id.len()));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_what_fits() {
    let (harness, ids) = four_jobs().await;
    for columns in [120, 80, 60] {
        let end = Terminal::start(harness.command(["list"]), columns).end().await;
        assert_eq!(end.code, 0, "{:#?}", end.screen);
        insta::assert_snapshot!(
            format!("list_at_{columns}_columns"),
            recording(&end.screen.join("\n"), &harness, &ids)
        );
        let mut plain = harness.command(["list"]);
        plain.env("NO_COLOR", "1");
        assert_eq!(Terminal::start(plain, columns).end().await.screen, end.screen);
    }
    // All pages are one table.
    let all = Terminal::start(harness.command(["list", "--all"]), 120).end().await;
    assert_eq!(all.screen, Terminal::start(harness.command(["list"]), 120).end().await.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_a_pipe_has_every_column() {
    let (harness, ids) = four_jobs().await;
    let run = harness.run(["list"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    let moment =
        |cell: &str| if cell.starts_with("20") && cell.ends_with('Z') { "MOMENT" } else { cell }.to_owned();
    let line = |line: &str| line.split('\t').map(moment).collect::<Vec<_>>().join("\t");
    let lines: Vec<String> = run.text().lines().map(line).collect();
    insta::assert_snapshot!(recording(&lines.join("\n"), &harness, &ids));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_get_show_the_facts_of_the_ledger() {
    let (harness, ids) = four_jobs().await;
    for (command, id, columns) in
        [("get", &ids[0], 120), ("get", &ids[0], 60), ("status", &ids[1], 60), ("status", &ids[2], 60)]
    {
        let end = Terminal::start(harness.command([command, id]), columns).end().await;
        assert_eq!(end.code, 0, "{:#?}", end.screen);
        // Links, keys and moments differ.
        let differs = ["video ", "thumbnail ", "idempotency key ", "requested "];
        let is_recorded = |line: &&str| !differs.iter().any(|name| line.starts_with(name));
        let lines: Vec<&str> = end.written.lines().filter(is_recorded).collect();
        let name = format!(
            "{command}_{}_at_{columns}_columns",
            ids.iter().position(|known| known == id).unwrap_or(9)
        );
        insta::assert_snapshot!(name, recording(&lines.join("\n"), &harness, &ids));
        let requested = end.written.lines().find(|line| line.starts_with("requested ")).expect("it is known");
        let age = if *id == ids[0] { "1 h ago (20" } else { " (20" };
        assert!(requested.contains(age), "{requested}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_changes_its_table_and_leaves_the_last_one() {
    let harness = Harness::still().await;
    let first = harness.job();
    let mut terminal = Terminal::start(harness.command(["list", "--watch"]), 100);
    let is_table = |screen: &[String], rows: &[(&str, &str)]| {
        screen.len() == rows.len() + 1
            && screen[0].starts_with("JOB ")
            && rows
                .iter()
                .zip(&screen[1..])
                .all(|((id, state), line)| line.starts_with(id) && line.contains(&format!("  {state}  ")))
    };
    terminal.until(|screen| is_table(screen, &[(&first, "queued")])).await;
    let second = harness.job();
    terminal.until(|screen| is_table(screen, &[(&second, "queued"), (&first, "queued")])).await;
    for columns in [80, 60, 44, 120] {
        terminal.resize(columns, 24);
        terminal
            .until(|screen| is_table(screen, &[(&second, "queued"), (&first, "queued")]) || columns < 80)
            .await;
    }
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let rows = [(&*second, "succeeded"), (&*first, "succeeded")];
    terminal.until(|screen| is_table(screen, &rows)).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130);
    assert!(is_table(&end.screen, &rows), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_shows_the_newest_jobs_if_there_is_no_room_for_all() {
    let harness = Harness::still().await;
    let ids: Vec<String> = (0..8).map(|_| harness.job()).collect();
    let mut terminal = Terminal::start_sized(harness.command(["list", "--watch"]), (80, 6));
    terminal
        .until(|screen| screen.len() == 5 && screen[1].starts_with(&ids[7]) && screen[4] == "and 5 more")
        .await;
    terminal.resize(80, 24);
    terminal.until(|screen| screen.len() == 9 && screen[8].starts_with(&ids[0])).await;
    terminal.types(CTRL_C).await;
    assert_eq!(terminal.end().await.code, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_lines_where_nothing_can_be_drawn() {
    let harness = Harness::still().await;
    let id = harness.job();
    let mut command = harness.command(["list", "--watch"]);
    command.env("CI", "1").env("NO_COLOR", "1");
    let mut terminal = Terminal::start(command, 120);
    terminal.shows(&id).await;
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    terminal.until(|screen| screen.iter().any(|line| line.contains("succeeded"))).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert!(end.code == 130 && !end.written.contains('\u{1b}'), "{:?}", end.written);
    let run: Vec<&str> = end.written.lines().filter(|line| line.starts_with(&id)).collect();
    assert_eq!(run.len(), 2, "{:?}", end.written);
}
