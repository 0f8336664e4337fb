//! The state on the disk: every change of the state in SQLite, before anybody is told of it.
//!
//! Whoever changes the state sends the change to a writer while it holds the state's lock, so that the file sees the
//! changes in their order. The writer is a thread of its own: it puts whatever waits for it into one transaction, and
//! tells up to which change the disk has it. An answer leaves when the disk has everything that it may speak of.

mod error;
mod file;
mod load;
mod statements;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

pub use self::error::PersistError;
use self::writer::{Progress, Record, Writer};
use super::NotKept;
use super::state::{Change, State};
use crate::money::Usd;

/// What a directory held when it was opened.
pub(crate) struct Opened {
    pub(crate) durable: Durable,
    pub(crate) state: State,
    pub(crate) seed: u64,
    /// The earliest time at which the clock may go on. Nothing for a new directory.
    pub(crate) clock: Option<Timestamp>,
    /// How often a sandbox was started on the directory before.
    pub(crate) starts: u64,
}

/// The way to the disk, cheap to clone.
#[derive(Clone)]
pub(crate) struct Durable(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    /// The number of the last record that was sent. Held while one is sent: numbers arrive in their order.
    last: Mutex<u64>,
    records: mpsc::UnboundedSender<(u64, Record)>,
    progress: watch::Receiver<Progress>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Durable {
    /// Opens a directory, or makes it. With no seed asked for, the stored one is taken; a new directory gets
    /// `default_seed`.
    pub(crate) async fn open(
        directory: &Path,
        asked: Option<u64>,
        default_seed: u64,
        opening: Usd,
    ) -> Result<Opened, PersistError> {
        let open = file::open(directory, asked, default_seed, opening).await?;
        let (records, waiting) = mpsc::unbounded_channel();
        let (tell, progress) = watch::channel(Progress::Kept(0));
        let writer = Writer::new(open.db, open.file, open.stored.clock, tell);
        let writer = writer.start(waiting, open.lock).map_err(PersistError::at(directory))?;
        let durable = Self(Arc::new(Inner {
            directory: directory.to_owned(),
            last: Mutex::new(0),
            records,
            progress,
            writer: Mutex::new(Some(writer)),
        }));
        let load::Stored { seed, clock, starts, state } = open.stored;
        Ok(Opened { durable, state, seed, clock, starts })
    }

    /// Where finished clips are kept.
    pub(crate) fn clips(&self) -> PathBuf {
        self.0.directory.join("clips")
    }

    /// Sends changes to the disk. To be called under the lock under which they are applied.
    pub(crate) fn append(&self, now: Timestamp, changes: &[Change]) {
        self.0.send(Record::Changes { now, changes: changes.to_vec() });
    }

    /// Empties the tables. To be called under the lock of the state.
    pub(crate) fn reset(&self) {
        self.0.send(Record::Reset);
    }

    /// Lets the clock go on no earlier than this after a restart.
    pub(crate) fn reach(&self, time: Timestamp) {
        self.0.send(Record::Clock(time));
    }

    /// Waits until the disk has all that was sent up to now.
    pub(crate) async fn kept(&self) -> Result<(), NotKept> {
        let last = *self.0.last();
        let mut progress = self.0.progress.clone();
        match progress.wait_for(|progress| progress.decides(last)).await.as_deref() {
            Ok(Progress::Kept(_)) => Ok(()),
            Ok(Progress::Failed(reason)) => Err(NotKept(reason.clone())),
            Err(_) => Err(NotKept("the sandbox was stopped".to_owned())),
        }
    }

    /// Why nothing is written any more, if so.
    pub(crate) fn failed(&self) -> Result<(), NotKept> {
        match &*self.0.progress.borrow() {
            Progress::Kept(_) => Ok(()),
            Progress::Failed(reason) => Err(NotKept(reason.clone())),
        }
    }

    /// Writes what is left, and lets go of the directory. From now on nothing is kept.
    pub(crate) fn stop(&self, now: Timestamp) {
        self.0.stop(Some(now));
    }
}

impl Inner {
    fn send(&self, record: Record) {
        let mut last = self.last();
        *last += 1;
        // A writer that is gone has said so through its progress.
        let _ = self.records.send((*last, record));
    }

    fn stop(&self, now: Option<Timestamp>) {
        self.send(Record::Stop(now));
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked ended its progress, which whoever waits for it sees.
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
