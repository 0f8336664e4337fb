//! Requests to file hosts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use tracing::Instrument as _;

use super::link::checked;
use crate::client::Client;
use crate::error::{Error, ErrorKind, TransportError};
use crate::transport::Incoming;
use crate::url::join;

const MAX_REDIRECTS: u32 = 5;

/// The requested bytes.
pub(super) struct Rest<'a> {
    pub(super) offset: u64,
    /// The expected version, if it is known.
    pub(super) validator: Option<&'a str>,
}

/// Requests the clip or the rest of it. Follows redirects, and checks the URL of each. None of the requests has the API key.
///
/// # Errors
///
/// The outer error is final; the inner one can be retried.
pub(super) async fn get(
    client: &Client,
    link: &Uri,
    rest: Option<Rest<'_>>,
    stall: Duration,
) -> Result<Result<Incoming, TransportError>, Error> {
    let shared = Arc::clone(&client.shared);
    let mut url = link.clone();
    for _ in 0..=MAX_REDIRECTS {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, shared.user_agent.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(rest) = &rest {
            headers.insert(RANGE, value(&format!("bytes={}-", rest.offset))?);
            if let Some(validator) = rest.validator {
                headers.insert(IF_RANGE, value(validator)?);
            }
        }
        let span = tracing::debug_span!("call", operation = "download");
        let head = Incoming::of(&*shared.transport, request).instrument(span);
        let head = tokio::time::timeout(stall, head).await;
        let incoming = match head {
            Ok(Ok(incoming)) => incoming,
            Ok(Err(error)) if !error.is_retryable() => {
                let error = Error::from(error);
                let message = format!("the clip could not be downloaded: {}", error.message());
                return Err(error.turned_into(ErrorKind::Download, message));
            }
            Ok(Err(error)) => return Ok(Err(error)),
            Err(_) => return Ok(Err(TransportError::timed_out("no response was received", stall))),
        };
        let location = incoming.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        match (incoming.status.is_redirection(), location) {
            (true, Some(location)) => {
                url = checked(join(&url, location), "the redirect of the service's link")?;
            }
            _ => return Ok(Ok(incoming)),
        }
    }
    Err(Error::new(ErrorKind::Download, format!("the link has more than {MAX_REDIRECTS} redirects")))
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::Download, "the clip's version is not a valid header"))
}
