//! The state on the disk: every change of the state in SQLite, before any response reveals it.
//!
//! Each change is sent to a writer thread while the state's lock is held, so that the file gets the changes in their order.
//! The writer commits all waiting changes in one row of one transaction and publishes the number of the last one. A response is sent
//! only after every change it can reveal has been synced to disk.

mod changes;
mod error;
mod file;
mod load;
mod progress;
mod snapshot;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

pub use self::error::PersistError;
use self::file::OpenFile;
use self::progress::{Progress, Reporter};
use self::writer::{Record, Writer};
use super::NotPersisted;
use super::state::{Change, State};
use crate::model::money::Usd;

/// The content of a directory.
pub(crate) struct Opened {
    pub(crate) durable: Durable,
    pub(crate) state: State,
    pub(crate) seed: u64,
    /// The earliest time at which the clock may continue. `None` for a new directory.
    pub(crate) clock: Option<Timestamp>,
    /// The number of earlier starts on the directory.
    pub(crate) starts: u64,
}

/// The connection to the writer thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Durable(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    /// The number of the last record. Locked while a record is sent, so that records arrive in order.
    last: Mutex<u64>,
    records: mpsc::UnboundedSender<(u64, Record)>,
    progress: Progress,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Durable {
    /// Opens or creates a directory. Without a requested seed the stored one applies; a new directory gets `default_seed`.
    pub(crate) async fn open(
        directory: &Path,
        asked: Option<u64>,
        default_seed: u64,
        opening: Usd,
    ) -> Result<Opened, PersistError> {
        let (records, waiting) = mpsc::unbounded_channel();
        let progress = Progress::default();
        let reporter = Reporter(progress.clone());
        let (opened, stored) = oneshot::channel();
        let path = directory.to_owned();
        // It outlives the runtime of the sandbox, so that pending records are written.
        let work = move || match file::open(&path, asked, default_seed, opening) {
            Ok(OpenFile { db, file, lock, stored }) => {
                let writer = Writer::new(db, file, stored.clock, reporter);
                if opened.send(Ok(stored)).is_ok() {
                    writer.run(waiting);
                }
                drop(lock);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let writer = thread::Builder::new().name("sandbox-state".to_owned()).spawn(work);
        let writer = writer.map_err(PersistError::at(directory))?;
        let stored = stored.await.map_err(|panicked| PersistError::at(directory)(io::Error::other(panicked)));
        let load::Stored { seed, clock, starts, state, .. } = stored??;
        let durable = Self(Arc::new(Inner {
            directory: directory.to_owned(),
            last: Mutex::new(0),
            records,
            progress,
            writer: Mutex::new(Some(writer)),
        }));
        Ok(Opened { durable, state, seed, clock, starts })
    }

    /// The directory of finished clips.
    pub(crate) fn clips(&self) -> PathBuf {
        self.0.directory.join("clips")
    }

    /// Sends changes to the disk. Must be called under the lock under which they are applied.
    pub(crate) fn append(&self, now: Timestamp, changes: &[Change]) {
        self.0.send(Record::Changes { now, json: changes::json(changes) });
    }

    /// Empties the tables. Must be called under the lock of the state.
    pub(crate) fn reset(&self) {
        self.0.send(Record::Reset);
    }

    /// Ensures that the clock continues no earlier than this after a restart.
    pub(crate) fn reach(&self, time: Timestamp) {
        self.0.send(Record::Clock(time));
    }

    /// Waits until all records so far are on the disk.
    pub(crate) async fn persisted(&self) -> Result<(), NotPersisted> {
        let last = *self.0.last();
        self.0.progress.reaches(last).await
    }

    /// Why nothing is written any longer, if so.
    pub(crate) fn failed(&self) -> Result<(), NotPersisted> {
        self.0.progress.failed()
    }

    /// Writes pending records and releases the directory. Later changes are not stored.
    pub(crate) fn stop(&self, now: Timestamp) {
        self.0.stop(Some(now));
    }
}

impl Inner {
    fn send(&self, record: Record) {
        let mut last = self.last();
        *last += 1;
        // A writer that has stopped reports this through its progress.
        let _ = self.records.send((*last, record));
    }

    fn stop(&self, now: Option<Timestamp>) {
        self.send(Record::Stop(now));
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked has dropped its end of the progress, which waiters notice.
        let _ = writer.map(JoinHandle::join);
    }

    fn last(&self) -> MutexGuard<'_, u64> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop(None);
    }
}
