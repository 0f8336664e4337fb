//! The errors of the API. Each has a status, a code, a message and a hint.

use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::model::operation::Operation;

/// An error response.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) retryable: bool,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
            retryable: false,
            headers: Vec::new(),
        }
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn invalid_request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message, hint)
    }

    pub(crate) fn invalid_cursor() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "INVALID_CURSOR",
            "`cursor` was not issued to this account",
            "send next_cursor of an earlier page unchanged, or leave `cursor` out to start at the newest job",
        )
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHORIZED",
            message,
            "send `Authorization: Bearer <key>` with a project key; in the sandbox any key that starts with ifr_pk_ works",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(crate) fn insufficient_credit(price: f64, balance: f64) -> Self {
        Self::new(
            StatusCode::PAYMENT_REQUIRED,
            "INSUFFICIENT_CREDIT",
            format!("this job costs {price} USD and the balance is {balance} USD"),
            "POST /v1/account/topup and open the returned checkout_url",
        )
    }

    /// A request with an invalid `Host` header.
    pub(crate) fn invalid_host(message: &str) -> Self {
        Self::invalid_request(message, "send one Host header with the host and port of the sandbox's URL")
    }

    /// A request for another host.
    pub(crate) fn misdirected(host: &str) -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "MISDIRECTED_REQUEST",
            format!("the sandbox does not serve the host {}", quoted(host)),
            "call it at localhost or 127.0.0.1; where it is reached under another name, start it with that name in its \
             public URL (--public-url)",
        )
    }

    /// A preflight request of a page that may not call the sandbox.
    pub(crate) fn origin_not_allowed(origin: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ORIGIN_NOT_ALLOWED",
            format!("pages of the origin {} may not call the sandbox", quoted(origin)),
            "start the sandbox with this origin: infrai-video sandbox --cors ORIGIN",
        )
    }

    pub(crate) fn no_job(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            format!("this account has no job {id}"),
            "check the id, and that the key is the one that made the job; GET /v1/video/list shows the jobs there are",
        )
    }

    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ROUTE_NOT_FOUND",
            format!("there is no route {method} {path}"),
            "the routes are /v1/video/<operation>, some with /{id} after it, and /v1/account/topup",
        )
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            format!("this route does not support {method}"),
            "use a method of the Allow header",
        )
    }

    pub(crate) fn key_conflict() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "IDEMPOTENCY_CONFLICT",
            "this idempotency key was used for another request",
            "the earlier request was accepted and this one was not carried out; use a new key only for a new request",
        )
    }

    /// A retry of a call that is still in progress.
    pub(crate) fn in_progress() -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "REQUEST_IN_PROGRESS",
            "the first request under this idempotency key is still in progress",
            "wait as long as Retry-After says and send the same request again under the same idempotency key",
        );
        problem.retryable = true;
        problem
    }

    pub(crate) fn job_finished(state: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "JOB_FINISHED",
            format!("the job is already {state} and cannot be cancelled"),
            "read the job with GET /v1/video/get/{id}, or delete it with DELETE /v1/video/delete/{id}",
        )
    }

    pub(crate) fn job_not_finished(state: &str) -> Self {
        let hint = match state {
            "failed" | "cancelled" => "this job will never have a clip; generate again",
            _ => "poll GET /v1/video/status/{id} until the state is succeeded",
        };
        Self::new(
            StatusCode::CONFLICT,
            "JOB_NOT_FINISHED",
            format!("the job is {state} and has no clip"),
            hint,
        )
    }

    pub(crate) fn clip_expired(at: &str) -> Self {
        Self::new(
            StatusCode::GONE,
            "CLIP_EXPIRED",
            format!("the clip was kept until {at} and has been deleted"),
            "generate again, and keep the clip longer with POST /v1/video/set_retention/{id}",
        )
    }

    pub(crate) fn too_large(limit: usize, operation: Option<Operation>) -> Self {
        let hint = match operation {
            Some(Operation::Generate) => "send a smaller body; a prompt has at most 32768 characters",
            _ => "send a smaller body",
        };
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            format!("the body is larger than {limit} bytes"),
            hint,
        )
    }

    pub(crate) fn body_too_slow() -> Self {
        let mut problem = Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "TIMEOUT",
            "the rest of the body did not arrive in time",
            "send the same request again under the same idempotency key, without a pause in its body",
        )
        .with_header(CONNECTION, HeaderValue::from_static("close"));
        problem.retryable = true;
        problem
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "the body is not declared as JSON",
            "send `Content-Type: application/json`",
        )
    }

    pub(crate) fn validation(field: &str, wrong: impl AsRef<str>, hint: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "VALIDATION_FAILED",
            format!("`{field}` {}", wrong.as_ref()),
            hint,
        )
    }

    pub(crate) fn unsupported(field: &str, wrong: impl AsRef<str>, hint: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "UNSUPPORTED_REQUEST",
            format!("`{field}` {}", wrong.as_ref()),
            hint,
        )
    }

    /// Without a `Retry-After`.
    pub(crate) fn rate_limited() -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            "there are too many requests",
            "wait and send the same request again under the same idempotency key",
        );
        problem.retryable = true;
        problem
    }

    pub(crate) fn no_vendor_up() -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "every vendor that makes this clip is down",
            "wait as long as Retry-After says and send the same request under the same idempotency key",
        )
        .with_header(RETRY_AFTER, HeaderValue::from_static("5"));
        problem.retryable = true;
        problem
    }

    pub(crate) fn not_persisted(reason: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            format!("the sandbox cannot store its state: {reason}"),
            "free space on the disk and restart the sandbox; then send the same request under the same \
             idempotency key",
        );
        problem.retryable = true;
        problem
    }

    /// On the file host: an expired or invalid link. `renewed_by` is the operation that returns a new one.
    pub(crate) fn forbidden(message: &str, renewed_by: &str) -> Self {
        let hint = format!("get a new one with GET /v1/video/{renewed_by}/{{id}} and use it unchanged");
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message, hint)
    }

    /// On the file host.
    pub(crate) fn no_file() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such file, or it has been deleted",
            "read the job with GET /v1/video/get/{id}; a clip is deleted with its job and at the end of its retention",
        )
    }

    /// The error of a fault rule: the code follows from the status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, retryable) = match status.as_u16() {
            400 => ("INVALID_REQUEST", false),
            401 => ("UNAUTHORIZED", false),
            402 => ("INSUFFICIENT_CREDIT", false),
            404 => ("NOT_FOUND", false),
            408 => ("TIMEOUT", true),
            409 => ("IDEMPOTENCY_CONFLICT", false),
            410 => ("CLIP_EXPIRED", false),
            422 => ("VALIDATION_FAILED", false),
            429 => ("RATE_LIMITED", true),
            503 => ("UNAVAILABLE", true),
            code if code >= 500 => ("INTERNAL", true),
            _ => ("INVALID_REQUEST", false),
        };
        let hint = match (status.as_u16(), retryable) {
            (402, _) => "POST /v1/account/topup and open the returned checkout_url",
            (_, true) => "send the same request again under the same idempotency key",
            (_, false) => "this response comes from a fault rule of the sandbox: remove the rule to continue",
        };
        let mut problem =
            Self::new(status, code, format!("a fault rule responds with {}", status.as_u16()), hint);
        problem.retryable = retryable;
        problem
    }

    pub(crate) fn internal(message: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            message,
            "send the same request again under the same idempotency key",
        );
        problem.retryable = true;
        problem
    }
}

/// Quotes a text for a message, shortened to 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{:?} and more", &text[..end]),
        None => format!("{text:?}"),
    }
}
