//! The sandbox on two sockets: one for the API, one for the files.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::warn;

use crate::faults::ResetFlag;
use crate::handle::Handle;
use crate::http::connection::{Resettable, serve};
use crate::http::router::HostService;
use crate::network::limits::Limits;
use crate::network::peer::{Peer, stopped};

/// The grace period of [`Sandbox::shutdown`].
const GRACE: Duration = Duration::from_secs(10);

/// A running sandbox with two sockets. It stops at once when dropped; [`Sandbox::shutdown`] finishes requests first.
///
/// [`Handle`]'s methods work on it.
pub struct Sandbox {
    handle: Handle,
    api_address: SocketAddr,
    file_address: SocketAddr,
    /// Dropping the set aborts the tasks.
    servers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// How a sandbox was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shutdown {
    /// Every request in progress got its response.
    Finished,
    /// Some requests were still in progress at the deadline, and their connections were closed.
    Cut,
}

impl Sandbox {
    pub(crate) fn run(
        handle: Handle,
        (api_socket, api_address, api): (TcpListener, SocketAddr, HostService),
        (file_socket, file_address, files): (TcpListener, SocketAddr, HostService),
    ) -> Self {
        let limits = handle.limits();
        let stop = watch::Sender::new(false);
        let mut servers = JoinSet::new();
        servers.spawn(accept(api_socket, api, limits, stop.subscribe()));
        servers.spawn(accept(file_socket, files, limits, stop.subscribe()));
        Self { handle, api_address, file_address, servers, stop }
    }

    /// The address of the API's socket.
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// The address of the file host's socket.
    pub fn file_address(&self) -> SocketAddr {
        self.file_address
    }

    /// Shuts down gracefully: accepts no new connection, closes idle ones, and finishes requests in progress, for at most
    /// 10 seconds of real time.
    pub async fn shutdown(self) -> Shutdown {
        self.shutdown_within(GRACE).await
    }

    /// Shuts down like [`Sandbox::shutdown`] with another grace period. Requests that are still in progress then are
    /// aborted, for example a call that hangs because of a fault rule.
    pub async fn shutdown_within(mut self, grace: Duration) -> Shutdown {
        self.stop.send_replace(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        match tokio::time::timeout(grace, ended).await {
            Ok(()) => Shutdown::Finished,
            Err(_) => Shutdown::Cut,
        }
    }
}

impl Deref for Sandbox {
    type Target = Handle;
    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.servers.abort_all();
        self.handle.stop();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("api", &self.api_address).field("files", &self.file_address).finish()
    }
}

/// Accepts connections until `stop`, then waits for the open ones. Aborting this task closes all its connections.
async fn accept(
    listener: TcpListener,
    service: HostService,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = next_connection(&listener, &slots) => match accepted {
                Ok((stream, peer, slot)) => {
                    let (service, stop) = (service.clone(), stop.clone());
                    connections.spawn(async move {
                        let _slot = slot;
                        let reset = ResetFlag::default();
                        let stream = Resettable::new(stream, reset.clone());
                        serve(stream, Peer(peer), reset, service, limits, stop).await;
                    });
                }
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    // For example too many open files: an immediate retry would only spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    // The system rejects new connections from now on.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Accepts the next connection once there is a free slot. Until then it waits in the system's backlog.
async fn next_connection(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the slots are never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

#[cfg(test)]
mod tests;
