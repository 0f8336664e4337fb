//! Downloads: links, resumption, and proof that what came is the whole clip.

mod claim;
mod fetch;
mod fetched;
mod head;
mod in_order;
mod lending;
mod link;
mod mp4;
mod names;
mod note;
mod part;
mod request;
mod target;
mod to_path;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::error::{Error, ErrorKind};
use crate::job::Job;
use fetch::Fetch;
use in_order::InOrder;

pub use fetched::Fetched;
pub use in_order::ByteStream;

/// A download of the clip of a job that has succeeded.
///
/// A lost connection, a slow server, an expired link and a server without ranges are all dealt with; the clip is taken
/// up where it was left. The project key is never sent to the host of the link.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
/// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
/// # let id = client.generate("a city").duration_seconds(0.5).await?.id().to_owned();
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("skyline.mp4");
/// let saved = client.job(id).download().to_path(path).await?;
/// println!("{} bytes, sha256 {}", saved.bytes, saved.sha256);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is downloaded until a target is chosen"]
pub struct Download {
    pub(crate) job: Job,
    stall: Duration,
    link_timeout: Option<Duration>,
    tries: u32,
    overwrite: Overwrite,
    expected: Option<String>,
    container: Container,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes that have come, those of an earlier run included. The last of them may still be on their way to the disk.
    pub bytes: u64,
    /// The size of the clip in bytes, where the server said it.
    pub total: Option<u64>,
}

/// What to do where the target file is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// It is kept, and the download is refused before anything is fetched.
    #[default]
    Refuse,
    /// It is replaced, at the very end and in one step.
    Replace,
}

/// What the bytes must be in order to count as a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Container {
    /// A whole MP4 file: every box complete, a track with samples, and every sample within the file. Of a fragmented file
    /// only the boxes are looked at.
    #[default]
    Mp4,
    /// Anything of the length that the server confirms.
    Any,
}

/// A clip on the disk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A clip that was written somewhere else than to a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Written {
    /// How many bytes were written.
    pub bytes: u64,
    /// The SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

