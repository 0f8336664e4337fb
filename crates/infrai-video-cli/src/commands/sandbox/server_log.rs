//! What a sandbox says on stderr: where it listens, and a line for each request.

use infrai_video_sandbox::Seen;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::LogFormat;
use crate::text::{clean, clean_json, usd};
use crate::ui::Output;

/// The log of a sandbox. Nothing is written with `--quiet`, except what is shown nowhere else.
#[derive(Debug, Clone)]
pub(super) struct ServerLog {
    output: Output,
    format: LogFormat,
}

/// A line of `--log-format json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Started(&'a Started),
    Request(RequestLine<'a>),
    Message { label: &'a str, text: &'a str },
}

/// Where a sandbox listens, and what can be done with it.
#[derive(Serialize)]
pub(super) struct Started {
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
    /// A token that was generated for this sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) admin_token: Option<String>,
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
    pub(super) fn new(output: &Output, format: LogFormat) -> Self {
        Self { output: output.clone(), format }
    }

    pub(super) fn started(&self, started: &Started) {
        if self.format == LogFormat::Json {
            let is_needed = !self.output.quiet || started.admin_token.is_some();
            return if is_needed {
                self.json(&Line::Started(started))
            };
        }
        let Started { base_url, listens_on, .. } = started;
        let at = match listens_on == base_url {
            true => base_url.clone(),
            false => format!("{listens_on} for {base_url}"),
        };
        let state = match &started.directory {
            Some(directory) => format!("keeps its state in {directory}"),
            None => "keeps nothing".to_owned(),
        };
        self.output.statuses(&[
            ("sandbox", format!("listens on {at} until it is stopped, and {state}")),
            ("page", started.page.clone()),
            ("reference", started.reference.clone()),
            ("admin API", started.admin_api.clone()),
            ("use", format!("export INFRAI_BASE_URL={base_url} INFRAI_API_KEY=ifr_pk_sandbox")),
            (
                "example",
                format!(
                    "curl {base_url}/v1/video/generate -H 'Authorization: Bearer ifr_pk_sandbox' \
                     -H 'Content-Type: application/json' -d '{{\"prompt\": \"a lighthouse in a storm\"}}'"
                ),
            ),
        ]);
        if let Some(token) = &started.admin_token {
            // It is shown nowhere else.
            self.output.important("token", &format!("export {}={token}", crate::args::TOKEN_VARIABLE));
        }
    }

    /// A line about what happens.
    pub(super) fn message(&self, label: &str, text: &str) {
        match self.format {
            LogFormat::Text => self.output.status(label, text),
            LogFormat::Json if self.output.quiet => {}
            LogFormat::Json => self.json(&Line::Message { label, text }),
        }
    }

    pub(super) fn request(&self, seen: &Seen) {
        if self.output.quiet {
            return;
        }
        let line = RequestLine::of(seen);
        match self.format {
            LogFormat::Text => self.output.log_line(&clean(&line.text())),
            LogFormat::Json => self.json(&Line::Request(line)),
        }
    }

    fn json(&self, line: &Line<'_>) {
        let json = serde_json::to_string(line).expect("strings and numbers have a JSON form");
        self.output.log_line(&clean_json(&json));
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
