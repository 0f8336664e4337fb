//! How far the writer has got, and the responses that wait for it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::store::NotPersisted;

/// The progress of the writer, cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The records up to this number are on the disk.
    persisted: u64,
    /// Nothing is written any longer, and why.
    failed: Option<NotPersisted>,
    /// Who waits for which record. A sender that is dropped wakes its receiver.
    waiting: Vec<(u64, oneshot::Sender<Infallible>)>,
}

impl Progress {
    /// Waits until the record with this number is on the disk.
    pub(super) async fn reaches(&self, number: u64) -> Result<(), NotPersisted> {
        loop {
            let decided = {
                let mut state = self.lock();
                match &state.failed {
                    Some(failed) => return Err(failed.clone()),
                    None if state.persisted >= number => return Ok(()),
                    None => {}
                }
                let (sender, decided) = oneshot::channel();
                state.waiting.push((number, sender));
                decided
            };
            let Err(_dropped) = decided.await;
        }
    }

    /// Why nothing is written any longer, if so.
    pub(super) fn failed(&self) -> Result<(), NotPersisted> {
        self.lock().failed.clone().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's end. Nothing is written any longer once it is dropped.
pub(super) struct Reporter(pub(super) Progress);

impl Reporter {
    /// The records up to this number are on the disk. Wakes those who wait for one of them, and no others.
    pub(super) fn persisted(&self, number: u64) {
        let mut state = self.0.lock();
        state.persisted = number;
        state.waiting.retain(|(awaited, _)| *awaited > number);
    }

    /// Nothing is written any longer.
    pub(super) fn failed(&self, reason: String) {
        let mut state = self.0.lock();
        state.failed.get_or_insert(NotPersisted(reason));
        state.waiting.clear();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.failed().is_err()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.failed("the sandbox was stopped".to_owned());
    }
}
