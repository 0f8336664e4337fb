//! Produces clips, each once, and keeps the most recently used in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use lru::LruCache;
use tokio::sync::{Semaphore, oneshot, watch};

use super::clip_store::ClipStore;
use super::source::{ClipFiles, ClipRequest, ClipSource};
use super::yield_to_requests;
use crate::model::ids::sha256_hex;

/// A file, ready to be served.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    /// The SHA-256 of the bytes, in quotes.
    pub(crate) etag: Arc<str>,
}

/// The files of a job.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) clip: File,
    pub(crate) thumbnail: File,
}

/// The result of a clip in production; `None` until it is finished.
type Produced = Option<Result<Files, String>>;

/// The state of a requested clip.
enum Lookup {
    Done(Result<Files, String>),
    Pending(watch::Receiver<Produced>),
}

/// A cache of clips, cheap to clone.
#[derive(Clone)]
pub(crate) struct ClipCache(Arc<Inner>);

struct Inner {
    source: ClipSource,
    executor: Executor,
    entries: Mutex<Entries>,
    /// The clips on the disk, for a persistent sandbox.
    store: Option<ClipStore>,
}

/// Where clips are produced.
pub(crate) enum Executor {
    /// On threads of their own, at most as many at a time as the semaphore has permits.
    Pool(Semaphore),
    /// On the thread of the caller, before anything else continues. The result does not depend on scheduling.
    Caller,
}

impl Executor {
    /// As many threads as the machine has processors. They are not the runtime's worker threads, so calls are
    /// served while all of them are busy.
    pub(crate) fn pool() -> Self {
        Self::Pool(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)))
    }
}

struct Entries {
    /// In bytes.
    capacity: usize,
    /// In bytes.
    size: usize,
    files: LruCache<String, Files>,
    pending: HashMap<String, watch::Receiver<Produced>>,
}

impl ClipCache {
    /// Creates a cache that keeps at most `capacity` bytes of clips in memory.
    pub(crate) fn new(
        source: ClipSource,
        executor: Executor,
        capacity: usize,
        store: Option<ClipStore>,
    ) -> Self {
        let files = LruCache::unbounded();
        let entries = Mutex::new(Entries { capacity, size: 0, files, pending: HashMap::new() });
        Self(Arc::new(Inner { source, executor, entries, store }))
    }

