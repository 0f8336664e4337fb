//! The steps of one item, as in the runner of the command.

use super::World;
use super::database::{Row, Stage, Then, Write};
use super::pool::Outage;
use super::queue::{Event, Micros, Process, SECOND, Statement, TaskId};
use super::scenario::Bug;
use super::service::{Call, JobId, JobState};

/// What an item of a process that dies was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Leased,
    SentStored,
    BeforeRequest,
    RequestSent,
    RequestExecuted,
    ResponseRead,
    AcceptedStored,
    Waiting,
    Downloading,
    Downloaded,
    FetchedStored,
    Renamed,
    SavedStored,
}

/// All steps, with their meanings.
pub(crate) const STEPS: [(Step, &str); 13] = [
    (Step::Leased, "leased; `sent` is on its way to the ledger"),
    (Step::SentStored, "`sent` is stored; the process does not know yet"),
    (Step::BeforeRequest, "`sent` is stored; the request has not left"),
    (Step::RequestSent, "the request has left"),
    (Step::RequestExecuted, "the request was executed and charged; the response has not arrived"),
    (Step::ResponseRead, "the response was read; `accepted` is on its way to the ledger"),
    (Step::AcceptedStored, "`accepted` is stored; the process does not know yet"),
    (Step::Waiting, "waiting for the job"),
    (Step::Downloading, "downloading"),
    (Step::Downloaded, "the clip has the name of its part file; `fetched` is on its way to the ledger"),
    (Step::FetchedStored, "`fetched` is stored; the clip has the name of its part file"),
    (Step::Renamed, "the clip has its final name; `saved` is on its way to the ledger"),
    (Step::SavedStored, "`saved` is stored; the process does not know yet"),
];

/// What follows a write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum After {
    Submit,
    Wait,
    /// A new state of the job is stored.
    State,
    Rename,
    /// Only with [`Bug::SavedBeforeRename`].
    RenameLate,
    Done,
    Settle(Settled),
    /// The lease has ended.
    Released,
}

/// How the work of a process on an item ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Settled {
    Saved,
    /// It failed, or was rejected.
    NoClip,
    Paused(Outage),
    GivenUp,
    TakenOver,
}

/// An item that a process works on.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) use_: u32,
    pub(super) process: Process,
    pub(super) item: u32,
    /// The process's copy of the row.
    pub(super) row: Row,
    step: Step,
    after: After,
    pub(super) call: Call,
    pub(super) attempts: u32,
    pub(super) call_began: Micros,
    /// Whether an attempt may have been executed without a response.
    pub(super) outcome_unknown: bool,
    /// The last state that was read, and whether an earlier one is being stored.
    latest: Option<JobState>,
    is_storing: bool,
}

