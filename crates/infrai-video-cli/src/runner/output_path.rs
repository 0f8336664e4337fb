//! The path of a clip, checked before anything is sent.

use std::collections::HashSet;
use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use infrai_video::Error;
use infrai_video::download::{Download, Overwrite};

use crate::exit_code::Exit;
use crate::failure::{Failure, describe};
use crate::file_name::{self, Field, Template, USUAL_ID, Use, Values, clip_name};
use crate::ledger::Destination;
use crate::text::operand;

/// The value of `--output`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputPath {
    Stdout,
    File(PathBuf),
    /// A file whose name has the field `{id}`.
    Named(PathBuf),
    /// In this directory, under the name `JOB_ID.mp4`.
    Directory(PathBuf),
}

/// Where the user wants a clip.
pub(crate) struct WantedPath<'a> {
    /// The value of `--output`, which may be a template.
    pub(crate) output: Option<&'a Path>,
    pub(crate) force: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) values: Values<'a>,
    /// Absolute paths that the field `{n}` avoids because other clips will be there.
    pub(crate) taken: HashSet<PathBuf>,
    /// Whether directories whose names have fields are created.
    pub(crate) creates_directories: bool,
}

/// The template in a value of `--output`, or the path if it has no fields.
pub(crate) fn template(output: &Path, place: Use) -> Result<Result<Template, PathBuf>, Failure> {
    // What is not UTF-8 has no fields.
    let Some(text) = output.to_str() else { return Ok(Err(output.to_owned())) };
    let template = Template::parse(text, place).map_err(|error| {
        rejected(format!("--output: {error}")).next("infrai-video generate --help  (lists the fields)")
    })?;
    match template.has_fields() {
        true => Ok(Ok(template)),
        false => Ok(Err(template.render(&Values::default()))),
    }
}

impl OutputPath {
    /// The path, if a clip can be written there. No file is left behind.
    pub(crate) fn checked(wanted: &WantedPath<'_>) -> Result<Self, Failure> {
        let Some(output) = wanted.output else {
            check_clips(Path::new("."))?;
            return Ok(Self::Directory(PathBuf::new()));
        };
        if output.as_os_str() == "-" {
            if wanted.stdout_is_terminal {
                return Err(rejected("-o - would write the clip to a terminal")
                    .next("redirect stdout to a file or a program, or name a file with -o FILE"));
            }
            return Ok(Self::Stdout);
        }
        let output = match template(output, Use::Clip)? {
            Ok(template) => return Self::of_template(&template, wanted),
            Err(path) => path,
        };
        if output.is_dir() {
            check_clips(&output)?;
            return Ok(Self::Directory(output));
        }
        check_file(&output, wanted.force)?;
        Ok(Self::File(output))
    }

    fn of_template(template: &Template, wanted: &WantedPath<'_>) -> Result<Self, Failure> {
        let fixed = template.fixed_directory();
        if !fixed.is_dir() {
            return Err(no_directory(wanted.output.unwrap_or(&fixed), &fixed));
        }
        let mut values = wanted.values.clone();
        let mut path = template.render(&values);
        while template.contains(Field::N) && wanted.is_taken(&path) {
            values.n += 1;
            path = template.render(&values);
        }
        let output_path = match template.contains(Field::Id) && values.is_pattern {
            true => Self::Named(path),
            false => Self::File(path),
        };
        if let Self::Named(pattern) = &output_path {
            file_name::check_length(pattern).map_err(|why| {
                rejected(format!("--output: {why}")).next("name a shorter file with -o FILE")
            })?;
        }
        let Some(path) = output_path.path(USUAL_ID) else { return Ok(output_path) };
        let directory = path.parent().unwrap_or(&fixed);
        if !directory.as_os_str().is_empty() && !directory.is_dir() {
            if !wanted.creates_directories {
                return check_directory(&fixed).map(|()| output_path);
            }
            std::fs::create_dir_all(directory).map_err(|error| not_writable(directory, &error))?;
        }
        check_file(&path, wanted.force)?;
        Ok(output_path)
    }

    /// The recorded destination of a clip, if it is a file that can be written.
    pub(crate) fn of_destination(destination: &Destination, force: bool) -> Option<Self> {
        let output_path = match destination {
            Destination::File(path) => Self::File(path.clone()),
            Destination::Named(path) => Self::Named(path.clone()),
            _ => return None,
        };
        check_file(&output_path.path(USUAL_ID)?, force).ok().map(|()| output_path)
    }

    /// The absolute path for the ledger, which is valid for processes in other directories.
    pub(crate) fn destination(&self) -> Result<Destination, Failure> {
        let absolute = |path: &Path| {
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            let absolute = std::path::absolute(path).map_err(|error| not_writable(path, &error))?;
            match absolute.to_str() {
                Some(_) => Ok(absolute),
                None => Err(rejected("--output is not UTF-8, which the ledger requires")
                    .next("name another path, or use no ledger: --ledger none")),
            }
        };
        Ok(match self {
            Self::Stdout => Destination::Stdout(absolute(Path::new("."))?),
            Self::File(path) => Destination::File(absolute(path)?),
            Self::Named(path) => Destination::Named(absolute(path)?),
            Self::Directory(path) => Destination::Directory(absolute(path)?),
        })
    }

