//! Finished clips on the disk, for a persistent sandbox.
//!
//! The name of a file consists of the name of its request and the SHA-256 of its bytes, so that a file can be verified on
//! its own. A missing or damaged clip is produced again, with the same bytes: nothing depends on these files.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::source::ClipFiles;
use crate::model::ids::sha256_hex;

/// The extensions of the two files of a request.
const EXTENSIONS: [&str; 2] = ["mp4", "jpg"];

pub(crate) struct ClipStore {
    directory: PathBuf,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    /// The number of jobs per request.
    uses: HashMap<String, usize>,
    /// The names of the two files of each stored request.
    kept: HashMap<String, [String; 2]>,
}

impl ClipStore {
    /// Opens a directory, or creates it. Deletes every file that does not belong to a complete pair of a wanted request.
    pub(crate) fn open(
        directory: PathBuf,
        uses: HashMap<String, usize>,
        wanted: &HashSet<String>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let mut found: HashMap<String, [Option<String>; 2]> = HashMap::new();
        let mut unwanted = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let place = parts(&name).filter(|(request, _, _)| wanted.contains(*request));
            match place.map(|(request, _, ending)| &mut found.entry(request.to_owned()).or_default()[ending])
            {
                Some(free @ None) => *free = Some(name),
                _ => unwanted.push(name),
            }
        }
        let mut kept = HashMap::new();
        for (request, names) in found {
            match names {
                [Some(clip), Some(thumbnail)] => {
                    kept.insert(request, [clip, thumbnail]);
                }
                incomplete => unwanted.extend(incomplete.into_iter().flatten()),
            }
        }
        for name in unwanted {
            fs::remove_file(directory.join(name))?;
        }
        Ok(Self { directory, index: Mutex::new(Index { uses, kept }) })
    }

    /// Whether the clip of this request is stored. It may be damaged.
    pub(crate) fn has(&self, request: &str) -> bool {
        self.index().kept.contains_key(request)
    }

    /// Reads the files of a request, if they are stored and undamaged.
    pub(crate) fn read(&self, request: &str) -> Option<ClipFiles> {
        let [clip, thumbnail] = self.index().kept.get(request).cloned()?;
        let files = self
            .read_file(&clip)
            .and_then(|mp4| Ok(ClipFiles { mp4, thumbnail_jpeg: self.read_file(&thumbnail)? }));
        if let Err(error) = &files {
            warn!(%error, clip, "a stored clip cannot be read and is produced again");
            self.index().kept.remove(request);
            self.discard([clip, thumbnail]);
        }
        files.ok()
    }

    /// Stores the files of a request, if a job has it.
    pub(crate) fn keep(&self, request: &str, files: &ClipFiles) {
        if !self.index().uses.contains_key(request) {
            return;
        }
        let kept = self
            .write_file(request, &files.mp4, EXTENSIONS[0])
            .and_then(|clip| Ok([clip, self.write_file(request, &files.thumbnail_jpeg, EXTENSIONS[1])?]))
            .and_then(|names| sync_directory(&self.directory).map(|()| names));
        match kept {
            Ok(names) => self.register(request, names),
            Err(error) => {
                warn!(%error, directory = %self.directory.display(), "a clip could not be stored and will be produced again");
            }
        }
    }

    /// Counts a job of this request.
    pub(crate) fn job_accepted(&self, request: String) {
        *self.index().uses.entry(request).or_default() += 1;
    }

    /// Discounts a job of this request, and deletes the files with the last one.
    pub(crate) fn job_deleted(&self, request: &str) {
        let mut index = self.index();
        let Some(uses) = index.uses.get_mut(request) else {
            return;
        };
        *uses -= 1;
        if *uses > 0 {
            return;
        }
        index.uses.remove(request);
        let unused = index.kept.remove(request);
        drop(index);
        unused.into_iter().for_each(|names| self.discard(names));
    }

    /// Forgets all jobs and deletes their files.
    pub(crate) fn clear(&self) {
        let Index { kept, .. } = std::mem::take(&mut *self.index());
        kept.into_values().for_each(|names| self.discard(names));
    }

    /// Registers written files, unless their last job was deleted meanwhile.
    fn register(&self, request: &str, names: [String; 2]) {
        let mut index = self.index();
        if index.uses.contains_key(request) {
            index.kept.insert(request.to_owned(), names);
        } else {
            drop(index);
            self.discard(names);
        }
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.directory.join(name))?;
        match parts(name) {
            Some((_, sum, _)) if sha256_hex(&bytes) == sum => Ok(bytes),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match")),
        }
    }

    fn write_file(&self, request: &str, bytes: &[u8], ending: &str) -> io::Result<String> {
        let name = format!("{request}.{}.{ending}", sha256_hex(bytes));
        // Files with an unknown extension are deleted at the next start.
        let draft = self.directory.join(format!("{name}.part"));
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, self.directory.join(&name))?;
        Ok(name)
    }

    fn discard(&self, names: [String; 2]) {
        for name in names {
            if let Err(error) = fs::remove_file(self.directory.join(&name))
                && error.kind() != io::ErrorKind::NotFound
            {
                warn!(%error, name, "an unused clip could not be deleted before the next start");
            }
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses a file name: name of the request, checksum, and index of the extension.
fn parts(name: &str) -> Option<(&str, &str, usize)> {
    let (request, rest) = name.split_once('.')?;
    let (sum, ending) = rest.split_once('.')?;
    Some((request, sum, EXTENSIONS.iter().position(|known| *known == ending)?))
}

/// Syncs the entries of a directory to disk.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Other systems cannot open a directory as a file, and sync its entries on their own.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> ClipFiles {
        ClipFiles { mp4: text.repeat(3).into_bytes(), thumbnail_jpeg: text.as_bytes().to_vec() }
    }

    fn open(directory: &Path, requests: &[&str]) -> ClipStore {
        let uses = requests.iter().map(|request| ((*request).to_owned(), 1)).collect();
        let wanted = requests.iter().map(|request| (*request).to_owned()).collect();
        ClipStore::open(directory.to_owned(), uses, &wanted).expect("a directory that can be used")
    }

    fn names(directory: &Path) -> Vec<PathBuf> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .expect("it is there")
            .map(|entry| entry.expect("a file").path())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_stored_clip_is_read_after_the_directory_is_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        open(directory.path(), &["a"]).keep("a", &files("a"));
        let store = open(directory.path(), &["a"]);
        assert!(store.has("a") && !store.has("b"));
        assert_eq!(store.read("a"), Some(files("a")));
    }

    #[test]
    fn leftovers_incomplete_pairs_and_unused_clips_are_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path(), &["a", "b", "c"]);
        ["a", "b", "c"].iter().for_each(|request| store.keep(request, &files(request)));
        fs::write(directory.path().join("a.00.mp4.part"), "half").expect("it can be written");
        fs::write(directory.path().join("other"), "").expect("it can be written");
        let half = names(directory.path()).into_iter().find(|name| {
            let name = name.to_string_lossy();
            name.contains("/b.") && name.ends_with(".jpg")
        });
        fs::remove_file(half.expect("the picture of b")).expect("it can be removed");
        let store = open(directory.path(), &["a", "b"]);
        assert_eq!((store.has("a"), store.has("b"), store.has("c")), (true, false, false));
        assert_eq!(names(directory.path()).len(), 2);
    }

    #[test]
    fn a_damaged_clip_is_not_served() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path(), &["a"]);
        store.keep("a", &files("a"));
        for name in names(directory.path()) {
            store.keep("a", &files("a"));
            fs::write(name, "aa").expect("it can be written");
            assert_eq!(store.read("a"), None);
            assert!(!store.has("a") && names(directory.path()).is_empty());
        }
    }

    #[test]
    fn files_are_deleted_with_the_last_job_of_their_request() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path(), &["a"]);
        store.job_accepted("a".to_owned());
        store.keep("a", &files("a"));
        store.job_deleted("a");
        assert!(store.has("a"));
        store.job_deleted("a");
        assert!(!store.has("a") && names(directory.path()).is_empty());
        store.keep("a", &files("a"));
        assert!(names(directory.path()).is_empty(), "files of a deleted job are not stored");
    }
}
