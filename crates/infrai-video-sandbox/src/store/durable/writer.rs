//! The writer thread. It writes all pending changes in one transaction.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, watch};
use tracing::{debug, error};

use super::{file, statements};
use crate::store::state::Change;

/// The maximum number of records in one transaction.
const MAX_RECORDS: usize = 4096;

/// A record for the writer.
pub(super) enum Record {
    Changes {
        now: Timestamp,
        changes: Vec<Change>,
    },
    Reset,
    /// The clock continues no earlier than this.
    Clock(Timestamp),
    /// The last record. With a time, the clock continues exactly there.
    Stop(Option<Timestamp>),
}

/// The progress of the writer.
pub(super) enum Progress {
    /// The records up to this number are on the disk.
    Persisted(u64),
    /// Nothing is written any longer, and why.
    Failed(String),
}

impl Progress {
    /// Whether the record with this number was written or has failed.
    pub(super) fn decides(&self, number: u64) -> bool {
        match self {
            Self::Persisted(last) => *last >= number,
            Self::Failed(_) => true,
        }
    }
}

pub(super) struct Writer {
    db: Connection,
    file: PathBuf,
    /// The latest stored time.
    clock: Option<Timestamp>,
    progress: watch::Sender<Progress>,
}

impl Writer {
    pub(super) fn new(
        db: Connection,
        file: PathBuf,
        clock: Option<Timestamp>,
        progress: watch::Sender<Progress>,
    ) -> Self {
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
            if matches!(*self.progress.borrow(), Progress::Persisted(_)) {
                let written = self.write(&group);
                self.progress.send_replace(match written {
                    Ok(()) => Progress::Persisted(last),
                    Err(reason) => self.failure(&reason),
                });
            }
            if stops {
                break;
            }
            group.clear();
        }
        if matches!(*self.progress.borrow(), Progress::Persisted(_)) {
            self.progress.send_replace(Progress::Failed("the sandbox was stopped".to_owned()));
        }
    }

    fn failure(&self, reason: &rusqlite::Error) -> Progress {
        error!(file = %self.file.display(), %reason, "the state cannot be written: every request is rejected from now on");
        Progress::Failed(format!("{} cannot be written: {reason}", self.file.display()))
    }

    fn write(&mut self, group: &[(u64, Record)]) -> rusqlite::Result<()> {
        // A dropped transaction is rolled back.
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut clock = self.clock;
        for (_, record) in group {
            match record {
                Record::Changes { now, changes } => {
                    clock = clock.max(Some(*now));
                    for change in changes {
                        statements::write(&transaction, change)?;
                    }
                }
                Record::Reset => statements::clear(&transaction)?,
                Record::Clock(time) => clock = clock.max(Some(*time)),
                Record::Stop(time) => clock = time.or(clock),
            }
        }
        if clock != self.clock {
            statements::set_clock(&transaction, clock)?;
        }
        transaction.commit()?;
        self.clock = clock;
        Ok(())
    }
}
