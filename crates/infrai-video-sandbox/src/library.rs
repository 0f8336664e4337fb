//! Finished clips on the disk, for a sandbox that keeps its state.
//!
//! A clip lies under the name of its scene and the SHA-256 of its bytes, so that a file tells by itself whether it is
//! whole. Whatever is missing or damaged is rendered again, to the same bytes: nothing depends on these files.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::ids::sha256_hex;
use crate::source::ClipFiles;

/// The endings of the two files of a scene.
const ENDINGS: [&str; 2] = ["mp4", "jpg"];

pub(crate) struct Library {
    directory: PathBuf,
    shelves: Mutex<Shelves>,
}

#[derive(Default)]
struct Shelves {
    /// How many jobs there are of each scene.
    uses: HashMap<String, usize>,
    /// The names of the two files of each scene that is kept.
    kept: HashMap<String, [String; 2]>,
}

impl Library {
    /// Opens a directory, or makes it. Every file in it goes that is not one of a whole pair of a wanted scene.
    pub(crate) fn open(
        directory: PathBuf,
        uses: HashMap<String, usize>,
        wanted: &HashSet<String>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let mut found: HashMap<String, [Option<String>; 2]> = HashMap::new();
        let mut superfluous = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let place = parts(&name).filter(|(scene, _, _)| wanted.contains(*scene));
            match place.map(|(scene, _, ending)| &mut found.entry(scene.to_owned()).or_default()[ending]) {
                Some(free @ None) => *free = Some(name),
                _ => superfluous.push(name),
            }
        }
        let mut kept = HashMap::new();
        for (scene, names) in found {
            match names {
                [Some(clip), Some(thumbnail)] => {
                    kept.insert(scene, [clip, thumbnail]);
                }
                incomplete => superfluous.extend(incomplete.into_iter().flatten()),
            }
        }
        for name in superfluous {
            fs::remove_file(directory.join(name))?;
        }
        Ok(Self { directory, shelves: Mutex::new(Shelves { uses, kept }) })
    }

    /// Whether a clip of this scene is kept. It may be damaged.
    pub(crate) fn has(&self, scene: &str) -> bool {
        self.shelves().kept.contains_key(scene)
    }

    /// The files of a scene, if they are kept and whole. Reads from the disk.
    pub(crate) fn read(&self, scene: &str) -> Option<ClipFiles> {
        let [clip, thumbnail] = self.shelves().kept.get(scene).cloned()?;
        let files = self
            .read_file(&clip)
            .and_then(|mp4| Ok(ClipFiles { mp4, thumbnail_jpeg: self.read_file(&thumbnail)? }));
        if let Err(error) = &files {
            warn!(%error, clip, "a clip can not be read back and is made again");
            self.shelves().kept.remove(scene);
            self.discard([clip, thumbnail]);
        }
        files.ok()
    }

    /// Keeps the files of a scene, if a job has it. Writes to the disk.
    pub(crate) fn keep(&self, scene: &str, files: &ClipFiles) {
        if !self.shelves().uses.contains_key(scene) {
            return;
        }
        let kept = self
            .write_file(scene, &files.mp4, ENDINGS[0])
            .and_then(|clip| Ok([clip, self.write_file(scene, &files.thumbnail_jpeg, ENDINGS[1])?]))
            .and_then(|names| sync_directory(&self.directory).map(|()| names));
        match kept {
            Ok(names) => self.settle(scene, names),
            Err(error) => {
                warn!(%error, directory = %self.directory.display(), "a clip is not kept and will be made again");
            }
        }
    }

    /// A job of this scene was accepted.
    pub(crate) fn claim(&self, scene: String) {
        *self.shelves().uses.entry(scene).or_default() += 1;
    }

    /// A job of this scene was deleted. With the last one its files go.
    pub(crate) fn release(&self, scene: &str) {
        let mut shelves = self.shelves();
        let Some(uses) = shelves.uses.get_mut(scene) else {
            return;
        };
        *uses -= 1;
        if *uses > 0 {
            return;
        }
        shelves.uses.remove(scene);
        let unused = shelves.kept.remove(scene);
        drop(shelves);
        unused.into_iter().for_each(|names| self.discard(names));
    }

    /// All jobs were deleted.
    pub(crate) fn clear(&self) {
        let Shelves { kept, .. } = std::mem::take(&mut *self.shelves());
        kept.into_values().for_each(|names| self.discard(names));
    }

    /// Enters files that were written, unless their last job was deleted meanwhile.
    fn settle(&self, scene: &str, names: [String; 2]) {
        let mut shelves = self.shelves();
        if shelves.uses.contains_key(scene) {
            shelves.kept.insert(scene.to_owned(), names);
        } else {
            drop(shelves);
            self.discard(names);
        }
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.directory.join(name))?;
        match parts(name) {
            Some((_, sum, _)) if sha256_hex(&bytes) == sum => Ok(bytes),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the bytes are not those that were written")),
        }
    }

    fn write_file(&self, scene: &str, bytes: &[u8], ending: &str) -> io::Result<String> {
        let name = format!("{scene}.{}.{ending}", sha256_hex(bytes));
        // A name without an ending that is known is swept at the next start.
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
                warn!(%error, name, "a clip that nobody needs stays until the next start");
            }
        }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The scene, the sum and the kind of file that a name tells of.
