//! TLS: trusted CA certificates, and explanations of handshake failures.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, InvalidMessage};
use rustls_platform_verifier::Verifier;

use crate::clock::Clocks;
use crate::error::{TransportError, TransportErrorKind};

/// A TLS configuration with the platform's CA certificates, without ALPN protocols.
pub(super) fn config() -> Result<ClientConfig, TransportError> {
    let provider = chosen(CryptoProvider::get_default().cloned(), own_provider())?;
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(no_roots)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| rejected("TLS cannot be set up".to_owned()).with_source(error))?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The provider of this crate's features, which is never made the default of the process: that belongs to the program.
fn own_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    None
}

/// The provider that the program has installed, before the one of this crate's features.
fn chosen(
    installed: Option<Arc<CryptoProvider>>,
    own: Option<Arc<CryptoProvider>>,
) -> Result<Arc<CryptoProvider>, TransportError> {
    installed.or(own).ok_or_else(|| {
        rejected("TLS has no provider of cryptography".to_owned()).with_hint(
            "enable the feature `ring` or `aws-lc-rs` of infrai-video, or install a default provider of rustls in this process",
        )
    })
}

/// The supported versions of HTTP as ALPN protocol names.
pub(super) fn protocols() -> Vec<Vec<u8>> {
    let names: &[&[u8]] = if cfg!(feature = "http2") { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    names.iter().map(|name| name.to_vec()).collect()
}

fn rejected(message: String) -> TransportError {
    TransportError::new(TransportErrorKind::Rejected, message)
}

/// Explains why no CA certificates could be loaded.
fn no_roots(error: Error) -> TransportError {
    let (why, hint) = roots::why_none();
    rejected(format!("no CA certificates were found: {why}")).with_hint(hint).with_source(error)
}

/// Platforms that load CA certificates from files.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
mod roots {
    use std::path::Path;

    const FILE: &str = "SSL_CERT_FILE";
    const DIRECTORY: &str = "SSL_CERT_DIR";

    /// The reason, and the next step.
    pub(super) fn why_none() -> (String, String) {
        let set = |variable| Some((variable, std::env::var_os(variable)?));
        let Some((variable, path)) = set(FILE).or_else(|| set(DIRECTORY)) else {
            return (
                "none are installed on this machine".to_owned(),
                format!(
                    "install the package ca-certificates, or set {FILE} to a PEM file with CA certificates"
                ),
            );
        };
        let loaded = rustls_native_certs::load_native_certs();
        let what = match loaded.errors.first() {
            Some(error) => {
                std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
            }
            None if loaded.certs.is_empty() => "it contains no PEM certificates".to_owned(),
            None => "it contains no valid certificate".to_owned(),
        };
        let hint = format!(
            "set {variable} to PEM files with CA certificates, such as those of the package ca-certificates, or unset it"
        );
        (format!("{variable} is {:?}: {what}", Path::new(&path).display().to_string()), hint)
    }

    /// The variable that replaces the platform's CA certificates, if one is set.
    pub(super) fn variable() -> Option<&'static str> {
        [FILE, DIRECTORY].into_iter().find(|variable| std::env::var_os(variable).is_some())
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"), not(target_os = "android"))))]
mod roots {
    pub(super) fn why_none() -> (String, String) {
        let why = "the system's certificate store cannot be read".to_owned();
        (why, "check the system's certificate store".to_owned())
    }

    pub(super) fn variable() -> Option<&'static str> {
        None
    }
}

/// Explains a TLS failure that a retry cannot fix; `None` for other failures.
pub(super) fn permanent(error: &Error, host: &str) -> Option<TransportError> {
    let (what, hint) = match error {
        Error::InvalidCertificate(error) => certificate(error, host),
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) | Error::NoApplicationProtocol => {
            no_protocol(host)
        }
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => (
            format!("{host} requires a client certificate"),
            "pass a transport that has one to `with_transport`".to_owned(),
        ),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            (format!("the server does not serve the host name {host}"), base_url())
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
        | Error::PeerIncompatible(_) => (
            format!("no common TLS version or cipher suite with {host}: {error}"),
            "the server must speak TLS 1.2 or 1.3".to_owned(),
        ),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            format!("{host} does not speak TLS on this port"),
            "check the scheme and port of the URL, and the proxy if one is set".to_owned(),
        ),
        _ => return None,
    };
    Some(rejected(what).with_hint(hint))
}

/// Whether a server only sends this alert before it reads a request, although it arrives after the handshake: a TLS 1.3 client
/// finishes the handshake before the server requests a certificate.
pub(super) fn is_before_any_request(error: &Error) -> bool {
    matches!(error, Error::AlertReceived(AlertDescription::CertificateRequired))
}

fn no_protocol(host: &str) -> (String, String) {
    if cfg!(feature = "http2") {
        return (format!("{host} speaks neither HTTP/2 nor HTTP/1.1"), base_url());
    }
    let hint = "enable the feature `http2` of infrai-video".to_owned();
    (format!("{host} does not speak HTTP/1.1, probably only HTTP/2"), hint)
}

fn base_url() -> String {
    "check the host name in the URL".to_owned()
}

