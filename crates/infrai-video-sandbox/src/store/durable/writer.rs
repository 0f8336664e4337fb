//! The writer thread. It writes all pending changes in one transaction.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;
use tracing::{debug, error};

use super::progress::Reporter;
use super::{changes, file};

/// The maximum number of records in one transaction.
const MAX_RECORDS: usize = 4096;

/// A record for the writer.
pub(super) enum Record {
    Changes {
        now: Timestamp,
        /// A JSON array.
        json: String,
    },
    Reset,
    /// The clock continues no earlier than this.
    Clock(Timestamp),
    /// The last record. With a time, the clock continues exactly there.
    Stop(Option<Timestamp>),
}

pub(super) struct Writer {
    db: Connection,
    file: PathBuf,
    /// The latest stored time.
    clock: Option<Timestamp>,
    progress: Reporter,
}

impl Writer {
    pub(super) fn new(db: Connection, file: PathBuf, clock: Option<Timestamp>, progress: Reporter) -> Self {
        Self { db, file, clock, progress }
    }

    /// Writes until the last record, even if writing fails.
    pub(super) fn run(mut self, mut records: mpsc::UnboundedReceiver<(u64, Record)>) {
        self.write_all(&mut records);
        if let Err(error) = file::close(self.db) {
            debug!(%error, "the state was not closed cleanly: the next start recovers it");
        }
    }

    fn write_all(&mut self, records: &mut mpsc::UnboundedReceiver<(u64, Record)>) {
        let mut group = Vec::new();
        while records.blocking_recv_many(&mut group, MAX_RECORDS) > 0 {
            let last = group.last().map_or(0, |(number, _)| *number);
            let stops = group.iter().any(|(_, record)| matches!(record, Record::Stop(_)));
            if !self.progress.has_failed() {
                match self.write(&group) {
                    Ok(()) => self.progress.persisted(last),
                    Err(reason) => self.fail(&reason),
                }
            }
            if stops {
                break;
            }
            group.clear();
        }
    }

    fn fail(&self, reason: &rusqlite::Error) {
        error!(file = %self.file.display(), %reason, "the state cannot be written: every request is rejected from now on");
        self.progress.failed(format!("{} cannot be written: {reason}", self.file.display()));
    }

    fn write(&mut self, group: &[(u64, Record)]) -> rusqlite::Result<()> {
        // A dropped transaction is rolled back.
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut clock = self.clock;
        let mut lines = Vec::new();
        for (_, record) in group {
            match record {
                Record::Changes { now, json } => {
                    clock = clock.max(Some(*now));
                    lines.push(json.as_str());
                }
                Record::Reset => {
                    lines.clear();
                    changes::clear(&transaction)?;
                }
                Record::Clock(time) => clock = clock.max(Some(*time)),
                Record::Stop(time) => clock = time.or(clock),
            }
        }
        if !lines.is_empty() {
            changes::add(&transaction, &lines.join("\n"))?;
        }
        if clock != self.clock {
            changes::set_clock(&transaction, clock)?;
        }
        transaction.commit()?;
        self.clock = clock;
        Ok(())
    }
}
