//! Base URLs, and which hosts are this machine.

use url::{Host, Url};

use crate::error::{Error, ErrorKind};

/// Normalizes a base URL as [`Client`](crate::Client) does: removes trailing slashes, and a trailing `/v1` or `/v1/video`, which is part of
/// every route. A path prefix before that, such as a gateway's, is kept.
///
/// ```
/// let url = infrai_video::base_url("https://gateway.example.com/video-api/v1/")?;
/// assert_eq!(url, "https://gateway.example.com/video-api");
/// # Ok::<(), infrai_video::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the text is not a valid base URL. The message does not repeat the text.
pub fn base_url(text: &str) -> Result<String, Error> {
    checked_base_url(text).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

pub(crate) fn checked_base_url(text: &str) -> Result<Url, Error> {
    // The text is not quoted: it may contain a password, or be an API key in the wrong variable.
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, format!("`base_url` {what}"))
            .with_field("base_url")
            .with_hint("pass a URL such as https://api.infrai.cc")
    };
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("must start with https://"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("must have no user, query or fragment"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(wrong(
            "would send the API key unencrypted: plain http is only allowed for loopback hosts",
        ));
    }
    let path = before_the_routes(url.path());
    if path.to_ascii_lowercase().contains("/v1/video/") {
        return Err(wrong("is the URL of an operation: it must end before /v1/video"));
    }
    let path = path.to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The path without a trailing `/v1` or `/v1/video`.
fn before_the_routes(path: &str) -> &str {
    fn without<'a>(path: &'a str, end: &str) -> Option<&'a str> {
        let at = path.len().checked_sub(end.len())?;
        path.get(at..)?.eq_ignore_ascii_case(end).then(|| path[..at].trim_end_matches('/'))
    }
    let path = path.trim_end_matches('/');
    let path = without(path, "/video").filter(|rest| without(rest, "/v1").is_some()).unwrap_or(path);
    without(path, "/v1").unwrap_or(path)
}

/// Whether the host of a URL is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    #[test]
    fn a_trailing_v1_is_removed_from_the_base_url() {
        for (given, used) in [
            ("https://api.infrai.cc", "https://api.infrai.cc"),
            ("https://api.infrai.cc/", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1", "https://api.infrai.cc"),
            ("https://api.infrai.cc//v1//", "https://api.infrai.cc"),
            ("https://api.infrai.cc/V1/", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1/video", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1/video/", "https://api.infrai.cc"),
            (" https://gateway.example.com/infrai/v1 ", "https://gateway.example.com/infrai"),
            ("https://gateway.example.com/infrai/", "https://gateway.example.com/infrai"),
            ("https://gateway.example.com/video", "https://gateway.example.com/video"),
            ("https://gateway.example.com/dev1", "https://gateway.example.com/dev1"),
            ("https://gateway.example.com/v1/proxy", "https://gateway.example.com/v1/proxy"),
            ("http://127.0.0.1:8787/v1", "http://127.0.0.1:8787"),
        ] {
            assert_eq!(base_url(given).unwrap(), used, "{given}");
            let client = Client::builder("ifr_pk_proj_x").with_base_url(given).build().unwrap();
            assert_eq!(client.base_url(), used, "{given}");
        }
        for operation in
            ["https://api.infrai.cc/v1/video/generate", "https://api.infrai.cc/v1/video/get/vj_1/"]
        {
            let error = base_url(operation).unwrap_err();
            assert!(error.to_string().contains("must end before /v1/video"), "{error}");
        }
    }
}