fn parts(name: &str) -> Option<(&str, &str, usize)> {
    let (scene, rest) = name.split_once('.')?;
    let (sum, ending) = rest.split_once('.')?;
    Some((scene, sum, ENDINGS.iter().position(|known| *known == ending)?))
}

/// Makes the names in a directory last.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Other systems can not open a directory as a file, and write its names down by themselves.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> ClipFiles {
        ClipFiles { mp4: text.repeat(3).into_bytes(), thumbnail_jpeg: text.as_bytes().to_vec() }
    }

    fn open(directory: &Path, scenes: &[&str]) -> Library {
        let uses = scenes.iter().map(|scene| ((*scene).to_owned(), 1)).collect();
        let wanted = scenes.iter().map(|scene| (*scene).to_owned()).collect();
        Library::open(directory.to_owned(), uses, &wanted).expect("a directory that can be used")
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
    fn a_clip_is_read_back_by_the_next_one_who_opens_the_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        open(directory.path(), &["a"]).keep("a", &files("a"));
        let library = open(directory.path(), &["a"]);
        assert!(library.has("a") && !library.has("b"));
        assert_eq!(library.read("a"), Some(files("a")));
    }

    #[test]
    fn leftovers_halves_and_clips_that_nobody_needs_are_swept() {
        let directory = tempfile::tempdir().expect("a directory");
        let library = open(directory.path(), &["a", "b", "c"]);
        ["a", "b", "c"].iter().for_each(|scene| library.keep(scene, &files(scene)));
        fs::write(directory.path().join("a.00.mp4.part"), "half").expect("it can be written");
        fs::write(directory.path().join("other"), "").expect("it can be written");
        let half = names(directory.path()).into_iter().find(|name| {
            let name = name.to_string_lossy();
            name.contains("/b.") && name.ends_with(".jpg")
        });
        fs::remove_file(half.expect("the picture of b")).expect("it can be removed");
        let library = open(directory.path(), &["a", "b"]);
        assert_eq!((library.has("a"), library.has("b"), library.has("c")), (true, false, false));
        assert_eq!(names(directory.path()).len(), 2);
    }

    #[test]
    fn a_changed_clip_is_not_believed() {
        let directory = tempfile::tempdir().expect("a directory");
        let library = open(directory.path(), &["a"]);
        library.keep("a", &files("a"));
        for name in names(directory.path()) {
            library.keep("a", &files("a"));
            fs::write(name, "aa").expect("it can be written");
            assert_eq!(library.read("a"), None);
            assert!(!library.has("a") && names(directory.path()).is_empty());
        }
    }

    #[test]
    fn files_go_with_the_last_job_of_their_scene() {
        let directory = tempfile::tempdir().expect("a directory");
        let library = open(directory.path(), &["a"]);
        library.claim("a".to_owned());
        library.keep("a", &files("a"));
        library.release("a");
        assert!(library.has("a"));
        library.release("a");
        assert!(!library.has("a") && names(directory.path()).is_empty());
        library.keep("a", &files("a"));
        assert!(names(directory.path()).is_empty(), "the work for a deleted job is not kept");
    }
}
