//! The wait for all jobs of a process: pages of the list, and a poll for each job that they do not show.

use std::collections::{BTreeMap, VecDeque};

use super::World;
use super::item::Settled;
use super::pool::Outage;
use super::queue::{Event, MINUTE, Micros, Process, SECOND, TaskId};
use super::service::{JobId, Outcome, PAGE};

const STATUS_CALLS: usize = 8;
const SHORTEST_INTERVAL: f64 = SECOND as f64;
const LONGEST_INTERVAL: f64 = 5.0 * SECOND as f64;
const SHARE: f64 = 0.1;
const MAX_WAIT: Micros = 30 * MINUTE;
const POLL_FAILURE_TIMEOUT: Micros = 5 * MINUTE;

/// The place of a job in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Unknown,
    Page(usize),
    Nowhere,
}

#[derive(Debug)]
struct Pending {
    task: TaskId,
    added: Micros,
    failing_since: Option<Micros>,
    place: Place,
}

/// A round, which reads each pending job once.
#[derive(Debug)]
struct Round {
    jobs: usize,
    pages: usize,
    max_pages: usize,
    /// The number of jobs of the account when the first page was read.
    newest: Option<usize>,
    /// Jobs that were not read yet, the newest last.
    unseen: VecDeque<JobId>,
    /// The number of jobs that were polled alone.
    calls: usize,
    /// What the requests on their way will bring.
    read: Vec<(JobId, Result<(), Outcome>)>,
    failed: Option<Outcome>,
    started: Micros,
    /// Whether it has read something since it began, or was continued.
    has_progressed: bool,
}

/// The jobs that a process waits for.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pending: BTreeMap<JobId, Pending>,
    rounds: u32,
    jobs_per_request: f64,
    /// The duration of the last round.
    round_took: Micros,
    not_before: Micros,
    due: Micros,
    token: u32,
    round: Option<Round>,
}

/// The number of pages that minimizes the requests, as in the SDK.
fn pages_to_read(places: impl Iterator<Item = Place>) -> usize {
    let (mut unknown, mut pages) = (0_usize, Vec::new());
    for place in places {
        match place {
            Place::Unknown => unknown += 1,
            Place::Page(page) => pages.push(page),
            Place::Nowhere => {}
        }
    }
    pages.sort_unstable();
    let jobs = pages.len();
    let choices = pages.into_iter().zip(1..).map(|(page, shown)| (page + jobs - shown, page));
    let (_, best) = choices.fold((jobs, 0), |best, choice| best.min(choice));
    best.max(2 * unknown.div_ceil(PAGE))
}

impl World {
    /// Adds a job to the wait.
    pub(super) fn watch(&mut self, process: Process, job: JobId, task: TaskId) {
        let now = self.queue.now();
        let soon = now + self.poll_delay(process, 0);
        let watch = &mut self.processes[process as usize].watch;
        let was_empty = watch.pending.is_empty();
        let pending = Pending { task, added: now, failing_since: None, place: Place::Unknown };
        watch.pending.insert(job, pending);
        if watch.round.is_some() {
            return;
        }
        let due = match watch.rounds {
            0 => now,
            _ if was_empty => soon,
            _ => watch.due.min(soon),
        };
        if was_empty || due < watch.due {
            self.schedule_round(process, due);
        }
    }

    fn schedule_round(&mut self, process: Process, due: Micros) {
        let watch = &mut self.processes[process as usize].watch;
        watch.due = due;
        watch.token += 1;
        self.queue.at(due.max(watch.not_before), Event::Round(process, watch.token));
    }

    /// The delay of a round for a job with this elapsed time.
    fn poll_delay(&mut self, process: Process, elapsed: Micros) -> Micros {
        let jitter = self.jitter();
        let watch = &self.processes[process as usize].watch;
        let share = elapsed as f64 * SHARE;
        let delay =
            (share / watch.jobs_per_request.max(1.0).sqrt()).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        // If a round takes longer than the shortest interval, all intervals grow in the same proportion.
        let longer = (watch.round_took as f64 / SHORTEST_INTERVAL).max(1.0);
        ((delay * longer).min(share.max(delay)) * (1.0 - 0.1 * jitter)) as Micros
    }

    pub(super) fn begin_round(&mut self, process: Process, token: u32) {
        let now = self.queue.now();
        let watch = &mut self.processes[process as usize].watch;
        if watch.token != token {
            return;
        }
        if watch.pending.is_empty() {
            watch.round = None;
            return;
        }
        // An interrupted round is continued if it has made progress.
        let interrupted = watch.round.take().filter(|round| round.has_progressed && !round.unseen.is_empty());
        let round = interrupted.unwrap_or_else(|| {
            watch.rounds += 1;
            let unseen: VecDeque<JobId> = watch.pending.keys().copied().collect();
            let max_pages = match unseen.len() {
                1 => 0,
                _ => pages_to_read(watch.pending.values().map(|pending| pending.place)),
            };
            let jobs = unseen.len();
            let (pages, calls, newest, read, failed) = (0, 0, None, Vec::new(), None);
            Round {
                jobs,
                pages,
                max_pages,
                newest,
                unseen,
                calls,
                read,
                failed,
                started: now,
                has_progressed: false,
            }
        });
        watch.round = Some(Round { has_progressed: false, failed: None, ..round });
        self.send_polls(process);
    }

    fn send_polls(&mut self, process: Process) {
        let one_way = self.scenario.service.one_way;
        let token = self.processes[process as usize].watch.token;
        self.queue.after(one_way, Event::PollAtService(process, token));
    }

