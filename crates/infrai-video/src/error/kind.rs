//! Kinds of errors.

/// The kind of an [`Error`](super::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or wrong, such as the key or the base URL. Nothing was sent.
    Config,
    /// A value is out of range. Nothing was sent.
    InvalidInput,
    /// According to the vendors' capabilities, none can make the clip. Nothing was sent or charged.
    Unsupported,
    /// The service does not accept the API key (401 or 403).
    Authentication,
    /// The balance is too low (402). Nothing was started.
    InsufficientCredit,
    /// The job does not exist (404).
    NotFound,
    /// The state of the job does not allow the call (409, 410).
    Conflict,
    /// The service accepted the idempotency key earlier (409 or 422 for a key that was sent before). The first request stands.
    AcceptedEarlier,
    /// A request with this idempotency key is still in progress after all retries (409, 423 or 425 with `retryable: true`).
    /// Sent again with the same key later, it returns the result.
    InProgress,
    /// The service rejected the request (another 4xx, or a result that reports a failure).
    Rejected,
    /// Too many calls (429), after all retries.
    RateLimited,
    /// The service failed (5xx), after all retries.
    Server,
    /// The service could not be reached: no connection was established.
    Unreachable,
    /// The connection was lost, or the response was cut short, after the request may have been sent.
    ConnectionLost,
    /// The response was not received in time.
    TimedOut,
    /// The response could not be decoded.
    Decode,
    /// The list has a cycle: a cursor was repeated.
    Pagination,
    /// The clip could not be downloaded completely, or is not the expected clip. The job is unaffected.
    Download,
    /// A file could not be read or written.
    Storage,
    /// The submission may have been sent before, and is older than the lifetime of its key, or its age is unknown: another
    /// request could be charged again. It was not sent. See [`Submit::with_any_age`](crate::Submit::with_any_age).
    Expired,
    /// The job failed, or succeeded without a clip. See [`WaitError`](crate::wait::WaitError).
    JobFailed,
    /// The job was cancelled. See [`WaitError`](crate::wait::WaitError).
    JobCancelled,
    /// The job was not final when the wait ended. See [`WaitError`](crate::wait::WaitError).
    StillRunning,
}

impl ErrorKind {
    /// The next step if nothing more specific is known.
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::Config => "set it and try again",
            Self::InvalidInput => "correct the value",
            Self::Unsupported => {
                "choose another duration or resolution; `capabilities` lists what can be made"
            }
            Self::Authentication => "check INFRAI_API_KEY; keys look like ifr_pk_proj_...",
            Self::InsufficientCredit => {
                "POST /v1/account/topup and open the checkout_url in its response, then send the same request again"
            }
            Self::NotFound => "check the job id; `list` shows the account's jobs",
            Self::Conflict => "read the job's state with `status`",
            Self::AcceptedEarlier => {
                "the first request stands: find its job with `list`, and do not send it under a new key"
            }
            Self::InProgress => "send the same request again later, under the same key",
            Self::Rejected => "correct the request",
            Self::RateLimited => "wait, then try again",
            Self::Server => "try again later",
            Self::Unreachable => "check the network and the base URL, then try again",
            Self::ConnectionLost | Self::TimedOut => "try again",
            Self::Decode => "check that the base URL is the API's",
            Self::Pagination => "start the list again without a cursor",
            Self::Download => "download again with the job id; nothing is generated or charged again",
            Self::Storage => "check the path and the free space",
            Self::Expired => {
                "look for its job with `list`; only where there is none, prepare a new submission"
            }
            Self::JobFailed => "change the request and generate again",
            Self::JobCancelled => "generate again if the clip is still wanted",
            Self::StillRunning => "wait again with the job id; nothing is charged again",
        }
    }
}
