//! Conversion of errors of hyper and TLS.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use crate::error::{TransportError, TransportErrorKind};
use crate::text::one_line;

/// Converts an error of the layers below, for a request to `host`. A more specific error in the source chain takes
/// precedence over `kind`.
pub(super) fn from_layers_below(
    kind: TransportErrorKind,
    error: impl StdError + Send + Sync + 'static,
    host: &str,
) -> TransportError {
    let known = causes(&error).find_map(|cause| cause.downcast_ref::<TransportError>());
    let rejected = || rejected_by_tls(kind, &error, host);
    let this = known.map(TransportError::without_source).or_else(rejected).unwrap_or_else(|| {
        let message = match kind {
            TransportErrorKind::Request => "the request could not be built",
            TransportErrorKind::Connect => "no connection could be established",
            TransportErrorKind::TimedOut => "the response was not received in time",
            _ => "the connection was lost",
        };
        let kind = if was_refused(&error) { TransportErrorKind::Connect } else { kind };
        TransportError::new(kind, format!("{message}: {}", root_cause(&error)))
    });
    this.with_source(error)
}

/// An error and its sources, outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> + use<'a> {
    let inner = |error: &&'a (dyn StdError + 'static)| -> Option<&'a (dyn StdError + 'static)> {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `io::Error::source` skips the error that it wraps.
            Some(held) => Some(held),
            None => error.source(),
        }
    };
    successors(Some(error), inner)
}

/// The innermost source says what happened; the outer layers only say where.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(|cause| one_line(&cause.to_string())).unwrap_or_default()
}

#[cfg(feature = "rustls")]
pub(super) fn rejected_by_tls(
    kind: TransportErrorKind,
    error: &(dyn StdError + 'static),
    host: &str,
) -> Option<TransportError> {
    let error = causes(error).find_map(|cause| cause.downcast_ref())?;
    // On an established connection the request may have been sent and executed.
    let is_before_the_request =
        kind == TransportErrorKind::Connect || super::tls::is_before_any_request(error);
    super::tls::permanent(error, host).filter(|_| is_before_the_request)
}

#[cfg(not(feature = "rustls"))]
fn rejected_by_tls(_: TransportErrorKind, _: &(dyn StdError + 'static), _: &str) -> Option<TransportError> {
    None
}

/// Whether an HTTP/2 server reset the stream without processing the request (`REFUSED_STREAM`).
fn was_refused(error: &(dyn StdError + 'static)) -> bool {
    #[cfg(feature = "http2")]
    return causes(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| error.reason() == Some(h2::Reason::REFUSED_STREAM));
    #[cfg(not(feature = "http2"))]
    {
        let _no_http2 = error;
        false
    }
}
