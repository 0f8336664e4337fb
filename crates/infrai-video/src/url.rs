//! URLs of servers and links, as [`Uri`]s.
//!
//! A [`Uri`] of the crate http is neither normalized nor resolved, and must be percent-encoded. This is done here as browsers do it,
//! but a URL whose host could be read in two ways is refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Authority;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The characters that browsers encode in a query, apart from `'`, and `\`. Everything else is sent as it was received: the query
/// may be signed.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');

/// The characters that browsers encode in a path, and `\`.
const PATH: &AsciiSet = &QUERY.add(b'^').add(b'`').add(b'{').add(b'}');

/// Why a text is not a URL of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlError {
    /// It is not a URL, or has no valid host or port.
    Invalid,
    /// Its scheme is neither http nor https.
    Scheme,
    /// It has a user name or a password.
    User,
    /// Its host has characters outside of ASCII.
    Host,
}

impl UrlError {
    /// What is wrong, after the name of the URL. It does not quote the URL.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Invalid => "is not a URL",
            Self::Scheme => "must start with https://, or with http:// for a host on this machine",
            Self::User => "must have no user name or password",
            Self::Host => "has a host that is not ASCII: write it in its ASCII form, which begins with xn--",
        }
    }
}

/// Parses an absolute http or https URL. Normalizes scheme, host, port and dot segments, encodes characters that cannot be sent,
/// and removes the fragment.
pub(crate) fn parse(text: &str) -> Result<Uri, UrlError> {
    let text = cleaned(text);
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Invalid)?;
    let known = ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme));
    let scheme = known.ok_or(if is_scheme(scheme) { UrlError::Scheme } else { UrlError::Invalid })?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let url = format!(
        "{scheme}://{}{}{}",
        normalized(authority, scheme)?,
        utf8_percent_encode(&without_dot_segments(path), PATH),
        utf8_percent_encode(query, QUERY)
    );
    url.try_into().map_err(|_| UrlError::Invalid)
}

/// Resolves a reference, such as that of a redirect, against the URL that it came from.
pub(crate) fn join(base: &Uri, reference: &str) -> Result<Uri, UrlError> {
    let reference = cleaned(reference);
    let first = reference.split(['/', '?', '#']).next().unwrap_or_default();
    if first.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return parse(&reference);
    }
    let (origin, path) = (origin(base), base.path());
    match reference.chars().next() {
        None | Some('#') => Ok(base.clone()),
        Some('/') if reference.starts_with("//") => {
            parse(&format!("{}:{reference}", base.scheme_str().unwrap_or_default()))
        }
        Some('/') => parse(&format!("{origin}{reference}")),
        Some('?') => parse(&format!("{origin}{path}{reference}")),
        Some(_) => {
            let directory = path.rfind('/').map_or("/", |last| &path[..=last]);
            parse(&format!("{origin}{directory}{reference}"))
        }
    }
}

/// Scheme, host and port of a URL.
pub(crate) fn origin(url: &Uri) -> String {
    let authority = url.authority().map_or("", Authority::as_str);
    format!("{}://{authority}", url.scheme_str().unwrap_or_default())
}

/// Whether the host of a URL is this machine.
pub(crate) fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match ipv6 {
        Some(address) => address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback()),
        None => {
            host == "localhost"
                || host.ends_with(".localhost")
                || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        }
    }
}

/// The text without surrounding spaces, and without line breaks and tabs, which browsers ignore.
fn cleaned(text: &str) -> String {
    text.trim_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "")
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Host and port in lower case, without the default port.
fn normalized(authority: &str, scheme: &str) -> Result<String, UrlError> {
    if authority.contains('@') {
        return Err(UrlError::User);
    }
    if !authority.is_ascii() {
        return Err(UrlError::Host);
    }
    let authority: Authority = authority.to_ascii_lowercase().parse().map_err(|_| UrlError::Invalid)?;
    let host = match authority.host() {
        "" => return Err(UrlError::Invalid),
        host => match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => {
                let address: Ipv6Addr = address.parse().map_err(|_| UrlError::Invalid)?;
                format!("[{address}]")
            }
            None => name_or_ipv4(host)?.to_owned(),
        },
    };
    // The crate http accepts other text between the host and the port.
    let port = match &authority.as_str()[authority.host().len()..] {
        "" | ":" => return Ok(host),
        rest => rest.strip_prefix(':').ok_or(UrlError::Invalid)?,
    };
    // `parse` would accept a sign.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|_| is_number).ok_or(UrlError::Invalid)?;
    let is_default = port == if scheme == "https" { 443 } else { 80 };
    Ok(if is_default { host } else { format!("{host}:{port}") })
}

/// A host name, or an IPv4 address of four numbers. Resolvers would read other numbers as addresses too, such as `127.1`.
fn name_or_ipv4(host: &str) -> Result<&str, UrlError> {
    if host.contains(['[', ']']) {
        return Err(UrlError::Invalid);
    }
    let without_dot = host.strip_suffix('.').unwrap_or(host);
    let last = without_dot.rsplit('.').next().unwrap_or_default();
    let is_number = match last.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    };
    match is_number {
        false => Ok(host),
        true => without_dot.parse().map(|_: Ipv4Addr| without_dot).map_err(|_| UrlError::Invalid),
    }
}