impl Download {
    pub(crate) fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            stall: job.client().shared.timeouts.read,
            link_timeout: None,
            tries: 8,
            overwrite: Overwrite::default(),
            expected: None,
            container: Container::default(),
            progress: None,
        }
    }

    /// How long the server may send nothing before the connection is given up and made again; the client's read time-out
    /// (30 seconds) if not set. There is no limit for the download as a whole.
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall = timeout;
        self
    }

    /// How long each call for a link (`video_download_url`) may take with its retries; `None`, the default, leaves it to the
    /// client's retry policy.
    pub fn with_link_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.link_timeout = timeout.into();
        self
    }

    /// How many failures in a row, without one byte between them that had not come before, end the download; 8 by default.
    pub fn with_max_failures(mut self, failures: u32) -> Self {
        self.tries = failures.max(1);
        self
    }

    /// What to do where the target file is there already; it is kept by default.
    pub fn with_overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The SHA-256 that the clip must have, in hexadecimal. It also stands in for a length that the server does not tell.
    pub fn with_expected_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.expected = Some(sha256.into().to_ascii_lowercase());
        self
    }

    /// What the bytes must be; a whole MP4 file by default. Only files are checked so, not writers and streams.
    pub fn with_container(mut self, container: Container) -> Self {
        self.container = container;
        self
    }

    /// Called after each piece.
    pub fn with_progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Downloads to `path`, or into it under the name `JOB_ID.mp4` where it is a directory: [`fetch_to`](Self::fetch_to) and
    /// [`Fetched::save`] in one.
    ///
    /// # Errors
    ///
    /// Those of the two.
    pub async fn to_path(self, path: impl AsRef<Path>) -> Result<Saved, Error> {
        self.fetch_to(path).await?.save().await
    }

    /// Fetches and checks the clip for that path, and leaves it to [`Fetched::save`] to give it its final name. In between a
    /// program can write down what it is about to have.
    ///
    /// The bytes are collected in `NAME.part`, which a later run, also of another process, goes on with; what it has to know
    /// stands in `NAME.part.json`. Where these names would be too long for the file system, both begin with a short form of
    /// `NAME`. A clip that is whole and checked there already is not fetched again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// # let id = client.generate("a city").duration_seconds(0.5).await?.id().to_owned();
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("skyline.mp4");
    /// # let note = directory.path().join("skyline.sha256");
    /// let fetched = client.job(id).download().fetch_to(&path).await?;
    /// std::fs::write(note, fetched.sha256())?;
    /// // A crash here costs nothing: the next `fetch_to` finds the whole clip.
    /// assert!(!path.exists());
    /// fetched.save().await?;
    /// assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where a file cannot be read or written, or is there already, or where `NAME.part` is a file of
    /// somebody else or held by another download; [`ErrorKind::Conflict`] where the job has no clip; [`ErrorKind::JobFailed`]
    /// where it succeeded without one; [`ErrorKind::Download`] where the whole right clip cannot be had. The final path is as it was in any case.
    pub async fn fetch_to(self, path: impl AsRef<Path>) -> Result<Fetched, Error> {
        to_path::fetch_to(self, path.as_ref()).await
    }

    /// Whether a clip can be saved to `path`, as far as it can be known before there is one: to be called before a request is
    /// paid for. Nothing is written.
    ///
    /// It checks that the directory exists, that the names of the clip, of its part and of the sidecar fit the file system,
    /// that nothing stands in their place that is not written over, and that an unfinished part can be continued. It does not
    /// check whether new files can be made in the directory. Where `path` is a directory, a name as long as the usual ids
    /// stands for that of the clip. Blocks for as long as the file system takes to look names up.
    ///
    /// ```
    /// use infrai_video::{Download, Overwrite};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// assert!(Download::check_path(directory.path().join("skyline.mp4"), Overwrite::Refuse).is_ok());
    /// assert!(Download::check_path("missing/skyline.mp4", Overwrite::Refuse).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`], as [`fetch_to`](Self::fetch_to) would answer it.
    pub fn check_path(path: impl AsRef<Path>, overwrite: Overwrite) -> Result<(), Error> {
        part::check(&target::target(path.as_ref(), &target::USUAL_ID.parse()?, overwrite)?)
    }

    /// The file in which a download to the file `path` collects the clip; `.json` added to it is the name of its sidecar.
    pub fn part_path(path: impl AsRef<Path>) -> PathBuf {
        names::part(path.as_ref())
    }

    /// Downloads into a writer. What was written cannot be taken back, so a clip that changes midway is an error, and so is
    /// one that a lost connection cuts where the server names no version to resume it by.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the writer fails; [`ErrorKind::Download`] also where the server does not tell how long
    /// the clip is and no SHA-256 is expected; else as [`to_path`](Self::to_path).
    pub async fn to_writer(self, mut writer: impl AsyncWrite + Unpin) -> Result<Written, Error> {
        let mut clip = InOrder::new(self);
        let broken = |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("the writer failed: {error}")).with_source(error)
        };
        while let Some(bytes) = clip.next().await? {
            writer.write_all(&bytes).await.map_err(broken)?;
        }
        writer.flush().await.map_err(broken)?;
        Ok(clip.written())
    }

    /// The bytes as they come. Nothing is sent before the stream is polled, and no more than one piece is held. The errors
    /// are those of [`to_writer`](Self::to_writer).
    pub fn stream(self) -> ByteStream {
        ByteStream::new(self)
    }

    fn fetch(&self) -> Fetch {
        Fetch::new(&self.job, self.stall, self.link_timeout, self.tries)
    }

    fn tell(&self, bytes: u64, total: Option<u64>) {
        if let Some(progress) = &self.progress {
            progress(Progress { bytes, total });
        }
    }

    fn check_hash(&self, sha256: &str) -> Result<(), Error> {
        match &self.expected {
            Some(expected) if expected != sha256 => Err(Error::new(
                ErrorKind::Download,
                format!("the clip's SHA-256 is {sha256} and not {expected}"),
            )
            .with_hint("check the expected SHA-256; the clip may have been made anew")),
            _ => Ok(()),
        }
    }

    /// Where nothing says how long the clip is, only its expected hash can show that it is whole.
    fn refuse_unproven(&self) -> Result<(), Error> {
        if self.expected.is_some() {
            return Ok(());
        }
        let message = "the server does not tell how long the clip is, so it may have been cut short";
        Err(Error::new(ErrorKind::Download, message).with_hint(
            "give its SHA-256 with `with_expected_sha256`, or save it to a path as an MP4, which is checked",
        ))
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("job", &self.job)
            .field("stall", &self.stall)
            .field("overwrite", &self.overwrite)
            .field("container", &self.container)
            .finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
