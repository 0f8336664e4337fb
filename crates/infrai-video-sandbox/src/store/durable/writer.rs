//! The writer: one thread that puts changes into the file, as many in one transaction as wait for it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, watch};
use tracing::{debug, error};

use super::statements;
use crate::store::state::Change;

/// The most records in one transaction.
const MOST_RECORDS: usize = 4096;

/// What is to be written.
pub(super) enum Record {
    Changes {
        now: Timestamp,
        changes: Vec<Change>,
    },
    Reset,
    /// The clock goes on no earlier than this.
    Clock(Timestamp),
    /// Nothing comes after this. With a time, the clock goes on exactly there.
    Stop(Option<Timestamp>),
}

/// How far the writer is.
pub(super) enum Progress {
    /// The disk has the records up to this number.
    Kept(u64),
    /// Nothing is written any more, and why.
    Failed(String),
}

impl Progress {
    /// Whether it is decided what became of the record with this number.
    pub(super) fn decides(&self, number: u64) -> bool {
        match self {
            Self::Kept(kept) => *kept >= number,
            Self::Failed(_) => true,
        }
    }
}

pub(super) struct Writer {
    db: SqliteConnection,
    file: PathBuf,
    /// The latest time that was written.
    clock: Option<Timestamp>,
    tell: watch::Sender<Progress>,
}

impl Writer {
    pub(super) fn new(
        db: SqliteConnection,
        file: PathBuf,
        clock: Option<Timestamp>,
        tell: watch::Sender<Progress>,
    ) -> Self {
        Self { db, file, clock, tell }
    }

    /// Writes until it is told to stop. The lock is let go of then, and not earlier: not even if nothing can be written.
    pub(super) fn start(
        mut self,
        mut records: mpsc::UnboundedReceiver<(u64, Record)>,
        lock: File,
    ) -> io::Result<JoinHandle<()>> {
        // A thread outlives the runtime of the sandbox, so that what was sent before the end is written.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = move || {
            runtime.block_on(async {
                self.write_all(&mut records).await;
                if let Err(error) = self.db.close().await {
                    debug!(%error, "the state was not closed well: the next start puts it in order");
                }
            });
            drop(lock);
        };
        thread::Builder::new().name("sandbox-state".to_owned()).spawn(work)
    }

    async fn write_all(&mut self, records: &mut mpsc::UnboundedReceiver<(u64, Record)>) {
        let mut group = Vec::new();
        while records.recv_many(&mut group, MOST_RECORDS).await > 0 {
            let last = group.last().map_or(0, |(number, _)| *number);
            let stops = group.iter().any(|(_, record)| matches!(record, Record::Stop(_)));
            if matches!(*self.tell.borrow(), Progress::Kept(_)) {
                let written = self.write(&group).await;
                self.tell.send_replace(match written {
                    Ok(()) => Progress::Kept(last),
                    Err(reason) => self.failure(&reason),
                });
            }
            if stops {
                break;
            }
            group.clear();
        }
        if matches!(*self.tell.borrow(), Progress::Kept(_)) {
            self.tell.send_replace(Progress::Failed("the sandbox was stopped".to_owned()));
        }
    }

    fn failure(&self, reason: &sqlx::Error) -> Progress {
        error!(file = %self.file.display(), %reason, "the state can not be written: every request is refused from now on");
        Progress::Failed(format!("{} can not be written: {reason}", self.file.display()))
    }

    async fn write(&mut self, group: &[(u64, Record)]) -> Result<(), sqlx::Error> {
        // A transaction that is dropped is taken back.
        let mut transaction = self.db.begin_with("BEGIN IMMEDIATE").await?;
        let mut clock = self.clock;
        for (_, record) in group {
            match record {
                Record::Changes { now, changes } => {
                    clock = clock.max(Some(*now));
                    for change in changes {
                        statements::write(&mut transaction, change).await?;
                    }
                }
                Record::Reset => statements::clear(&mut transaction).await?,
                Record::Clock(time) => clock = clock.max(Some(*time)),
                Record::Stop(time) => clock = time.or(clock),
            }
        }
        if clock != self.clock {
            statements::set_clock(&mut transaction, clock).await?;
        }
        transaction.commit().await?;
        self.clock = clock;
        Ok(())
    }
}