    /// The path of a job's clip. `None` for stdout.
    pub(crate) fn path(&self, job_id: &str) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Named(path) => Some(file_name::with_id(path, job_id)),
            Self::Directory(directory) => Some(directory.join(clip_name(job_id))),
        }
    }
}

impl WantedPath<'_> {
    /// Whether there is a file or a part of one at a path, or another clip will be there.
    fn is_taken(&self, path: &Path) -> bool {
        let exists = |path: &Path| path.symlink_metadata().is_ok();
        exists(path)
            || exists(&Download::part_path(path))
            || std::path::absolute(path).is_ok_and(|absolute| self.taken.contains(&absolute))
    }
}

/// Whether a download replaces an existing file.
pub(crate) fn overwrite(force: bool) -> Overwrite {
    if force { Overwrite::Replace } else { Overwrite::Refuse }
}

/// Checks that a clip can be written to a file.
pub(crate) fn check_file(path: &Path, force: bool) -> Result<(), Failure> {
    let shown = path.display();
    let text = path.to_string_lossy();
    if path.file_name().is_none() || text.ends_with(['/', '\\']) {
        return Err(rejected(format!("--output {text:?} is neither a file name nor an existing directory"))
            .next(format!("mkdir -p {}", operand(&text))));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(no_directory(path, parent));
    }
    match path.metadata() {
        Ok(there) if !there.is_file() => {
            return Err(rejected(format!("{shown} is not a regular file and is not replaced"))
                .next("name another file with -o FILE, or use -o - for stdout"));
        }
        _ => {}
    }
    match path.symlink_metadata() {
        Ok(_) if !force => {
            return Err(rejected(format!("{shown} already exists"))
                .next("add --force to replace it, or name another file with -o FILE"));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(not_writable(path, &error)),
        _ => {}
    }
    check_download(path, force)?;
    check_directory(parent)
}

fn no_directory(output: &Path, directory: &Path) -> Failure {
    rejected(format!("--output {}: there is no directory {}", output.display(), directory.display()))
        .next(format!("mkdir -p {}", operand(&directory.to_string_lossy())))
}

/// Checks that the part file beside the clip can be written: its name may be too long. The absolute path in the ledger must not be
/// too long either.
pub(crate) fn check_download(path: &Path, force: bool) -> Result<(), Failure> {
    let overwrite = overwrite(force);
    let failed = |error: &Error| rejected(describe(error)).next("name another place with -o PATH");
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

/// Checks that clips of any job can be saved in a directory.
fn check_clips(directory: &Path) -> Result<(), Failure> {
    check_directory(directory)?;
    // An existing clip is reported once the name is known.
    check_download(directory, true)
}

/// Checks that a directory is writable by creating an unnamed file.
pub(crate) fn check_directory(directory: &Path) -> Result<(), Failure> {
    tempfile::tempfile_in(directory).map(drop).map_err(|error| not_writable(directory, &error))
}

pub(crate) fn not_writable(path: &Path, error: &io::Error) -> Failure {
    // The error of a temporary file names that file, so only the reason of the system is shown.
    let reason = error
        .raw_os_error()
        .map_or_else(|| error.to_string(), |code| io::Error::from_raw_os_error(code).to_string());
    rejected(format!("{} cannot be written: {reason}", path.display()))
        .next("name another place with -o PATH")
}

fn rejected(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(output: &Path, force: bool) -> WantedPath<'_> {
        WantedPath {
            output: Some(output),
            force,
            stdout_is_terminal: false,
            values: Values::default(),
            taken: HashSet::new(),
            creates_directories: true,
        }
    }

    fn check(output: &Path, force: bool) -> Result<OutputPath, String> {
        OutputPath::checked(&wanted(output, force)).map_err(|failure| {
            assert_eq!(failure.exit(), Exit::Refused);
            assert!(!failure.steps().is_empty());
            failure.message().to_owned()
        })
    }

    #[test]
    fn a_writable_path_is_accepted_and_left_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.mp4");
        assert_eq!(check(&file, false), Ok(OutputPath::File(file.clone())));
        assert_eq!(check(directory.path(), false), Ok(OutputPath::Directory(directory.path().to_owned())));
        assert_eq!(check(Path::new("-"), false), Ok(OutputPath::Stdout));
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn an_existing_file_is_replaced_only_with_force() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.mp4");
        std::fs::write(&file, "mine").unwrap();
        assert!(check(&file, false).unwrap_err().ends_with("already exists"));
        assert_eq!(check(&file, true), Ok(OutputPath::File(file.clone())));
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_rejected() {
        let directory = tempfile::tempdir().unwrap();
        let within = |name: &str| check(&directory.path().join(name), true).unwrap_err();
        assert!(within("none/a.mp4").contains("there is no directory"));
        assert!(within("none/").contains("neither a file name nor an existing directory"));
        assert!(within(&"a".repeat(300)).contains("cannot be written"));
        assert!(within(&format!("{}/a.mp4", "a".repeat(300))).contains("there is no directory"));
        assert!(check(Path::new(""), true).unwrap_err().contains("neither"));
        #[cfg(unix)]
        assert!(check(Path::new("/dev/null"), true).unwrap_err().contains("not a regular file"));
    }

    #[test]
    fn a_clip_is_never_written_to_a_terminal() {
        let wanted = WantedPath { stdout_is_terminal: true, ..wanted(Path::new("-"), false) };
        assert!(OutputPath::checked(&wanted).is_err());
    }
}
