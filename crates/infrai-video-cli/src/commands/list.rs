use futures_util::TryStreamExt as _;
use infrai_video::types::VideoJobPage;
use infrai_video::{Error, JobState};

use super::whole;
use crate::app::App;
use crate::args::ListArgs;
use crate::failure::Failure;
use crate::table::{First, Table};
use crate::text::quote;

pub(super) async fn run(app: &App, args: &ListArgs) -> Result<(), Failure> {
    let session = app.session().await?;
    let mut list = session.client.list();
    if let Some(limit) = args.limit {
        list = list.limit(whole(limit));
    }
    if let Some(cursor) = &args.cursor {
        list = list.cursor(cursor);
    }
    if let Some(state) = &args.state {
        if let JobState::Unknown(state) = state {
            let known = JobState::KNOWN.join(", ");
            app.screen.say("note", &format!("{state:?} is no state that this version knows ({known})"));
        }
        list = list.with_state(state.clone());
    }
    if !args.all {
        let page = list.await.map_err(|error| refused(app, args, &error))?;
        print(app, &page, First::Yes)?;
        if let Some(cursor) = page.next_cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            app.screen.say("more", &from(app, args, cursor));
        }
        return Ok(());
    }
    let mut pages = list.pages();
    let mut first = First::Yes;
    loop {
        let cursor = pages.cursor().map(str::to_owned);
        match pages.try_next().await {
            Ok(Some(page)) => print(app, &page, first)?,
            Ok(None) => return Ok(()),
            Err(error) => {
                let failure = refused(app, args, &error);
                return Err(match cursor {
                    Some(cursor) => failure.instead(vec![from(app, args, &cursor)]),
                    None => failure,
                });
            }
        }
        first = First::No;
    }
}

/// A cursor is the one value of a list that only the service can judge.
fn refused(app: &App, args: &ListArgs, error: &Error) -> Failure {
    let failure = app.failed(error);
    match (&args.cursor, error.code()) {
        (Some(_), Some("INVALID_CURSOR")) => {
            failure.instead(vec![format!("{}  (starts at the first page)", app.command("list"))])
        }
        _ => failure,
    }
}

/// The command that goes on at a cursor.
fn from(app: &App, args: &ListArgs, cursor: &str) -> String {
    let mut rest = format!("list --cursor {}", quote(cursor));
    if args.all {
        rest.push_str(" --all");
    }
    if let Some(limit) = args.limit {
        rest.push_str(&format!(" --limit {limit}"));
    }
    if let Some(state) = &args.state {
        rest.push_str(&format!(" --state {}", quote(state.as_str())));
    }
    app.command(&rest)
}

fn print(app: &App, page: &VideoJobPage, first: First) -> Result<(), Failure> {
    if app.screen.json {
        return app.screen.json(page);
    }
    let jobs = page.items.as_deref().unwrap_or_default();
    if app.screen.quiet {
        return jobs.iter().try_for_each(|job| app.screen.line(&job.job_id));
    }
    if jobs.is_empty() {
        if first == First::Yes {
            app.screen.say("note", "there are no such jobs here");
        }
        return Ok(());
    }
    let reason =
        |job: &infrai_video::types::VideoJob| job.error.as_ref().map(ToString::to_string).unwrap_or_default();
    let rows: Vec<Vec<String>> =
        jobs.iter().map(|job| vec![job.job_id.clone(), job.state.to_string(), reason(job)]).collect();
    app.screen.table(&Table { headings: &["JOB", "STATE", "REASON"], rows: &rows, give: 2, first })
}
