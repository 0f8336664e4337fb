//! Proxies that connect every request to one local port, whatever host it names.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A request to a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connect {
    /// Host and port.
    pub(crate) server: String,
    /// The header `Proxy-Authorization`, or user name and password of SOCKS.
    pub(crate) credentials: Option<String>,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    connects: Arc<Mutex<Vec<Connect>>>,
}

impl Proxy {
    /// An HTTP proxy. `refuse` returns the status line for the n-th request, or `None` to open the tunnel.
    pub(crate) async fn http(
        to: u16,
        refuse: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let refuse = Arc::new(refuse);
        Self::start(move |stream, connects| {
            let refuse = Arc::clone(&refuse);
            async move { tunnel(stream, to, &connects, &*refuse).await }
        })
        .await
    }

    /// A SOCKS 5 proxy that replies with `code` (0 for success) and requires credentials if `user` is set.
    pub(crate) async fn socks(to: u16, code: u8, user: bool) -> Self {
        Self::start(move |stream, connects| async move { socks(stream, to, &connects, code, user).await })
            .await
    }

    async fn start<S: Future<Output = std::io::Result<()>> + Send + 'static>(
        serve: impl Fn(TcpStream, Arc<Mutex<Vec<Connect>>>) -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, connects) = (listener.local_addr().unwrap().port(), Arc::default());
        let kept = Arc::clone(&connects);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { port, connects }
    }

    pub(crate) fn connects(&self) -> Vec<Connect> {
        self.connects.lock().unwrap().clone()
    }
}

/// Serves one CONNECT request.
pub(crate) async fn tunnel(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    to: u16,
    connects: &Mutex<Vec<Connect>>,
    refuse: &(impl Fn(usize) -> Option<&'static str> + ?Sized),
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8(head).unwrap();
    let server =
        head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or(&head).to_owned();
    let credentials =
        head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: ")).map(str::to_owned);
    let number = {
        let mut connects = connects.lock().unwrap();
        connects.push(Connect { server, credentials });
        connects.len()
    };
    if let Some(line) = refuse(number) {
        stream.write_all(format!("{line}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await?;
        return stream.shutdown().await;
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

async fn socks(
    mut stream: TcpStream,
    to: u16,
    connects: &Mutex<Vec<Connect>>,
    code: u8,
    user: bool,
) -> std::io::Result<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await?;
    let _methods = bytes(&mut stream, greeting[1].into()).await?;
    let method = if user { 2 } else { 0 };
    stream.write_all(&[5, method]).await?;
    let mut credentials = None;
    if user {
        let _version = stream.read_u8().await?;
        let mut words = Vec::new();
        for _ in 0..2 {
            let length = stream.read_u8().await?;
            words.push(String::from_utf8(bytes(&mut stream, length.into()).await?).unwrap());
        }
        credentials = Some(words.join(":"));
        stream.write_all(&[1, 0]).await?;
    }
    let mut request = [0; 5];
    stream.read_exact(&mut request).await?;
    assert_eq!(request[3], 3, "the proxy resolves the host name");
    let host = String::from_utf8(bytes(&mut stream, request[4].into()).await?).unwrap();
    let server = format!("{host}:{}", stream.read_u16().await?);
    connects.lock().unwrap().push(Connect { server, credentials });
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if code != 0 {
        return stream.shutdown().await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

async fn bytes(stream: &mut TcpStream, count: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
