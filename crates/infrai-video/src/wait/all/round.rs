//! The progress of a round: what it has read, and what is left.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::JobId;

/// One reading of all jobs that were pending at its start. The default is the state before the first round.
#[derive(Debug, Default)]
pub(super) struct Round {
    started: Option<Instant>,
    /// The number of jobs at its start.
    jobs: usize,
    /// The jobs that are left.
    pub(super) unseen: BTreeSet<JobId>,
    /// The number of pages to read.
    pub(super) pages: usize,
    pub(super) pages_read: usize,
    /// Whether the list has no page after the last one that was read.
    pub(super) is_last_page: bool,
    cursor: Option<String>,
    /// The number of pages and of polls of single jobs so far, without those that are repeated.
    pub(super) requests: usize,
    /// Whether it has read something since it began, or since the last interruption.
    has_progressed: bool,
    /// Whether a failure has interrupted it.
    pub(super) is_interrupted: bool,
}

impl Round {
    pub(super) fn new(jobs: BTreeSet<JobId>, pages: usize) -> Self {
        Self { started: Some(Instant::now()), jobs: jobs.len(), unseen: jobs, pages, ..Self::default() }
    }

    /// Whether no round has begun.
    pub(super) fn is_new(&self) -> bool {
        self.started.is_none()
    }

    /// Whether there is a rest to read.
    pub(super) fn continues(&self) -> bool {
        self.has_progressed && !self.unseen.is_empty()
    }

    /// Whether the rest can be read at once: the round stopped only to return results.
    pub(super) fn has_more_results(&self) -> bool {
        self.continues() && !self.is_interrupted
    }

    /// Goes on after a failure, or after results were returned.
    pub(super) fn resume(&mut self) {
        if self.is_interrupted {
            self.has_progressed = false;
            self.is_interrupted = false;
        }
    }

    /// Does not count this time, which ends now, as part of the round.
    pub(super) fn exclude(&mut self, time: Duration) {
        self.started = self.started.map(|started| started + time);
    }

    /// The cursor of the next page, if there is one to read.
    pub(super) fn next_page(&self) -> Option<Option<String>> {
        let is_over = self.pages_read >= self.pages || self.is_last_page || self.unseen.is_empty();
        (!is_over).then(|| self.cursor.clone())
    }

    /// Counts a page that was read.
    pub(super) fn count_page(&mut self, next_cursor: Option<String>) {
        self.cursor = next_cursor.filter(|cursor| !cursor.is_empty());
        self.is_last_page = self.cursor.is_none();
        self.pages_read += 1;
        self.requests += 1;
        self.has_progressed = true;
    }

    /// Counts a poll of a job that no page has shown.
    pub(super) fn count_poll(&mut self, id: &JobId) {
        self.unseen.remove(id);
        self.requests += 1;
        self.has_progressed = true;
    }

    /// The number of jobs per request, and the duration, if the round is complete.
    pub(super) fn completed(&self) -> Option<(f64, Duration)> {
        let took = self.started.filter(|_| self.unseen.is_empty())?.elapsed();
        Some((self.jobs as f64 / self.requests.max(1) as f64, took))
    }
}
