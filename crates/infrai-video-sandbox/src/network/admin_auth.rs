//! Access control of the admin routes.

use std::fmt;

use axum::extract::Request;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;

use crate::network::allowed_hosts::names_loopback;
use crate::network::peer::Peer;

/// The condition under which a request may use the admin routes.
pub(crate) enum AdminAuth {
    /// It comes from this machine, and not from a web page of another origin.
    Loopback,
    /// It carries the admin token.
    Token(Token),
}

/// The hash of an admin token.
pub(crate) struct Token([u8; 32]);

impl AdminAuth {
    pub(crate) fn token(token: &str) -> Self {
        Self::Token(Token(mac(token.as_bytes()).finalize().into_bytes().into()))
    }

    pub(crate) fn admits(&self, request: &Request) -> Result<(), Refused> {
        match self {
            Self::Loopback if !is_local(request) => Err(Refused::NotLocal),
            Self::Loopback if !is_own_page(request) => Err(Refused::OtherPage),
            Self::Loopback => Ok(()),
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
        // Compares hashes in constant time, so that the duration reveals nothing of the token.
        mac(token).verify_slice(&self.0).is_ok()
    }
}

fn mac(token: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"admin token").expect("HMAC takes a key of any length");
    mac.update(token);
    mac
}

/// Why a request may not use the admin routes.
pub(crate) enum Refused {
    NotLocal,
    OtherPage,
    NoToken,
}

/// Whether a request comes from this machine, under a name that only this machine can have. A request without a socket is
/// local.
fn is_local(request: &Request) -> bool {
    let Some(Peer(address)) = request.extensions().get::<Peer>() else {
        return true;
    };
    address.ip().to_canonical().is_loopback() && names_loopback(host(request))
}

/// Whether a request comes from a page of the sandbox, or from no page.
fn is_own_page(request: &Request) -> bool {
    let own = format!("http://{}", host(request));
    request.headers().get_all(ORIGIN).iter().all(|origin| origin.as_bytes() == own.as_bytes())
}

fn host(request: &Request) -> &str {
    request.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl fmt::Debug for AdminAuth {
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
        AdminAuth::Loopback.admits(&request).is_ok()
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
        let gate = AdminAuth::token("0123456789abcdef");
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
