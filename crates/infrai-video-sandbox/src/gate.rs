//! Who may use the admin routes.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use sha2::Sha256;

use crate::allowed_hosts::names_loopback;
use crate::app::App;
use crate::envelope;
use crate::server::Peer;

/// What a caller of the admin routes has to show.
pub(crate) enum Gate {
    /// That it is on this machine, and no page of a browser from elsewhere.
    Loopback,
    /// A token, from wherever it calls.
    Token(Token),
}

/// A token, as far as is needed to know it again.
pub(crate) struct Token([u8; 32]);

impl Gate {
    pub(crate) fn token(token: &str) -> Self {
        Self::Token(Token(mac(token.as_bytes()).finalize().into_bytes().into()))
    }

    fn admits(&self, request: &Request) -> Result<(), Refused> {
        match self {
            Self::Loopback => is_local(request).then_some(()).ok_or(Refused::NotLocal),
            Self::Token(token) => token.is_in(request.headers()).then_some(()).ok_or(Refused::NoToken),
        }
    }
}

impl Token {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let token = match value.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
            _ => return false,
        };
        // It compares hashes in constant time: how long it takes tells nothing of the token.
        mac(token).verify_slice(&self.0).is_ok()
    }
}

fn mac(token: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"admin token").expect("HMAC takes a key of any length");
    mac.update(token);
    mac
}

enum Refused {
    NotLocal,
    NoToken,
}

pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.gate.admits(&request) {
        Ok(()) => next.run(request).await,
        Err(Refused::NotLocal) => refusal(
            StatusCode::FORBIDDEN,
            "these routes answer on loopback only: call them at 127.0.0.1, or start the sandbox with an admin token",
        ),
        Err(Refused::NoToken) => {
            let mut response = refusal(
                StatusCode::UNAUTHORIZED,
                "these routes need the admin token: send `Authorization: Bearer <token>`",
            );
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

fn refusal(status: StatusCode, error: &str) -> Response {
    envelope::json(status, &[], &json!({ "error": error })).into_response()
}

/// Whether a request came from this machine, under a name that only this machine has, and from no foreign page. One
/// without a socket did.
fn is_local(request: &Request) -> bool {
    let Some(Peer(address)) = request.extensions().get::<Peer>() else {
        return true;
    };
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_own_page = |origin: &HeaderValue| origin.as_bytes() == format!("http://{host}").as_bytes();
    address.ip().to_canonical().is_loopback()
        && names_loopback(host)
        && headers.get_all(ORIGIN).iter().all(is_own_page)
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Token(_) => "Token",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::get("/__sandbox/jobs");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    fn local(peer: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = request(headers);
        let peer: SocketAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(Peer(peer));
        Gate::Loopback.admits(&request).is_ok()
    }

    #[test]
    fn a_caller_on_loopback_names_loopback_and_comes_from_no_other_page() {
        const HERE: &str = "127.0.0.1:9";
        for host in
            ["127.0.0.1:87", "127.0.0.1", "localhost:87", "LOCALHOST", "[::1]:87", "[::1]", "127.0.0.2:1"]
        {
            assert!(local(HERE, &[("host", host)]), "{host}");
            let own = format!("http://{host}");
            assert!(local(HERE, &[("host", host), ("origin", &own)]), "{own}");
            for origin in ["null", "http://example.com", "https://127.0.0.1:87", "http://127.0.0.1:88", ""] {
                assert!(!local(HERE, &[("host", host), ("origin", origin)]), "{host} {origin}");
            }
            assert!(!local(HERE, &[("host", host), ("origin", &own), ("origin", "http://example.com")]));
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "127.0.0.1@a",
            "a@127.0.0.1",
            "10.0.0.7",
            "::1",
        ] {
            assert!(!local(HERE, &[("host", host)]), "{host}");
        }
        assert!(!local(HERE, &[]), "without a host");
        for (peer, is_local) in [
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("10.0.0.7:9", false),
            ("[::ffff:10.0.0.7]:9", false),
        ] {
            assert_eq!(local(peer, &[("host", "localhost")]), is_local, "{peer}");
        }
    }

    #[test]
    fn a_token_opens_from_anywhere_and_nothing_else_does() {
        let gate = Gate::token("0123456789abcdef");
        let opens = |headers: &[(&str, &str)]| gate.admits(&request(headers)).is_ok();
        assert!(opens(&[("authorization", "Bearer 0123456789abcdef")]));
        assert!(opens(&[("authorization", "bearer 0123456789abcdef"), ("origin", "http://example.com")]));
        assert!(!opens(&[("host", "127.0.0.1")]));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeff",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
        ] {
            assert!(!opens(&[("authorization", wrong)]), "{wrong}");
        }
        assert_eq!(format!("{gate:?}"), "Token");
    }
}
