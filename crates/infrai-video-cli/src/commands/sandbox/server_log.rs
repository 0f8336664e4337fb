//! The log of a sandbox on stderr: where it listens, and a line for each request.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use infrai_video_sandbox::Seen;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::{LogFormat, TOKEN_VARIABLE};
use crate::text::{clean, clean_json, usd};
use crate::ui::Output;

/// Number of lines that wait for a slow reader of stderr. Beyond it, lines of requests are dropped: the sandbox never waits.
const WAITING_LINES: usize = 4096;

/// How long the last lines may take when the sandbox stops.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The log of a sandbox, which a thread of its own writes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct ServerLog {
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
    quiet: bool,
}

#[derive(Debug)]
enum Line {
    /// A line with a label, and whether it is shown with `--quiet` too.
    Labelled {
        label: &'static str,
        text: String,
        is_important: bool,
    },
    Plain(String),
    /// The last line was written. The receiver of the message waits for this.
    End(SyncSender<()>),
}

/// A line of `--log-format json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum JsonLine<'a> {
    Started(&'a Addresses),
    AdminToken { token: &'a str },
    Request(RequestLine<'a>),
    Message { label: &'a str, text: &'a str },
}

/// Where a sandbox listens.
#[derive(Serialize)]
pub(super) struct Addresses {
    /// The base URL of the API.
    pub(super) base_url: String,
    /// The base URL of the links to clips.
    pub(super) file_base_url: String,
    /// The address of its socket.
    pub(super) listens_on: String,
    pub(super) page: String,
    pub(super) reference: String,
    pub(super) admin_api: String,
    /// The directory of its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) directory: Option<String>,
}

#[derive(Serialize)]
struct RequestLine<'a> {
    /// The arrival, on the clock of the account.
    time: String,
    method: &'a str,
    path: &'a str,
    /// None if a fault rule lost the response, or the caller gave up.
    status: Option<u16>,
    account: Option<&'a str>,
    job_id: Option<&'a str>,
    cost_usd: Option<f64>,
    /// The action of the fault rule that acted.
    fault: Option<&'a str>,
    request_id: &'a str,
}

impl ServerLog {
    pub(super) fn start(output: &Output, format: LogFormat) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let log = Self { lines, dropped: Arc::clone(&dropped), format, quiet: output.quiet };
        let output = output.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            for line in waiting {
                let dropped = dropped.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    let text = format!("{dropped} lines were dropped, because stderr was not read");
                    write(&output, json_or(format, "note", text));
                }
                write(&output, line);
            }
        })?;
        Ok(log)
    }

    pub(super) fn started(&self, addresses: &Addresses) {
        if self.quiet {
            return;
        }
        if self.format == LogFormat::Json {
            return self.send(json(&JsonLine::Started(addresses)));
        }
        let Addresses { base_url, listens_on, .. } = addresses;
        let at = match listens_on == base_url {
            true => base_url.clone(),
            false => format!("{listens_on} for {base_url}"),
        };
        let state = match &addresses.directory {
            Some(directory) => format!("keeps its state in {directory}"),
            None => "keeps nothing".to_owned(),
        };
        let example = format!(
            "curl {base_url}/v1/video/generate -H 'Authorization: Bearer ifr_pk_sandbox' \
             -H 'Content-Type: application/json' -d '{{\"prompt\": \"a lighthouse in a storm\"}}'"
        );
        for (label, text) in [
            ("sandbox", format!("listens on {at} until it is stopped, and {state}")),
            ("page", addresses.page.clone()),
            ("reference", addresses.reference.clone()),
            ("admin API", addresses.admin_api.clone()),
            ("use", format!("export INFRAI_BASE_URL={base_url} INFRAI_API_KEY=ifr_pk_sandbox")),
            ("example", example),
        ] {
            self.send(Line::Labelled { label, text, is_important: false });
        }
    }

    /// A token that was generated for this sandbox. It is shown nowhere else, and therefore with `--quiet` too.
    pub(super) fn admin_token(&self, token: &str) {
        self.send(match self.format {
            LogFormat::Json => json(&JsonLine::AdminToken { token }),
            LogFormat::Text => {
                let text = format!("export {TOKEN_VARIABLE}={token}");
                Line::Labelled { label: "token", text, is_important: true }
            }
        });
    }

    pub(super) fn message(&self, label: &'static str, text: impl Into<String>) {
        if !self.quiet {
            self.send(json_or(self.format, label, text.into()));
        }
    }

    pub(super) fn request(&self, seen: &Seen) {
        let line = RequestLine::of(seen);
        self.send(match self.format {
            LogFormat::Text => Line::Plain(clean(&line.text()).into_owned()),
            LogFormat::Json => json(&JsonLine::Request(line)),
        });
    }

    /// Waits until all lines were written, but not for long: the reader may have stopped to read.
    pub(super) fn finish(&self) {
        let (end, is_written) = sync_channel(1);
        self.send(Line::End(end));
        let _ = is_written.recv_timeout(LAST_LINES);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn send(&self, line: Line) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A message in the format of the log.
fn json_or(format: LogFormat, label: &'static str, text: String) -> Line {
    match format {
        LogFormat::Text => Line::Labelled { label, text, is_important: false },
        LogFormat::Json => json(&JsonLine::Message { label, text: &text }),
    }
}

fn json(line: &JsonLine<'_>) -> Line {
    let json = serde_json::to_string(line).expect("strings and numbers have a JSON form");
    Line::Plain(clean_json(&json).into_owned())
}

fn write(output: &Output, line: Line) {
    match line {
        Line::Labelled { label, text, is_important: true } => output.important(label, &text),
        Line::Labelled { label, text, .. } => output.status(label, &text),
        Line::Plain(line) => output.log_line(&line),
        Line::End(end) => drop(end),
    }
}

impl<'a> RequestLine<'a> {
    fn of(seen: &'a Seen) -> Self {
        let time = Timestamp::try_from(seen.at).map_or_else(|_| String::new(), |at| format!("{at:.0}"));
        Self {
            time,
            method: &seen.method,
            path: &seen.path,
            status: seen.status,
            account: seen.account.as_deref(),
            job_id: seen.job_id.as_deref(),
            cost_usd: seen.cost_usd,
            fault: seen.fault.as_deref(),
            request_id: &seen.request_id,
        }
    }

    fn text(&self) -> String {
        let status = self.status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
        // The path usually ends with the id.
        let job = self.job_id.filter(|id| !self.path.contains(id));
        let cost = self.cost_usd.filter(|cost| *cost > 0.0).map(usd);
        let facts = [
            ("account", self.account.map(str::to_owned)),
            ("job", job.map(str::to_owned)),
            ("cost", cost),
            ("fault", self.fault.map(str::to_owned)),
        ];
        let facts = facts.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_ref()?)));
        format!("{} {} {} {status}{}", self.time, self.method, self.path, facts.collect::<String>())
    }
}
