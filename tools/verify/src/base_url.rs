//! The base URL of a server, in one form.

use anyhow::{Context as _, bail};

use crate::statement::Contract;

/// A base URL as evidence names it: without a slash or the `v1` of the paths at its end, and without the usual port.
///
/// # Errors
/// If it is no URL, or has parts that a base URL cannot have. The message does not repeat a password.
pub fn base_url(text: &str) -> anyhow::Result<String> {
    if text.contains(['?', '#']) {
        bail!("the base URL has a query or a fragment; leave out what follows `?` or `#`");
    }
    if text.contains('@') {
        bail!("the base URL has a user name or password; the API key goes into INFRAI_API_KEY");
    }
    let url: http::Uri = text.parse().with_context(|| format!("{text} is not a URL"))?;
    let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else {
        bail!("{text} is not an http or https URL, such as https://api.infrai.cc");
    };
    let port = match (scheme, url.port_u16()) {
        (_, None) | ("https", Some(443)) | ("http", Some(80)) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/');
    Ok(format!("{scheme}://{}{port}{path}", host.to_ascii_lowercase()))
}

/// The host of a base URL with its port and path, as a part of a file name.
pub fn file_name(base_url: &str) -> String {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let clean = |text: &str, kept: char| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == kept { c } else { '-' }).collect()
    };
    let segments =
        path.trim_end_matches('/').split('/').skip(1).map(|segment| format!("_{}", clean(segment, '-')));
    clean(host, '.') + &segments.collect::<String>()
}

/// Whether a base URL is that of the service: the first server of the contract.
pub fn is_service(contract: &Contract, url: &str) -> bool {
    let service = contract.document.value["servers"][0]["url"].as_str().unwrap_or_default();
    matches!((base_url(url), base_url(service)), (Ok(url), Ok(service)) if url == service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_base_url() {
        for (text, expected) in [
            ("https://api.infrai.cc", "https://api.infrai.cc"),
            ("https://API.infrai.cc:443/", "https://api.infrai.cc"),
            ("HTTPS://api.infrai.cc/v1/", "https://api.infrai.cc"),
            ("http://127.0.0.1:80/a/b//", "http://127.0.0.1/a/b"),
            ("https://api.infrai.cc:80", "https://api.infrai.cc:80"),
            ("http://[::1]:8787", "http://[::1]:8787"),
            ("https://gateway.example/apiv1", "https://gateway.example/apiv1"),
        ] {
            assert_eq!(base_url(text).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_not_a_base_url_is_refused_without_its_password() {
        for (text, expected) in [
            ("https://jo:word@api.infrai.cc", "user name or password"),
            ("https://api.infrai.cc?key=word", "query or a fragment"),
            ("https://api.infrai.cc/#word", "query or a fragment"),
            ("api.infrai.cc", "is not an http or https URL"),
            ("/v1", "is not an http or https URL"),
        ] {
            let error = format!("{:#}", base_url(text).unwrap_err());
            assert!(error.contains(expected) && !error.contains("word@"), "{error}");
        }
    }

    #[test]
    fn the_service_is_known_by_any_of_its_forms() {
        let contract = Contract::parse(include_str!("../../../openapi/video.yaml")).unwrap();
        for url in ["https://api.infrai.cc", "https://api.infrai.cc:443", "https://api.infrai.cc/"] {
            assert!(is_service(&contract, url), "{url}");
        }
        for url in
            ["http://api.infrai.cc", "https://api.infrai.cc/mirror", "https://api.infrai.cc.example", ""]
        {
            assert!(!is_service(&contract, url), "{url}");
        }
    }

    #[test]
    fn paths_of_one_host_have_names_of_their_own() {
        let urls = [
            "http://a.example:80",
            "http://a.example:81",
            "http://a.example/b",
            "http://a.example/b/c",
            "http://a.example/b-c",
        ];
        let names = urls.map(file_name);
        assert_eq!(names, ["a.example-80", "a.example-81", "a.example_b", "a.example_b_c", "a.example_b-c"]);
        assert_eq!(file_name("http://a.example/b.2/c_d%20"), "a.example_b-2_c-d-20");
    }
}
