//! The part of a clip, lent to the threads that write it and make the disk keep it, while the next bytes are on their way.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::fetch::Version;
use super::part::PartFile;
use crate::error::{Error, ErrorKind};

pub(super) struct Lending {
    part: Option<PartFile>,
    working: Option<JoinHandle<Worked>>,
    /// What is being written is also being hashed, beside it.
    hashing: Option<JoinHandle<Sha256>>,
    /// The disk is being made to keep what was written before.
    syncing: Option<JoinHandle<Result<(), Error>>>,
}

/// Work on the part is over.
struct Worked {
    part: PartFile,
    done: Result<(), Error>,
    /// It was time to make the disk keep what is there, which goes on.
    syncing: Option<JoinHandle<Result<(), Error>>>,
}

impl Lending {
    pub(super) fn new(part: PartFile) -> Self {
        Self { part: Some(part), working: None, hashing: None, syncing: None }
    }

    /// The part, while it is not lent.
    pub(super) fn part(&self) -> Option<&PartFile> {
        self.part.as_ref()
    }

    /// The part, if it is not lent, as after [`settle`](Self::settle). Nothing where a thread was stopped with it.
    pub(super) fn into_part(self) -> Option<PartFile> {
        self.part
    }

    /// Begins to add pieces to the part, and waits only for what was added before.
    pub(super) async fn write(&mut self, pieces: Vec<Bytes>, version: Option<Version>) -> Result<(), Error> {
        self.worked().await?;
        if self.syncing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.synced().await?;
        }
        let mut hash = self.part.as_mut().ok_or_else(stopped)?.take_hash();
        let same = pieces.clone();
        self.hashing = Some(spawn_blocking(move || {
            same.iter().for_each(|piece| hash.update(piece));
            hash
        }));
        self.begin(move |part| part.write(&pieces, version))
    }

    fn begin(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let may_sync = self.syncing.is_none();
        let mut part = self.part.take().ok_or_else(stopped)?;
        self.working = Some(spawn_blocking(move || {
            let done = work(&mut part);
            // At once, and not with the next block: that may never come.
            let sync = match &done {
                Ok(()) if may_sync => part.sync_where_it_is_time(),
                _ => Ok(None),
            };
            let (done, sync) = match sync {
                Ok(sync) => (done, sync),
                Err(error) => (Err(error), None),
            };
            Worked { part, done, syncing: sync.map(|sync| Handle::current().spawn_blocking(sync)) }
        }));
        Ok(())
    }

    /// Does all of the work, after everything that was begun.
    pub(super) async fn run(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.settle().await?;
        self.begin(work)?;
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
        let Worked { mut part, done, syncing } = worked.map_err(|_| stopped())?;
        self.syncing = self.syncing.take().or(syncing);
        if let Some(hashing) = self.hashing.take() {
            part.put_hash(hashing.await.map_err(|_| stopped())?);
        }
        self.part = Some(part);
        done
    }

    async fn synced(&mut self) -> Result<(), Error> {
        let Some(syncing) = &mut self.syncing else { return Ok(()) };
        let synced = syncing.await;
        self.syncing = None;
        synced.unwrap_or_else(|_| Err(stopped()))
    }
}

pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "the thread that writes the clip was stopped")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::time::advance;

    use super::super::note::{Found, Note};
    use super::super::part::SYNC_EVERY;
    use super::*;

    fn lending(target: &Path) -> Lending {
        Lending::new(PartFile::open(target, "vj_1").unwrap().expect("nobody else holds it"))
    }

    fn kept(target: &Path) -> u64 {
        match Note::read(&target.with_added_extension("part.json")).unwrap() {
            Found::Note(note) => note.kept,
            _ => panic!("there is no note"),
        }
    }

    async fn write(lending: &mut Lending, bytes: &'static [u8]) {
        let version = Version { validator: "\"a\"".to_owned(), total: None };
        lending.write(vec![Bytes::from_static(bytes)], Some(version)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_is_kept_as_soon_as_it_is_written_where_the_last_time_was_long_ago() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut lending = lending(&target);
        advance(SYNC_EVERY).await;
        write(&mut lending, b"twelve bytes").await;
        lending.settle().await.unwrap();
        assert_eq!(kept(&target), 12);
        write(&mut lending, b" and more").await;
        lending.settle().await.unwrap();
        assert_eq!(kept(&target), 12, "the next one waits for its time");
        advance(SYNC_EVERY).await;
        write(&mut lending, b".").await;
        lending.settle().await.unwrap();
        assert_eq!(kept(&target), 22);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_is_hashed() {
        let directory = tempfile::tempdir().unwrap();
        let mut lending = lending(&directory.path().join("clip.mp4"));
        write(&mut lending, b"twelve bytes").await;
        write(&mut lending, b" and more").await;
        lending.settle().await.unwrap();
        let hash = super::super::hex(&Sha256::digest(b"twelve bytes and more"));
        assert_eq!(lending.part().map(PartFile::sha256), Some(hash));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_thrown_away_is_not_noted_by_a_sync_that_was_under_way() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut lending = lending(&target);
        for _ in 0..20 {
            advance(SYNC_EVERY).await;
            write(&mut lending, b"twelve bytes").await;
            lending.run(PartFile::clear).await.unwrap();
            assert_eq!(kept(&target), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_keeps_nothing_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut lending = lending(&target);
        // Where the next note is written first.
        std::fs::create_dir(target.with_added_extension("part.json.new")).unwrap();
        advance(SYNC_EVERY).await;
        write(&mut lending, b"twelve bytes").await;
        assert_eq!(lending.settle().await.unwrap_err().kind(), ErrorKind::Storage);
        assert!(lending.settle().await.is_ok(), "it is told once");
        assert_eq!(kept(&target), 0);
    }
}
