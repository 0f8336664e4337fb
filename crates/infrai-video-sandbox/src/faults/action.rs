//! What a fault rule does to a call.
//!
//! A variant of [`Action`] is also the description of the action in a rule file: its name and its fields are derived. The
//! schemas in `openapi/sandbox.yaml` describe them for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::fields::{self, RetryAfterField, as_bool};
use crate::store::JobState;

/// How the sandbox misbehaves.
///
/// Actions that lose or corrupt the response of a call that was carried out count as a lost response in the ledger, see
/// [`Ledger::double_charges`](crate::Ledger::double_charges).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr)]
#[cfg_attr(test, derive(strum::VariantNames))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Closes the connection without a response. The call is not carried out.
    DropBefore,
    /// Carries the call out, then closes the connection without a response.
    AcceptThenDrop,
    /// Responds with a status and an error envelope.
    Status {
        /// The status, from 200 to 599.
        #[serde(deserialize_with = "fields::status")]
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<RetryAfter>,
        /// Whether the call is carried out first.
        #[serde(rename = "accepted", default)]
        when: When,
    },
    /// Carries the call out and responds with 504, like a gateway whose upstream takes too long. For some time the call
    /// then counts as in progress: every retry under the same `Idempotency-Key` header gets 409 with `retryable: true`,
    /// and after that time the response of the first call.
    InFlight {
        /// How long the call is in progress, on the sandbox's clock.
        #[serde(rename = "seconds", with = "fields::seconds")]
        lasts: Duration,
        /// The `Retry-After` header of the retries.
        retry_after: Option<RetryAfter>,
    },
    /// Does not respond.
    Hang {
        /// For how long, in real time; then the call continues normally. `None`: forever.
        #[serde(rename = "seconds", with = "fields::optional_seconds", default)]
        delay: Option<Duration>,
        /// Whether the call is carried out first.
        #[serde(rename = "accepted", default)]
        when: When,
    },
    /// Responds with an HTML page, like a gateway.
    Html {
        /// The status, from 200 to 599.
        #[serde(deserialize_with = "fields::status", default = "fields::ok")]
        status: u16,
        /// Whether the call is carried out first.
        #[serde(rename = "accepted", default)]
        when: When,
    },
    /// Carries the call out, and responds with something that is not JSON under a JSON content type.
    MalformedJson,
    /// Carries the call out, and responds with the first half of its JSON, complete as far as HTTP can tell.
    CutJson,
    /// Carries the call out, and responds with its JSON as `text/plain`.
    WrongContentType,
    /// Redirects the caller. The call is not carried out.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        #[serde(deserialize_with = "fields::status", default = "fields::temporary_redirect")]
        status: u16,
        /// The target. `None`: the same path and query on the file host, whose journal entries show what arrives.
        #[serde(deserialize_with = "fields::location", default)]
        location: Option<String>,
    },
    /// A job that `generate` accepts fails midway.
    FailJob {
        /// The code of its error.
        #[serde(default = "vendor_error")]
        code: String,
        /// The message of its error.
        #[serde(default = "vendor_message")]
        message: String,
    },
    /// Shows a job in a state that the contract does not know.
    UnknownState {
        /// The state's name.
        #[serde(default = "reticulating")]
        state: String,
    },
    /// Shows the states of jobs under other names: in capitals, or as another service calls them.
    RenameStates {
        /// The names by state. A state without a name here keeps its own.
        #[serde(rename = "states")]
        names: BTreeMap<JobState, String>,
    },
    /// Shows a job as running, even after it has finished.
    Stuck,
    /// Shows a finished job without its links.
    NoUrl,
    /// Returns links that have already expired, and says so in `expires_at`.
    ExpiredLink,
    /// Lets a link expire at once, long before the time that it states: the file host responds with 403 whenever it is
    /// used, and a fresh link works. On a call to the file host this is the link of that call; on other calls these are
    /// the links in the response.
    ExpireAtOnce,
    /// Lets a link expire while its file is sent: the bytes stop, and the same link gets 403 from then on. A shorter body
    /// arrives completely, and its link still expires. It selects the link as [`Action::ExpireAtOnce`] does.
    ExpireMidway {
        /// The number of bytes that arrive.
        #[serde(rename = "after_bytes")]
        after: u64,
    },
    /// Returns a `next_cursor` that leads to the same page again.
    CursorLoop,
    /// Lists the first job of a page twice.
    RepeatItem,
    /// Truncates a body.
    Cut {
        /// The number of bytes that arrive.
        #[serde(rename = "after_bytes")]
        after: u64,
        /// Whether the caller can notice.
        #[serde(rename = "hide_length", default)]
        length: Length,
    },
    /// Resets the connection in the middle of a body.
    Reset {
        /// The number of bytes that arrive.
        #[serde(rename = "after_bytes")]
        after: u64,
    },
    /// Sends a body slowly.
    SlowBytes {
        /// The number of bytes per chunk.
        #[serde(rename = "chunk_bytes", deserialize_with = "fields::positive")]
        chunk: usize,
        /// The pause before each chunk, in real time.
        #[serde(rename = "seconds", with = "fields::seconds")]
        pause: Duration,
    },
    /// Responds with 200 and the whole file to every `Range`.
    IgnoreRange,
    /// Rejects every request with a `Range`, and serves the others.
    RefuseRange {
        /// The status, from 200 to 599.
        #[serde(deserialize_with = "fields::status", default = "fields::range_not_satisfiable")]
        status: u16,
    },
    /// Responds with 206 and all bytes from the first one on to every `Range`.
    RangeFromStart,
    /// Responds to a range with a `Content-Range` other than the one that it sends.
    WrongContentRange,
    /// Responds with an `ETag` that is not the file's.
    ChangeEtag,
    /// Sends a file of the right length that is not an MP4, under an `ETag` of its own.
    CorruptFile,
}

