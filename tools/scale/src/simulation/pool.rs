//! The loop of a process: leases items while it has room, and pauses all of them while they would fail for the same reason.

use std::collections::{HashMap, HashSet, VecDeque};

use super::calls::RETRY_BUDGET;
use super::database::{MAX_PAUSE, Then};
use super::item::{After, Settled};
use super::queue::{Event, Lease, MINUTE, Micros, Process, SECOND, Statement, TaskId};
use super::scenario::Bug;
use super::watch::Watch;
use super::{PASSES, World};

const HEARTBEAT_INTERVAL: Micros = 10 * SECOND;
const POLL_INTERVAL: Micros = 2 * SECOND;
const FIRST_PROBE: Micros = 2 * SECOND;
const LONGEST_PROBE: Micros = MINUTE;
const MAX_OWN_OUTAGES: u32 = 3;
/// After this time a supervisor starts a process again that exited with unfinished items.
const RESTART: Micros = MINUTE;

/// What makes all items wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    Credit,
    Unreachable,
    RateLimited,
}

/// How fast items are begun.
#[derive(Debug, Clone, Copy, Default)]
enum Pace {
    #[default]
    Full,
    Paused {
        outage: Outage,
        since: Micros,
        delay: Micros,
        next: Micros,
    },
    /// One item is tried.
    Probing {
        outage: Outage,
        since: Micros,
        delay: Micros,
        accepted: u64,
        polled: u64,
        item: u32,
    },
}

/// A process.
#[derive(Debug, Default)]
pub(super) struct ProcessState {
    pub(super) machine: u32,
    pub(super) is_alive: bool,
    pub(super) stalled_until: Micros,
    /// Statements that wait for the next transaction, and whether one is on its way.
    pub(super) statements: Vec<Statement>,
    pub(super) is_writing: bool,
    pub(super) retry_budget: u32,
    /// The number of accepted requests and of polled states.
    pub(super) accepted: u64,
    pub(super) polled: u64,
    pub(super) watch: Watch,
    running: usize,
    held: VecDeque<TaskId>,
    pace: Pace,
    /// For each item the outages that it met, and the number of accepted requests at its first one.
    outages: HashMap<u32, (u32, u64)>,
    /// Items that it works on, holds or has given up.
    seen: HashSet<u32>,
    /// Whether a lease is on its way, held items that will be begun with those that it leases, and items that finish meanwhile.
    is_leasing: bool,
    begun: Vec<TaskId>,
    done: VecDeque<(TaskId, Settled)>,
    loop_token: u32,
    is_stopped: bool,
}

impl World {
    /// Starts a process on a machine, if there is something to do.
    pub(super) fn start(&mut self, machine: u32) {
        let now = self.queue.now();
        let place = &mut self.machines[machine as usize];
        place.starts = false;
        if place.process != 0 || !self.database.has_pending(|item| !self.unknown[item as usize]) {
            return self.retry_failed_items();
        }
        let process = self.database.register(now);
        self.machines[machine as usize].process = process;
        self.processes.push(ProcessState {
            machine,
            is_alive: true,
            retry_budget: RETRY_BUDGET,
            ..ProcessState::default()
        });
        self.report.processes += 1;
        // The machines are not started at the same moment.
        let delay = self.rng.u64(..SECOND);
        self.queue.after(delay, Event::Loop(process, 0));
        self.queue.after(HEARTBEAT_INTERVAL, Event::Heartbeat(process));
    }

    /// Starts the process of a machine again later.
    pub(super) fn start_later(&mut self, machine: u32, delay: Micros) {
        self.machines[machine as usize].starts = true;
        self.queue.after(delay, Event::Start(machine));
    }

    /// Once all processes have finished, `batch retry` plans the failed items again.
    fn retry_failed_items(&mut self) {
        if self.is_over() && self.passes < PASSES && self.database.retry_failed(self.queue.now()) > 0 {
            self.passes += 1;
            for machine in 0..self.scenario.workers {
                self.start_later(machine, RESTART);
            }
        }
    }

