//! A proxy for plain http that records the hosts it is asked for.
#![cfg(feature = "rustls")]

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

/// Reads the first request line (`GET http://HOST/PATH HTTP/1.1`), and connects to its host. A client of a proxy uses a
/// connection for one host alone, so that the rest needs no reading.
async fn forward(mut client: TcpStream, hosts: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.contains(&b'\n') {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&head).into_owned();
    let Some(host) = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()) else {
        return Ok(());
    };
    hosts.lock().unwrap().push(format!("http://{host}"));
    let mut server = TcpStream::connect(host).await?;
    server.write_all(&head).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
