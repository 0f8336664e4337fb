//! A simulation of many processes with one ledger and one service, in virtual time and in one thread.
//!
//! Each message is an event of its own: a statement arrives at the database, and its response arrives at the process; likewise for
//! requests. A process that dies leaves its messages on their way, so that it may die between any two steps.

mod calls;
mod database;
mod faults;
mod item;
mod pool;
mod queue;
mod report;
mod scenario;
mod service;
mod session;
#[cfg(test)]
mod tests;
mod violations;
mod watch;

use fastrand::Rng;

use self::database::Database;
use self::item::{Step, Task};
use self::pool::ProcessState;
use self::queue::{Event, HOUR, Process, Queue};
use self::service::{JobState, Service};
use self::violations::Violations;

pub(crate) use self::item::STEPS;
pub(crate) use self::queue::{Micros, SECOND};
pub(crate) use self::report::Report;
pub(crate) use self::scenario::{Bug, Faults, Scenario};

/// How often the failed items of a plan are requested again with `batch retry`.
const PASSES: u32 = 3;

/// A machine: one process at a time, one disk, one network connection.
#[derive(Debug, Default)]
struct Machine {
    process: Process,
    /// Steps at which its next processes will be killed.
    deaths: Vec<Step>,
    /// Until when it cannot reach the database.
    cut_until: Micros,
    /// Until when its network, hash and disk are busy.
    busy_until: Micros,
    starts: bool,
}

/// The state of a run.
struct World {
    scenario: Scenario,
    queue: Queue,
    rng: Rng,
    service: Service,
    database: Database,
    machines: Vec<Machine>,
    /// By the number of the process; the first is none.
    processes: Vec<ProcessState>,
    tasks: Vec<Task>,
    unused: Vec<u32>,
    /// The machine whose disk has the clip of an item, under its final name.
    clips: Vec<Option<u32>>,
    /// Items whose outcome only a person can find out.
    unknown: Vec<bool>,
    passes: u32,
    violations: Violations,
    report: Report,
}

/// Runs a scenario.
pub(crate) fn run(scenario: &Scenario) -> Report {
    let mut world = World::new(scenario.clone());
    world.plan_faults();
    for machine in 0..scenario.workers {
        world.start(machine);
    }
    let limit = world.limit();
    while let Some(event) = world.queue.next() {
        if world.queue.now() > limit {
            break;
        }
        world.report.events += 1;
        world.handle(event);
        if world.is_over() {
            break;
        }
    }
    world.into_report()
}

impl World {
    fn new(scenario: Scenario) -> Self {
        let items = scenario.items as usize;
        let Faults { failed_job, rejected_item, .. } = scenario.faults;
        Self {
            queue: Queue::default(),
            rng: Rng::with_seed(scenario.seed),
            service: Service::new(scenario.service.clone(), scenario.items, failed_job, rejected_item),
            database: Database::new(scenario.database.clone(), scenario.items, scenario.bug),
            machines: (0..scenario.workers).map(|_| Machine::default()).collect(),
            processes: vec![ProcessState::default()],
            tasks: Vec::new(),
            unused: Vec::new(),
            clips: vec![None; items],
            unknown: vec![false; items],
            passes: 1,
            violations: Violations::default(),
            report: Report::new(&scenario),
            scenario,
        }
    }

    /// A run that takes longer than this does not end by itself.
    fn limit(&self) -> Micros {
        let Faults { failovers, outages, no_credit, site_outage, .. } = &self.scenario.faults;
        let pauses: Micros = failovers.iter().chain(outages).sum::<Micros>() + no_credit;
        20 * self.scenario.full_time() + 3 * HOUR + 2 * pauses + site_outage.unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        self.machines.iter().all(|machine| machine.process == 0 && !machine.starts)
    }

    fn handle(&mut self, event: Event) {
        // A process that stands still handles its events afterwards, one that is dead does not.
        if let Some(process) = self.process_of(&event) {
            let state = &self.processes[process as usize];
            if !state.is_alive {
                return;
            }
            if state.stalled_until > self.queue.now() {
                return self.queue.at(state.stalled_until, event);
            }
        }
        match event {
            Event::Loop(process, token) => self.continue_loop(process, token),
            Event::Heartbeat(process) => self.heartbeat(process),
            Event::TransactionAtDatabase(process, statements) => {
                self.transaction_at_database(process, statements)
            }
            Event::TransactionDone(process, results) => self.transaction_done(process, results),
            Event::StatementAgain(process, statement) => self.send(process, statement),
            Event::RequestAtService(task, call, responds) => self.request_at_service(task, call, responds),
            Event::Response(task, outcome) => self.response(task, outcome),
            Event::Retry(task) => self.attempt(task),
            Event::Downloaded(task) => self.downloaded(task),
            Event::Round(process, token) => self.begin_round(process, token),
            Event::PollAtService(process, token) => self.poll_at_service(process, token),
            Event::PollRead(process, token) => self.poll_read(process, token),
            Event::Fault(fault) => self.fault(fault),
            Event::Start(machine) => self.start(machine),
        }
    }

    /// The process that handles an event. `None` for events elsewhere, and process 0, which is never alive, for tasks that are gone.
    fn process_of(&self, event: &Event) -> Option<Process> {
        match event {
            Event::Loop(process, _)
            | Event::Heartbeat(process)
            | Event::Round(process, _)
            | Event::PollAtService(process, _)
            | Event::PollRead(process, _)
            | Event::TransactionDone(process, _)
            | Event::StatementAgain(process, _) => Some(*process),
            Event::Response(id, _) | Event::Retry(id) | Event::Downloaded(id) => {
                Some(self.task(*id).map_or(0, |task| task.process))
            }
            _ => None,
        }
    }

    /// Whether one of so many happens.
    fn happens(&mut self, one_of: u32) -> bool {
        one_of > 0 && self.rng.u32(..one_of) == 0
    }

    /// A random number from 0 to 1, for jitter.
    fn jitter(&mut self) -> f64 {
        self.rng.f64()
    }

    fn into_report(mut self) -> Report {
        let charges = self.service.charges_by_item();
        for (item, charges) in charges.into_iter().enumerate() {
            let number = u32::try_from(item).expect("the items are counted in 32 bits");
            let row = &self.database.rows[item];
            let is_rejected = self.service.rejects(number);
            let (count, expected) = match row.stage {
                database::Stage::Saved => (&mut self.report.saved, 1),
                database::Stage::Refused => (&mut self.report.rejected, 0),
                database::Stage::Failed => (&mut self.report.failed, 0),
                _ if self.unknown[item] => (&mut self.report.unknown, charges.min(1)),
                _ => (&mut self.report.unfinished, charges),
            };
            *count += 1;
            match row.stage {
                database::Stage::Saved if self.clips[item].is_none() => {
                    self.violations.add("a saved item has no clip", number);
                }
                database::Stage::Refused if !is_rejected => {
                    self.violations.add("an item was lost", number);
                }
                stage if !stage.is_final() && !self.unknown[item] => {
                    self.violations.add("an item was not finished", number);
                }
                _ => {}
            }
            if charges != expected {
                self.violations.add("the charges of an item are not those of its clips", number);
            }
        }
        self.report.finish(self.service.counts, self.database.counts, self.violations)
    }
}

/// The last state that a process can have read of a job.
fn is_final(state: JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Failed)
}