    /// A process dies with SIGKILL.
    pub(super) fn kill(&mut self, process: Process) {
        for (id, step) in self.tasks_of(process) {
            self.report.deaths.add(step);
            self.drop_task(id);
        }
        self.report.kills += 1;
        let machine = self.end(process);
        self.database.set_dead(process);
        let delay = self.scenario.faults.site_outage.unwrap_or(0) + 20 * SECOND + self.rng.u64(..70 * SECOND);
        self.start_later(machine, delay);
    }

    fn end(&mut self, process: Process) -> u32 {
        let state = std::mem::take(&mut self.processes[process as usize]);
        self.processes[process as usize].machine = state.machine;
        self.machines[state.machine as usize].process = 0;
        state.machine
    }

    /// A process exits, and ends its leases.
    fn exit(&mut self, process: Process) {
        while let Some(id) = self.processes[process as usize].held.pop_front() {
            self.drop_task(id);
        }
        let is_down = self.database.is_down(self.queue.now());
        self.database.set_dead(process);
        if !is_down {
            self.database.release_all(process, self.queue.now());
        }
        let machine = self.end(process);
        if self.database.has_pending(|item| !self.unknown[item as usize]) {
            self.start_later(machine, RESTART);
        }
        self.retry_failed_items();
    }

    pub(super) fn heartbeat(&mut self, process: Process) {
        self.send(process, Statement::Heartbeat);
        self.queue.after(HEARTBEAT_INTERVAL, Event::Heartbeat(process));
    }

    fn schedule_loop(&mut self, process: Process, at: Micros) {
        let state = &mut self.processes[process as usize];
        state.loop_token += 1;
        self.queue.at(at, Event::Loop(process, state.loop_token));
    }

    pub(super) fn continue_loop(&mut self, process: Process, token: u32) {
        if self.processes[process as usize].loop_token == token {
            self.run_loop(process);
        }
    }

    fn run_loop(&mut self, process: Process) {
        let now = self.queue.now();
        let concurrency = self.scenario.concurrency;
        let state = &mut self.processes[process as usize];
        if !state.is_alive || state.is_leasing {
            return;
        }
        let free = match state.pace {
            _ if state.is_stopped => 0,
            Pace::Full => concurrency.saturating_sub(state.running),
            Pace::Paused { next, .. } => usize::from(now >= next),
            Pace::Probing { .. } => 0,
        };
        if let Pace::Full = state.pace {
            state.begun.extend(state.held.drain(..free.min(state.held.len())));
        }
        let max = free - state.begun.len();
        match (free, max) {
            (0, _) => self.after_begin(process, false),
            (_, 0) => self.begin_all(process, Vec::new()),
            _ => {
                state.is_leasing = true;
                self.send(process, Statement::Lease(Lease { max, items: Vec::new(), failures: 0 }));
            }
        }
    }

    /// The process may have died at the step of an item before.
    fn begin_if_alive(&mut self, id: TaskId) {
        if self.task(id).is_some() {
            self.begin(id);
        }
    }

    pub(super) fn execute_lease(&mut self, process: Process, lease: &mut Lease) {
        let seen = &self.processes[process as usize].seen;
        let wants = |item| !seen.contains(&item);
        lease.items = self.database.lease(process, lease.max, &lease.items, self.queue.now(), wants);
    }

    pub(super) fn leased(&mut self, process: Process, lease: Lease) {
        let state = &mut self.processes[process as usize];
        state.is_leasing = false;
        state.seen.extend(&lease.items);
        let ids = lease.items.into_iter().map(|item| self.new_task(process, item)).collect();
        self.begin_all(process, ids);
        while let state = &mut self.processes[process as usize]
            && !state.is_leasing
            && let Some((id, settled)) = state.done.pop_front()
        {
            self.settle(id, settled);
        }
    }

    /// Begins the items that were leased, and held ones.
    fn begin_all(&mut self, process: Process, mut ids: Vec<TaskId>) {
        let state = &mut self.processes[process as usize];
        ids.append(&mut state.begun);
        if ids.is_empty() {
            ids.extend(state.held.pop_front());
        }
        let is_idle = ids.is_empty();
        state.running += ids.len();
        if let (Some(id), Pace::Paused { outage, since, delay, .. }) = (ids.first(), state.pace) {
            let (accepted, polled) = (state.accepted, state.polled);
            let task = &self.tasks[id.place as usize];
            // An item with a job shows nothing about credit, or whether requests are accepted.
            state.pace = match outage == Outage::Unreachable || task.row.job.is_none() {
                true => Pace::Probing { outage, since, delay, accepted, polled, item: task.item },
                false => Pace::Paused { outage, since, delay, next: self.queue.now() + delay },
            };
        }
        ids.into_iter().for_each(|id| self.begin_if_alive(id));
        self.after_begin(process, is_idle);
    }

