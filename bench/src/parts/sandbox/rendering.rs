//! The delay of responses while clips are rendered.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::measure::curl::{KEY, call, fetch, raw};
use crate::measure::load::{self, Call, Load};
use crate::page::goals::Goal;
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

/// The number of clips that are requested at the same time.
const CLIPS: usize = 4;

/// The 99th percentile may become this many times as long.
const GOAL: f64 = 10.0;

/// The section, with its heading, and its goal.
pub(crate) fn rendering(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<(String, Goal)> {
    let sandbox = crate::measure::sandbox::start(root, &["--balance", "1000000", "--clock", "manual"])?;
    let base = sandbox.base_url();
    let mut links = Vec::new();
    let mut id = String::new();
    for number in 0..200 {
        let body = json!({"prompt": format!("a harbour, take {number}"), "duration_seconds": 5});
        let job = call(&format!("{base}/v1/video/generate"), Some(&body))?;
        job["job_id"].as_str().context("the response has no job_id")?.clone_into(&mut id);
        links.push(id.clone());
    }
    raw(&format!("{base}/__sandbox/clock"), Some(&json!({"advance_seconds": 600})))?;
    let url = format!("{base}/v1/video/status/{id}");
    let status = || load::measure(&url, KEY, Call::Get, 16, length.load() / 2);
    load::measure(&url, KEY, Call::Get, 16, Duration::from_secs(1))?;
    let idle = status()?;
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let render = || -> anyhow::Result<()> {
        while let Some(id) = links.get(next.fetch_add(1, Ordering::Relaxed))
            && !stopped.load(Ordering::Relaxed)
        {
            let link: Value = call(&format!("{base}/v1/video/download_url/{id}"), None)?;
            fetch(link["url"].as_str().context("the response has no url")?)?;
        }
        Ok(())
    };
    let busy = thread::scope(|scope| -> anyhow::Result<Load> {
        let callers: Vec<_> = (0..CLIPS).map(|_| scope.spawn(render)).collect();
        let busy = status();
        stopped.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        busy
    })?;
    tell(out, &format!("status, idle: {idle:?}; while clips are rendered: {busy:?}"));
    let row =
        |name: &str, load: Load| [name.to_owned(), figure(load.requests_per_second), figure(load.p99_ms)];
    let text = format!(
        "### Status while clips are rendered\n\n`status` over 16 connections, while nothing else happens, and while {CLIPS} clips are requested at any time. The threads\n\
         that render have a low priority, and take both cores when no request needs them. A request that arrives while both are busy waits\n\
         for the end of a time slice of the kernel, a few milliseconds, which is more than ten times the p99 of an idle machine. Fewer threads\n\
         would render more slowly, and wrk needs a core of its own.\n\n{}",
        table(["load", "requests/s", "p99 ms"], &[row("none", idle), row("clips are rendered", busy)])
    );
    let goal =
        Goal::less("ms of `status`, p99, while clips are rendered, to none", busy.p99_ms, idle.p99_ms, GOAL);
    Ok((text, goal))
}
