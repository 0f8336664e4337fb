//! Writes that wait for a transaction. Those that wait at the same time share one, with one sync to disk.

use tokio::sync::oneshot;

use super::{LedgerError, Row, Value};

/// Maximum number of writes in a transaction. Other processes wait for its commit.
pub(super) const MAX_WRITES: usize = 128;

/// A statement and its parameters.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Statement {
    pub(super) sql: String,
    pub(in crate::ledger) values: Vec<Value>,
}

impl Statement {
    pub(in crate::ledger) fn new(sql: impl Into<String>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }

    /// Whether it returns the rows that it changes.
    #[cfg(feature = "postgres")]
    pub(super) fn returns_rows(&self) -> bool {
        self.sql.contains("RETURNING")
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// The number of rows that it changed.
    pub(super) changed: u64,
    /// The rows that it returned.
    pub(super) rows: Vec<Row>,
}

impl Effect {
    pub(super) fn of_rows(rows: Vec<Row>) -> Self {
        Self { changed: rows.len() as u64, rows }
    }
}

/// The effects of the statements of a write.
type Effects = Result<Vec<Effect>, LedgerError>;

/// Statements of one caller. All of them take effect, or none. The caller gets the effects after the commit.
pub(super) struct Write {
    pub(super) statements: Vec<Statement>,
    reply: oneshot::Sender<Effects>,
}

impl Write {
    pub(super) fn new(statements: Vec<Statement>) -> (Self, oneshot::Receiver<Effects>) {
        let (reply, effects) = oneshot::channel();
        (Self { statements, reply }, effects)
    }

    /// Whether the caller has gone. Then nothing must be done.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Replies to the callers of the writes of a transaction. Returns the writes that must be repeated, each in its own transaction:
/// one of them failed, and the others were rolled back with it.
pub(super) fn reply(mut writes: Vec<Write>, effects: Result<Vec<Vec<Effect>>, LedgerError>) -> Vec<Write> {
    match (effects, writes.len()) {
        (Ok(effects), _) => {
            for (write, effects) in writes.into_iter().zip(effects) {
                let _nobody_waits = write.reply.send(Ok(effects));
            }
        }
        (Err(error), 1) => {
            let _nobody_waits = writes.remove(0).reply.send(Err(error));
        }
        (Err(error), _) => {
            let mut repeated = Vec::new();
            for write in writes {
                match error.of_every_write() {
                    Some(same) => drop(write.reply.send(Err(same))),
                    None => repeated.push(write),
                }
            }
            return repeated;
        }
    }
    Vec::new()
}
