//! When faults happen.

use super::World;
use super::item::{STEPS, Step};
use super::queue::{Event, Micros, SECOND};

/// A fault.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// The process of a machine will die as soon as one of its items is at this step.
    Death(u32, Step),
    Stall(u32),
    Partition(u32),
    Failover(Micros),
    Outage(Micros),
    TopUp,
}

impl World {
    pub(super) fn plan_faults(&mut self) {
        let full = self.scenario.full_time();
        let faults = self.scenario.faults.clone();
        let at_random = |world: &mut Self, fault: fn(u32) -> Fault| {
            let machine = world.rng.u32(..world.scenario.workers);
            let at = full / 20 + world.rng.u64(..full * 4 / 5);
            world.queue.at(at, Event::Fault(fault(machine)));
        };
        (0..faults.stalls).for_each(|_| at_random(self, Fault::Stall));
        (0..faults.partitions).for_each(|_| at_random(self, Fault::Partition));
        let mut steps = STEPS.iter().cycle();
        for (step, _) in steps.by_ref().take(faults.deaths as usize) {
            let machine = self.rng.u32(..self.scenario.workers);
            let at = full / 20 + self.rng.u64(..full * 4 / 5);
            self.queue.at(at, Event::Fault(Fault::Death(machine, *step)));
        }
        // The credit ends in between.
        self.spread(&faults.outages, full / 20, full * 2 / 5, Fault::Outage);
        self.spread(&faults.failovers, full * 7 / 10, full / 10, Fault::Failover);
        if faults.no_credit > 0 {
            self.service.credit = u64::from(self.scenario.items) / 2;
        }
    }

    /// Evenly from a time on, with a random part.
    fn spread(&mut self, durations: &[Micros], from: Micros, time: Micros, fault: fn(Micros) -> Fault) {
        for (number, duration) in (0..).zip(durations) {
            let part = time / durations.len() as u64;
            let at = from + part * number + self.rng.u64(..part / 2);
            self.queue.at(at, Event::Fault(fault(*duration)));
        }
    }

    pub(super) fn plan_top_up(&mut self) {
        let after = self.scenario.faults.no_credit;
        if !std::mem::replace(&mut self.report.has_topped_up, true) {
            self.report.mark(self.queue.now(), after, "no credit");
            self.queue.after(after, Event::Fault(Fault::TopUp));
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        let now = self.queue.now();
        let silence = 35 * SECOND + self.rng.u64(..85 * SECOND);
        match fault {
            Fault::Death(machine, step) => self.machines[machine as usize].deaths.push(step),
            Fault::Stall(machine) => {
                let process = self.machines[machine as usize].process;
                self.processes[process as usize].stalled_until = now + silence;
                self.report.stalls += u64::from(process != 0);
            }
            Fault::Partition(machine) => {
                self.machines[machine as usize].cut_until = now + silence;
                self.report.partitions += 1;
            }
            Fault::Failover(duration) => {
                self.report.mark(now, duration, "failover");
                self.database.fail_over(duration, now);
                if self.scenario.faults.site_outage.is_some() {
                    let processes: Vec<_> = self.machines.iter().map(|machine| machine.process).collect();
                    processes
                        .into_iter()
                        .filter(|process| *process != 0)
                        .for_each(|process| self.kill(process));
                }
            }
            Fault::Outage(duration) => {
                self.report.mark(now, duration, "API outage");
                self.service.outage_until = now + duration;
            }
            Fault::TopUp => self.service.credit = u64::MAX,
        }
    }
}
