//! The time to render a clip.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use crate::measure::curl::{call, fetch};
use crate::measure::report::median;
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

/// The length of each clip in seconds.
const SECONDS: u32 = 5;

/// The section about the clips, with its heading.
pub(crate) fn clips(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    let sandbox = crate::measure::sandbox::start(root, &["--balance", "1000000", "--clock", "x1000"])?;
    let base = sandbox.base_url();
    let mut rows = Vec::new();
    for resolution in ["720p", "1080p", "4k"] {
        let mut times = Vec::new();
        let mut size = 0;
        for number in 0..length.repeats() {
            let prompt = format!("a harbour at dawn, take {number}");
            let body = json!({"prompt": prompt, "duration_seconds": SECONDS, "resolution": resolution});
            let started = Instant::now();
            let job = call(&format!("{base}/v1/video/generate"), Some(&body))?;
            let id = job["job_id"].as_str().context("the response has no job_id")?.to_owned();
            loop {
                let job = call(&format!("{base}/v1/video/status/{id}"), None)?;
                match job["state"].as_str() {
                    Some("succeeded") => break,
                    Some("queued" | "running") => {}
                    _ => anyhow::bail!("the clip was not made: {job}"),
                }
            }
            let link = call(&format!("{base}/v1/video/download_url/{id}"), None)?;
            size = fetch(link["url"].as_str().context("the response has no url")?)?;
            times.push(started.elapsed().as_secs_f64());
        }
        let median = median(times);
        tell(out, &format!("{resolution}: {median:.2} s"));
        rows.push([
            resolution.to_owned(),
            figure(median),
            figure(f64::from(SECONDS) / median),
            figure(size as f64 / 1000.0),
        ]);
    }
    Ok(format!(
        "### Clips\n\nFrom the call of `generate` to the last byte of the clip, for {SECONDS} s of video at 16:9, on a clock that runs a thousand\n\
         times as fast: the time is that of rendering. The median of {}. There is no peer here, and no goal was set.\n\n{}",
        length.repeats(),
        table(["resolution", "seconds", "seconds of video a second", "kB"], &rows)
    ))
}
