//! How much a server takes from its callers, and how long it waits for them.

use std::time::Duration;

/// What a sandbox on sockets takes from its callers, and how long it waits for them.
///
/// The times are real ones, whatever the sandbox's [`Clock`](crate::Clock). Of these limits
/// [`SandboxBuilder::router`](crate::SandboxBuilder::router) knows only [`Limits::body_bytes`]: the others are about
/// connections.
///
/// ```
/// use infrai_video_sandbox::{Limits, Sandbox};
/// use std::time::Duration;
///
/// let limits = Limits { connections: 16, body_time: Duration::from_secs(5), ..Limits::default() };
/// let builder = Sandbox::builder().limits(limits);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections each of the two sockets has at a time. Further ones wait until one of them ends, and are not
    /// refused. 0 counts as 1. The default is 512.
    pub connections: usize,
    /// How many headers a request has. One with more is answered with 431 and closed. The default is 100.
    pub headers: usize,
    /// How many bytes the request line and the headers have together. A request with more is answered with 431 and
    /// closed. The default is 64 KiB.
    pub head_bytes: usize,
    /// How long a connection may take until the next request's headers are complete, from its start or from the end of
    /// the request before. One that takes longer is closed: an idle one too. The default is 30 seconds.
    pub head_time: Duration,
    /// How many bytes a request's body has. One with more is answered with 413. The default is 1 MiB.
    pub body_bytes: usize,
    /// How long the body of a request may make no progress. One that takes longer is answered with 408 and closed. The
    /// default is 30 seconds.
    pub body_time: Duration,
    /// How long a caller may take nothing of its answer. The connection of one that takes longer is closed. The default
    /// is 30 seconds.
    pub write_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let half_a_minute = Duration::from_secs(30);
        Self {
            connections: 512,
            headers: 100,
            head_bytes: 64 * 1024,
            head_time: half_a_minute,
            body_bytes: 1024 * 1024,
            body_time: half_a_minute,
            write_time: half_a_minute,
        }
    }
}
