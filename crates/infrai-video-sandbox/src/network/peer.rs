//! Request extensions that describe the connection.

use std::net::SocketAddr;

use tokio::sync::watch;

/// The address of the caller. Absent on requests without a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Signals long responses that the server shuts down.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

impl Stopping {
    pub(crate) async fn wait(mut self) {
        stopped(&mut self.0).await;
    }
}

/// Waits until the sandbox shuts down or is dropped.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The returned guard must not be held across another await.
    let _ = stop.wait_for(|stop| *stop).await;
}
