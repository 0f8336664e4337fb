//! How a wait and a download look: a spinner and a bar on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use infrai_video::{JobState, JobUpdate, Progress};
use tokio::time::Instant;

use crate::output::{Screen, WORD};
use crate::text::{clean, clock, size};

/// How often a plain line says that there is nothing new.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);

const TICK: Duration = Duration::from_millis(120);
const SPINNER: &str = "|/-\\ ";

/// The line of one job that is waited for.
pub(crate) struct JobLine {
    screen: Screen,
    spinner: Option<ProgressBar>,
    /// Names the job where several are waited for.
    suffix: String,
    started: Instant,
    polls: Arc<Mutex<u32>>,
    state: Option<JobState>,
}

impl JobLine {
    /// `job_id` is shown where several jobs are waited for.
    pub(crate) fn new(screen: &Screen, job_id: Option<&str>) -> Self {
        let polls = Arc::new(Mutex::new(0));
        let suffix = job_id.map(|id| format!("  job {id}")).unwrap_or_default();
        let spinner = screen.live.then(|| {
            let (seen, suffix) = (Arc::clone(&polls), clean(&suffix).into_owned());
            let style = style(&format!("{{prefix:{WORD}}}{{waited}} {{spinner}}"))
                .tick_chars(SPINNER)
                .with_key("waited", move |progress: &ProgressState, line: &mut dyn std::fmt::Write| {
                    let polls = *seen.lock().unwrap_or_else(PoisonError::into_inner);
                    let _infallible = write!(line, "{}{suffix}", so_far(progress.elapsed(), polls));
                });
            let spinner =
                screen.bars.add(ProgressBar::new_spinner()).with_style(style).with_prefix("waiting");
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Self { screen: screen.clone(), spinner, suffix, started: Instant::now(), polls, state: None }
    }

    /// A state was read.
    pub(crate) fn update(&mut self, update: &JobUpdate) {
        *self.polls.lock().unwrap_or_else(PoisonError::into_inner) = update.polls;
        if self.state.as_ref() == Some(&update.job.state) {
            return;
        }
        self.state = Some(update.job.state.clone());
        match &self.spinner {
            Some(spinner) => spinner.set_prefix(clean(update.job.state.as_str()).into_owned()),
            // The end has a line of its own.
            None if update.job.state.is_final() => {}
            None => self.say(),
        }
    }

    /// Nothing new for a while.
    pub(crate) fn heartbeat(&self) {
        if self.spinner.is_none() {
            self.say();
        }
    }

    fn say(&self) {
        let polls = *self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let word = self.state.as_ref().map_or("waiting", JobState::as_str);
        self.screen.say(&clean(word), &format!("{}{}", so_far(self.started.elapsed(), polls), self.suffix));
    }
}

impl Drop for JobLine {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// `00:42  poll 9`.
fn so_far(elapsed: Duration, polls: u32) -> String {
    match polls {
        0 => clock(elapsed),
        _ => format!("{}  poll {polls}", clock(elapsed)),
    }
}

/// The line of a download.
pub(crate) struct ClipLine {
    screen: Screen,
    bar: ProgressBar,
}

impl ClipLine {
    pub(crate) fn new(screen: &Screen) -> Self {
        let bar = ProgressBar::hidden();
        if !screen.live {
            return Self { screen: screen.clone(), bar };
        }
        let style = style(&format!("{{prefix:{WORD}}}{{bar:24}}  {{amount}}")).progress_chars("=> ");
        let bar = ProgressBar::no_length().with_prefix("saving").with_style(style.with_key("amount", amount));
        let bar = screen.bars.add(bar);
        bar.enable_steady_tick(TICK);
        Self { screen: screen.clone(), bar }
    }

    /// What a download reports to.
    pub(crate) fn reporter(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let bar = self.bar.clone();
        move |progress| {
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.bytes);
        }
    }

    /// Says how far it is, where no bar does.
    pub(crate) fn heartbeat(&self) {
        if self.screen.live {
            return;
        }
        let total = self.bar.length().map(|total| format!(" of {}", size(total))).unwrap_or_default();
        self.screen.say("saving", &format!("{}{total}", size(self.bar.position())));
    }
}

impl Drop for ClipLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `3.1 MB of 8.4 MB  2.2 MB/s  00:03 left`, as far as it is known.
fn amount(progress: &ProgressState, line: &mut dyn std::fmt::Write) {
    let (there, rate) = (progress.pos(), progress.per_sec());
    let Some(total) = progress.len() else {
        let _infallible = line.write_str("asking for the clip");
        return;
    };
    let _infallible = write!(
        line,
        "{} of {}  {}/s  {} left",
        size(there),
        size(total),
        size(rate as u64),
        clock(progress.eta())
    );
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is fixed and well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_well_formed() {
        for template in [
            format!("{{prefix:{WORD}}}{{waited}} {{spinner}}"),
            format!("{{prefix:{WORD}}}{{bar:24}}  {{amount}}"),
        ] {
            style(&template);
        }
    }
}
