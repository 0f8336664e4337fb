//! The progress of a wait for one job: a changing line on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use infrai_video::JobState;
use infrai_video::wait::JobUpdate;
use tokio::time::Instant;

use super::terminal_lines::{LineHandle, TICK, TerminalLine};
use super::{LABEL_WIDTH, Output, lock};
use crate::ledger::Usual;
use crate::text::{clean, clock, first_that_fits, fit_end, span};

const SPINNER: [char; 4] = ['|', '/', '-', '\\'];

/// The line of a job that is waited for.
pub(crate) struct JobProgress {
    output: Output,
    job: Arc<Job>,
    line: Option<LineHandle>,
}

/// A wait that began much later than the job says when the job was submitted.
const LATER: Duration = Duration::from_secs(10);

/// `usually 1:40 to 2:10`.
pub(super) fn usually(usual: &Usual, waited: Duration) -> String {
    let usually = format!("usually {}", span(&usual.range));
    match usual.before < LATER {
        true => usually,
        false => format!("{usually}, submitted {} ago", clock(usual.before + waited)),
    }
}

struct Job {
    /// Shown if several jobs are waited for.
    id: Option<String>,
    started: Instant,
    usual: Option<Usual>,
    /// The last state, and the number of polls.
    polled: Mutex<(Option<JobState>, u32)>,
}

impl JobProgress {
    /// `job_id` is shown if several jobs are waited for.
    pub(crate) fn new(output: &Output, job_id: Option<&str>, usual: Option<Usual>) -> Self {
        let id = job_id.map(|id| clean(id).into_owned());
        let job = Arc::new(Job { id, started: Instant::now(), usual, polled: Mutex::default() });
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
        self.output.status(&self.job.state(), &format!("{}{id}", self.job.long()));
    }
}

impl Job {
    /// `00:42  usually 1:40 to 2:10  poll 9`.
    fn long(&self) -> String {
        let polls = lock(&self.polled).1;
        let polls = (polls > 0).then(|| format!("poll {polls}"));
        [Some(self.elapsed_and_usual()), polls].into_iter().flatten().collect::<Vec<_>>().join("  ")
    }

    /// `00:42  usually 1:40 to 2:10`.
    fn elapsed_and_usual(&self) -> String {
        let elapsed = self.started.elapsed();
        let usual = self.usual.as_ref().map(|usual| format!("  {}", usually(usual, elapsed)));
        clock(elapsed) + &usual.unwrap_or_default()
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
        let (long, middle, short) = (self.long(), self.elapsed_and_usual(), clock(elapsed));
        let Some(id) = &self.id else {
            let lines = [
                format!("{state}{long} {spinner}"),
                format!("{state}{long}"),
                format!("{state}{middle}"),
                format!("{state}{short}"),
            ];
            return first_that_fits(lines, columns);
        };
        let with_end_of_id = |before: String, least: usize| {
            let room = columns.saturating_sub(before.len()).max(least);
            before + &fit_end(id, room)
        };
        let lines = [
            format!("{state}{long}  job {id} {spinner}"),
            format!("{state}{middle}  {id}"),
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
        Job { id: id.map(str::to_owned), started: Instant::now(), usual: None, polled }
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
    fn a_wait_says_how_long_such_jobs_usually_take() {
        let seconds = Duration::from_secs;
        let usual = |before| Some(Usual { range: seconds(100)..=seconds(130), before: seconds(before) });
        let mut job = Job { usual: usual(1), ..job(None, 9) };
        assert!(job.line(60).starts_with("running    00:00  usually 1:40 to 2:10  poll 9 "));
        assert_eq!(job.line(40), "running    00:00  usually 1:40 to 2:10");
        assert_eq!(job.line(36), "running    00:00");
        job.usual = usual(603);
        assert!(job.line(79).contains("00:00  usually 1:40 to 2:10, submitted 10:03 ago  poll 9"));
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
