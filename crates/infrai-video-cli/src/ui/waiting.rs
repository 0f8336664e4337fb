//! Says what a command waits for when a call of the API has had no response for a while.
//!
//! The calls are the spans of the SDK's log, so that every call is covered: a changing line on a terminal, a few plain lines
//! elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, interval};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::terminal_lines::{LineHandle, TerminalLine};
use super::{LABEL_WIDTH, Output, lock};
use crate::text::{clean, clock, first_that_fits};

/// A call that takes longer is reported.
const LONG: Duration = Duration::from_secs(5);

/// When plain lines about one call are printed. Then one each minute.
const PLAIN: [Duration; 3] = [LONG, Duration::from_secs(30), Duration::from_secs(60)];
const MINUTE: Duration = Duration::from_secs(60);

/// Minimum time between two plain lines about calls of one operation, such as the polls of a wait.
const PLAIN_GAP: Duration = Duration::from_secs(25);

/// How often the calls are checked.
const TICK: Duration = Duration::from_millis(250);

/// A layer of the log that watches the calls of the SDK.
pub(super) struct WaitingLayer(Arc<Waiting>);

struct Waiting {
    output: Output,
    calls: Mutex<Calls>,
    /// The changing line, while a call takes long.
    line: Mutex<Option<LineHandle>>,
}

#[derive(Default)]
struct Calls {
    /// The calls without a response, in the order in which they began.
    open: BTreeMap<u64, Call>,
    next: u64,
    /// When a plain line was last printed for each operation.
    printed: HashMap<String, Instant>,
    is_watched: bool,
}

struct Call {
    operation: String,
    since: Instant,
    /// Until when the call pauses before its next attempt, and why.
    retry: Option<(Instant, String)>,
    /// Number of plain lines about it.
    printed: u32,
}

impl WaitingLayer {
    pub(super) fn new(output: &Output) -> Self {
        let (calls, line) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Waiting { output: output.clone(), calls, line }))
    }
}

/// The number of a call, as an extension of its span.
struct CallNumber(u64);

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for WaitingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let (Some(operation), Some(span)) = (fields.operation, context.span(id)) else { return };
        span.extensions_mut().insert(CallNumber(self.0.begin(&operation)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (Some(delay), Some(why)) = (fields.delay, fields.error) else { return };
        let spans = context.event_scope(event).into_iter().flatten();
        let number = spans.filter_map(|span| span.extensions().get::<CallNumber>().map(|call| call.0)).next();
        let mut calls = lock(&self.0.calls);
        if let Some(call) = number.and_then(|number| calls.open.get_mut(&number)) {
            call.retry = Some((Instant::now() + delay, why));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id);
        if let Some(number) = span.and_then(|span| span.extensions().get::<CallNumber>().map(|call| call.0)) {
            self.0.end(number);
        }
    }
}

