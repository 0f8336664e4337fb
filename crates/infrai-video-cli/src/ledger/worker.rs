//! Who works on an item: this process, while it lives.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::open::private_directory;

/// A process that works on items. Beside a ledger in a file each has a file of its own that it holds locked, so that its
/// death is seen at once: the system takes the lock away.
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
        // Under its right name it is always locked, so that nobody takes a process for dead that has just begun.
        let draft = directory.join(format!(".{id}"));
        let file = File::options().create_new(true).write(true).open(&draft)?;
        file.try_lock()?;
        fs::rename(draft, directory.join(&id))?;
        let worker = Self { id, directory: Some(directory), lock: Some(file) };
        worker.sweep();
        Ok(worker)
    }

    /// Removes what processes left that were killed before they took anything.
    fn sweep(&self) {
        let entries =
            self.directory.iter().filter_map(|directory| directory.read_dir().ok()).flatten().flatten();
        for name in entries.map(|entry| entry.file_name().to_string_lossy().into_owned()) {
            if !name.starts_with('.') && name != self.id {
                self.is_gone(&name);
            }
        }
    }

    /// Whether another process is known to be gone. Its file is taken away.
    pub(super) fn is_gone(&self, worker: &str) -> bool {
        let Some(directory) = &self.directory else { return false };
        let path = directory.join(worker);
        match File::open(&path) {
            Ok(file) => {
                let gone = file.try_lock().is_ok();
                if gone {
                    let _another_was_quicker = fs::remove_file(&path);
                }
                gone
            }
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            let _stays_until_it_is_found = fs::remove_file(directory.join(&self.id));
        }
        drop(self.lock.take());
    }
}

/// Where the locked files of the processes are.
pub(super) fn directory(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-workers");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_when_its_lock_is() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = directory.path().join("ledger.db");
        let (one, other) = (Worker::new(Some(&ledger)).unwrap(), Worker::new(Some(&ledger)).unwrap());
        assert!(!one.is_gone(&other.id));
        let id = other.id.clone();
        drop(other);
        assert!(one.is_gone(&id));
        assert!(one.is_gone("of-another-time"));
        // A lock that is lost without a word, as after SIGKILL.
        let killed = self::directory(&ledger).join("killed");
        fs::write(&killed, "").unwrap();
        assert!(one.is_gone("killed"));
        assert!(!killed.exists());
        fs::write(&killed, "").unwrap();
        let third = Worker::new(Some(&ledger)).unwrap();
        assert!(!killed.exists() && !third.is_gone(&one.id));
    }

    #[test]
    fn of_another_machine_only_the_lease_tells() {
        assert!(!Worker::new(None).unwrap().is_gone("somebody"));
    }
}
