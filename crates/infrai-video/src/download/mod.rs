//! Downloads: links, resumption, and verification of the clip.

mod fetch;
mod fetched;
mod final_path;
mod hex;
mod mp4;
mod part;
mod stream;
mod to_path;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::error::{Error, ErrorKind};
use crate::operations::Job;
use crate::wait::Finished;
use fetch::Fetch;
use stream::SequentialReader;

pub use fetched::Fetched;
pub use stream::ByteStream;

/// A download of the clip of a job that has succeeded.
///
/// A download survives lost connections, slow servers, expired links and servers without range requests, and resumes where it was
/// interrupted. The API key is never sent to the host of the link.
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
#[must_use = "nothing is downloaded until a target is set"]
pub struct Download {
    job: Job,
    stall: Duration,
    link_timeout: Option<Duration>,
    max_failures: u32,
    overwrite: Overwrite,
    expected: Option<String>,
    container: Container,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// The progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of bytes received, including those of an earlier run. The last of them may not be written to disk yet.
    pub bytes: u64,
    /// The size of the clip in bytes, if the server sent it.
    pub total: Option<u64>,
}

/// What to do if the target file already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// Keep it, and fail before anything is fetched.
    #[default]
    Refuse,
    /// Replace it atomically, after the download.
    Replace,
}

/// How a file is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Container {
    /// It must be a whole MP4 file: every box complete, a track with samples, and every sample within the file. In a fragmented
    /// file only the boxes are checked.
    #[default]
    Mp4,
    /// It may be any file of the length that the server sends.
    Any,
}

/// A saved clip.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// The path.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A clip that was written to a writer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Written {
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Job {
    /// Downloads the clip of a job that has succeeded.
    pub fn download(&self) -> Download {
        Download::new(self)
    }
}

impl Finished {
    /// Downloads the clip.
    pub fn download(&self) -> Download {
        Download::new(self.handle())
    }
}

