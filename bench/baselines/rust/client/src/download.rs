//! Clips onto the disk: `client download BASE_URL ID PATH COUNT`, at once, to PATH or to PATH-1, PATH-2 ... `client hash MIB` only
//! hashes as many bytes.

use futures_util::future::try_join_all;
use harness::{Arguments, Clocks, Failure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sdk;

const MIB: usize = 1024 * 1024;

pub(crate) async fn run(mut arguments: Arguments) -> Result<Value, Failure> {
    let base_url: String = arguments.next("a base URL")?;
    let id: String = arguments.next("an id")?;
    let path: String = arguments.next("a path")?;
    let count: u32 = arguments.next("a number of clips")?;
    let client = sdk(&base_url)?;
    let job = client.job(id);
    let clocks = Clocks::start();
    let downloads = (1..=count).map(|number| {
        let path = if count == 1 { path.clone() } else { format!("{path}-{number}") };
        job.download().to_path(path)
    });
    let saved = try_join_all(downloads).await?;
    let mut report = clocks.stop();
    let results = saved.iter().map(|saved| json!({"bytes": saved.bytes, "sha256": saved.sha256}));
    report["result"] = results.collect();
    Ok(report)
}

/// Hashes one block over and over, with the library that the SDK uses.
pub(crate) fn hash(mut arguments: Arguments) -> Result<Value, Failure> {
    let count: usize = arguments.next("a number of MiB")?;
    let block: Vec<u8> = (0..MIB as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let clocks = Clocks::start();
    let mut hash = Sha256::new();
    (0..count).for_each(|_| hash.update(&block));
    let mut report = clocks.stop();
    report["result"] = json!(hash.finalize().to_vec());
    Ok(report)
}
