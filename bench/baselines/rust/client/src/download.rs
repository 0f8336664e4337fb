//! One clip onto the disk: `client download BASE_URL ID PATH`.

use harness::{Arguments, Clocks, Failure};
use serde_json::{Value, json};

use crate::sdk;

pub(crate) async fn run(mut arguments: Arguments) -> Result<Value, Failure> {
    let base_url: String = arguments.next("a base URL")?;
    let id: String = arguments.next("an id")?;
    let path: String = arguments.next("a path")?;
    let client = sdk(&base_url)?;
    let clocks = Clocks::start();
    let saved = client.job(id).download().to_path(path).await?;
    let mut report = clocks.stop();
    report["result"] = json!({"bytes": saved.bytes, "sha256": saved.sha256});
    Ok(report)
}