    fn after_begin(&mut self, process: Process, is_idle: bool) {
        let now = self.queue.now();
        let state = &self.processes[process as usize];
        if !state.is_alive || state.is_leasing {
            return;
        }
        let mut wake_up = match state.pace {
            _ if is_idle => Some(now + POLL_INTERVAL),
            Pace::Paused { next, .. } => Some(next),
            _ => None,
        };
        if state.running == 0 {
            let is_finished = is_idle && !self.database.has_pending(|item| !state.seen.contains(&item));
            if state.is_stopped || is_finished {
                return self.exit(process);
            }
            // A failover may have lost that an item is finished. Its lease would be extended as long as this process runs.
            if is_idle && self.scenario.bug != Some(Bug::IdleKeepsLeases) {
                self.send(process, Statement::ReleaseAll);
            }
            wake_up = wake_up.or(Some(now));
        }
        if let Some(at) = wake_up {
            self.schedule_loop(process, at);
        }
    }

    /// Records the result of an item.
    pub(super) fn settle(&mut self, id: TaskId, settled: Settled) {
        let Some(task) = self.task(id) else { return };
        let (process, item) = (task.process, task.item);
        let state = &mut self.processes[process as usize];
        if state.is_leasing {
            return state.done.push_back((id, settled));
        }
        state.running -= 1;
        let is_paused = matches!(settled, Settled::Paused(_));
        if matches!(state.pace, Pace::Probing { item: probe, .. } if probe == item) && !is_paused {
            state.pace = Pace::Full;
        }
        match settled {
            Settled::Saved => {
                self.report.saved_at(self.queue.now());
                self.drop_task(id);
            }
            Settled::TakenOver => {
                state.seen.remove(&item);
                self.drop_task(id);
            }
            Settled::Paused(outage) if !self.is_own_outage(process, item) => {
                self.processes[process as usize].held.push_back(id);
                self.pause(process, outage, item);
            }
            Settled::NoClip | Settled::GivenUp | Settled::Paused(_) => {
                self.report.given_up += u64::from(settled != Settled::NoClip);
                self.write(id, Then::Release, After::Released);
            }
        }
        self.run_loop(process);
    }

    /// Whether an item repeatedly meets an outage while others are accepted.
    fn is_own_outage(&mut self, process: Process, item: u32) -> bool {
        let state = &mut self.processes[process as usize];
        let accepted = state.accepted;
        let (times, first) = state.outages.entry(item).or_insert((0, accepted));
        *times += 1;
        *times > MAX_OWN_OUTAGES && accepted > *first
    }

    fn pause(&mut self, process: Process, outage: Outage, item: u32) {
        let now = self.queue.now();
        let state = &mut self.processes[process as usize];
        let (since, delay) = match state.pace {
            Pace::Full => (now, FIRST_PROBE),
            Pace::Paused { .. } => return,
            // This item began before the pause.
            Pace::Probing { item: probe, .. } if probe != item => return,
            Pace::Probing { since, delay, .. } => (since, (2 * delay).min(LONGEST_PROBE)),
        };
        if now + delay > since + MAX_PAUSE {
            state.is_stopped = true;
            return;
        }
        self.report.pauses += u64::from(matches!(state.pace, Pace::Full));
        state.pace = Pace::Paused { outage, since, delay, next: now + delay };
    }

    /// Counts a success, which may show that an outage is over.
    pub(super) fn advance(&mut self, process: Process, count: impl FnOnce(&mut ProcessState)) {
        let state = &mut self.processes[process as usize];
        count(state);
        if let Pace::Probing { outage, accepted, polled, .. } = state.pace
            && (state.accepted > accepted || outage == Outage::Unreachable && state.polled > polled)
        {
            state.pace = Pace::Full;
            let now = self.queue.now();
            self.schedule_loop(process, now);
        }
    }
}
