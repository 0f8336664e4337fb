//! A proxy that records the hosts of its `CONNECT` requests.
#![cfg(feature = "ring")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Proxy {
    address: std::net::SocketAddr,
    hosts: Arc<Mutex<Vec<String>>>,
}

/// Starts a proxy on a free port.
pub(crate) async fn start() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    let hosts: Arc<Mutex<Vec<String>>> = Arc::default();
    let recorded = Arc::clone(&hosts);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(forward(connection, Arc::clone(&recorded)));
        }
    });
    Proxy { address, hosts }
}

impl Proxy {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hosts, each once, in the order of their first request.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.hosts.lock().unwrap().iter().filter(|host| seen.insert((*host).clone())).cloned().collect()
    }
}

/// Reads `CONNECT HOST HTTP/1.1` with its headers, and connects to the host.
async fn forward(mut client: TcpStream, hosts: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(host) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return Ok(());
    };
    hosts.lock().unwrap().push(format!("http://{host}"));
    let mut server = TcpStream::connect(host).await?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
