//! What a fault rule does to a call.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::store::JobState;

/// How the sandbox misbehaves.
///
/// Actions that lose or spoil an answer after the call was carried out count as a lost answer in the ledger, see
/// [`Ledger::double_charges`](crate::Ledger::double_charges).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Closes the connection without an answer; nothing is carried out.
    DropBefore,
    /// Carries the call out, then closes the connection without an answer.
    AcceptThenDrop,
    /// Answers a status with an error envelope.
    Status {
        /// The status, from 200 to 599.
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<RetryAfter>,
        /// Whether the call is carried out first.
        when: When,
    },
    /// Carries the call out and answers 504, as a gateway does whose service takes too long. For some time the service
    /// then takes the call for one that is still in progress: it answers every repetition under the same
    /// `Idempotency-Key` header with 409 and `retryable: true`, and after that time with the result of the first call.
    InFlight {
        /// For how long, on the sandbox's clock.
        lasts: Duration,
        /// The `Retry-After` header of the repetitions.
        retry_after: Option<RetryAfter>,
    },
    /// Does not answer.
    Hang {
        /// For how long, in real time; then it goes on as if nothing had happened. Nothing: for ever.
        delay: Option<Duration>,
        /// Whether the call is carried out first.
        when: When,
    },
    /// Answers a page of HTML, as a gateway does.
    Html {
        /// The status, from 200 to 599.
        status: u16,
        /// Whether the call is carried out first.
        when: When,
    },
    /// Carries the call out, and answers something that is not JSON under a JSON content type.
    MalformedJson,
    /// Carries the call out, and answers the first half of its JSON, complete as far as HTTP can tell.
    CutJson,
    /// Carries the call out, and answers its JSON as `text/plain`.
    WrongContentType,
    /// Sends the caller elsewhere; nothing is carried out.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where to. Nothing: the same path and query on the file host, whose journal entries show what arrives.
        location: Option<String>,
    },
    /// A job that `generate` accepts fails midway.
    FailJob {
        /// The code of its error.
        code: String,
        /// The message of its error.
        message: String,
    },
    /// Shows a job in a state that the contract does not know.
    UnknownState {
        /// The state's name.
        state: String,
    },
    /// Shows the states of jobs under other names: in capitals, or as another service calls them.
    RenameStates {
        /// The names by the states. A state without one keeps its own.
        names: BTreeMap<JobState, String>,
    },
    /// Shows a job as running, however long ago it was over.
    Stuck,
    /// Shows a job that is over without its links.
    NoUrl,
    /// Gives out links that have expired already, and says so in `expires_at`.
    ExpiredLink,
    /// Lets a link expire at once, long before the time that it tells: the file host answers 403 whenever it is used,
    /// and a fresh link works. On a call to the file host it is the link of that call; on other calls it is the links
    /// that the answer gives out.
    ExpireAtOnce,
    /// Lets a link expire while its file is sent: the bytes stop, and the same link is answered with 403 from then
    /// on. A body that is not longer arrives whole, and its link expires all the same. Which link, is as with
    /// [`Action::ExpireAtOnce`].
    ExpireMidway {
        /// How many bytes arrive.
        after: u64,
    },
    /// Gives out a `next_cursor` that leads to the same page again.
    CursorLoop,
    /// Shows the first job of a page twice.
    RepeatItem,
    /// Cuts a body off.
    Cut {
        /// How many bytes arrive.
        after: u64,
        /// Whether a caller can tell.
        length: Length,
    },
    /// Resets the connection in the middle of a body.
    Reset {
        /// How many bytes arrive.
        after: u64,
    },
    /// Sends a body slowly.
    SlowBytes {
        /// How many bytes at a time.
        chunk: usize,
        /// How long it waits before each, in real time.
        pause: Duration,
    },
    /// Answers 200 and the whole file whatever `Range` asks for.
    IgnoreRange,
    /// Refuses every request that has a `Range`, and answers the others.
    RefuseRange {
        /// The status, from 200 to 599.
        status: u16,
    },
    /// Answers 206 and all bytes from the first one on, whatever `Range` asks for.
    RangeFromStart,
    /// Answers a range with a `Content-Range` that is not the one it sends.
    WrongContentRange,
    /// Answers an `ETag` that is not the file's.
    ChangeEtag,
    /// Sends a file of the right length whose bytes are no MP4, under an `ETag` of its own.
    CorruptFile,
}

