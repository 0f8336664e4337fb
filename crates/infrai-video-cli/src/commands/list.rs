use futures_util::TryStreamExt as _;
use infrai_video::types::{VideoJob, VideoJobPage};
use infrai_video::{Error, JobState, List, Response};

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
    if !args.all {
        let page = match &args.state {
            Some(state) => read_on(list, args.limit, state).await,
            None => list.await.map(Response::into_inner),
        };
        let page = page.map_err(|error| refused(app, args, &error))?;
        print(app, &page, First::Yes)?;
        if let Some(cursor) = page.next_cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            app.screen.say("more", &from(app, args, cursor));
        }
        return Ok(());
    }
    if let Some(state) = &args.state {
        list = list.with_state(state.clone());
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

/// Reads pages until there are as many jobs in that state as asked for, which without a limit is the size of a page.
async fn read_on(list: List, limit: Option<i64>, state: &JobState) -> Result<VideoJobPage, Error> {
    let is_wanted = |job: &VideoJob| job.state.as_str().eq_ignore_ascii_case(state.as_str());
    let mut asked_for = limit.map(|limit| whole(limit) as usize);
    let mut found: Vec<VideoJob> = Vec::new();
    let mut pages = list.clone().pages();
    loop {
        let cursor = pages.cursor().map(str::to_owned);
        let Some(page) = pages.try_next().await? else {
            return Ok(VideoJobPage { items: Some(found), next_cursor: None });
        };
        let VideoJobPage { items, next_cursor } = page.into_inner();
        let mut jobs = items.unwrap_or_default();
        let missing = *asked_for.get_or_insert(jobs.len().max(1)) - found.len();
        let places = jobs.iter().enumerate().filter(|(_, job)| is_wanted(job)).map(|(index, _)| index + 1);
        let Some(last) = places.take(missing).nth(missing - 1) else {
            found.extend(jobs.into_iter().filter(is_wanted));
            continue;
        };
        let mut behind = next_cursor;
        if last < jobs.len() {
            // A page that ends with the last job gives the cursor behind it.
            let shorter = list.clone().limit(u32::try_from(last).unwrap_or(u32::MAX));
            let shorter = cursor.into_iter().fold(shorter, List::cursor).await?.into_inner();
            (jobs, behind) = (shorter.items.unwrap_or_default(), shorter.next_cursor);
        }
        found.extend(jobs.into_iter().filter(is_wanted));
        return Ok(VideoJobPage { items: Some(found), next_cursor: behind });
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
    let reason = |job: &VideoJob| job.error.as_ref().map(ToString::to_string).unwrap_or_default();
    let rows: Vec<Vec<String>> =
        jobs.iter().map(|job| vec![job.job_id.clone(), job.state.to_string(), reason(job)]).collect();
    app.screen.table(&Table { headings: &["JOB", "STATE", "REASON"], rows: &rows, give: 2, first })
}