    /// Returns the files of a request: from the cache, from a production in progress, or from a new one.
    pub(crate) async fn files(&self, request: ClipRequest) -> Result<Files, String> {
        let mut pending = match self.lookup(request) {
            Lookup::Done(result) => return result,
            Lookup::Pending(pending) => pending,
        };
        match pending.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err("the renderer stopped".to_owned()),
        }
    }

    /// Starts to produce a clip that will be requested later.
    pub(crate) fn prepare(&self, request: ClipRequest) {
        // A later request finds the result in the cache or in production.
        let _ = self.lookup(request);
    }

    /// Counts a job that was accepted.
    pub(crate) fn job_accepted(&self, request: &ClipRequest) {
        if let Some(store) = &self.0.store {
            store.job_accepted(request.name());
        }
    }

    /// Counts a job that was deleted.
    pub(crate) fn job_deleted(&self, request: &ClipRequest) {
        if let Some(store) = &self.0.store {
            store.job_deleted(&request.name());
        }
    }

    /// Forgets all jobs.
    pub(crate) fn forget_jobs(&self) {
        if let Some(store) = &self.0.store {
            store.clear();
        }
    }

    /// Returns the clip or starts to produce it. Production on the pool runs in a task of its own, so that a dropped
    /// caller does not stop it for the others.
    fn lookup(&self, request: ClipRequest) -> Lookup {
        let name = request.name();
        let mut entries = self.entries();
        if let Some(files) = entries.files.get(&name) {
            return Lookup::Done(Ok(files.clone()));
        }
        if let Some(pending) = entries.pending.get(&name) {
            return Lookup::Pending(pending.clone());
        }
        if let Executor::Caller = self.0.executor {
            drop(entries);
            let result = (self.0.source)(&request).map(Files::from);
            if let Ok(files) = &result {
                self.entries().insert(name, files.clone());
            }
            return Lookup::Done(result);
        }
        let (sender, pending) = watch::channel(None);
        entries.pending.insert(name.clone(), pending.clone());
        let cache = self.clone();
        tokio::spawn(async move {
            let result = cache.produce(request, name.clone()).await;
            let mut entries = cache.entries();
            entries.pending.remove(&name);
            if let Ok(files) = &result {
                entries.insert(name, files.clone());
            }
            drop(entries);
            sender.send_replace(Some(result));
        });
        Lookup::Pending(pending)
    }

    async fn produce(&self, request: ClipRequest, name: String) -> Result<Files, String> {
        if let Some(files) = self.load(name.clone()).await {
            return Ok(files);
        }
        let _permit = match &self.0.executor {
            Executor::Pool(permits) => Some(permits.acquire().await.expect("the semaphore is never closed")),
            Executor::Caller => None,
        };
        let cache = self.clone();
        let produce = move || {
            let clip = (cache.0.source)(&request)?;
            if let Some(store) = &cache.0.store {
                store.keep(&name, &clip);
            }
            Ok(Files::from(clip))
        };
        // A thread of its own, because its priority stays low.
        let (sender, result) = oneshot::channel();
        let work = move || {
            yield_to_requests();
            // The caller may have given up.
            drop(sender.send(produce()));
        };
        let thread = std::thread::Builder::new().name("clip".to_owned()).spawn(work);
        thread.map_err(|error| format!("the renderer cannot be started: {error}"))?;
        result.await.unwrap_or_else(|_| Err("the renderer stopped".to_owned()))
    }

    /// Loads the files of a request from the disk. This needs no permit.
    async fn load(&self, name: String) -> Option<Files> {
        self.0.store.as_ref().filter(|store| store.has(&name))?;
        let cache = self.clone();
        let read = move || cache.0.store.as_ref().and_then(|store| store.read(&name)).map(Files::from);
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn insert(&mut self, name: String, files: Files) {
        self.size += files.size();
        if let Some(replaced) = self.files.put(name, files) {
            self.size -= replaced.size();
        }
        while self.size > self.capacity
            && let Some((_, evicted)) = self.files.pop_lru()
        {
            self.size -= evicted.size();
        }
    }
}

impl Files {
    fn size(&self) -> usize {
        self.clip.bytes.len() + self.thumbnail.bytes.len()
    }
}

impl From<ClipFiles> for Files {
    fn from(files: ClipFiles) -> Self {
        Self { clip: File::new(files.mp4), thumbnail: File::new(files.thumbnail_jpeg) }
    }
}

impl File {
    fn new(bytes: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", sha256_hex(&bytes)).into();
        Self { bytes: bytes.into(), etag }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use std::time::Duration;

    use super::*;

    fn request(prompt: &str) -> ClipRequest {
        ClipRequest {
            prompt: prompt.to_owned(),
            seed: 7,
            width: 16,
            height: 16,
            duration: Duration::from_secs(1),
        }
    }

    /// A cache, and how often its source was called.
    fn counting(capacity: usize) -> (ClipCache, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let source: ClipSource = Arc::new(move |request| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(ClipFiles { mp4: request.prompt.clone().into_bytes(), thumbnail_jpeg: vec![0; 5] })
        });
        (ClipCache::new(source, Executor::Pool(Semaphore::new(1)), capacity, None), calls)
    }

    #[tokio::test]
    async fn concurrent_equal_requests_are_produced_once() {
        let (cache, calls) = counting(1000);
        let both = futures_util::future::join(cache.files(request("a")), cache.files(request("a"))).await;
        assert_eq!(both.0.expect("produced").clip.bytes, both.1.expect("produced").clip.bytes);
        cache.files(request("a")).await.expect("produced");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_least_recently_used_clip_is_evicted() {
        let (cache, calls) = counting(13);
        for prompt in ["a", "b", "a", "c", "a", "b"] {
            let files = cache.files(request(prompt)).await.expect("produced");
            assert_eq!(files.clip.bytes, prompt);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 4, "a, b, c, and b again");
    }

    #[tokio::test]
    async fn a_dropped_caller_does_not_stop_the_work() {
        let (cache, calls) = counting(1000);
        drop(cache.files(request("a")));
        cache.prepare(request("b"));
        cache.files(request("b")).await.expect("produced");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}
