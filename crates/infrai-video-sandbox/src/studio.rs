//! The studio: makes clips, each scene once, and keeps the latest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use crate::ids::sha256_hex;
use crate::library::Library;
use crate::source::{ClipFiles, ClipRequest, ClipSource};

/// A file, ready to be served.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    /// The SHA-256 of the bytes, in quotes.
    pub(crate) etag: Arc<str>,
}

/// What a job leaves behind.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) clip: File,
    pub(crate) thumbnail: File,
}

type Made = Option<Result<Files, String>>;

/// What became of an order.
enum Ordered {
    Made(Result<Files, String>),
    UnderWay(watch::Receiver<Made>),
}

#[derive(Clone)]
pub(crate) struct Studio(Arc<Inner>);

struct Inner {
    source: ClipSource,
    hands: Hands,
    shelf: Mutex<Shelf>,
    /// The clips on the disk, for a sandbox that keeps its state.
    library: Option<Library>,
}

/// Who makes the clips.
pub(crate) enum Hands {
    /// A pool of threads, so many at a time.
    Pool(Semaphore),
    /// Whoever asks, before anything else goes on: nothing depends on which thread is faster.
    Caller,
}

impl Hands {
    /// As many threads as the machine has processors. They are none of the runtime's own: calls are answered while all
    /// of them are busy, at the price of some milliseconds at worst.
    pub(crate) fn pool() -> Self {
        Self::Pool(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)))
    }
}

struct Shelf {
    room: usize,
    taken: usize,
    /// The files, and when they were last used.
    files: HashMap<String, (Files, u64)>,
    /// The scenes on the shelf by the time of their last use, counted in uses.
    by_use: BTreeMap<u64, String>,
    uses: u64,
    under_way: HashMap<String, watch::Receiver<Made>>,
}

impl Studio {
    /// A studio that keeps up to `room` bytes of clips in memory.
    pub(crate) fn new(source: ClipSource, hands: Hands, room: usize, library: Option<Library>) -> Self {
        let shelf = Shelf {
            room,
            taken: 0,
            files: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            under_way: HashMap::new(),
        };
        Self(Arc::new(Inner { source, hands, shelf: Mutex::new(shelf), library }))
    }

    /// The files of a scene: from the shelf, from whoever makes it just now, or made now.
    pub(crate) async fn files(&self, scene: ClipRequest) -> Result<Files, String> {
        let mut made = match self.order(scene) {
            Ordered::Made(made) => return made,
            Ordered::UnderWay(made) => made,
        };
        match made.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err("the renderer stopped".to_owned()),
        }
    }

    /// Starts a scene that will be asked for later.
    pub(crate) fn prepare(&self, scene: ClipRequest) {
        // Whoever asks for the files finds them on the shelf or under way.
        let _ = self.order(scene);
    }

    /// A job of a scene was accepted.
    pub(crate) fn claim(&self, scene: &ClipRequest) {
        if let Some(library) = &self.0.library {
            library.claim(name_of(scene));
        }
    }

    /// A job of a scene was deleted.
    pub(crate) fn release(&self, scene: &ClipRequest) {
        if let Some(library) = &self.0.library {
            library.release(&name_of(scene));
        }
    }

    /// All jobs were deleted.
    pub(crate) fn forget_jobs(&self) {
        if let Some(library) = &self.0.library {
            library.clear();
        }
    }

    /// The work of a pool goes on in a task of its own: a caller that goes away does not stop it for the others.
    fn order(&self, scene: ClipRequest) -> Ordered {
        let name = name_of(&scene);
        let mut shelf = self.shelf();
        if let Some(files) = shelf.take(&name) {
            return Ordered::Made(Ok(files));
        }
        if let Some(made) = shelf.under_way.get(&name) {
            return Ordered::UnderWay(made.clone());
        }
        if let Hands::Caller = self.0.hands {
            drop(shelf);
            let made = (self.0.source)(&scene).map(Files::of);
            if let Ok(files) = &made {
                self.shelf().put(name, files.clone());
            }
            return Ordered::Made(made);
        }
        let (tell, made) = watch::channel(None);
        shelf.under_way.insert(name.clone(), made.clone());
        let studio = self.clone();
        tokio::spawn(async move {
            let result = studio.make(scene, name.clone()).await;
            let mut shelf = studio.shelf();
            shelf.under_way.remove(&name);
            if let Ok(files) = &result {
                shelf.put(name, files.clone());
            }
            drop(shelf);
            tell.send_replace(Some(result));
        });
        Ordered::UnderWay(made)
    }

    async fn make(&self, scene: ClipRequest, name: String) -> Result<Files, String> {
        if let Some(files) = self.read_back(name.clone()).await {
            return Ok(files);
        }
        let _slot = match &self.0.hands {
            Hands::Pool(slots) => Some(slots.acquire().await.expect("the slots are never closed")),
            Hands::Caller => None,
        };
        let studio = self.clone();
        let render = move || {
            let clip = (studio.0.source)(&scene)?;
            if let Some(library) = &studio.0.library {
                library.keep(&name, &clip);
            }
            Ok(Files::of(clip))
        };
        let rendered = tokio::task::spawn_blocking(render).await;
        match rendered {
            Ok(Ok(files)) => Ok(files),
            Ok(Err(error)) => Err(error),
            Err(_) => Err("the renderer stopped".to_owned()),
        }
    }

    /// The files of a scene from the disk. It takes none of the places of those who render.
    async fn read_back(&self, name: String) -> Option<Files> {
        self.0.library.as_ref().filter(|library| library.has(&name))?;
        let studio = self.clone();
        let read = move || studio.0.library.as_ref().and_then(|library| library.read(&name)).map(Files::of);
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn take(&mut self, name: &str) -> Option<Files> {
        let (files, used) = self.files.get_mut(name)?;
        self.uses += 1;
        self.by_use.remove(used);
        self.by_use.insert(self.uses, name.to_owned());
        *used = self.uses;
        Some(files.clone())
    }

    fn put(&mut self, name: String, files: Files) {
        self.uses += 1;
        self.taken += files.size();
        self.by_use.insert(self.uses, name.clone());
        if let Some((files, used)) = self.files.insert(name, (files, self.uses)) {
            self.taken -= files.size();
            self.by_use.remove(&used);
        }
        while self.taken > self.room
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.taken -= self.files.remove(&oldest).map_or(0, |(files, _)| files.size());
        }
    }
}

