mod rows;
mod watch;

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use infrai_video::list::List;
use infrai_video::types::{VideoJob, VideoJobPage};
use infrai_video::{Error, JobState, Response};

use super::known_jobs::KnownJobs;
use crate::args::ListArgs;
use crate::context::Context;
use crate::failure::{Failure, advice, has_code};
use crate::ledger::KnownJob;
use crate::schema::{JobReport, ListPage};
use crate::text::option;

/// Maximum number of jobs that the service returns at once.
const MAX_PAGE: u32 = 100;

pub(crate) async fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let session = ctx.connect().await?;
    let mut list = session.client.list();
    if let Some(limit) = args.limit {
        list = list.limit(whole(limit).min(MAX_PAGE));
    }
    if let Some(cursor) = &args.cursor {
        list = list.cursor(cursor);
    }
    if args.watch {
        return watch::run(ctx, args, list).await;
    }
    if args.all && args.limit.is_none() {
        return all_pages(ctx, args, list).await;
    }
    let page = async {
        let is_one_page = args.limit.is_none_or(|limit| whole(limit) <= MAX_PAGE);
        match &args.state {
            None if is_one_page => list.await.map(Response::into_inner),
            state => selected(list, args.limit, state.as_ref()).await,
        }
    };
    let (mut known, page) = tokio::join!(KnownJobs::open(ctx), page);
    let page = page.map_err(|error| rejected(ctx, args, &error))?;
    let shown = print(ctx, args, &page, &mut known).await;
    known.close().await;
    shown?;
    if let Some(cursor) = cursor_after(&page) {
        ctx.output.status("more", &next_page(ctx, args, cursor));
    }
    Ok(())
}

/// Prints all pages: each as soon as it is read, or one table of all on a terminal.
async fn all_pages(ctx: &Context, args: &ListArgs, list: List) -> Result<(), Failure> {
    let list = args.state.iter().cloned().fold(list, List::with_state);
    let mut known = KnownJobs::open(ctx).await;
    let mut pages = list.pages();
    let mut table = is_table(ctx).then(VideoJobPage::default);
    let result = loop {
        let cursor = pages.cursor().map(str::to_owned);
        match (pages.try_next().await, &mut table) {
            (Ok(Some(page)), Some(table)) => {
                table.items.get_or_insert_default().extend(page.into_inner().items.unwrap_or_default());
            }
            (Ok(Some(page)), None) => match print(ctx, args, &page, &mut known).await {
                Ok(()) => {}
                result => break result,
            },
            (Ok(None), _) => break Ok(()),
            (Err(error), _) => {
                let failure = rejected(ctx, args, &error);
                break Err(match cursor {
                    Some(cursor) => failure.with_next(vec![next_page(ctx, args, &cursor)]),
                    None => failure,
                });
            }
        }
    };
    // After a failure the pages before it are shown.
    let shown = match table.filter(|table| result.is_ok() || table.items.is_some()) {
        Some(table) => print(ctx, args, &table, &mut known).await,
        None => Ok(()),
    };
    known.close().await;
    result.and(shown)
}

/// What the ledger knows of these jobs.
async fn items_of(known: &mut KnownJobs<'_>, jobs: &[VideoJob]) -> HashMap<String, KnownJob> {
    let jobs: Vec<(&str, &JobState)> = jobs.iter().map(|job| (job.job_id.as_str(), &job.state)).collect();
    match jobs.is_empty() {
        true => HashMap::new(),
        false => known.of(&jobs).await,
    }
}

/// Reads pages until there are `limit` jobs (in this state), or as many as a page has if there is no limit.
async fn selected(list: List, limit: Option<i64>, state: Option<&JobState>) -> Result<VideoJobPage, Error> {
    let is_wanted =
        |job: &VideoJob| state.is_none_or(|state| job.state.as_str().eq_ignore_ascii_case(state.as_str()));
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

/// Whether jobs are shown as a table.
fn is_table(ctx: &Context) -> bool {
    ctx.output.stdout_is_terminal && !ctx.output.json && !ctx.output.quiet
}

fn cursor_after(page: &VideoJobPage) -> Option<&str> {
    page.next_cursor.as_deref().filter(|cursor| !cursor.is_empty())
}

async fn print(
    ctx: &Context,
    args: &ListArgs,
    page: &VideoJobPage,
    known: &mut KnownJobs<'_>,
) -> Result<(), Failure> {
    let jobs = page.items.as_deref().unwrap_or_default();
    let items = items_of(known, jobs).await;
    if ctx.output.json {
        let items = jobs.iter().map(|job| JobReport::new(job, items.get(&job.job_id))).collect();
        return ctx.output.json(&ListPage { items, next_cursor: page.next_cursor.as_deref() });
    }
    if jobs.is_empty() && !ctx.output.quiet {
        ctx.output.status("note", none(args));
        if args.state.is_none() && args.cursor.is_none() {
            ctx.output.status("next", &ctx.invocation.command("generate 'a lighthouse in a storm'"));
        }
    }
    if is_table(ctx) && !jobs.is_empty() {
        return ctx.output.table(&rows::table(jobs, &items));
    }
    jobs.iter().try_for_each(|job| print_line(ctx, job, items.get(&job.job_id)))
}

/// Why the list is empty.
fn none(args: &ListArgs) -> &'static str {
    match (&args.state, &args.cursor) {
        (None, None) => "this account has no jobs",
        (Some(_), _) => "there are no jobs in this state",
        (None, Some(_)) => "there are no more jobs",
    }
}

/// Prints a job as a line for programs.
fn print_line(ctx: &Context, job: &VideoJob, item: Option<&KnownJob>) -> Result<(), Failure> {
    match ctx.output.quiet {
        true => ctx.output.line(&job.job_id),
        false => ctx.output.row(&rows::line(job, item).each_ref().map(String::as_str)),
    }
}

/// A limit that is not a `u32` is clamped to a value that the SDK rejects by name.
fn whole(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
