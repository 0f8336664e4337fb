//! The SDK's log on stderr.

use std::io;

use tracing::{Level, Metadata};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Output;
use super::waiting::WaitingLayer;
use crate::args::Global;

/// Prints the SDK's log: warnings always, the rest with `-v`. Logs of other crates could contain a key and stay off.
pub(crate) fn install_log(output: &Output, global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::OFF,
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_target("infrai_video", level).with_target("infrai_video_client", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .compact()
        .with_writer(Log(output.clone()));
    // Each layer has its own filter: the calls are watched whatever is logged.
    let calls = if global.quiet { LevelFilter::OFF } else { LevelFilter::DEBUG };
    let waiting = WaitingLayer::new(output).with_filter(Targets::new().with_target("infrai_video", calls));
    tracing_subscriber::registry().with(layer.with_filter(targets)).with(waiting).init();
}

struct Log(Output);

struct LogLine<'a> {
    output: &'a Output,
    label: &'static str,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine { output: &self.0, label: "note" }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> LogLine<'a> {
        LogLine { output: &self.0, label: if *meta.level() <= Level::WARN { "note" } else { "log" } }
    }
}

impl io::Write for LogLine<'_> {
    /// The formatter writes one whole event at a time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.output.status(self.label, text.trim());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