/// Resolves the segments `.` and `..` (RFC 3986, 5.2.4).
fn without_dot_segments(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, UrlError> {
        parse(text).map(|url| url.to_string())
    }

    #[test]
    fn scheme_host_port_and_dots_are_normalized() {
        for (text, url) in [
            ("https://files.example", "https://files.example/"),
            ("HTTPS://Files.Example:443/A", "https://files.example/A"),
            ("http://files.example:80/", "http://files.example/"),
            ("https://files.example:80/", "https://files.example:80/"),
            ("https://files.example:/", "https://files.example/"),
            ("https://files.example./a", "https://files.example./a"),
            ("https://files.example?a=1", "https://files.example/?a=1"),
            ("https://files.example#part", "https://files.example/"),
            ("https://files.example/a?b=c#part", "https://files.example/a?b=c"),
            ("https://[0:0::1]:8443/a", "https://[::1]:8443/a"),
            ("https://127.0.0.1./a", "https://127.0.0.1/a"),
            ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
            (" https://files.example/a\n", "https://files.example/a"),
            ("https://files.example/a/./b/../c//d", "https://files.example/a/c//d"),
            ("https://files.example/../..", "https://files.example/"),
            ("https://files.example/a/b/..", "https://files.example/a/"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn only_characters_that_cannot_be_sent_are_encoded() {
        for (path, sent) in [
            ("/a b|c.mp4", "/a%20b|c.mp4"),
            ("/ä/100%.mp4", "/%C3%A4/100%.mp4"),
            ("/%C3%a4%2F", "/%C3%a4%2F"),
            ("/{a}^`\"<\\", "/%7Ba%7D%5E%60%22%3C%5C"),
            ("/[a]!$&'()*+,;=:@~", "/[a]!$&'()*+,;=:@~"),
            ("/a?s=%2f+'|{}[]/?^`&x=/../y&&", "/a?s=%2f+'|{}[]/?^`&x=/../y&&"),
            ("/a?s= ä\"<>\\\t", "/a?s=%20%C3%A4%22%3C%3E%5C"),
            ("/a?", "/a?"),
        ] {
            let url = parsed(&format!("https://files.example{path}"));
            assert_eq!(url, Ok(format!("https://files.example{sent}")), "{path}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, why) in [
            ("", UrlError::Invalid),
            ("files.example", UrlError::Invalid),
            ("//files.example", UrlError::Invalid),
            ("https:files.example", UrlError::Invalid),
            ("https://", UrlError::Invalid),
            ("https:///a", UrlError::Invalid),
            ("https://:443", UrlError::Invalid),
            ("https://files.example:x", UrlError::Invalid),
            ("https://files.example:65536", UrlError::Invalid),
            ("https://files.example:+443", UrlError::Invalid),
            ("https://files example", UrlError::Invalid),
            ("https://files%2eexample", UrlError::Invalid),
            ("https://files.example\\@other.example/", UrlError::User),
            ("https://files.example\\.other.example/", UrlError::Invalid),
            ("https://[::1", UrlError::Invalid),
            ("https://[::g]/", UrlError::Invalid),
            ("https://[::1]x", UrlError::Invalid),
            ("https://[::1]8443/", UrlError::Invalid),
            ("http://[::1].other.example/", UrlError::Invalid),
            ("https://a[b]/", UrlError::Invalid),
            ("https://127.1/", UrlError::Invalid),
            ("https://2130706433/", UrlError::Invalid),
            ("https://0x7f.0x1/", UrlError::Invalid),
            ("ftp://files.example", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("https://user@files.example", UrlError::User),
            ("https://user:password@files.example", UrlError::User),
            ("https://bücher.example", UrlError::Host),
        ] {
            assert_eq!(parsed(text), Err(why), "{text}");
        }
        assert_eq!(parsed(&format!("https://files.example/{}", "a".repeat(70_000))), Err(UrlError::Invalid));
    }

    #[test]
    fn a_reference_is_resolved_against_its_url() {
        let base = parse("https://files.example:8443/a/b?c=d").unwrap();
        for (reference, url) in [
            ("https://other.example/x", "https://other.example/x"),
            ("HTTP://other.example", "http://other.example/"),
            ("//other.example/x", "https://other.example/x"),
            ("/x y?z", "https://files.example:8443/x%20y?z"),
            ("x", "https://files.example:8443/a/x"),
            ("../x/./y", "https://files.example:8443/x/y"),
            ("x/y:z", "https://files.example:8443/a/x/y:z"),
            ("?x", "https://files.example:8443/a/b?x"),
            ("", "https://files.example:8443/a/b?c=d"),
            ("#x", "https://files.example:8443/a/b?c=d"),
        ] {
            assert_eq!(join(&base, reference).unwrap().to_string(), url, "{reference}");
        }
        assert_eq!(join(&base, "file:///etc/passwd"), Err(UrlError::Scheme));
        assert_eq!(join(&base, "javascript:x"), Err(UrlError::Invalid));
        assert_eq!(join(&base, "//user@other.example"), Err(UrlError::User));
    }

    #[test]
    fn loopback_hosts_are_recognized() {
        for host in ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.255.0.1", "[::1]"] {
            assert!(is_loopback(&parse(&format!("http://{host}:8787")).unwrap()), "{host}");
        }
        for host in
            ["localhost.example", "notlocalhost", "128.0.0.1", "127.0.0.1.example", "[::2]", "0.0.0.0"]
        {
            assert!(!is_loopback(&parse(&format!("http://{host}")).unwrap()), "{host}");
        }
        assert!(is_loopback(&Uri::from_static("https://LocalHost:1/")));
    }
}
