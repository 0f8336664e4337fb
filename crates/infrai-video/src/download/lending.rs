//! The part of a clip, lent to the threads that write it and make the disk keep it, while the next bytes are on their way.

use tokio::task::{JoinHandle, spawn_blocking};

use super::part::PartFile;
use crate::error::{Error, ErrorKind};

pub(super) struct Lending {
    part: Option<PartFile>,
    /// Work on the part, which comes back with it.
    working: Option<JoinHandle<(PartFile, Result<(), Error>)>>,
    /// The disk is being made to keep what was written before.
    syncing: Option<JoinHandle<Result<(), Error>>>,
}

impl Lending {
    pub(super) fn new(part: PartFile) -> Self {
        Self { part: Some(part), working: None, syncing: None }
    }

    /// The part, while it is not lent.
    pub(super) fn part(&self) -> Option<&PartFile> {
        self.part.as_ref()
    }

    /// The part, once all that was begun is done. Nothing where a thread was stopped with it.
    pub(super) async fn into_part(mut self) -> Option<PartFile> {
        // What went wrong was told before, or matters less than why the download ends.
        let _ = self.settle().await;
        self.part
    }

    /// Begins to add to the part, and waits only for what was added before.
    pub(super) async fn begin(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.worked().await?;
        self.sync().await?;
        let mut part = self.part.take().ok_or_else(stopped)?;
        self.working = Some(spawn_blocking(move || {
            let done = work(&mut part);
            (part, done)
        }));
        Ok(())
    }

    /// Does all of the work, after everything that was begun.
    pub(super) async fn run(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.settle().await?;
        self.begin(work).await?;
        self.settle().await
    }

    /// Waits for everything that was begun.
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        let (worked, synced) = (self.worked().await, self.synced().await);
        worked.and(synced)
    }

    async fn worked(&mut self) -> Result<(), Error> {
        let Some(working) = &mut self.working else { return Ok(()) };
        let worked = working.await;
        self.working = None;
        let (part, done) = worked.map_err(|_| stopped())?;
        self.part = Some(part);
        done
    }

    async fn synced(&mut self) -> Result<(), Error> {
        let Some(syncing) = &mut self.syncing else { return Ok(()) };
        let synced = syncing.await;
        self.syncing = None;
        synced.unwrap_or_else(|_| Err(stopped()))
    }

    /// Where it is time, makes the disk keep what is there, without waiting for it.
    async fn sync(&mut self) -> Result<(), Error> {
        if self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return Ok(());
        }
        self.synced().await?;
        if let Some(sync) = self.part.as_mut().ok_or_else(stopped)?.sync_where_it_is_time()? {
            self.syncing = Some(spawn_blocking(sync));
        }
        Ok(())
    }
}

pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "the thread that writes the clip was stopped")
}