fn vendor_error() -> String {
    "VENDOR_ERROR".to_owned()
}

fn vendor_message() -> String {
    "the vendor could not make it".to_owned()
}

fn reticulating() -> String {
    "reticulating".to_owned()
}

/// Whether a faulty call is carried out. In a rule file: `accepted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum When {
    /// It is not: nothing changes and nothing is charged.
    #[default]
    BeforeAccepting,
    /// It is: a job is created and charged.
    AfterAccepting,
}

as_bool!(accepted: When { false: BeforeAccepting, true: AfterAccepting });

/// Whether the caller can notice that a body was truncated. In a rule file: `hide_length`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Length {
    /// `Content-Length` states the whole length, and the connection is closed before it is reached.
    #[default]
    Announced,
    /// There is no `Content-Length`, and the body ends as if it were complete.
    Hidden,
}

as_bool!(hidden: Length { false: Announced, true: Hidden });

/// A `Retry-After` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RetryAfterField", into = "RetryAfterField")]
#[non_exhaustive]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date, so many seconds from now on the sandbox's clock.
    DateIn(u64),
    /// Any text, such as an invalid value.
    Text(String),
}

impl Action {
    /// Responds with a status without carrying the call out.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, when: When::BeforeAccepting }
    }

    /// Carries the call out, and then responds with a status such as 503.
    pub fn accept_then_status(status: u16) -> Self {
        Self::Status { status, retry_after: None, when: When::AfterAccepting }
    }

    /// Responds with 429 and a number of seconds to wait.
    pub fn rate_limited(seconds: u64) -> Self {
        Self::Status {
            status: 429,
            retry_after: Some(RetryAfter::Seconds(seconds)),
            when: When::BeforeAccepting,
        }
    }

    /// Never responds, and does not carry the call out.
    pub fn hang() -> Self {
        Self::Hang { delay: None, when: When::BeforeAccepting }
    }

    /// Carries the call out, and never responds.
    pub fn accept_then_hang() -> Self {
        Self::Hang { delay: None, when: When::AfterAccepting }
    }

    /// Carries the call out, and responds late.
    pub fn slow_headers(delay: Duration) -> Self {
        Self::Hang { delay: Some(delay), when: When::AfterAccepting }
    }

    /// Carries the call out, and responds with 200 and an HTML page.
    pub fn html() -> Self {
        Self::Html { status: 200, when: When::AfterAccepting }
    }

    /// Shows the state `reticulating`, which no contract knows.
    pub fn unknown_state() -> Self {
        Self::UnknownState { state: reticulating() }
    }

    /// Truncates a body after so many bytes of an announced length.
    pub fn cut(after: u64) -> Self {
        Self::Cut { after, length: Length::Announced }
    }

    /// The name in rule files and in the journal.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether it has no effect on a response without a body.
    pub(crate) fn changes_the_body(&self) -> bool {
        matches!(
            self,
            Self::MalformedJson
                | Self::CutJson
                | Self::CorruptFile
                | Self::ExpireMidway { .. }
                | Self::Cut { .. }
                | Self::Reset { .. }
                | Self::SlowBytes { .. }
        )
    }

    /// Whether the caller cannot read the response of a call that was carried out.
    pub(crate) fn spoils_the_response(&self) -> bool {
        match self {
            Self::AcceptThenDrop
            | Self::InFlight { .. }
            | Self::MalformedJson
            | Self::CutJson
            | Self::Cut { .. }
            | Self::Reset { .. } => true,
            Self::Status { when, .. } | Self::Html { when, .. } => *when == When::AfterAccepting,
            Self::Hang { delay, when } => delay.is_none() && *when == When::AfterAccepting,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::VariantNames;

    use super::*;
    use crate::faults::Fault;
    use crate::model::operation::Operation;

    #[test]
    fn each_action_is_shown_in_a_rule_as_it_can_be_written() {
        let actions = [
            Action::DropBefore,
            Action::AcceptThenDrop,
            Action::rate_limited(2),
            Action::accept_then_status(503),
            Action::InFlight { lasts: Duration::from_secs(5), retry_after: Some(RetryAfter::Seconds(1)) },
            Action::hang(),
            Action::slow_headers(Duration::from_millis(1500)),
            Action::html(),
            Action::MalformedJson,
            Action::CutJson,
            Action::WrongContentType,
            Action::Redirect { status: 308, location: Some("https://example.com/".to_owned()) },
            Action::FailJob { code: "A".to_owned(), message: "b".to_owned() },
            Action::unknown_state(),
            Action::RenameStates {
                names: BTreeMap::from([
                    (JobState::Running, "Processing".to_owned()),
                    (JobState::Succeeded, "COMPLETED".to_owned()),
                ]),
            },
            Action::Stuck,
            Action::NoUrl,
            Action::ExpiredLink,
            Action::ExpireAtOnce,
            Action::ExpireMidway { after: 9 },
            Action::CursorLoop,
            Action::RepeatItem,
            Action::cut(9),
            Action::Cut { after: 9, length: Length::Hidden },
            Action::Reset { after: 9 },
            Action::SlowBytes { chunk: 9, pause: Duration::from_secs(1) },
            Action::IgnoreRange,
            Action::RefuseRange { status: 403 },
            Action::RangeFromStart,
            Action::WrongContentRange,
            Action::ChangeEtag,
            Action::CorruptFile,
        ];
        let mut names = actions.each_ref().map(Action::name).to_vec();
        names.dedup();
        assert_eq!(names, Action::VARIANTS, "every action is listed here, in the order of the enum");
        for action in actions {
            let fault = Fault::on(Operation::Status, action)
                .for_nth_job(3)
                .nth(2)
                .times(1)
                .with_probability(0.5)
                .from(Duration::from_secs(1))
                .until(Duration::from_secs(2))
                .sooner_than(Duration::from_millis(500));
            assert_eq!(Fault::from_json(&json!([fault]).to_string()), Ok(vec![fault]));
        }
    }

    #[test]
    fn the_readme_describes_each_action() {
        let readme = include_str!("../../README.md");
        let section =
            readme.split("\n## ").find(|section| section.starts_with("Faults\n")).unwrap_or_default();
        let missing: Vec<_> =
            Action::VARIANTS.iter().filter(|name| !section.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "add to the table in the README: {missing:?}");
    }
}
