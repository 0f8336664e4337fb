//! Where a clip is to go, looked at before anything is sent or paid.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use infrai_video::{Download, Error, JobId, Overwrite};

use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::ledger::Place;
use crate::text::quote;

/// Where a clip goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
    /// Into that directory, under the name `JOB_ID.mp4`.
    Directory(PathBuf),
}

impl Target {
    /// The target that was asked for, if a clip can be written there. Nothing is left behind.
    pub(crate) fn checked(
        output: Option<&Path>,
        force: bool,
        stdout_is_terminal: bool,
    ) -> Result<Self, Failure> {
        let Some(output) = output else {
            check_clips(Path::new("."))?;
            return Ok(Self::Directory(PathBuf::new()));
        };
        if output.as_os_str() == "-" {
            if stdout_is_terminal {
                return Err(refused("`--output` - would write the clip to a terminal")
                    .next("send stdout to a file or a program, or name a file with -o FILE"));
            }
            return Ok(Self::Stdout);
        }
        if output.is_dir() {
            check_clips(output)?;
            return Ok(Self::Directory(output.to_owned()));
        }
        check_file(output, force)?;
        Ok(Self::File(output.to_owned()))
    }

    /// The same for the ledger, so that a process in another directory finds it.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let absolute = |path: &Path| {
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            let absolute = std::path::absolute(path).map_err(|error| not_writable(path, &error))?;
            match absolute.to_str() {
                Some(_) => Ok(absolute),
                None => Err(refused("`--output` is no UTF-8 text, which the ledger cannot hold")
                    .next("name another path, or leave the ledger out with --ledger none")),
            }
        };
        Ok(match self {
            Self::Stdout => Place::Stdout(absolute(Path::new("."))?),
            Self::File(path) => Place::File(absolute(path)?),
            Self::Directory(path) => Place::Directory(absolute(path)?),
        })
    }

    /// The path of a job's clip, unless it goes to stdout.
    pub(crate) fn path(&self, job_id: &str) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Directory(directory) => Some(directory.join(clip_name(job_id))),
        }
    }
}

/// The name of a job's clip in a directory. An id that no request can name has no clip to be saved.
pub(crate) fn clip_name(job_id: &str) -> String {
    job_id.parse::<JobId>().map_or_else(|_| "clip.mp4".to_owned(), |id| id.clip_name())
}

pub(crate) fn check_file(path: &Path, force: bool) -> Result<(), Failure> {
    let shown = path.display();
    let text = path.to_string_lossy();
    if path.file_name().is_none() || text.ends_with(['/', '\\']) {
        return Err(refused(format!(
            "`--output` {text:?} is neither a file name nor a directory that exists"
        ))
        .next(format!("mkdir -p {}", quote(&text))));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(refused(format!("`--output` {shown}: there is no directory {}", parent.display()))
            .next(format!("mkdir -p {}", quote(&parent.to_string_lossy()))));
    }
    match path.metadata() {
        Ok(there) if !there.is_file() => {
            return Err(refused(format!("`--output` {shown} is no regular file and is not replaced"))
                .next("name another file with -o FILE, or use -o - for stdout"));
        }
        _ => {}
    }
    match path.symlink_metadata() {
        Ok(_) if !force => {
            return Err(refused(format!("`--output` {shown} is there already"))
                .next("name another file with -o FILE, or replace it with --force"));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(not_writable(path, &error)),
        _ => {}
    }
    check_download(path, force)?;
    check_directory(parent)
}

/// Whether a download can collect the clip beside its final name; a name may be too long for that. The ledger keeps the
/// absolute path, which must not be too long either.
pub(crate) fn check_download(path: &Path, force: bool) -> Result<(), Failure> {
    let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
    let failed = |error: &Error| {
        refused(format!("`--output`: {}", describe(error))).next("name another place with -o PATH")
    };
    Download::check_path(path, overwrite).map_err(|error| failed(&error))?;
    let absolute = std::path::absolute(path).map_err(|error| not_writable(path, &error))?;
    match Download::check_path(absolute, overwrite) {
        Err(error) if is_too_long(&error) => Err(failed(&error)),
        _ => Ok(()),
    }
}

fn is_too_long(error: &Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidFilename)
}

/// Whether clips of any job can be put into a directory.
fn check_clips(directory: &Path) -> Result<(), Failure> {
    check_directory(directory)?;
    // A clip that is there already is told of once the name is known.
    check_download(directory, true)
}

/// Makes a nameless file to see whether it can be done.
pub(crate) fn check_directory(directory: &Path) -> Result<(), Failure> {
    tempfile::tempfile_in(directory).map(drop).map_err(|error| not_writable(directory, &error))
}

fn not_writable(path: &Path, error: &io::Error) -> Failure {
    // The error of a temporary file names that file; what the system says is enough.
    let reason = error
        .raw_os_error()
        .map_or_else(|| error.to_string(), |code| io::Error::from_raw_os_error(code).to_string());
    refused(format!("`--output` {} cannot be written: {reason}", path.display()))
        .next("name another place with -o PATH")
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &Path, force: bool) -> Result<Target, String> {
        Target::checked(Some(output), force, false).map_err(|failure| {
            assert_eq!(failure.exit(), Exit::Refused);
            assert!(!failure.steps().is_empty());
            failure.message().to_owned()
        })
    }

    #[test]
    fn a_path_that_can_be_written_is_taken_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.mp4");
        assert_eq!(check(&file, false), Ok(Target::File(file.clone())));
        assert_eq!(check(directory.path(), false), Ok(Target::Directory(directory.path().to_owned())));
        assert_eq!(check(Path::new("-"), false), Ok(Target::Stdout));
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_by_force() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.mp4");
        std::fs::write(&file, "mine").unwrap();
        assert!(check(&file, false).unwrap_err().ends_with("is there already"));
        assert_eq!(check(&file, true), Ok(Target::File(file.clone())));
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let within = |name: &str| check(&directory.path().join(name), true).unwrap_err();
        assert!(within("none/a.mp4").contains("there is no directory"));
        assert!(within("none/").contains("neither a file name nor a directory"));
        assert!(within(&"a".repeat(300)).contains("cannot be written"));
        assert!(within(&format!("{}/a.mp4", "a".repeat(300))).contains("there is no directory"));
        assert!(check(Path::new(""), true).unwrap_err().contains("neither"));
        #[cfg(unix)]
        assert!(check(Path::new("/dev/null"), true).unwrap_err().contains("no regular file"));
    }

    #[test]
    fn a_clip_is_never_written_to_a_terminal() {
        assert!(Target::checked(Some(Path::new("-")), false, true).is_err());
    }
}
