//! A row of steps, which run one after the other, and their results.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::runner::{Outcome, Runner, print};
use super::steps::{BUILD, Step};

/// Steps and what runs them.
pub(super) struct Row<'a> {
    pub(super) steps: Vec<&'a Step>,
    /// What the row that is free first does then.
    pub(super) either: &'a Mutex<VecDeque<&'a Step>>,
    pub(super) runner: Runner<'a>,
}

/// The result of a step, and how long it took.
pub(super) struct StepResult {
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    time: Duration,
}

impl<'a> Row<'a> {
    /// Runs the steps, and drops `built` once the step `build` has finished.
    pub(super) fn run(mut self, mut built: Option<Sender<()>>) -> io::Result<Vec<StepResult>> {
        let mut results = Vec::new();
        let mut own = std::mem::take(&mut self.steps).into_iter();
        while let Some(step) = own.next().or_else(|| self.next_of_either()) {
            let start = Instant::now();
            let outcome =
                self.runner.step(step).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
            let result = StepResult { name: step.name, outcome, time: start.elapsed() };
            print(self.runner.out, &result.line())?;
            results.push(result);
            if step.name == BUILD {
                built = None;
            }
        }
        drop(built);
        Ok(results)
    }

    fn next_of_either(&self) -> Option<&'a Step> {
        self.either.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl StepResult {
    pub(super) fn line(&self) -> String {
        let outcome = match &self.outcome {
            Outcome::Passed => "ok".to_owned(),
            Outcome::Failed(why) => format!("FAILED: {why}"),
            Outcome::Skipped(why) => format!("skipped: {why}"),
        };
        format!("{:<16} {:>7.1} s  {outcome}", self.name, self.time.as_secs_f64())
    }
}