impl World {
    pub(super) fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(id.place as usize).filter(|task| task.use_ == id.use_)
    }

    /// The task of an event that reached its process.
    pub(super) fn task_mut(&mut self, id: TaskId) -> &mut Task {
        let task = &mut self.tasks[id.place as usize];
        debug_assert_eq!(task.use_, id.use_, "events of tasks that are gone are dropped");
        task
    }

    /// A task for a leased item.
    pub(super) fn new_task(&mut self, process: Process, item: u32) -> TaskId {
        let row = self.database.rows[item as usize];
        let place = self.unused.pop();
        let use_ = place.map_or(0, |place| self.tasks[place as usize].use_);
        let task = Task {
            use_,
            process,
            item,
            row,
            step: Step::Leased,
            after: After::Released,
            call: Call::Link,
            attempts: 0,
            call_began: 0,
            outcome_unknown: false,
            latest: None,
            is_storing: false,
        };
        let place = place.unwrap_or_else(|| {
            self.tasks.push(task.clone());
            u32::try_from(self.tasks.len() - 1).expect("there are few tasks")
        });
        self.tasks[place as usize] = task;
        TaskId { place, use_ }
    }

    pub(super) fn drop_task(&mut self, id: TaskId) {
        self.tasks[id.place as usize].use_ += 1;
        self.tasks[id.place as usize].process = 0;
        self.unused.push(id.place);
    }

    /// All tasks of a process.
    pub(super) fn tasks_of(&self, process: Process) -> Vec<(TaskId, Step)> {
        let places = 0..u32::try_from(self.tasks.len()).expect("there are few tasks");
        let tasks = places.zip(&self.tasks).filter(|(_, task)| task.process == process);
        tasks.map(|(place, task)| (TaskId { place, use_: task.use_ }, task.step)).collect()
    }

    /// An item comes to a step, at which its process may be killed. Returns whether the process lives.
    pub(super) fn reach(&mut self, id: TaskId, step: Step) -> bool {
        let Some(process) = self.task(id).map(|task| task.process) else { return false };
        self.tasks[id.place as usize].step = step;
        let machine = self.processes[process as usize].machine as usize;
        match self.machines[machine].deaths.iter().position(|death| *death == step) {
            Some(at) => {
                self.machines[machine].deaths.swap_remove(at);
                self.kill(process);
                false
            }
            None => true,
        }
    }

    /// Does what is left to do for an item.
    pub(super) fn begin(&mut self, id: TaskId) {
        let now = self.queue.now();
        let bug = self.scenario.bug;
        let new_key = self.rng.u64(..);
        let task = &mut self.tasks[id.place as usize];
        task.outcome_unknown = false;
        let machine = self.processes[task.process as usize].machine;
        match task.row.stage {
            Stage::Planned => {
                // The key follows from the item and its attempt, so that each process has the same.
                task.row.key = u64::from(task.item) << 8 | u64::from(task.row.attempt);
                (task.row.stage, task.row.prepared_at) = (Stage::Sent, now);
                if !self.reach(id, Step::Leased) {
                    return;
                }
                match bug {
                    Some(Bug::SentAfterRequest) => self.submit(id),
                    _ => self.write(id, Then::Keep, After::Submit),
                }
            }
            Stage::Sent if task.row.job.is_none() => {
                task.outcome_unknown = true;
                if bug == Some(Bug::NewKeyOnTakeover) {
                    task.row.key = new_key;
                }
                self.submit(id);
            }
            Stage::Sent | Stage::Accepted if task.row.state == JobState::Succeeded => self.fetch(id),
            Stage::Sent | Stage::Accepted => self.wait(id),
            Stage::Fetched if self.clips[task.item as usize] == Some(machine) => {
                task.row.stage = Stage::Saved;
                self.write(id, Then::End, After::Done);
            }
            Stage::Fetched => self.fetch(id),
            Stage::Saved => self.settle(id, Settled::Saved),
            Stage::Failed | Stage::Refused => self.settle(id, Settled::NoClip),
        }
    }

    fn submit(&mut self, id: TaskId) {
        if self.reach(id, Step::BeforeRequest) {
            let task = self.task_mut(id);
            let (item, key) = (task.item, task.row.key);
            self.call(id, Call::Generate { item, key });
        }
    }

    pub(super) fn accepted(&mut self, id: TaskId, job: JobId) {
        let process = self.task_mut(id).process;
        self.advance(process, |state| state.accepted += 1);
        let row = &mut self.task_mut(id).row;
        (row.stage, row.job, row.state) = (Stage::Accepted, Some(job), JobState::Queued);
        if self.reach(id, Step::ResponseRead) {
            self.write(id, Then::Keep, After::Wait);
        }
    }

    fn wait(&mut self, id: TaskId) {
        if self.reach(id, Step::Waiting) {
            let task = self.task_mut(id);
            (task.latest, task.is_storing) = (None, false);
            let (process, job) = (task.process, task.row.job.expect("an accepted item has a job"));
            self.watch(process, job, id);
        }
    }

    /// A state of the job was read. States are stored one after the other.
    pub(super) fn state_read(&mut self, id: TaskId, state: JobState) {
        if self.task(id).is_none() {
            return;
        }
        let process = self.task_mut(id).process;
        self.advance(process, |state| state.polled += 1);
        // The process may have died meanwhile, or tried another item.
        let Some(task) = self.task(id) else { return };
        let is_storing = task.is_storing;
        self.task_mut(id).latest = Some(state);
        if !is_storing {
            self.store_state(id);
        }
    }

    fn store_state(&mut self, id: TaskId) {
        let task = self.task_mut(id);
        let Some(state) = task.latest.take().filter(|state| *state != task.row.state) else { return };
        task.row.state = state;
        if state == JobState::Failed {
            task.row.stage = Stage::Failed;
            return self.write(id, Then::Keep, After::Settle(Settled::NoClip));
        }
        task.is_storing = true;
        self.write(id, Then::Keep, After::State);
    }

    fn fetch(&mut self, id: TaskId) {
        self.reach(id, Step::Downloading).then(|| self.call(id, Call::Link));
    }

    /// Downloads a clip: its machine receives, hashes and stores one byte after the other.
    pub(super) fn download(&mut self, id: TaskId) {
        let settings = &self.scenario.machine;
        let time = settings.clip_bytes * SECOND / settings.bytes_per_second;
        let machine = self.processes[self.tasks[id.place as usize].process as usize].machine as usize;
        let machine = &mut self.machines[machine];
        machine.busy_until = machine.busy_until.max(self.queue.now()) + time;
        let done = machine.busy_until + 2 * self.scenario.service.one_way;
        self.queue.at(done, Event::Downloaded(id));
    }

    pub(super) fn downloaded(&mut self, id: TaskId) {
        if self.reach(id, Step::Downloaded) {
            self.task_mut(id).row.stage = Stage::Fetched;
            self.write(id, Then::Keep, After::Rename);
        }
    }

    /// Stores the item, then continues.
    pub(super) fn write(&mut self, id: TaskId, then: Then, after: After) {
        let task = self.task_mut(id);
        task.after = after;
        let (process, item, row) = (task.process, task.item, task.row);
        let write = Write { process, item, row, then, is_retry: false, failures: 0 };
        self.send(process, Statement::Write(id, Box::new(write)));
    }

    /// The step of an item whose write was just executed.
    pub(super) fn step_after_write(&self, id: TaskId) -> Option<Step> {
        match self.task(id)?.after {
            After::Submit => Some(Step::SentStored),
            After::Wait => Some(Step::AcceptedStored),
            After::Rename => Some(Step::FetchedStored),
            After::Done | After::RenameLate => Some(Step::SavedStored),
            _ => None,
        }
    }

    /// A write is stored.
    pub(super) fn stored(&mut self, id: TaskId) {
        let task = self.task_mut(id);
        let (item, process, after) = (task.item as usize, task.process, task.after);
        let has_succeeded = task.row.state == JobState::Succeeded;
        let machine = self.processes[process as usize].machine;
        match after {
            After::Submit => self.submit(id),
            After::Wait => self.wait(id),
            After::State if has_succeeded => self.fetch(id),
            After::State => {
                self.task_mut(id).is_storing = false;
                self.store_state(id);
            }
            After::Rename => {
                let is_late = self.scenario.bug == Some(Bug::SavedBeforeRename);
                if !is_late {
                    self.clips[item] = Some(machine);
                }
                if self.reach(id, Step::Renamed) {
                    self.task_mut(id).row.stage = Stage::Saved;
                    let after = if is_late { After::RenameLate } else { After::Done };
                    self.write(id, Then::End, after);
                }
            }
            After::RenameLate => {
                self.clips[item] = Some(machine);
                self.settle(id, Settled::Saved);
            }
            After::Done => self.settle(id, Settled::Saved),
            After::Settle(settled) => self.settle(id, settled),
            After::Released => self.drop_task(id),
        }
    }
}