fn certificate(error: &CertificateError, host: &str) -> (String, String) {
    let clock = || {
        let now = Clocks::new(Arc::new(SystemTime::now)).wall();
        format!(
            "check this machine's clock, which says {now:.0}; if it is right, the server needs a new certificate"
        )
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (format!("the certificate of {host} has expired"), clock())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (format!("the certificate of {host} is not valid yet"), clock())
        }
        CertificateError::NotValidForName => {
            (format!("the certificate of {host} is not valid for this name"), base_url())
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> =
                presented.iter().map(|name| crate::text::one_line(plain_name(name))).collect();
            (
                format!(
                    "the certificate of {host} is not valid for this name, only for {}",
                    names.join(", ")
                ),
                base_url(),
            )
        }
        CertificateError::UnknownIssuer => {
            (format!("the certificate of {host} is signed by an unknown issuer"), trust())
        }
        CertificateError::Other(other) if is_ca(other) => (
            format!("the certificate of {host} is a self-signed CA certificate, not a server certificate"),
            "give the server a certificate signed by that CA, and add the CA certificate to SSL_CERT_FILE"
                .to_owned(),
        ),
        CertificateError::Revoked => (format!("the certificate of {host} was revoked"), base_url()),
        error => (
            format!("the certificate of {host} cannot be used: {error}"),
            "the server needs a new certificate".to_owned(),
        ),
    }
}

/// The name in rustls' form of it, such as `DnsName("a.example")`.
fn plain_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn is_ca(error: &rustls::OtherError) -> bool {
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn trust() -> String {
    match roots::variable() {
        Some(variable) => format!("{variable} is set and replaces the system's CA certificates: add the issuer's CA certificate to it"),
        None => "to trust this issuer (a private CA, or a proxy that inspects TLS), set SSL_CERT_FILE to a PEM file with its CA certificate".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::convert::from_layers_below;
    use super::*;

    #[test]
    fn permanent_failures_are_explained() {
        let alert = Error::AlertReceived;
        for (error, words) in [
            (Error::InvalidCertificate(CertificateError::Expired), "has expired"),
            (Error::InvalidCertificate(CertificateError::NotValidYet), "is not valid yet"),
            (Error::InvalidCertificate(CertificateError::NotValidForName), "is not valid for this name"),
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), "unknown issuer"),
            (Error::InvalidCertificate(CertificateError::Revoked), "was revoked"),
            (Error::InvalidCertificate(CertificateError::BadSignature), "cannot be used"),
            (alert(AlertDescription::CertificateRequired), "requires a client certificate"),
            (alert(AlertDescription::ProtocolVersion), "no common TLS version"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not speak TLS"),
        ] {
            let explained = permanent(&error, "api.example").unwrap();
            assert_eq!(explained.kind(), TransportErrorKind::Rejected);
            assert!(
                explained.to_string().contains(words) && explained.to_string().contains("api.example"),
                "{explained}"
            );
            assert!(explained.hint.is_some_and(|hint| !hint.is_empty()), "{error}");
        }
        for transient in [alert(AlertDescription::InternalError), Error::General(String::new())] {
            assert!(permanent(&transient, "api.example").is_none(), "{transient}");
        }
    }

    #[test]
    fn an_installed_provider_comes_first_and_none_is_an_error() {
        // A provider with this number of cipher suites.
        let provider = |count: usize| {
            let mut provider = (*own_provider().expect("the tests have a provider")).clone();
            provider.cipher_suites.truncate(count);
            Some(Arc::new(provider))
        };
        let count = |installed, own| chosen(installed, own).map(|provider| provider.cipher_suites.len());
        assert_eq!(count(provider(1), provider(2)).ok(), Some(1));
        assert_eq!(count(None, provider(2)).ok(), Some(2));
        let error = chosen(None, None).expect_err("there is no provider");
        assert_eq!(error.kind(), TransportErrorKind::Rejected);
        assert!(error.hint.is_some_and(|hint| hint.contains("`ring`")));
    }

    #[test]
    fn the_names_of_a_certificate_are_given_without_their_types() {
        let presented = ["DnsName(\"a.example\")", "IpAddress(10.0.0.7)", "b.example"];
        assert_eq!(presented.map(plain_name), ["a.example", "10.0.0.7", "b.example"]);
    }

    #[test]
    fn a_failure_after_the_handshake_leaves_the_outcome_unknown() {
        let alert = Error::AlertReceived;
        for (error, kind) in [
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), TransportErrorKind::Lost),
            (alert(AlertDescription::AccessDenied), TransportErrorKind::Lost),
            (alert(AlertDescription::HandshakeFailure), TransportErrorKind::Lost),
            (alert(AlertDescription::BadCertificate), TransportErrorKind::Lost),
            (alert(AlertDescription::CertificateRequired), TransportErrorKind::Rejected),
        ] {
            let convert = |kind, error: &Error| {
                from_layers_below(kind, std::io::Error::other(error.clone()), "api.example")
            };
            let lost = convert(TransportErrorKind::Lost, &error);
            assert_eq!(lost.kind(), kind, "{error}");
            assert_eq!(lost.may_have_been_sent(), kind == TransportErrorKind::Lost, "{error}");
            let connect = convert(TransportErrorKind::Connect, &error);
            assert_eq!(connect.kind(), TransportErrorKind::Rejected, "{error}");
        }
    }

    #[test]
    fn an_http2_only_server_is_reported_with_the_missing_feature() {
        let explained =
            permanent(&Error::AlertReceived(AlertDescription::NoApplicationProtocol), "api.example");
        let (explained, hint) =
            explained.map(|explained| (explained.to_string(), explained.hint.unwrap_or_default())).unwrap();
        if cfg!(feature = "http2") {
            assert!(explained.contains("neither HTTP/2 nor HTTP/1.1"), "{explained}");
        } else {
            assert!(
                explained.contains("probably only HTTP/2") && hint.contains("the feature `http2`"),
                "{explained}; {hint}"
            );
        }
    }
}
