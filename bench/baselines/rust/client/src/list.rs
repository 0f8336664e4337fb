//! All jobs of an account: `client list NAME BASE_URL LIMIT PAUSE_MS`. After each page the reader pauses, like a program
//! that processes what it reads.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use harness::{Arguments, Clocks, Failure};
use serde_json::{Value, json};

use crate::by_hand::{Envelope, Hyper, Page};
use crate::sdk;

/// The jobs that were read.
#[derive(Default)]
struct Read {
    jobs: usize,
    /// Depends on every id and on their order.
    checksum: u64,
}

impl Read {
    fn job(&mut self, id: &str) {
        self.jobs += 1;
        let tail = id.bytes().rev().take(8).fold(0, |sum, byte| sum << 8 | u64::from(byte));
        self.checksum = self.checksum.wrapping_mul(31).wrapping_add(tail);
    }
}

pub(crate) async fn run(mut arguments: Arguments) -> Result<Value, Failure> {
    let name: String = arguments.next("a name")?;
    let base_url: String = arguments.next("a base URL")?;
    let limit: u32 = arguments.next("how many jobs a page has")?;
    let pause = Duration::from_millis(arguments.next("how many milliseconds to pause after a page")?);
    let clocks;
    let mut read = Read::default();
    match name.as_str() {
        "sdk" => {
            let client = sdk(&base_url)?;
            clocks = Clocks::start();
            let mut jobs = client.list().limit(limit).items();
            while let Some(job) = jobs.try_next().await? {
                read.job(&job.job_id);
                if read.jobs % limit as usize == 0 {
                    rest(pause).await;
                }
            }
        }
        "hyper" => {
            let client = Hyper::new()?;
            clocks = Clocks::start();
            let mut cursor = None;
            loop {
                let page = client.get(&url(&base_url, limit, cursor.as_deref())).await?;
                let page = serde_json::from_slice::<Envelope<Page>>(&page)?.into_result()?;
                for job in page.items {
                    read.job(&job.job_id);
                }
                rest(pause).await;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        // Only the bytes: the cursor is found at their end without decoding the rest.
        "hyper-bytes" => {
            let client = Hyper::new()?;
            clocks = Clocks::start();
            let mut cursor = None;
            let mut bytes = 0;
            loop {
                let page = client.get(&url(&base_url, limit, cursor.as_deref())).await?;
                bytes += page.len();
                cursor = cursor_of(&page)?;
                if cursor.is_none() {
                    break;
                }
            }
            let mut report = clocks.stop();
            report["result"] = json!({"bytes": bytes});
            return Ok(report);
        }
        _ => return Err(format!("there is no client `{name}`").into()),
    }
    let mut report = clocks.stop();
    report["result"] = json!({"jobs": read.jobs, "checksum": read.checksum});
    Ok(report)
}

async fn rest(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

fn url(base_url: &str, limit: u32, cursor: Option<&str>) -> String {
    match cursor {
        Some(cursor) => format!("{base_url}/v1/video/list?limit={limit}&cursor={cursor}"),
        None => format!("{base_url}/v1/video/list?limit={limit}"),
    }
}

fn cursor_of(page: &[u8]) -> Result<Option<String>, Failure> {
    const NAME: &[u8] = b"\"next_cursor\":";
    let at = page.windows(NAME.len()).rposition(|part| part == NAME).ok_or("a page has no next_cursor")?;
    let rest = std::str::from_utf8(&page[at + NAME.len()..])?;
    Ok(rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).map(str::to_owned))
}
