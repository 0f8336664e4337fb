//! A call of the SDK: its attempts, the retry budget, and the age of the idempotency key.

use super::World;
use super::database::{Stage, Then};
use super::item::{After, Settled, Step};
use super::pool::Outage;
use super::queue::{Event, MINUTE, Micros, SECOND, TaskId};
use super::scenario::Bug;
use super::service::{Call, Outcome};

const MAX_ATTEMPTS: u32 = 5;
const MAX_ELAPSED: Micros = 2 * MINUTE;
const BASE_DELAY: Micros = SECOND / 2;
const MAX_DELAY: Micros = 20 * SECOND;
/// Without a byte of a response.
const READ_TIMEOUT: Micros = 30 * SECOND;
/// Tokens of the retry budget: a retry takes 5, a success returns one.
pub(super) const RETRY_BUDGET: u32 = 500;
const RETRY_COST: u32 = 5;
/// A key that expires on its way is too old to be sent.
const TRANSIT: Micros = MINUTE;

impl World {
    /// Starts a call.
    pub(super) fn call(&mut self, id: TaskId, call: Call) {
        let now = self.queue.now();
        let task = self.task_mut(id);
        (task.call, task.attempts, task.call_began) = (call, 0, now);
        self.attempt(id);
    }

    pub(super) fn attempt(&mut self, id: TaskId) {
        let now = self.queue.now();
        let task = self.task_mut(id);
        task.attempts += 1;
        let (call, age) = (task.call, now - task.row.prepared_at);
        if let Call::Generate { .. } = call {
            let is_too_old = age + TRANSIT >= self.scenario.service.key_lifetime;
            if self.task_mut(id).outcome_unknown
                && is_too_old
                && self.scenario.bug != Some(Bug::NoKeyAgeCheck)
            {
                self.unknown[self.tasks[id.place as usize].item as usize] = true;
                return self.write(id, Then::Keep, After::Settle(Settled::GivenUp));
            }
        }
        let (lost, late) = (self.scenario.faults.lost_request, self.scenario.faults.late_request);
        let one_way = self.scenario.service.one_way;
        if self.happens(lost) {
            self.queue.after(READ_TIMEOUT, Event::Response(id, Outcome::TimedOut));
        } else if self.happens(late) {
            let delay = READ_TIMEOUT + self.rng.u64(..10 * MINUTE);
            self.queue.after(delay, Event::RequestAtService(id, call, false));
            self.queue.after(READ_TIMEOUT, Event::Response(id, Outcome::TimedOut));
        } else {
            let delay = one_way + self.rng.u64(..one_way);
            self.queue.after(delay, Event::RequestAtService(id, call, true));
        }
        if let Call::Generate { .. } = call {
            self.reach(id, Step::RequestSent);
        }
    }

    pub(super) fn request_at_service(&mut self, id: TaskId, call: Call, responds: bool) {
        let now = self.queue.now();
        let outcome = self.service.respond(call, now, &mut self.rng, &mut self.violations);
        if outcome == Outcome::NoCredit {
            self.plan_top_up();
        }
        if !responds {
            return;
        }
        let one_way = self.scenario.service.one_way;
        match self.happens(self.scenario.faults.lost_response) {
            true => self.queue.after(READ_TIMEOUT, Event::Response(id, Outcome::TimedOut)),
            false => self.queue.after(one_way, Event::Response(id, outcome)),
        }
        if matches!((outcome, call), (Outcome::Accepted(_), Call::Generate { .. })) {
            self.reach(id, Step::RequestExecuted);
        }
    }

    pub(super) fn response(&mut self, id: TaskId, outcome: Outcome) {
        let process = self.tasks[id.place as usize].process as usize;
        match outcome {
            Outcome::Accepted(job) => {
                self.refund(process);
                self.accepted(id, job);
            }
            Outcome::Link => {
                self.refund(process);
                self.download(id);
            }
            Outcome::NoCredit | Outcome::Rejected => self.failed(id, outcome),
            Outcome::RateLimited(_) | Outcome::Unavailable | Outcome::Refused | Outcome::TimedOut => {
                self.retry_or_fail(id, process, outcome);
            }
        }
    }

    fn refund(&mut self, process: usize) {
        let budget = &mut self.processes[process].retry_budget;
        *budget = (*budget + 1).min(RETRY_BUDGET);
    }

    fn retry_or_fail(&mut self, id: TaskId, process: usize, outcome: Outcome) {
        let (now, jitter) = (self.queue.now(), self.jitter());
        let task = self.task_mut(id);
        task.outcome_unknown |= matches!(outcome, Outcome::Unavailable | Outcome::TimedOut);
        let ceiling = (BASE_DELAY << (task.attempts - 1)).min(MAX_DELAY);
        let retry_after = if let Outcome::RateLimited(delay) = outcome { delay } else { 0 };
        let delay = ((ceiling as f64 * jitter) as Micros).max(retry_after);
        let may_retry = task.attempts < MAX_ATTEMPTS && now + delay < task.call_began + MAX_ELAPSED;
        let budget = &mut self.processes[process].retry_budget;
        if may_retry && *budget >= RETRY_COST {
            *budget -= RETRY_COST;
            self.report.retries += 1;
            return self.queue.after(delay, Event::Retry(id));
        }
        self.failed(id, outcome);
    }

    /// The call failed.
    fn failed(&mut self, id: TaskId, outcome: Outcome) {
        let bug = self.scenario.bug;
        let task = self.task_mut(id);
        if let Call::Link = task.call {
            return self.write(id, Then::Keep, After::Settle(Settled::GivenUp));
        }
        let outage = match outcome {
            Outcome::NoCredit => Outage::Credit,
            Outcome::RateLimited(_) => Outage::RateLimited,
            Outcome::Rejected if task.outcome_unknown => {
                // The service may reject it because its key was accepted earlier. Only a person can tell.
                let item = task.item as usize;
                self.unknown[item] = true;
                return self.write(id, Then::Keep, After::Settle(Settled::GivenUp));
            }
            Outcome::Rejected => {
                task.row.stage = Stage::Refused;
                return self.write(id, Then::Keep, After::Settle(Settled::NoClip));
            }
            _ => Outage::Unreachable,
        };
        if bug == Some(Bug::OutageRejectsItem) {
            task.row.stage = Stage::Refused;
            return self.write(id, Then::Keep, After::Settle(Settled::NoClip));
        }
        if !task.outcome_unknown {
            // The service certainly did nothing.
            task.row.stage = Stage::Planned;
        } else if bug == Some(Bug::NewKeyOnUnknownOutcome) {
            task.row.stage = Stage::Planned;
            task.row.attempt += 1;
        }
        self.write(id, Then::Keep, After::Settle(Settled::Paused(outage)));
    }
}
