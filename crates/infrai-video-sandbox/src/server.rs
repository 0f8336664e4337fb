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

use crate::connection::{Resettable, serve};
use crate::faults::ResetFlag;
use crate::handle::Handle;
use crate::limits::Limits;
use crate::router::HostService;

/// How long [`Sandbox::shutdown`] waits.
const GRACE: Duration = Duration::from_secs(10);

/// A running sandbox with two sockets. It stops at once when it is dropped; [`Sandbox::shutdown`] lets requests end
/// first.
///
/// [`Handle`]'s methods work on it.
pub struct Sandbox {
    handle: Handle,
    api_address: SocketAddr,
    file_address: SocketAddr,
    /// They go with the set.
    servers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// How a sandbox was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Every request under way was answered.
    Finished,
    /// Some requests were still under way at the deadline, and their connections were cut.
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

    /// Stops in order: takes no new connection, closes the idle ones, and lets the requests under way be answered, for
    /// at most 10 seconds of real time.
    pub async fn shutdown(self) -> Shutdown {
        self.shutdown_within(GRACE).await
    }

    /// Stops in order as [`Sandbox::shutdown`] does, for at most this long. What is still under way then is cut: a call
    /// that a fault rule lets hang, for one.
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

/// The address of the caller, among the extensions of a request that came over a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Tells a long answer, by the extensions of its request, that the server is to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

impl Stopping {
    pub(crate) async fn wait(mut self) {
        stopped(&mut self.0).await;
    }
}

/// Takes connections until it is told to stop, and then waits for those there are. The set of connections goes with the
/// task, and they with the set.
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
            taken = take(&listener, &slots) => match taken {
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
                    warn!(%error, "a connection could not be taken");
                    // Such as too many open files: trying again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    // Whoever comes from now on is refused by the system.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until the sandbox is told to stop, or is gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The borrowed value must not be held while something else is awaited.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The next connection, once there is room for it. Until then it waits with the system.
async fn take(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the slots are never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}