    /// A page, or some polls of single jobs, arrive at the service.
    pub(super) fn poll_at_service(&mut self, process: Process, token: u32) {
        let now = self.queue.now();
        let watch = &mut self.processes[process as usize].watch;
        let Some(round) = watch.round.as_mut().filter(|_| watch.token == token) else { return };
        if round.pages < round.max_pages {
            match self.service.poll(true, now, &mut self.rng) {
                Ok(()) => {
                    round.pages += 1;
                    round.has_progressed = true;
                    let newest = *round.newest.get_or_insert(self.service.jobs());
                    let oldest = newest.saturating_sub(PAGE * round.pages);
                    while let Some(job) = round.unseen.pop_back_if(|job| *job as usize >= oldest) {
                        round.read.push((job, Ok(())));
                    }
                    if round.unseen.is_empty() || oldest == 0 {
                        round.max_pages = round.pages;
                    }
                }
                Err(outcome) => round.failed = Some(outcome),
            }
        } else {
            for _ in 0..STATUS_CALLS {
                let Some(job) = round.unseen.pop_front() else { break };
                let result = self.service.poll(false, now, &mut self.rng);
                match result {
                    Err(outcome @ Outcome::RateLimited(_)) => round.failed = Some(outcome),
                    _ => (round.calls, round.has_progressed) = (round.calls + 1, true),
                }
                round.read.push((job, result));
            }
            // The rest follows after the delay that the service requests.
            let refused =
                round.read.iter().rev().filter(|(_, result)| matches!(result, Err(Outcome::RateLimited(_))));
            refused.for_each(|(job, _)| round.unseen.push_front(*job));
        }
        let one_way = self.scenario.service.one_way;
        self.queue.after(one_way, Event::PollRead(process, token));
    }

    pub(super) fn poll_read(&mut self, process: Process, token: u32) {
        let now = self.queue.now();
        let then = now - self.scenario.service.one_way;
        let watch = &mut self.processes[process as usize].watch;
        let Some(round) = watch.round.as_mut().filter(|_| watch.token == token) else { return };
        let page = round.pages;
        let read = std::mem::take(&mut round.read);
        let is_page = round.pages > 0 && round.calls == 0;
        let failed_page = round.failed.filter(|_| read.is_empty());
        for (job, result) in read {
            match result {
                Ok(()) => {
                    let state = self.service.state(job, then);
                    let watch = &mut self.processes[process as usize].watch;
                    let Some(pending) = watch.pending.get_mut(&job) else { continue };
                    pending.failing_since = None;
                    if is_page {
                        pending.place = Place::Page(page);
                    }
                    let task = pending.task;
                    if super::is_final(state) {
                        watch.pending.remove(&job);
                        self.report.delays += now - self.service.end(job);
                    }
                    self.state_read(task, state);
                }
                Err(outcome) => self.poll_failed(process, job, outcome),
            }
            if !self.processes[process as usize].is_alive {
                return;
            }
        }
        if let Some(outcome) = failed_page {
            let jobs: Vec<JobId> = self.processes[process as usize].watch.pending.keys().copied().collect();
            jobs.into_iter().for_each(|job| self.poll_failed(process, job, outcome));
        }
        let watch = &self.processes[process as usize].watch;
        let Some(round) = &watch.round else { return };
        if round.failed.is_some() {
            let due = if watch.not_before > now { now } else { now + self.poll_delay(process, 0) };
            self.schedule_round(process, due);
        } else if round.pages >= round.max_pages && round.unseen.is_empty() {
            self.end_round(process);
        } else {
            self.place_unseen(process);
            self.send_polls(process);
        }
    }

    /// Once the last page was read, the jobs that no page showed move on.
    fn place_unseen(&mut self, process: Process) {
        let watch = &mut self.processes[process as usize].watch;
        let Some(round) = watch.round.as_ref().filter(|round| round.pages > 0 && round.calls == 0) else {
            return;
        };
        if round.pages < round.max_pages {
            return;
        }
        let ended = round.newest.is_some_and(|newest| newest <= PAGE * round.pages);
        for job in &round.unseen {
            if let Some(pending) = watch.pending.get_mut(job) {
                pending.place = match pending.place {
                    Place::Page(page) if page > round.pages && !ended => Place::Page(page),
                    Place::Page(_) if !ended => Place::Page(round.pages + 1),
                    _ => Place::Nowhere,
                };
            }
        }
    }

    fn end_round(&mut self, process: Process) {
        let now = self.queue.now();
        let watch = &mut self.processes[process as usize].watch;
        let round = watch.round.take().expect("a round ends once");
        watch.jobs_per_request = round.jobs as f64 / (round.pages + round.calls).max(1) as f64;
        watch.round_took = now - round.started;
        let over: Vec<TaskId> = watch
            .pending
            .extract_if(.., |_, job| job.added + MAX_WAIT <= now)
            .map(|(_, job)| job.task)
            .collect();
        for id in over {
            self.settle(id, Settled::GivenUp);
        }
        let watch = &self.processes[process as usize].watch;
        if let Some(youngest) = watch.pending.values().map(|pending| pending.added).max() {
            let due = now + self.poll_delay(process, now - youngest);
            self.schedule_round(process, due);
        }
    }

    /// A poll failed, which says nothing about its job.
    fn poll_failed(&mut self, process: Process, job: JobId, outcome: Outcome) {
        let now = self.queue.now();
        let watch = &mut self.processes[process as usize].watch;
        if let Outcome::RateLimited(delay) = outcome {
            watch.not_before = watch.not_before.max(now + delay);
        }
        let Some(pending) = watch.pending.get_mut(&job) else { return };
        if now - *pending.failing_since.get_or_insert(now) < POLL_FAILURE_TIMEOUT {
            return;
        }
        let task = pending.task;
        watch.pending.remove(&job);
        self.settle(task, Settled::Paused(Outage::Unreachable));
    }
}
