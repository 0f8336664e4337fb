//! The transactions of a process. Statements that wait at the same time share one, as in the command.

use super::World;
use super::database::{MAX_STATEMENTS, STATEMENT_TIMEOUT, statement_delay};
use super::item::Settled;
use super::queue::{Event, Process, Statement, StatementResult};

impl World {
    /// Sends a statement with the next transaction.
    pub(super) fn send(&mut self, process: Process, statement: Statement) {
        let state = &mut self.processes[process as usize];
        state.statements.push(statement);
        if !state.is_writing {
            self.begin_transaction(process);
        }
    }

    fn begin_transaction(&mut self, process: Process) {
        let now = self.queue.now();
        let state = &mut self.processes[process as usize];
        let count = state.statements.len().min(MAX_STATEMENTS);
        let statements: Vec<Statement> = state.statements.drain(..count).collect();
        state.is_writing = !statements.is_empty();
        if statements.is_empty() {
            return;
        }
        if self.machines[state.machine as usize].cut_until > now {
            let results = unreachable(statements);
            return self.queue.after(STATEMENT_TIMEOUT, Event::TransactionDone(process, results));
        }
        let at = self.database.execution_time(now, count);
        self.queue.at(at, Event::TransactionAtDatabase(process, statements));
    }

    /// All statements take effect, or none, even if their process has died.
    pub(super) fn transaction_at_database(&mut self, process: Process, statements: Vec<Statement>) {
        let now = self.queue.now();
        let one_way = self.database.one_way();
        if self.database.is_down(now) {
            return self.queue.after(one_way, Event::TransactionDone(process, unreachable(statements)));
        }
        self.database.counts.transactions += 1;
        let mut results = Vec::with_capacity(statements.len());
        let mut steps = Vec::new();
        for mut statement in statements {
            let result = match &mut statement {
                Statement::Write(id, write) => {
                    steps.extend(self.step_after_write(*id).map(|step| (*id, step)));
                    self.database.write(write, now, &mut self.violations)
                }
                Statement::Lease(lease) => {
                    self.execute_lease(process, lease);
                    StatementResult::Done
                }
                Statement::Heartbeat => {
                    self.database.heartbeat(process, now);
                    StatementResult::Done
                }
                Statement::ReleaseAll => {
                    self.database.release_all(process, now);
                    StatementResult::Done
                }
            };
            results.push((statement, result));
        }
        self.queue.after(one_way, Event::TransactionDone(process, results));
        for (id, step) in steps {
            self.reach(id, step);
        }
    }

    pub(super) fn transaction_done(&mut self, process: Process, results: Vec<(Statement, StatementResult)>) {
        let is_heard = self.hears_database(process);
        self.processes[process as usize].is_writing = false;
        for (statement, result) in results {
            let result = if is_heard { result } else { StatementResult::Unreachable };
            self.statement_done(process, statement, result);
        }
        let state = &self.processes[process as usize];
        if state.is_alive && !state.is_writing {
            self.begin_transaction(process);
        }
    }

    fn statement_done(&mut self, process: Process, mut statement: Statement, result: StatementResult) {
        // The process may have died at the step of an item before.
        if !self.processes[process as usize].is_alive {
            return;
        }
        if result == StatementResult::Unreachable {
            let failures = match &mut statement {
                Statement::Write(_, write) => {
                    write.is_retry = true;
                    &mut write.failures
                }
                Statement::Lease(lease) => &mut lease.failures,
                // The next one comes soon.
                Statement::Heartbeat | Statement::ReleaseAll => return,
            };
            *failures += 1;
            self.database.counts.retries += 1;
            let delay = statement_delay(*failures - 1);
            return self.queue.after(delay, Event::StatementAgain(process, statement));
        }
        match statement {
            Statement::Write(id, _) if result == StatementResult::Lost => self.settle(id, Settled::TakenOver),
            Statement::Write(id, _) => self.stored(id),
            Statement::Lease(lease) => self.leased(process, lease),
            Statement::Heartbeat | Statement::ReleaseAll => {}
        }
    }

    /// Whether the response to a transaction that was executed a moment ago arrives.
    fn hears_database(&self, process: Process) -> bool {
        let now = self.queue.now();
        let machine = self.processes[process as usize].machine as usize;
        let is_broken =
            self.database.failed_at.is_some_and(|at| at <= now && now - at <= self.database.one_way());
        self.machines[machine].cut_until <= now && !is_broken
    }
}

fn unreachable(statements: Vec<Statement>) -> Vec<(Statement, StatementResult)> {
    statements.into_iter().map(|statement| (statement, StatementResult::Unreachable)).collect()
}
