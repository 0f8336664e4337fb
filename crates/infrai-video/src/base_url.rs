//! Base URLs.

use http::Uri;

use crate::error::{Error, ErrorKind};
use crate::url::{UrlError, is_loopback, origin, parse};

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
    checked_base_url(text).map(|url| text_of(&url))
}

/// A base URL as text, without a trailing slash.
pub(crate) fn text_of(url: &Uri) -> String {
    url.to_string().trim_end_matches('/').to_owned()
}

pub(crate) fn checked_base_url(text: &str) -> Result<Uri, Error> {
    // The text is not quoted: it may contain a password, or be an API key in the wrong variable.
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, format!("`base_url` {what}"))
            .with_field("base_url")
            .with_hint("pass a URL such as https://api.infrai.cc")
    };
    const MORE: &str = "must have no user, query or fragment";
    let url = parse(text).map_err(|error| match error {
        UrlError::User => wrong(MORE),
        error => wrong(error.what()),
    })?;
    if url.query().is_some() || text.contains('#') {
        return Err(wrong(MORE));
    }
    if url.scheme_str() == Some("http") && !is_loopback(&url) {
        return Err(wrong(
            "would send the API key unencrypted: plain http is only allowed for loopback hosts",
        ));
    }
    let path = before_the_routes(url.path());
    if path.to_ascii_lowercase().contains("/v1/video/") {
        return Err(wrong("is the URL of an operation: it must end before /v1/video"));
    }
    parse(&format!("{}{path}", origin(&url))).map_err(|error| wrong(error.what()))
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
            ("http://[::1]:8787/v1", "http://[::1]:8787"),
            ("HTTPS://API.infrai.cc:443/v1", "https://api.infrai.cc"),
            ("https://gateway.example.com//other/v1", "https://gateway.example.com//other"),
            ("https://gateway.example.com/a b/v1", "https://gateway.example.com/a%20b"),
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
