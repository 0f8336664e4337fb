//! Limits and timeouts of a server.

use std::time::Duration;

/// Limits and timeouts of a sandbox on sockets.
///
/// Timeouts are in real time, independent of the [`Clock`](crate::Clock). For
/// [`SandboxBuilder::router`](crate::SandboxBuilder::router) only [`Limits::body_bytes`] applies: the others are limits of
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
    /// Maximum number of concurrent connections per socket. Further connections wait until one closes; they are not
    /// rejected. 0 counts as 1. The default is 512.
    pub connections: usize,
    /// Maximum number of headers of a request. More result in 431 and close the connection. The default is 100.
    pub headers: usize,
    /// Maximum size in bytes of request line and headers together. More result in 431 and close the connection. The
    /// default is 64 KiB.
    pub head_bytes: usize,
    /// Timeout for the headers of the next request, from the start of the connection or from the end of the previous
    /// request. It closes the connection, also an idle one. The default is 30 seconds.
    pub head_time: Duration,
    /// Maximum size in bytes of a body. More result in 413. The default is 1 MiB.
    pub body_bytes: usize,
    /// Maximum time without progress of a request body. Longer results in 408 and closes the connection. The default is 30
    /// seconds.
    pub body_time: Duration,
    /// Maximum time in which the caller reads nothing of a response. Longer closes the connection. The default is 30
    /// seconds.
    pub write_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let timeout = Duration::from_secs(30);
        Self {
            connections: 512,
            headers: 100,
            head_bytes: 64 * 1024,
            head_time: timeout,
            body_bytes: 1024 * 1024,
            body_time: timeout,
            write_time: timeout,
        }
    }
}
