//! Checks the clips of saved items on the disk: their size, and their SHA-256 if that is cheap or requested.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use infrai_video::download::Overwrite;
use sha2::{Digest as _, Sha256};

use crate::ledger::{Item, Ledger, Stage};

/// Number of bytes that a command hashes without `--verify`. More would take seconds.
const CHEAP: u64 = 256 * 1024 * 1024;

/// Compares files with the ledger.
#[derive(Debug)]
pub(crate) struct ClipCheck {
    /// Number of bytes that may still be hashed.
    budget: AtomicU64,
    /// This machine, if the ledger is shared: clips of other machines cannot be read here.
    machine: Option<String>,
}

/// Where the clip of a saved item is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// At the wanted path, as the ledger records, or on another machine, whose record is trusted.
    InPlace,
    /// At the wanted path; the ledger has another path.
    Moved,
    /// Undamaged at another path of this machine.
    Elsewhere(PathBuf),
    /// Not found, for this reason.
    Missing(String),
}

impl ClipCheck {
    /// With `verify` every clip is hashed.
    pub(crate) fn new(ledger: &Ledger, verify: bool) -> Self {
        let budget = AtomicU64::new(if verify { u64::MAX } else { CHEAP });
        Self { budget, machine: ledger.is_shared().then(|| ledger.machine().to_owned()) }
    }

    /// Marks the saved items whose clips are missing. Blocks.
    pub(crate) fn mark(&self, items: &mut [Item]) {
        for item in items.iter_mut().filter(|item| item.stage == Stage::Saved) {
            let Some(path) = item.path.clone().map(PathBuf::from) else { continue };
            match self.find(item, &path) {
                Found::Missing(why) => (item.stage, item.error) = (Stage::Missing, Some(why)),
                _ => item.error = None,
            }
        }
    }

    /// Finds the clip of a saved item, which should be at `wanted`. Blocks.
    pub(crate) fn find(&self, item: &Item, wanted: &Path) -> Found {
        // It was written to stdout.
        let Some(recorded) = item.path.as_deref().map(Path::new) else { return Found::InPlace };
        let is_of_another_machine =
            |machine: &String| item.machine.as_ref().is_some_and(|other| other != machine);
        if self.machine.as_ref().is_some_and(is_of_another_machine) {
            return Found::InPlace;
        }
        let is_at = |path: &Path| self.difference(item, path).is_none();
        match self.difference(item, recorded) {
            // Machines that share a ledger share the work: each keeps its own clips.
            None if recorded == wanted || self.machine.is_some() => Found::InPlace,
            None if is_at(wanted) => Found::Moved,
            None => Found::Elsewhere(recorded.to_owned()),
            Some(_) if recorded != wanted && is_at(wanted) => Found::Moved,
            Some(why) => Found::Missing(why),
        }
    }

    /// Returns how the file at `path` differs from the clip of the item.
    fn difference(&self, item: &Item, path: &Path) -> Option<String> {
        let shown = path.display();
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => format!("{shown} no longer exists"),
            _ => format!("{shown} cannot be read: {error}"),
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Some(format!("{shown} is no longer a file")),
            Err(error) => return Some(unreadable(error)),
        };
        if let Some(bytes) = item.bytes.and_then(|bytes| u64::try_from(bytes).ok())
            && metadata.len() != bytes
        {
            return Some(format!("{shown} has {} bytes, and the clip had {bytes}", metadata.len()));
        }
        let sha256 = item.sha256.as_ref().filter(|_| self.spend(metadata.len()))?;
        match hash(path) {
            Ok(actual) if actual == *sha256 => None,
            Ok(_) => Some(format!("{shown} has another SHA-256 than the clip")),
            Err(error) => Some(unreadable(error)),
        }
    }

    /// Whether so many bytes may be hashed.
    fn spend(&self, bytes: u64) -> bool {
        let spend = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(bytes) };
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

/// Whether the file at `path` has the SHA-256 of the item's clip. Blocks.
pub(crate) fn is_clip(item: &Item, path: &Path) -> bool {
    let Some(sha256) = &item.sha256 else { return false };
    path.is_file() && hash(path).is_ok_and(|found| found == *sha256)
}

/// Copies a clip to a new path and verifies the copy. Blocks.
pub(super) fn copy(from: &Path, to: &Path, sha256: &str, overwrite: Overwrite) -> io::Result<()> {
    let directory = to.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut copy = new_file().tempfile_in(directory)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.as_file().sync_all()?;
    if hash(copy.path())? != sha256 {
        return Err(io::Error::other("the copy differs from the clip"));
    }
    let persisted = match overwrite {
        Overwrite::Replace => copy.persist(to),
        _ => copy.persist_noclobber(to),
    };
    persisted.map(drop).map_err(|error| error.error)
}

