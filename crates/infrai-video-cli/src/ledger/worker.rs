//! The identity of a process that works on items, and the detection of dead processes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::private_files::private_directory;

/// A process that works on items. Beside a ledger in a file each process holds a lock on its own file. The operating system releases
/// the lock when the process dies, so that its death is detected at once.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: String,
    directory: Option<PathBuf>,
    lock: Option<File>,
}

impl Worker {
    /// `ledger` is the file of the ledger, if it is a file.
    pub(super) fn new(ledger: Option<&Path>) -> std::io::Result<Self> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let Some(ledger) = ledger else { return Ok(Self { id, directory: None, lock: None }) };
        let directory = directory(ledger);
        private_directory(&directory)?;
        // It gets its final name once it is locked, so that a new process is never taken for dead.
        let draft = directory.join(format!(".{id}"));
        let file = File::options().create_new(true).write(true).open(&draft)?;
        file.try_lock()?;
        fs::rename(draft, directory.join(&id))?;
        let worker = Self { id, directory: Some(directory), lock: Some(file) };
        worker.remove_dead();
        Ok(worker)
    }

    /// Removes the files of processes that were killed before they leased an item.
    fn remove_dead(&self) {
        let entries =
            self.directory.iter().filter_map(|directory| directory.read_dir().ok()).flatten().flatten();
        for name in entries.map(|entry| entry.file_name().to_string_lossy().into_owned()) {
            if !name.starts_with('.') && name != self.id {
                self.is_dead(&name);
            }
        }
    }

    /// Whether another process is dead. Removes its file.
    pub(super) fn is_dead(&self, worker: &str) -> bool {
        let Some(directory) = &self.directory else { return false };
        let path = directory.join(worker);
        match File::open(&path) {
            Ok(file) => {
                let is_dead = file.try_lock().is_ok();
                if is_dead {
                    let _removed_by_another = fs::remove_file(&path);
                }
                is_dead
            }
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            let _removed_later = fs::remove_file(directory.join(&self.id));
        }
        drop(self.lock.take());
    }
}

/// The directory of the locked files.
pub(super) fn directory(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-workers");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_once_its_lock_is_released() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = directory.path().join("ledger.db");
        let (one, other) = (Worker::new(Some(&ledger)).unwrap(), Worker::new(Some(&ledger)).unwrap());
        assert!(!one.is_dead(&other.id));
        let id = other.id.clone();
        drop(other);
        assert!(one.is_dead(&id));
        assert!(one.is_dead("of-another-time"));
        // As SIGKILL leaves it.
        let killed = self::directory(&ledger).join("killed");
        fs::write(&killed, "").unwrap();
        assert!(one.is_dead("killed"));
        assert!(!killed.exists());
        fs::write(&killed, "").unwrap();
        let third = Worker::new(Some(&ledger)).unwrap();
        assert!(!killed.exists() && !third.is_dead(&one.id));
    }

    #[test]
    fn processes_of_a_shared_ledger_are_never_detected_as_dead() {
        assert!(!Worker::new(None).unwrap().is_dead("somebody"));
    }
}
