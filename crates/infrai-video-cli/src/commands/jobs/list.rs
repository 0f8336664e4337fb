use futures_util::TryStreamExt as _;
use infrai_video::list::List;
use infrai_video::types::{VideoJob, VideoJobPage};
use infrai_video::{Error, JobState, Response};

use crate::args::ListArgs;
use crate::context::Context;
use crate::failure::{Failure, advice, has_code};
use crate::text::option;
use crate::ui::{Header, Table};

pub(crate) async fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let session = ctx.connect().await?;
    let mut list = session.client.list();
    if let Some(limit) = args.limit {
        list = list.limit(whole(limit));
    }
    if let Some(cursor) = &args.cursor {
        list = list.cursor(cursor);
    }
    if !args.all {
        let page = match &args.state {
            Some(state) => page_of_state(list, args.limit, state).await,
            None => list.await.map(Response::into_inner),
        };
        let page = page.map_err(|error| rejected(ctx, args, &error))?;
        print(ctx, &page, Header::Shown)?;
        if let Some(cursor) = page.next_cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            ctx.output.status("more", &next_page(ctx, args, cursor));
        }
        return Ok(());
    }
    if let Some(state) = &args.state {
        list = list.with_state(state.clone());
    }
    let mut pages = list.pages();
    let mut header = Header::Shown;
    loop {
        let cursor = pages.cursor().map(str::to_owned);
        match pages.try_next().await {
            Ok(Some(page)) => print(ctx, &page, header)?,
            Ok(None) => return Ok(()),
            Err(error) => {
                let failure = rejected(ctx, args, &error);
                return Err(match cursor {
                    Some(cursor) => failure.with_next(vec![next_page(ctx, args, &cursor)]),
                    None => failure,
                });
            }
        }
        header = Header::Hidden;
    }
}

/// Reads pages until there are `limit` jobs in this state, or as many as a page has if there is no limit.
async fn page_of_state(list: List, limit: Option<i64>, state: &JobState) -> Result<VideoJobPage, Error> {
    let is_wanted = |job: &VideoJob| job.state.as_str().eq_ignore_ascii_case(state.as_str());
    let mut wanted = limit.map(|limit| whole(limit) as usize);
    let mut found: Vec<VideoJob> = Vec::new();
    let mut pages = list.clone().pages();
    loop {
        let cursor = pages.cursor().map(str::to_owned);
        let Some(page) = pages.try_next().await? else {
            return Ok(page_of(found, None));
        };
        let VideoJobPage { items, next_cursor, .. } = page.into_inner();
        let mut jobs = items.unwrap_or_default();
        let missing = *wanted.get_or_insert(jobs.len().max(1)) - found.len();
        let places = jobs.iter().enumerate().filter(|(_, job)| is_wanted(job)).map(|(index, _)| index + 1);
        let Some(last) = places.take(missing).nth(missing - 1) else {
            found.extend(jobs.into_iter().filter(is_wanted));
            continue;
        };
        let mut cursor_after = next_cursor;
        if last < jobs.len() {
            // A page that ends with the last job has the cursor after it.
            let shorter = list.clone().limit(u32::try_from(last).unwrap_or(u32::MAX));
            let shorter = cursor.into_iter().fold(shorter, List::cursor).await?.into_inner();
            (jobs, cursor_after) = (shorter.items.unwrap_or_default(), shorter.next_cursor);
        }
        found.extend(jobs.into_iter().filter(is_wanted));
        return Ok(page_of(found, cursor_after));
    }
}

fn page_of(jobs: Vec<VideoJob>, next_cursor: Option<String>) -> VideoJobPage {
    let mut page = VideoJobPage::default();
    page.items = Some(jobs);
    page.next_cursor = next_cursor;
    page
}

/// Only the service can validate a cursor.
fn rejected(ctx: &Context, args: &ListArgs, error: &Error) -> Failure {
    let failure = Failure::of_call(&ctx.invocation, error);
    match args.cursor.is_some() && has_code(error, "INVALID_CURSOR") {
        true => failure.with_next(vec![advice::first_page(&ctx.invocation)]),
        false => failure,
    }
}

/// The command that continues at a cursor.
fn next_page(ctx: &Context, args: &ListArgs, cursor: &str) -> String {
    let mut rest = format!("list {}", option("--cursor", cursor));
    if args.all {
        rest.push_str(" --all");
    }
    if let Some(limit) = args.limit {
        rest.push_str(&format!(" --limit {limit}"));
    }
    if let Some(state) = &args.state {
        rest.push_str(&format!(" {}", option("--state", state.as_str())));
    }
    ctx.invocation.command(&rest)
}

fn print(ctx: &Context, page: &VideoJobPage, header: Header) -> Result<(), Failure> {
    if ctx.output.json {
        return ctx.output.json(page);
    }
    let jobs = page.items.as_deref().unwrap_or_default();
    if ctx.output.quiet {
        return jobs.iter().try_for_each(|job| ctx.output.line(&job.job_id));
    }
    if jobs.is_empty() {
        if header == Header::Shown {
            ctx.output.status("note", "there are no such jobs");
        }
        return Ok(());
    }
    let reason = |job: &VideoJob| job.error.as_ref().map(ToString::to_string).unwrap_or_default();
    let rows: Vec<Vec<String>> =
        jobs.iter().map(|job| vec![job.job_id.clone(), job.state.to_string(), reason(job)]).collect();
    ctx.output.table(&Table { headings: &["JOB", "STATE", "REASON"], rows: &rows, flexible: 2, header })
}

/// A limit that is not a `u32` is clamped to a value that the SDK rejects by name.
fn whole(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