/// A temporary file with the permissions of any new file.
fn new_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Renames an existing file to a free name. Returns that name. Blocks.
pub(super) fn rename_existing(path: &Path) -> io::Result<Option<PathBuf>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".old".to_owned() } else { format!(".old{number}") });
        PathBuf::from(name)
    };
    let free = (1..1000).map(named).find(|name| name.symlink_metadata().is_err());
    let free = free.ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(path, &free)?;
    Ok(Some(free))
}

/// Removes a file that is a prefix of the clip, such as a truncated download. Returns whether it did. Blocks.
pub(super) fn remove_if_prefix(file: &Path, clip: &Path) -> bool {
    let is_prefix = || -> io::Result<bool> {
        let length = file.symlink_metadata()?.len();
        let (mut part, mut whole) = (File::open(file)?, File::open(clip)?.take(length));
        let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        loop {
            let read = part.read(&mut left)?;
            if read == 0 {
                return Ok(true);
            }
            if whole.read_exact(&mut right[..read]).is_err() || left[..read] != right[..read] {
                return Ok(false);
            }
        }
    };
    file.is_file() && is_prefix().unwrap_or(false) && fs::remove_file(file).is_ok()
}

/// The SHA-256 of a file in hexadecimal. Blocks.
pub(super) fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ClipRequest;
    use crate::ledger::Destination;

    fn saved(path: &Path, content: &[u8]) -> Item {
        fs::write(path, content).unwrap();
        let request: ClipRequest = serde_json::from_str("{\"prompt\": \"a city\"}").unwrap();
        let destination = Destination::File(path.to_owned());
        Item {
            stage: Stage::Saved,
            path: Some(path.to_str().unwrap().to_owned()),
            bytes: i64::try_from(content.len()).ok(),
            sha256: Some(hash(path).unwrap()),
            machine: Some("here".to_owned()),
            ..Item::planned("http://127.0.0.1:1", "a", "k".to_owned(), &request, destination)
        }
    }

    fn check(budget: u64, machine: Option<&str>) -> ClipCheck {
        ClipCheck { budget: AtomicU64::new(budget), machine: machine.map(str::to_owned) }
    }

    #[test]
    fn a_sha256_is_compared_if_that_is_cheap_or_requested() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.mp4");
        let item = saved(&path, b"12345");
        fs::write(&path, b"54321").unwrap();
        let cheap = check(9, None);
        assert!(matches!(cheap.find(&item, &path), Found::Missing(why) if why.contains("SHA-256")));
        assert_eq!(cheap.find(&item, &path), Found::InPlace, "4 bytes are left, and the sizes are the same");
        assert!(matches!(check(u64::MAX, None).find(&item, &path), Found::Missing(_)));
        fs::write(&path, b"1234").unwrap();
        assert!(matches!(check(0, None).find(&item, &path), Found::Missing(_)), "sizes always count");
    }

    #[test]
    fn clips_of_other_machines_are_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let (path, wanted) = (directory.path().join("a.mp4"), directory.path().join("b.mp4"));
        let item = saved(&path, b"12345");
        assert_eq!(check(9, None).find(&item, &wanted), Found::Elsewhere(path.clone()));
        assert_eq!(check(9, Some("here")).find(&item, &wanted), Found::InPlace, "each keeps its own");
        fs::remove_file(&path).unwrap();
        assert_eq!(check(9, Some("there")).find(&item, &path), Found::InPlace);
        assert!(matches!(check(9, Some("here")).find(&item, &path), Found::Missing(_)));
        fs::write(&wanted, b"12345").unwrap();
        assert_eq!(check(9, None).find(&item, &wanted), Found::Moved);
    }

    #[test]
    fn a_copy_replaces_a_file_only_on_request() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("a.mp4"), directory.path().join("b.mp4"));
        let item = saved(&from, b"12345");
        let sha256 = item.sha256.unwrap();
        fs::write(&to, b"mine").unwrap();
        let refused = copy(&from, &to, &sha256, Overwrite::Refuse).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"mine");
        copy(&from, &to, &sha256, Overwrite::Replace).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"12345");
    }

    #[test]
    fn only_a_prefix_of_a_clip_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (clip, file) = (directory.path().join("a.mp4"), directory.path().join("a.mp4.old"));
        let whole: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        fs::write(&clip, &whole).unwrap();
        let longer = [&whole[..], b"x"].concat();
        for (content, is_removed) in
            [(&whole[..0], true), (&whole[..150_000], true), (&whole[1..], false), (&longer[..], false)]
        {
            fs::write(&file, content).unwrap();
            assert_eq!(remove_if_prefix(&file, &clip), is_removed, "{} bytes", content.len());
            assert_eq!(file.exists(), !is_removed);
        }
    }
}
