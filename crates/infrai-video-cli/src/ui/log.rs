//! The SDK's log on stderr.

use std::{fmt, io};

use tracing::field::{Field, Visit};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
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
        .map_event_format(|full| Event { full, is_verbose: global.verbose > 0 })
        .with_writer(Log(output.clone()));
    // Each layer has its own filter: the calls are watched whatever is logged.
    let calls = if global.quiet { LevelFilter::OFF } else { LevelFilter::DEBUG };
    let waiting = WaitingLayer::new(output).with_filter(Targets::new().with_target("infrai_video", calls));
    tracing_subscriber::registry().with(layer.with_filter(targets)).with(waiting).init();
}

/// Without `-v`, an event is its message, which is a sentence for people. Its level and its facts are for logs.
struct Event<F> {
    full: F,
    is_verbose: bool,
}

impl<S, N, F> FormatEvent<S, N> for Event<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        if self.is_verbose {
            return self.full.format_event(context, writer, event);
        }
        let mut message = Message::default();
        event.record(&mut message);
        writeln!(writer, "{}", message.0)
    }
}

/// The message of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
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
