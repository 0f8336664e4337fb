//! Failed attempts: which ones are retried, and which ones leave the outcome unknown.

use std::time::Duration;

use http::StatusCode;
use infrai_video_client::ErrorBody;

use super::Plan;
use crate::error::{Error, ErrorKind, TransportError};
use crate::text::describe_decode_error;

/// An attempt without a result.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retryable: bool,
    pub(super) may_have_been_executed: bool,
    /// Whether the service is still executing an earlier request with this key.
    pub(super) in_progress: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that is final, of a request that was not executed.
    pub(super) fn permanent(error: Error) -> Self {
        Self { error, retryable: false, may_have_been_executed: false, in_progress: false, retry_after: None }
    }

    /// An error that says nothing about the request, after it may have been sent.
    pub(super) fn unclassified(message: String) -> Self {
        let error = Error::new(ErrorKind::Decode, message);
        Self { may_have_been_executed: true, ..Self::permanent(error) }
    }

    pub(super) fn from_transport(error: TransportError) -> Self {
        let (retryable, may_have_been_executed) = (error.is_retryable(), error.may_have_been_sent());
        Self { retryable, may_have_been_executed, ..Self::permanent(error.into()) }
    }

    /// A successful status with a body that cannot be decoded. If the body was cut or garbled, a retry with the same key can
    /// bring the result.
    pub(super) fn from_decode_error(status: StatusCode, cause: &serde_json::Error) -> Self {
        let message = format!("the response does not match the contract: {}", describe_decode_error(cause));
        let error =
            Error::new(ErrorKind::Decode, message).with_response(status.as_u16(), ErrorBody::default());
        Self {
            retryable: cause.is_eof() || cause.is_syntax(),
            may_have_been_executed: true,
            ..Self::permanent(error)
        }
    }

    /// An error response.
    pub(super) fn from_response(status: StatusCode, body: ErrorBody, retry_after: Option<Duration>) -> Self {
        let insufficient = status == StatusCode::PAYMENT_REQUIRED
            || body.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("INSUFFICIENT_CREDIT"));
        let kind = match status.as_u16() {
            _ if insufficient => ErrorKind::InsufficientCredit,
            401 | 403 => ErrorKind::Authentication,
            404 => ErrorKind::NotFound,
            409 | 410 => ErrorKind::Conflict,
            429 => ErrorKind::RateLimited,
            408 => ErrorKind::TimedOut,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Rejected,
        };
        let transient = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        let may_retry = body.retryable != Some(false) && !insufficient;
        let in_progress = matches!(status.as_u16(), 409 | 423 | 425) && body.retryable == Some(true);
        let message = match &body.message {
            Some(message) => message.clone(),
            None if status.is_redirection() => {
                "the service responded with a redirect, which is not followed".to_owned()
            }
            None => format!("the service responded with {status} and no reason"),
        };
        let mut error = Error::new(kind, message);
        if status.is_redirection() {
            error = error.with_hint("check that the base URL is the API's");
        }
        Self {
            retryable: transient && may_retry,
            may_have_been_executed: status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT,
            in_progress,
            retry_after,
            error: error.with_response(status.as_u16(), body),
        }
    }

    /// Recognizes error responses that are about the idempotency key instead of the request.
    ///
    /// `video_generate` has no other conflict. The conflicts of other writes may be about the job's state, and have a code that
    /// says so.
    pub(super) fn with_key_conflicts(mut self, plan: &Plan, outcome_unknown: bool) -> Self {
        if plan.key.is_none() {
            return self;
        }
        if self.in_progress {
            let message =
                format!("a request with this idempotency key is in progress: {}", self.error.message());
            self.error = self.error.turned_into(ErrorKind::InProgress, message);
            (self.retryable, self.may_have_been_executed) = (true, true);
            return self;
        }
        let starts_a_job = plan.operation == "video_generate";
        let about_the_key =
            self.error.code().is_none_or(|code| code.to_ascii_uppercase().contains("IDEMPOTEN"));
        let accepted_earlier = match self.error.status() {
            Some(409) if starts_a_job => true,
            Some(409) => (outcome_unknown || plan.custom_key) && about_the_key,
            Some(422) => outcome_unknown && (starts_a_job || about_the_key),
            _ => false,
        };
        if accepted_earlier {
            let message = format!("the idempotency key was accepted earlier: {}", self.error.message());
            self.error = self.error.turned_into(ErrorKind::AcceptedEarlier, message);
            self.retryable = false;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::RetryPolicy;

    /// The kind of an error response to a write.
    fn kind(
        operation: &'static str,
        response: (u16, Option<&str>),
        unknown: bool,
        custom: bool,
    ) -> ErrorKind {
        let key = Some("key-1".parse().unwrap());
        let plan = Plan { key, custom_key: custom, ..Plan::new(operation, RetryPolicy::default()) };
        let (status, code) = response;
        let mut body = ErrorBody::default();
        body.code = code.map(str::to_owned);
        let failure = Failure::from_response(StatusCode::from_u16(status).unwrap(), body, None);
        failure.with_key_conflicts(&plan, unknown).error.kind()
    }

    #[test]
    fn a_409_to_generate_is_always_about_its_key() {
        for (unknown, custom) in [(false, false), (true, false), (false, true)] {
            for code in [None, Some("CONFLICT"), Some("IDEMPOTENCY_KEY_REUSED")] {
                let kind = kind("video_generate", (409, code), unknown, custom);
                assert_eq!(kind, ErrorKind::AcceptedEarlier, "{code:?} {unknown} {custom}");
            }
        }
    }

    #[test]
    fn a_409_to_another_write_is_about_a_key_that_the_service_may_know_unless_its_code_says_otherwise() {
        for (code, unknown, custom, expected) in [
            (None, false, false, ErrorKind::Conflict),
            (None, true, false, ErrorKind::AcceptedEarlier),
            (None, false, true, ErrorKind::AcceptedEarlier),
            (Some("idempotency_conflict"), true, false, ErrorKind::AcceptedEarlier),
            (Some("IDEMPOTENCY_CONFLICT"), false, true, ErrorKind::AcceptedEarlier),
            (Some("IDEMPOTENCY_CONFLICT"), false, false, ErrorKind::Conflict),
            (Some("JOB_FINISHED"), true, false, ErrorKind::Conflict),
            (Some("JOB_FINISHED"), true, true, ErrorKind::Conflict),
        ] {
            let kind = kind("video_cancel", (409, code), unknown, custom);
            assert_eq!(kind, expected, "{code:?} {unknown} {custom}");
        }
    }

    #[test]
    fn a_422_is_about_the_key_only_if_an_attempt_has_an_unknown_outcome() {
        for (operation, code, unknown, expected) in [
            ("video_generate", Some("VALIDATION_FAILED"), true, ErrorKind::AcceptedEarlier),
            ("video_generate", Some("VALIDATION_FAILED"), false, ErrorKind::Rejected),
            ("video_generate", None, false, ErrorKind::Rejected),
            ("video_cancel", None, true, ErrorKind::AcceptedEarlier),
            ("video_cancel", Some("IDEMPOTENCY_CONFLICT"), true, ErrorKind::AcceptedEarlier),
            ("video_cancel", Some("IDEMPOTENCY_CONFLICT"), false, ErrorKind::Rejected),
            ("video_cancel", Some("VALIDATION_FAILED"), true, ErrorKind::Rejected),
        ] {
            assert_eq!(
                kind(operation, (422, code), unknown, true),
                expected,
                "{operation} {code:?} {unknown}"
            );
        }
    }

    #[test]
    fn other_statuses_are_never_about_the_key() {
        for (status, expected) in [
            (400, ErrorKind::Rejected),
            (402, ErrorKind::InsufficientCredit),
            (403, ErrorKind::Authentication),
            (404, ErrorKind::NotFound),
            (408, ErrorKind::TimedOut),
            (410, ErrorKind::Conflict),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Server),
        ] {
            assert_eq!(kind("video_generate", (status, None), true, true), expected, "{status}");
        }
    }

    #[test]
    fn an_error_without_a_response_that_proves_otherwise_leaves_the_outcome_unknown() {
        assert!(Failure::unclassified("a new kind of error".to_owned()).may_have_been_executed);
        assert!(!Failure::permanent(Error::new(ErrorKind::InvalidInput, "no")).may_have_been_executed);
    }
}
