//! Writes, hashes and syncs the part file on blocking threads, while the next bytes are received.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{PartFile, Version};
use crate::error::{Error, ErrorKind};

pub(in crate::download) struct BackgroundWriter {
    /// `None` while a thread has it.
    part: Option<PartFile>,
    working: Option<JoinHandle<Finished>>,
    /// Hashes the bytes that are being written.
    hashing: Option<JoinHandle<Sha256>>,
    /// Syncs the bytes that were written before.
    syncing: Option<JoinHandle<Result<(), Error>>>,
}

/// Finished work on the part file.
struct Finished {
    part: PartFile,
    result: Result<(), Error>,
    /// A sync that was due and is still running.
    syncing: Option<JoinHandle<Result<(), Error>>>,
}

impl BackgroundWriter {
    pub(in crate::download) fn new(part: PartFile) -> Self {
        Self { part: Some(part), working: None, hashing: None, syncing: None }
    }

    /// The part file, unless a thread is working on it.
    pub(in crate::download) fn part(&self) -> Option<&PartFile> {
        self.part.as_ref()
    }

    /// The part file after [`settle`](Self::settle). `None` if a thread was stopped with it.
    pub(in crate::download) fn into_part(self) -> Option<PartFile> {
        self.part
    }

    /// Starts to append chunks, after the previous chunks are written.
    pub(in crate::download) async fn write(
        &mut self,
        chunks: Vec<Bytes>,
        version: Option<Version>,
    ) -> Result<(), Error> {
        self.finish_work().await?;
        if self.syncing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish_sync().await?;
        }
        let mut hash = self.part.as_mut().ok_or_else(stopped)?.take_hash();
        let same = chunks.clone();
        self.hashing = Some(spawn_blocking(move || {
            same.iter().for_each(|chunk| hash.update(chunk));
            hash
        }));
        self.begin(move |part| part.write(&chunks, version))
    }

    fn begin(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let may_sync = self.syncing.is_none();
        let mut part = self.part.take().ok_or_else(stopped)?;
        self.working = Some(spawn_blocking(move || {
            let result = work(&mut part);
            // Not with the next block, which may never be received.
            let sync = match &result {
                Ok(()) if may_sync => part.sync_if_due(),
                _ => Ok(None),
            };
            let (result, sync) = match sync {
                Ok(sync) => (result, sync),
                Err(error) => (Err(error), None),
            };
            Finished { part, result, syncing: sync.map(|sync| Handle::current().spawn_blocking(sync)) }
        }));
        Ok(())
    }

    /// Does this work after everything that was started, and waits for it.
    pub(in crate::download) async fn run(
        &mut self,
        work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.settle().await?;
        self.begin(work)?;
        self.settle().await
    }

    /// Waits for everything that was started.
    pub(in crate::download) async fn settle(&mut self) -> Result<(), Error> {
        let (written, synced) = (self.finish_work().await, self.finish_sync().await);
        written.and(synced)
    }

    async fn finish_work(&mut self) -> Result<(), Error> {
        let Some(working) = &mut self.working else { return Ok(()) };
        let finished = working.await;
        self.working = None;
        let Finished { mut part, result, syncing } = finished.map_err(|_| stopped())?;
        self.syncing = self.syncing.take().or(syncing);
        if let Some(hashing) = self.hashing.take() {
            part.put_hash(hashing.await.map_err(|_| stopped())?);
        }
        self.part = Some(part);
        result
    }

    async fn finish_sync(&mut self) -> Result<(), Error> {
        let Some(syncing) = &mut self.syncing else { return Ok(()) };
        let synced = syncing.await;
        self.syncing = None;
        synced.unwrap_or_else(|_| Err(stopped()))
    }
}

pub(in crate::download) fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "the thread that writes the clip was stopped")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::time::advance;

    use super::super::sidecar::{Sidecar, SidecarFile};
    use super::super::{SYNC_BYTES, SYNC_INTERVAL};
    use super::*;

    fn writer(target: &Path) -> BackgroundWriter {
        BackgroundWriter::new(
            PartFile::open(target, "vj_1").unwrap().expect("no other download has locked it"),
        )
    }

    fn kept(target: &Path) -> u64 {
        match Sidecar::read(&target.with_extension("mp4.part.json")).unwrap() {
            SidecarFile::Valid(sidecar) => sidecar.kept,
            _ => panic!("there is no sidecar"),
        }
    }

    async fn write(writer: &mut BackgroundWriter, bytes: impl Into<Bytes>) {
        let version = Version { validator: "\"a\"".to_owned(), total: None };
        writer.write(vec![bytes.into()], Some(version)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_is_synced_as_soon_as_it_is_written_if_a_sync_is_due() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut writer = writer(&target);
        advance(SYNC_INTERVAL).await;
        write(&mut writer, "twelve bytes").await;
        writer.settle().await.unwrap();
        assert_eq!(kept(&target), 12);
        write(&mut writer, " and more").await;
        writer.settle().await.unwrap();
        assert_eq!(kept(&target), 12, "the next sync is not due yet");
        advance(SYNC_INTERVAL).await;
        write(&mut writer, ".").await;
        writer.settle().await.unwrap();
        assert_eq!(kept(&target), 22);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_download_is_synced_before_the_interval_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut writer = writer(&target);
        for block in 1..=3 {
            write(&mut writer, vec![0; SYNC_BYTES as usize - 1]).await;
            writer.settle().await.unwrap();
            assert_eq!(kept(&target), (block - 1) * SYNC_BYTES, "one byte less needs no sync");
            write(&mut writer, ".").await;
            writer.settle().await.unwrap();
            assert_eq!(kept(&target), block * SYNC_BYTES);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn written_bytes_are_hashed() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(&directory.path().join("clip.mp4"));
        write(&mut writer, "twelve bytes").await;
        write(&mut writer, " and more").await;
        writer.settle().await.unwrap();
        let hash = crate::download::hex::hex(&Sha256::digest(b"twelve bytes and more"));
        assert_eq!(writer.part().map(PartFile::sha256), Some(hash));
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_sync_does_not_record_discarded_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut writer = writer(&target);
        for _ in 0..20 {
            advance(SYNC_INTERVAL).await;
            write(&mut writer, "twelve bytes").await;
            writer.run(PartFile::clear).await.unwrap();
            assert_eq!(kept(&target), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_sync_is_reported_once() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut writer = writer(&target);
        // The path of the new sidecar.
        std::fs::create_dir(target.with_extension("mp4.part.json.new")).unwrap();
        advance(SYNC_INTERVAL).await;
        write(&mut writer, "twelve bytes").await;
        assert_eq!(writer.settle().await.unwrap_err().kind(), ErrorKind::Storage);
        assert!(writer.settle().await.is_ok(), "only once");
        assert_eq!(kept(&target), 0);
    }
}
