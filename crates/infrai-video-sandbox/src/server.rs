//! The sandbox on two sockets: one for the API, one for the files.

use std::net::SocketAddr;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tracing::{debug, warn};

use crate::faults::ResetFlag;
use crate::handle::Handle;
use crate::router::HostService;

/// A running sandbox with two sockets on loopback. It stops when it is dropped.
///
/// [`Handle`]'s methods work on it.
pub struct Sandbox {
    handle: Handle,
    api_address: SocketAddr,
    file_address: SocketAddr,
    servers: [AbortHandle; 2],
}

impl Sandbox {
    pub(crate) fn run(
        handle: Handle,
        (api_socket, api_address, api): (TcpListener, SocketAddr, HostService),
        (file_socket, file_address, files): (TcpListener, SocketAddr, HostService),
    ) -> Self {
        let servers = [
            tokio::spawn(accept(api_socket, api)).abort_handle(),
            tokio::spawn(accept(file_socket, files)).abort_handle(),
        ];
        Self { handle, api_address, file_address, servers }
    }

    /// The address of the API's socket.
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// The address of the file host's socket.
    pub fn file_address(&self) -> SocketAddr {
        self.file_address
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
        self.servers.iter().for_each(AbortHandle::abort);
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

/// Takes connections for ever. The set of connections goes with the task, and they with the set.
async fn accept(listener: TcpListener, service: HostService) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, Peer(peer), service.clone()));
                }
                Err(error) => {
                    warn!(%error, "a connection could not be taken");
                    // Such as too many open files: trying again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, peer: Peer, service: HostService) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be delayed");
    }
    let reset = ResetFlag::default();
    let connection = Connection { stream, reset: reset.clone() };
    let answer = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(reset.clone());
        // An error closes the connection without an answer.
        service.answer(request.map(Body::new))
    });
    let served =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(connection), answer);
    if let Err(error) = served.await {
        debug!(%error, "a connection ended early");
    }
}

/// A connection that can be reset instead of closed.
struct Connection {
    stream: TcpStream,
    reset: ResetFlag,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.reset.is_set()
            && let Err(error) = self.stream.set_zero_linger()
        {
            debug!(%error, "the connection is closed and not reset");
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
