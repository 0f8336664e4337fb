//! Downloads: links, resumption, and proof that what came is the whole clip.

mod fetch;
mod link;
mod mp4;
mod part;
mod to_path;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::error::{Error, ErrorKind};
use crate::job::Job;
use fetch::{Fetch, Piece};

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
    /// The bytes that are there, those of an earlier run included.
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
    /// A whole MP4 file: every box complete, a track, and every sample within the file.
    #[default]
    Mp4,
    /// Anything of the right length.
    Any,
}

/// A clip on the disk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: std::path::PathBuf,
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

    /// How many failures in a row, without one byte of progress between them, end the download; 8 by default.
    pub fn with_max_failures(mut self, failures: u32) -> Self {
        self.tries = failures.max(1);
        self
    }

    /// What to do where the target file is there already; it is kept by default.
    pub fn with_overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The SHA-256 that the clip must have, in hexadecimal.
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

    /// Downloads to `path`, or into it under the name `JOB_ID.mp4` where it is a directory.
    ///
    /// The bytes are collected in `NAME.part`, which a later run, also of another process, goes on with. Only a whole and
    /// checked clip gets the final name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where a file cannot be read or written, or is there already; [`ErrorKind::Conflict`] where
    /// the job has no clip; [`ErrorKind::Download`] where the whole right clip cannot be had. The final path is then as it
    /// was.
    pub async fn to_path(self, path: impl AsRef<Path>) -> Result<Saved, Error> {
        to_path::to_path(self, path.as_ref()).await
    }

    /// Downloads into a writer. What was written cannot be taken back, so a clip that changes midway is an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] where the writer fails, else as [`to_path`](Self::to_path).
    pub async fn to_writer(self, mut writer: impl AsyncWrite + Unpin) -> Result<Written, Error> {
        let mut fetch = self.fetch();
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let broken = |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("the writer failed: {error}")).with_source(error)
        };
        while let Some(piece) = next_in_one_go(&mut fetch).await? {
            writer.write_all(&piece).await.map_err(broken)?;
            hash.update(&piece);
            bytes += piece.len() as u64;
            self.tell(bytes, fetch.total());
        }
        writer.flush().await.map_err(broken)?;
        let sha256 = hex(&hash.finalize());
        self.check_hash(&sha256)?;
        Ok(Written { bytes, sha256 })
    }

    /// The bytes as they come. The stream ends after the last one, or with an error; a clip that changes midway is one.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let state = (self.fetch(), self, Sha256::new(), 0);
        futures_util::stream::try_unfold(state, |(mut fetch, download, mut hash, mut bytes)| async move {
            let Some(piece) = next_in_one_go(&mut fetch).await? else {
                download.check_hash(&hex(&hash.finalize()))?;
                return Ok(None);
            };
            hash.update(&piece);
            bytes += piece.len() as u64;
            download.tell(bytes, fetch.total());
            Ok(Some((piece, (fetch, download, hash, bytes))))
        })
    }

    fn fetch(&self) -> Fetch {
        Fetch::new(&self.job, self.stall, self.tries)
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

/// The next bytes for a target that cannot go back to the start.
async fn next_in_one_go(fetch: &mut Fetch) -> Result<Option<Bytes>, Error> {
    match fetch.next().await? {
        Piece::Data(bytes) => Ok(Some(bytes)),
        Piece::End => Ok(None),
        Piece::Restart => {
            Err(Error::new(ErrorKind::Download, "the clip changed while it was being downloaded"))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
