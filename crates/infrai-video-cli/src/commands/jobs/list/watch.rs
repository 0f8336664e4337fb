//! `list --watch`: the newest page again and again, until a signal.

use std::collections::HashMap;
use std::time::Duration;

use infrai_video::list::List;
use infrai_video::types::VideoJob;
use infrai_video::{Error, JobState};
use tokio::time::sleep;

use super::{is_table, items_of, none, print_line, rejected, rows};
use crate::args::ListArgs;
use crate::commands::jobs::known_jobs::KnownJobs;
use crate::context::{Context, LONGEST_INTERVAL, SHORTEST_INTERVAL};
use crate::failure::{Failure, Setback};
use crate::schema::JobReport;
use crate::ui::LiveTable;

/// Maximum interval while the service is unreachable or limits the rate.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

pub(super) async fn run(ctx: &Context, args: &ListArgs, list: List) -> Result<(), Failure> {
    let mut signals = ctx.signals()?;
    let table = (is_table(ctx) && ctx.output.is_live).then(|| LiveTable::new(&ctx.output, none(args)));
    let mut watch = Watch { ctx, args, known: KnownJobs::open(ctx).await, table, states: HashMap::new() };
    let result = tokio::select! {
        result = watch.run(list) => result,
        signal = signals.next() => {
            if ctx.output.stdout_is_terminal && !ctx.output.is_live {
                // The terminal has echoed ^C.
                ctx.output.status("stopped", "the watch");
            }
            Err(Failure::printed(signal.exit()))
        }
    };
    watch.known.close().await;
    let last = watch.table.and_then(LiveTable::into_last);
    match last.map_or(Ok(()), |table| ctx.output.table(&table)) {
        Ok(()) => result,
        failed => result.and(failed),
    }
}

struct Watch<'a> {
    ctx: &'a Context,
    args: &'a ListArgs,
    known: KnownJobs<'a>,
    /// Set on a terminal.
    table: Option<LiveTable>,
    /// The last state of each job of the page.
    states: HashMap<String, JobState>,
}

impl Watch<'_> {
    /// Sends one request a round. Rounds are further apart while nothing changes.
    async fn run(&mut self, list: List) -> Result<(), Failure> {
        let (mut interval, mut backoff) = (SHORTEST_INTERVAL, None);
        loop {
            match list.clone().await {
                Ok(page) => {
                    if backoff.take().is_some() {
                        self.ctx.output.status("resuming", "the service responds again");
                    }
                    let has_changed = self.show(page.into_inner().items.unwrap_or_default()).await?;
                    interval = match has_changed {
                        true => SHORTEST_INTERVAL,
                        false => interval.mul_f64(1.5).min(LONGEST_INTERVAL),
                    };
                    sleep(interval).await;
                }
                Err(error) => {
                    let next = self.outage(&error, backoff)?;
                    backoff = Some(next);
                    sleep(next.max(error.retry_after().unwrap_or_default())).await;
                }
            }
        }
    }

    /// The delay after a failed round. Fails if waiting does not help.
    fn outage(&self, error: &Error, before: Option<Duration>) -> Result<Duration, Failure> {
        let Setback::Paused { why, .. } = Setback::of_call(error) else {
            return Err(rejected(self.ctx, self.args, error));
        };
        match before {
            Some(before) => Ok((before * 2).min(LONGEST_BACKOFF)),
            None => {
                self.ctx.output.status("note", &format!("{why}; the watch continues"));
                Ok(LONGEST_INTERVAL)
            }
        }
    }

    /// Shows a page. Returns whether a job is new or has another state.
    async fn show(&mut self, mut jobs: Vec<VideoJob>) -> Result<bool, Failure> {
        let states: HashMap<String, JobState> =
            jobs.iter().map(|job| (job.job_id.clone(), job.state.clone())).collect();
        let is_wanted = |state: &JobState| {
            let wanted = self.args.state.as_ref();
            wanted.is_none_or(|wanted| wanted.as_str().eq_ignore_ascii_case(state.as_str()))
        };
        let has_changed = states != self.states;
        if let Some(table) = &self.table {
            jobs.retain(|job| is_wanted(&job.state));
            let items = items_of(&mut self.known, &jobs).await;
            table.set(rows::table(&jobs, &items));
        } else if has_changed {
            jobs.retain(|job| {
                let before = self.states.get(&job.job_id);
                before != Some(&job.state) && (is_wanted(&job.state) || before.is_some_and(is_wanted))
            });
            self.print(jobs).await?;
        }
        self.states = states;
        Ok(has_changed)
    }

    /// Prints a line for each job, the oldest first, or a table of these jobs on a terminal.
    async fn print(&mut self, jobs: Vec<VideoJob>) -> Result<(), Failure> {
        let items = items_of(&mut self.known, &jobs).await;
        if is_table(self.ctx) {
            return match jobs.is_empty() {
                true => Ok(()),
                false => self.ctx.output.table(&rows::table(&jobs, &items)),
            };
        }
        jobs.iter().rev().try_for_each(|job| {
            let item = items.get(&job.job_id);
            match self.ctx.output.json {
                true => self.ctx.output.json(&JobReport::new(job, item)),
                false => print_line(self.ctx, job, item),
            }
        })
    }
}
