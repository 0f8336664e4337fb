//! The hosts that a request over a socket may name.
//!
//! A page of the web can point a name of its own at this machine (DNS rebinding). The browser then takes the sandbox for
//! that page's server, and lets the page read every response. Its requests carry the page's name in `Host`, so the
//! sandbox serves only names that belong to it.

use std::net::IpAddr;

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Version};

use crate::model::problem::Problem;
use crate::network::host::Host;

/// The port of a `Host` without one.
const DEFAULT_PORT: u16 = 80;

/// The names and addresses of a sandbox. Names of loopback are always allowed.
#[derive(Debug)]
pub(crate) struct AllowedHosts {
    /// The hosts of the public URLs.
    pub(crate) public: Vec<Host>,
    /// The bind address.
    pub(crate) bound: IpAddr,
}

impl AllowedHosts {
    pub(crate) fn check(&self, request: &Request) -> Result<(), Problem> {
        let header = host_header(request)?;
        // The target of a proxied request contains the host too, and with HTTP/2 only the target does.
        let target = request.uri().authority().map(|authority| named(authority.as_str())).transpose()?;
        if let (Some(header), Some(target)) = (&header, &target)
            && header != target
        {
            return Err(Problem::invalid_host("the Host header and the request line name different hosts"));
        }
        match header.or(target) {
            Some(named) if !self.allows(&named.host) => Err(Problem::misdirected(&named.host.to_string())),
            // HTTP/1.0 has no Host, and no browser uses it.
            None if request.version() > Version::HTTP_10 => {
                Err(Problem::invalid_host("there is no Host header"))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        host.is_loopback() || self.public.contains(host) || self.is_bound(host)
    }

    /// Whether the sandbox listens on an address. If it listens on all addresses, any address is allowed, since the caller
    /// may have used that of a NAT gateway. Unlike a name, an address cannot be rebound.
    fn is_bound(&self, host: &Host) -> bool {
        host.address()
            .is_some_and(|ip| self.bound.to_canonical().is_unspecified() || ip == self.bound.to_canonical())
    }
}

/// The host and port that a request names.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    host: Host,
    port: u16,
}

fn host_header(request: &Request) -> Result<Option<Named>, Problem> {
    let mut values = request.headers().get_all(HOST).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::invalid_host("there are several Host headers"));
    }
    match (first, request.version()) {
        (None, Version::HTTP_11) => Err(Problem::invalid_host("there is no Host header")),
        (None, _) => Ok(None),
        (Some(value), _) => named(text(value)).map(Some),
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

fn named(text: &str) -> Result<Named, Problem> {
    parse(text).ok_or_else(|| Problem::invalid_host("the request names no valid host and port"))
}

fn parse(text: &str) -> Option<Named> {
    let authority: Authority = text.parse().ok()?;
    let name = authority.host();
    // Text before the name would be a user name, and text after it is a port.
    let port = match text.strip_prefix(name)?.strip_prefix(':') {
        None if text.len() == name.len() => DEFAULT_PORT,
        Some("") => DEFAULT_PORT,
        // `parse` alone would accept a sign.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
        _ => return None,
    };
    Some(Named { host: Host::parse(name)?, port })
}

/// Whether a `Host` header names loopback.
pub(crate) fn names_loopback(header: &str) -> bool {
    parse(header).is_some_and(|named| named.host.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;

    use super::*;

    fn hosts(bound: &str, public: &[&str]) -> AllowedHosts {
        let public = public.iter().map(|host| Host::parse(host).expect("a host")).collect();
        AllowedHosts { public, bound: bound.parse().expect("an address") }
    }

    /// The status of a refusal, or 200.
    fn status(hosts: &AllowedHosts, request: http::request::Builder) -> StatusCode {
        let request = request.body(Body::empty()).expect("a request");
        hosts.check(&request).map_or_else(|problem| problem.status, |()| StatusCode::OK)
    }

    fn of_header(hosts: &AllowedHosts, header: &str) -> u16 {
        status(hosts, http::Request::get("/").header(HOST, header)).as_u16()
    }

    #[test]
    fn all_names_of_loopback_are_allowed() {
        let hosts = hosts("127.0.0.1", &[]);
        for name in [
            "localhost",
            "LocalHost",
            "localhost.",
            "a.b.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "127.1",
            "[::1]",
        ] {
            for port in ["", ":", ":1", ":80", ":65535"] {
                assert_eq!(of_header(&hosts, &format!("{name}{port}")), 200, "{name}{port}");
            }
        }
        assert_eq!(of_header(&hosts, "[::ffff:127.0.0.1]:8787"), 200);
    }

    #[test]
    fn a_name_that_another_machine_can_have_is_misdirected() {
        let hosts = hosts("127.0.0.1", &[]);
        for name in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhosts",
            "xlocalhost",
            "sandbox",
            "localhost..",
            "10.0.0.7",
            "169.254.169.254",
            "0.0.0.0",
            "[::]",
            "[2001:db8::1]",
            "localhost,evil.example",
        ] {
            for port in ["", ":80", ":8787"] {
                let status = of_header(&hosts, &format!("{name}{port}"));
                assert!(matches!(status, 400 | 421), "{name}{port}: {status}");
            }
        }
        assert_eq!(of_header(&hosts, "evil.example:8787"), 421);
        assert_eq!(of_header(&hosts, "10.0.0.7:8787"), 421);
    }

    #[test]
    fn an_invalid_host_header_is_rejected() {
        let hosts = hosts("127.0.0.1", &[]);
        for header in [
            "",
            ":8787",
            "a b",
            "::1",
            "127.0.0.1@a",
            "a@127.0.0.1",
            "localhost:x",
            "localhost:65536",
            "localhost:-1",
            "localhost:+80",
            "localhost:80:80",
            "http://localhost",
            "localhost/",
            "[::1",
            "[::1]x",
        ] {
            assert_eq!(of_header(&hosts, header), 400, "{header:?}");
        }
        let latin1 = HeaderValue::from_bytes(b"localh\xf6st").expect("a header");
        assert_eq!(status(&hosts, http::Request::get("/").header(HOST, latin1)), 400);
    }

    #[test]
    fn a_request_names_one_host() {
        let hosts = hosts("127.0.0.1", &["sandbox.example"]);
        let get = |target: &str| http::Request::get(target);
        let status = |request| status(&hosts, request).as_u16();
        assert_eq!(status(get("/").header(HOST, "localhost").header(HOST, "localhost")), 400, "twice");
        assert_eq!(status(get("/").header(HOST, "localhost").header(HOST, "evil.example")), 400, "two");
        assert_eq!(status(get("/")), 400, "none");
        assert_eq!(status(get("/").version(Version::HTTP_10)), 200, "HTTP/1.0 has none");
        let proxied = |target: &str, header: &str| status(get(target).header(HOST, header));
        assert_eq!(proxied("http://localhost:1/", "LOCALHOST:1"), 200);
        assert_eq!(proxied("http://localhost/", "localhost:80"), 200);
        assert_eq!(proxied("http://localhost:1/", "localhost:2"), 400, "two ports");
        assert_eq!(proxied("http://sandbox.example/", "localhost"), 400, "two hosts");
        assert_eq!(proxied("http://evil.example/", "localhost"), 400);
        assert_eq!(proxied("http://evil.example/", "evil.example"), 421);
        let second = |target: &str| status(get(target).version(Version::HTTP_2));
        assert_eq!((second("http://localhost/"), second("http://evil.example/")), (200, 421));
        assert_eq!(status(get("http://evil.example/").version(Version::HTTP_10)), 421);
    }

    #[test]
    fn public_hosts_and_the_bind_address_are_allowed() {
        let everywhere = hosts("0.0.0.0", &["sandbox.example"]);
        for host in ["sandbox.example", "SANDBOX.example.:8787", "localhost", "10.0.0.7:1", "[2001:db8::1]"] {
            assert_eq!(of_header(&everywhere, host), 200, "{host}");
        }
        for host in ["other.example", "a.sandbox.example", "sandbox"] {
            assert_eq!(of_header(&everywhere, host), 421, "{host}");
        }
        assert_eq!(of_header(&hosts("::", &[]), "10.0.0.7"), 200);
        let one = hosts("10.0.0.7", &[]);
        let of =
            ["10.0.0.7:1", "[::ffff:10.0.0.7]", "10.0.0.8", "127.0.0.1"].map(|host| of_header(&one, host));
        assert_eq!(of, [200, 200, 421, 200]);
    }
}