impl Download {
    fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            stall: job.client().shared.timeouts.read,
            link_timeout: None,
            max_failures: 8,
            overwrite: Overwrite::default(),
            expected: None,
            container: Container::default(),
            progress: None,
        }
    }

    /// How long the server may send nothing before the client reconnects; the client's read timeout (30 seconds) if not set. There
    /// is no limit for the whole download.
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall = timeout;
        self
    }

    /// The time limit for each request of a link (`video_download_url`) with its retries; that of the client's retry policy if
    /// `None`, the default.
    pub fn with_link_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.link_timeout = timeout.into();
        self
    }

    /// Maximum consecutive failures without progress; 8 by default.
    pub fn with_max_failures(mut self, failures: u32) -> Self {
        self.max_failures = failures.max(1);
        self
    }

    /// What to do if the target file already exists; it is kept by default.
    pub fn with_overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The expected SHA-256 of the clip, in hexadecimal. It also proves that a clip of unknown length is complete.
    pub fn with_expected_sha256(mut self, sha256: impl Into<String>) -> Self {
        self.expected = Some(sha256.into().to_ascii_lowercase());
        self
    }

    /// How the file is verified; as an MP4 file by default. Only for files, not for writers and streams.
    pub fn with_container(mut self, container: Container) -> Self {
        self.container = container;
        self
    }

    /// Sets a callback for each chunk.
    pub fn with_progress(mut self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Downloads to `path`, or to `JOB_ID.mp4` in it if it is a directory: [`fetch_to`](Self::fetch_to) followed by
    /// [`Fetched::save`].
    ///
    /// # Errors
    ///
    /// Those of `fetch_to` and `save`.
    pub async fn to_path(self, path: impl AsRef<Path>) -> Result<Saved, Error> {
        self.fetch_to(path).await?.save().await
    }

    /// Fetches and verifies the clip for this path. [`Fetched::save`] then gives it its final name. In between, a program can
    /// record the clip.
    ///
    /// The bytes are written to `NAME.part`, which a later run or another process can resume; the state of the download is in the
    /// sidecar `NAME.part.json`. If these names are too long for the file system, both begin with a short form of `NAME`. A clip that
    /// is already complete and verified there is not fetched again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// # let id = client.generate("a city").duration_seconds(0.5).await?.id().to_owned();
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("skyline.mp4");
    /// # let record = directory.path().join("skyline.sha256");
    /// let fetched = client.job(id).download().fetch_to(&path).await?;
    /// std::fs::write(record, fetched.sha256())?;
    /// // After a crash here, the next `fetch_to` finds the whole clip.
    /// assert!(!path.exists());
    /// fetched.save().await?;
    /// assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file cannot be read or written, or already exists, or if `NAME.part` is another program's file or
    /// locked by another download; [`ErrorKind::Conflict`] if the job has no clip; [`ErrorKind::JobFailed`] if it succeeded without
    /// one; [`ErrorKind::Download`] if the clip cannot be downloaded completely. The final path is not changed in any case.
    pub async fn fetch_to(self, path: impl AsRef<Path>) -> Result<Fetched, Error> {
        to_path::fetch_to(self, path.as_ref()).await
    }

    /// Checks whether a clip can be saved to `path`, before a request is paid for. Nothing is written.
    ///
    /// The directory must exist, the names of the clip, the part and the sidecar must be valid on the file system, no other file
    /// may exist in their place, and an unfinished part must be resumable. It does not check whether files can be created in the
    /// directory. If `path` is a directory, the name of the clip is assumed to have the usual length. Blocks on the file system.
    ///
    /// ```
    /// use infrai_video::download::{Download, Overwrite};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// assert!(Download::check_path(directory.path().join("skyline.mp4"), Overwrite::Refuse).is_ok());
    /// assert!(Download::check_path("missing/skyline.mp4", Overwrite::Refuse).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`], as [`fetch_to`](Self::fetch_to) would return it.
    pub fn check_path(path: impl AsRef<Path>, overwrite: Overwrite) -> Result<(), Error> {
        part::check(&final_path::resolve(path.as_ref(), &final_path::USUAL_ID.parse()?, overwrite)?)
    }

    /// The part file of a download to the file `path`. The name of the sidecar has `.json` appended.
    pub fn part_path(path: impl AsRef<Path>) -> PathBuf {
        part::path(path.as_ref())
    }

    /// Downloads to a writer. Written bytes cannot be taken back, so it is an error if the clip changes during the download, or if
    /// a connection is lost and the server sends no version to resume with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if the writer fails; [`ErrorKind::Download`] also if the server does not send the length of the clip
    /// and no SHA-256 is expected; else as [`to_path`](Self::to_path).
    pub async fn to_writer(self, mut writer: impl AsyncWrite + Unpin) -> Result<Written, Error> {
        let mut clip = SequentialReader::new(self);
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("the writer failed: {error}")).with_source(error)
        };
        while let Some(bytes) = clip.next().await? {
            writer.write_all(&bytes).await.map_err(failed)?;
        }
        writer.flush().await.map_err(failed)?;
        Ok(clip.written())
    }

    /// A stream of the bytes. Nothing is sent before it is polled, and at most one chunk is buffered. The errors are those of
    /// [`to_writer`](Self::to_writer).
    pub fn stream(self) -> ByteStream {
        ByteStream::new(self)
    }

    fn fetch(&self) -> Fetch {
        Fetch::new(&self.job, self.stall, self.link_timeout, self.max_failures)
    }

    fn report(&self, bytes: u64, total: Option<u64>) {
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
            .with_hint("check the expected SHA-256; the clip may have been replaced")),
            _ => Ok(()),
        }
    }

    /// Fails if neither a length nor an expected hash proves that the clip is complete.
    fn require_proof(&self) -> Result<(), Error> {
        if self.expected.is_some() {
            return Ok(());
        }
        let message = "the server does not send the length of the clip, so it may have been cut short";
        Err(Error::new(ErrorKind::Download, message).with_hint(
            "pass its SHA-256 to `with_expected_sha256`, or save it to a path as an MP4, which is verified",
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
