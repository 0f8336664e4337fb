//! The progress of a wait for one job: a changing line on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};

use infrai_video::JobState;
use infrai_video::wait::JobUpdate;
use tokio::time::Instant;

use super::terminal_lines::{LineHandle, TICK, TerminalLine};
use super::{LABEL_WIDTH, Output, lock};
use crate::text::{clean, clock, first_that_fits, fit_end};

const SPINNER: [char; 4] = ['|', '/', '-', '\\'];

/// The line of a job that is waited for.
pub(crate) struct JobProgress {
    output: Output,
    job: Arc<Job>,
    line: Option<LineHandle>,
}

struct Job {
    /// Shown if several jobs are waited for.
    id: Option<String>,
    started: Instant,
    /// The last state, and the number of polls.
    polled: Mutex<(Option<JobState>, u32)>,
}

impl JobProgress {
    /// `job_id` is shown if several jobs are waited for.
    pub(crate) fn new(output: &Output, job_id: Option<&str>) -> Self {
        let id = job_id.map(|id| clean(id).into_owned());
        let job = Arc::new(Job { id, started: Instant::now(), polled: Mutex::default() });
        let line = output.is_live.then(|| output.lines.add(job.clone()));
        Self { output: output.clone(), job, line }
    }

    pub(crate) fn update(&mut self, update: &JobUpdate) {
        let state = Some(update.job.state.clone());
        let before = std::mem::replace(&mut *lock(&self.job.polled), (state.clone(), update.polls)).0;
        // The caller reports a final state.
        if self.line.is_none() && before != state && !update.job.state.is_final() {
            self.print();
        }
    }

    /// Nothing has changed for a while.
    pub(crate) fn heartbeat(&self) {
        if self.line.is_none() {
            self.print();
        }
    }

    fn print(&self) {
        let id = self.job.id.as_ref().map(|id| format!("  job {id}")).unwrap_or_default();
        self.output.status(&self.job.state(), &format!("{}{id}", self.job.elapsed_and_polls()));
    }
}

impl Job {
    /// `00:42  poll 9`.
    fn elapsed_and_polls(&self) -> String {
        let elapsed = clock(self.started.elapsed());
        match lock(&self.polled).1 {
            0 => elapsed,
            polls => format!("{elapsed}  poll {polls}"),
        }
    }
}

impl TerminalLine for Job {
    fn state(&self) -> String {
        let polled = lock(&self.polled);
        clean(polled.0.as_ref().map_or("waiting", JobState::as_str)).into_owned()
    }

    fn line(&self, columns: usize) -> String {
        let state = format!("{:LABEL_WIDTH$}", self.state());
        let elapsed = self.started.elapsed();
        let spinner = SPINNER[(elapsed.as_millis() / TICK.as_millis()) as usize % SPINNER.len()];
        let (long, short) = (self.elapsed_and_polls(), clock(elapsed));
        let Some(id) = &self.id else {
            let lines =
                [format!("{state}{long} {spinner}"), format!("{state}{long}"), format!("{state}{short}")];
            return first_that_fits(lines, columns);
        };
        let with_end_of_id = |before: String, least: usize| {
            let room = columns.saturating_sub(before.len()).max(least);
            before + &fit_end(id, room)
        };
        let lines = [
            format!("{state}{long}  job {id} {spinner}"),
            format!("{state}{short}  {id}"),
            with_end_of_id(format!("{state}{short}  "), 12),
            with_end_of_id(format!("{} ", self.state()), 9),
        ];
        first_that_fits(lines, columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

    fn job(id: Option<&str>, polls: u32) -> Job {
        let polled = Mutex::new((Some(JobState::Running), polls));
        Job { id: id.map(str::to_owned), started: Instant::now(), polled }
    }

    #[test]
    fn a_job_shows_less_on_a_narrow_terminal() {
        let job = job(None, 9);
        assert!(job.line(79).starts_with("running    00:00  poll 9 "));
        assert_eq!(job.line(24), "running    00:00  poll 9");
        assert_eq!(job.line(19), "running    00:00");
        assert_eq!(job.line(10), "running...");
    }

    #[test]
    fn several_jobs_can_be_told_apart_at_any_width() {
        let job = job(Some(ID), 9);
        assert!(job.line(79).starts_with(&format!("running    00:00  poll 9  job {ID} ")));
        assert_eq!(job.line(55), format!("running    00:00  {ID}"));
        assert_eq!(job.line(39), "running    00:00  ...zn5w4x7r2m9t6h0c1d");
        assert_eq!(job.line(19), "running ...9t6h0c1d");
    }
}