impl Files {
    fn of(clip: ClipFiles) -> Self {
        Self { clip: File::of(clip.mp4), thumbnail: File::of(clip.thumbnail_jpeg) }
    }

    fn size(&self) -> usize {
        self.clip.bytes.len() + self.thumbnail.bytes.len()
    }
}

impl File {
    fn of(bytes: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", sha256_hex(&bytes)).into();
        Self { bytes: bytes.into(), etag }
    }
}

/// The name of a scene: equal scenes have equal names.
pub(crate) fn name_of(scene: &ClipRequest) -> String {
    let ClipRequest { prompt, seed, width, height, duration } = scene;
    sha256_hex(format!("{seed} {width} {height} {} {prompt}", duration.as_nanos()).as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use std::time::Duration;

    use super::*;

    fn scene(prompt: &str) -> ClipRequest {
        ClipRequest {
            prompt: prompt.to_owned(),
            seed: 7,
            width: 16,
            height: 16,
            duration: Duration::from_secs(1),
        }
    }

    fn counting(room: usize) -> (Studio, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let source: ClipSource = Arc::new(move |scene| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(ClipFiles { mp4: scene.prompt.clone().into_bytes(), thumbnail_jpeg: vec![0; 5] })
        });
        (Studio::new(source, Hands::Pool(Semaphore::new(1)), room, None), made)
    }

    #[tokio::test]
    async fn equal_scenes_at_the_same_time_are_made_once() {
        let (studio, made) = counting(1000);
        let both = futures_util::future::join(studio.files(scene("a")), studio.files(scene("a"))).await;
        assert_eq!(both.0.expect("made").clip.bytes, both.1.expect("made").clip.bytes);
        studio.files(scene("a")).await.expect("made");
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_scene_used_longest_ago_makes_room() {
        let (studio, made) = counting(13);
        for prompt in ["a", "b", "a", "c", "a", "b"] {
            let files = studio.files(scene(prompt)).await.expect("made");
            assert_eq!(files.clip.bytes, prompt);
        }
        assert_eq!(made.load(Ordering::Relaxed), 4, "a, b, c, and b again");
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_stop_the_work() {
        let (studio, made) = counting(1000);
        drop(studio.files(scene("a")));
        studio.prepare(scene("b"));
        studio.files(scene("b")).await.expect("made");
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
