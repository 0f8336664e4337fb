//! One call, again and again: `client status NAME BASE_URL ID WARM_UP MEASURED IN_FLIGHT`.

use std::time::Duration;

use harness::{Arguments, Calls, Counter, Failure, calls};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::by_hand::{Envelope, Hyper, Job};
use crate::{KEY, sdk};

pub(crate) async fn run(mut arguments: Arguments, counter: Counter) -> Result<Value, Failure> {
    let name: String = arguments.next("a name")?;
    let base_url: String = arguments.next("a base URL")?;
    let id: String = arguments.next("an id")?;
    let plan = Calls::read(&mut arguments)?;
    let (base_url, id) = (base_url.as_str(), id.as_str());
    let url = || format!("{base_url}/v1/video/status/{id}");
    match name.as_str() {
        "sdk" => {
            let client = &sdk(base_url)?;
            let call = || async move { Ok(client.status(id).await?.into_inner()) };
            calls(plan, counter, call, |job| Ok(json!(job))).await
        }
        "reqwest" => {
            let client = &careful()?;
            let call = || async move {
                let response = client.get(url()).bearer_auth(KEY).send().await?.error_for_status()?;
                response.json::<Envelope<Job>>().await?.into_result()
            };
            calls(plan, counter, call, |job| Ok(json!(job))).await
        }
        "hyper" => {
            let client = &Hyper::new()?;
            let call = || async move {
                serde_json::from_slice::<Envelope<Job>>(&client.get(&url()).await?)?.into_result()
            };
            calls(plan, counter, call, |job| Ok(json!(job))).await
        }
        "hyper-bytes" => {
            let client = &Hyper::new()?;
            let call = || async move { client.get(&url()).await };
            calls(plan, counter, call, |body| data(body)).await
        }
        "socket" => {
            let address = base_url.trim_start_matches("http://");
            let connections = Connections::open(address, plan.in_flight).await?;
            let request = format!(
                "GET /v1/video/status/{id} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\r\n"
            );
            let call = || async { connections.exchange(request.as_bytes()).await };
            calls(plan, counter, call, |body| data(body)).await
        }
        _ => Err(format!("there is no client `{name}`").into()),
    }
}

/// A client of reqwest with the SDK's promises that take one line each: its time limits, and that each request is sent once.
fn careful() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
}

/// The result for clients that decode nothing.
fn data(body: &[u8]) -> Result<Value, Failure> {
    let envelope: Value = serde_json::from_slice(body)?;
    Ok(envelope["data"].clone())
}

/// Bare sockets, the lower bound of an exchange. Each is used by one call at a time.
struct Connections {
    idle: std::cell::RefCell<Vec<TcpStream>>,
}

impl Connections {
    async fn open(address: &str, count: usize) -> Result<Self, Failure> {
        let mut idle = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            idle.push(stream);
        }
        Ok(Self { idle: idle.into() })
    }

    /// Writes a request and reads the response by its length.
    async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut stream = self.idle.borrow_mut().pop().ok_or("there are more calls than sockets")?;
        stream.write_all(request).await?;
        let mut response = Vec::with_capacity(4096);
        let whole = loop {
            if stream.read_buf(&mut response).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(whole) = body_range(&response)? {
                if response.len() >= whole.end {
                    break whole;
                }
            }
        };
        self.idle.borrow_mut().push(stream);
        Ok(response[whole].to_vec())
    }
}

/// The range of the body, once the head is complete.
fn body_range(response: &[u8]) -> Result<Option<std::ops::Range<usize>>, Failure> {
    let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&response[..end])?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.ok_or("the response has no length")?.parse()?;
    Ok(Some(end + 4..end + 4 + length))
}
