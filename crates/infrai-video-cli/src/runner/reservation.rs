//! Reserves the path of a clip, so that no two processes choose the same number for a name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use infrai_video::download::Download;

/// An empty part file, which a download takes over. If there was none, it is removed with this value.
pub(crate) struct Reservation(PathBuf);

impl Reservation {
    /// `None` if there is a part file, which another process may have created as its reservation.
    pub(crate) fn new(path: &Path) -> io::Result<Option<Self>> {
        let part = Download::part_path(path);
        match File::create_new(&part) {
            Ok(_) => Ok(Some(Self(part))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // A download holds the lock, and leaves a file that is not empty for a later one.
        let Ok(file) = File::open(&self.0) else { return };
        if file.try_lock().is_ok() && file.metadata().is_ok_and(|part| part.len() == 0) {
            let _left_behind = fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_reserved_once_until_the_reservation_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.mp4");
        let reservation = Reservation::new(&path).unwrap().expect("nobody else has reserved it");
        assert!(Reservation::new(&path).unwrap().is_none());
        drop(reservation);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let reservation = Reservation::new(&path).unwrap();
        fs::write(Download::part_path(&path), "a part of a clip").unwrap();
        drop(reservation);
        assert_eq!(fs::read(Download::part_path(&path)).unwrap(), b"a part of a clip");
    }
}