/// The fields of spans and events that matter here.
#[derive(Default)]
struct Fields {
    operation: Option<String>,
    delay: Option<Duration>,
    error: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "operation" {
            self.operation = Some(value.trim_start_matches("video_").replace('_', "-"));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "delay_ms" {
            self.delay = Some(Duration::from_millis(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "error" {
            let error = format!("{value:?}");
            // A hint follows, which is for the end of all attempts.
            self.error = error.split("; ").next().map(str::to_owned);
        }
    }
}

impl Waiting {
    fn begin(self: &Arc<Self>, operation: &str) -> u64 {
        let mut calls = lock(&self.calls);
        let number = calls.begin(operation, Instant::now());
        // Without a runtime no call is sent.
        if !calls.is_watched
            && let Ok(runtime) = Handle::try_current()
        {
            calls.is_watched = true;
            runtime.spawn(Self::watch(Arc::clone(self)));
        }
        number
    }

    fn end(&self, number: u64) {
        let is_long = {
            let mut calls = lock(&self.calls);
            calls.open.remove(&number);
            calls.oldest(Instant::now()).is_some()
        };
        if !is_long {
            // The locks are not held while the line is removed: that draws the other lines.
            let line = lock(&self.line).take();
            drop(line);
        }
    }

    /// Reports calls that take long, until there are no calls.
    async fn watch(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        loop {
            ticks.tick().await;
            let (is_long, plain) = {
                let (mut calls, now) = (lock(&self.calls), Instant::now());
                if calls.open.is_empty() {
                    calls.is_watched = false;
                    return;
                }
                match self.output.is_live {
                    true => (calls.oldest(now).is_some(), None),
                    false => (false, calls.plain(now)),
                }
            };
            if let Some((label, text)) = plain {
                self.output.status(label, &text);
            }
            if is_long && lock(&self.line).is_none() {
                let handle = self.output.lines.add(Arc::clone(&self) as Arc<dyn TerminalLine>);
                *lock(&self.line) = Some(handle);
            }
        }
    }
}

impl Calls {
    fn begin(&mut self, operation: &str, now: Instant) -> u64 {
        let number = self.next;
        self.next += 1;
        let call = Call { operation: operation.to_owned(), since: now, retry: None, printed: 0 };
        self.open.insert(number, call);
        number
    }

    /// The oldest call that takes long.
    fn oldest(&self, now: Instant) -> Option<&Call> {
        self.open.values().find(|call| now.duration_since(call.since) >= LONG)
    }

    /// The label and the text about the oldest call that takes long.
    fn text(&self, now: Instant) -> Option<(&'static str, String)> {
        let oldest = self.oldest(now)?;
        let more = self.open.values().filter(|call| now.duration_since(call.since) >= LONG).count() - 1;
        let elapsed = clock(now.duration_since(oldest.since));
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        Some(match &oldest.retry {
            Some((until, why)) if *until > now => {
                let seconds = until.duration_since(now).as_secs_f64().ceil();
                ("retrying", format!("{} in {seconds} s, {elapsed}{more}: {why}", oldest.operation))
            }
            _ => ("waiting", format!("for {}, {elapsed}{more}", awaited(&oldest.operation))),
        })
    }

    /// The next plain line, if one is due.
    fn plain(&mut self, now: Instant) -> Option<(&'static str, String)> {
        let is_due = |call: &Call| now.duration_since(call.since) >= due(call.printed);
        let operation = self.open.values().find(|call| is_due(call))?.operation.clone();
        let is_early = self.printed.get(&operation).is_some_and(|at| now.duration_since(*at) < PLAIN_GAP);
        if is_early {
            return None;
        }
        self.printed.insert(operation, now);
        for call in self.open.values_mut() {
            while now.duration_since(call.since) >= due(call.printed) {
                call.printed += 1;
            }
        }
        self.text(now)
    }
}

/// What a call of this operation waits for.
fn awaited(operation: &str) -> String {
    match operation {
        "sync-time" => "the time of the service".to_owned(),
        "download-url" => "a link to the clip".to_owned(),
        "download" => "the first bytes of the clip".to_owned(),
        _ => format!("the response to {operation}"),
    }
}

/// The age of a call at which its next plain line is printed, after so many.
fn due(printed: u32) -> Duration {
    match PLAIN.get(printed as usize) {
        Some(due) => *due,
        None => MINUTE * (printed - 1),
    }
}

impl TerminalLine for Waiting {
    fn state(&self) -> String {
        "waiting".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        match lock(&self.calls).text(Instant::now()) {
            Some((label, text)) => {
                first_that_fits([format!("{label:LABEL_WIDTH$}{}", clean(&text))], columns)
            }
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_a_call_that_takes_long_is_reported() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let generate = calls.begin("generate", start);
        assert_eq!(calls.text(start + s(4)), None);
        assert_eq!(
            calls.text(start + s(7)),
            Some(("waiting", "for the response to generate, 00:07".to_owned()))
        );
        calls.begin("status", start + s(6));
        calls.begin("status", start + s(7));
        assert_eq!(calls.text(start + s(11)).unwrap().1, "for the response to generate, 00:11, and 1 more");
        calls.open.remove(&generate);
        assert_eq!(calls.text(start + s(20)).unwrap().1, "for the response to status, 00:14, and 1 more");
    }

    #[test]
    fn a_pause_before_a_retry_counts_down_and_says_why() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let number = calls.begin("list", start);
        let retry = (start + s(9), "the service responded with 503".to_owned());
        calls.open.get_mut(&number).unwrap().retry = Some(retry);
        let text = |seconds| calls.text(start + s(seconds)).unwrap();
        assert_eq!(text(5), ("retrying", "list in 4 s, 00:05: the service responded with 503".to_owned()));
        assert_eq!(text(8).1, "list in 1 s, 00:08: the service responded with 503");
        assert_eq!(text(9), ("waiting", "for the response to list, 00:09".to_owned()));
    }

    #[test]
    fn plain_lines_become_rarer() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        calls.begin("generate", start);
        let printed: Vec<u64> = (0..400).filter(|second| calls.plain(start + s(*second)).is_some()).collect();
        assert_eq!(printed, [5, 30, 60, 120, 180, 240, 300, 360]);
    }

    #[test]
    fn many_slow_calls_of_an_operation_do_not_flood_the_log() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let mut lines = Vec::new();
        // Each poll takes six seconds.
        for poll in 0..10 {
            let number = calls.begin("status", start + s(poll * 6));
            lines.extend((0..6).filter_map(|second| calls.plain(start + s(poll * 6 + second))));
            calls.open.remove(&number);
        }
        assert_eq!(lines.len(), 2, "{lines:?}");
        let now = start + s(60);
        calls.begin("download-url", now);
        assert!(calls.plain(now + s(5)).is_some(), "another operation is new");
    }
}