/// Whether a faulty call was carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// It was not: nothing changed and nothing was charged.
    #[default]
    BeforeAccepting,
    /// It was: a job was made and charged.
    AfterAccepting,
}

/// Whether the caller can tell that a body was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// `Content-Length` tells the whole length, and the connection is closed before it is reached.
    #[default]
    Announced,
    /// There is no `Content-Length`, and the body ends as if it were complete.
    Hidden,
}

/// A `Retry-After` header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date, so many seconds from now on the sandbox's clock.
    DateIn(u64),
    /// Any text, such as nonsense.
    Text(String),
}

impl Action {
    /// Answers a status without carrying the call out.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, when: When::BeforeAccepting }
    }

    /// Carries the call out, and then answers a status such as 503.
    pub fn accept_then_status(status: u16) -> Self {
        Self::Status { status, retry_after: None, when: When::AfterAccepting }
    }

    /// Answers 429 with a number of seconds to wait.
    pub fn rate_limited(seconds: u64) -> Self {
        Self::Status {
            status: 429,
            retry_after: Some(RetryAfter::Seconds(seconds)),
            when: When::BeforeAccepting,
        }
    }

    /// Never answers, and carries nothing out.
    pub fn hang() -> Self {
        Self::Hang { delay: None, when: When::BeforeAccepting }
    }

    /// Carries the call out, and never answers.
    pub fn accept_then_hang() -> Self {
        Self::Hang { delay: None, when: When::AfterAccepting }
    }

    /// Answers late.
    pub fn slow_headers(delay: Duration) -> Self {
        Self::Hang { delay: Some(delay), when: When::AfterAccepting }
    }

    /// Carries the call out, and answers 200 with a page of HTML.
    pub fn html() -> Self {
        Self::Html { status: 200, when: When::AfterAccepting }
    }

    /// Shows the state `reticulating`, which no contract knows.
    pub fn unknown_state() -> Self {
        Self::UnknownState { state: "reticulating".to_owned() }
    }

    /// Cuts a body off after so many bytes of a length that was announced.
    pub fn cut(after: u64) -> Self {
        Self::Cut { after, length: Length::Announced }
    }

    /// The name that the rule file and the journal use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DropBefore => "drop_before",
            Self::AcceptThenDrop => "accept_then_drop",
            Self::Status { .. } => "status",
            Self::InFlight { .. } => "in_flight",
            Self::Hang { .. } => "hang",
            Self::Html { .. } => "html",
            Self::MalformedJson => "malformed_json",
            Self::CutJson => "cut_json",
            Self::WrongContentType => "wrong_content_type",
            Self::Redirect { .. } => "redirect",
            Self::FailJob { .. } => "fail_job",
            Self::UnknownState { .. } => "unknown_state",
            Self::RenameStates { .. } => "rename_states",
            Self::Stuck => "stuck",
            Self::NoUrl => "no_url",
            Self::ExpiredLink => "expired_link",
            Self::ExpireAtOnce => "expire_at_once",
            Self::ExpireMidway { .. } => "expire_midway",
            Self::CursorLoop => "cursor_loop",
            Self::RepeatItem => "repeat_item",
            Self::Cut { .. } => "cut",
            Self::Reset { .. } => "reset",
            Self::SlowBytes { .. } => "slow_bytes",
            Self::IgnoreRange => "ignore_range",
            Self::RefuseRange { .. } => "refuse_range",
            Self::RangeFromStart => "range_from_start",
            Self::WrongContentRange => "wrong_content_range",
            Self::ChangeEtag => "change_etag",
            Self::CorruptFile => "corrupt_file",
        }
    }

    /// Whether it has no meaning for an answer without a body.
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

    /// Whether the caller of a call that was carried out can not read what became of it.
    pub(crate) fn spoils_the_answer(&self) -> bool {
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
