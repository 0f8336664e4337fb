//! Building the request of an operation.

use std::fmt::{self, Display, Write as _};

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Url};
use serde::Serialize;
use serde_json::Value;

use crate::Client;
use crate::canonical::canonical_json;

impl Client {
    /// Begins a request to `url`, the base URL with the operation's path.
    pub(crate) fn begin(&self, method: Method, url: String) -> RequestBuilder {
        let request = self.parse(&url).map(|url| {
            let mut request = Request::new(method, url);
            // An operation without fields has a body too.
            if request.method() == Method::POST {
                put_body(&mut request, Bytes::from_static(b"{}\n"));
            }
            request
        });
        RequestBuilder { request, body: self.inner.body().cloned() }
    }

    /// Parses the path alone: the base URL is parsed once, and not for every call.
    ///
    /// Fails if normalization changes the path: an id such as `..` would give the URL of another route.
    fn parse(&self, text: &str) -> Result<Url, Unbuildable> {
        let mut url = self.inner.base(&self.baseurl).map_err(|error| {
            Unbuildable(format!("the base URL is invalid ({error}); pass one such as https://api.infrai.cc"))
        })?;
        let path = text.strip_prefix(&self.baseurl).unwrap_or(text);
        let stem = url.path().trim_end_matches('/').len();
        if stem == 0 {
            url.set_path(path);
        } else {
            url.set_path(&format!("{}{path}", &url.path()[..stem]));
        }
        if url.path()[stem..] == *path && !path.ends_with('/') {
            return Ok(url);
        }
        Err(Unbuildable(
            "the id cannot be part of a path; pass the job_id that video_generate returned".to_owned(),
        ))
    }
}

fn put_body(request: &mut Request, body: Bytes) {
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(body.into());
}

/// A request that is being built, or the reason why it cannot be.
pub(crate) struct RequestBuilder {
    request: Result<Request, Unbuildable>,
    /// The bytes to send in place of a serialized body.
    body: Option<Bytes>,
}

/// Why a request cannot be built.
#[derive(Debug)]
pub(crate) struct Unbuildable(pub(crate) String);

impl RequestBuilder {
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Ok(request) = &mut self.request {
            request.headers_mut().insert(name, value);
        }
        self
    }

    pub(crate) fn headers(mut self, headers: HeaderMap) -> Self {
        if let Ok(request) = &mut self.request {
            request.headers_mut().extend(headers);
        }
        self
    }

    /// Adds a query parameter. `None` is omitted, and a list is repeated for each element.
    pub(crate) fn query<T: Serialize>(mut self, parameter: &QueryParam<'_, T>) -> Self {
        self.request = self.request.and_then(|mut request| {
            let value = serde_json::to_value(parameter.value).map_err(|error| {
                Unbuildable(format!("the parameter {} cannot be serialized: {error}", parameter.name))
            })?;
            let values = match value {
                Value::Null => return Ok(request),
                Value::Array(values) => values,
                value => vec![value],
            };
            let mut query = request.url_mut().query_pairs_mut();
            for value in values {
                match value {
                    Value::String(text) => query.append_pair(parameter.name, &text),
                    other => query.append_pair(parameter.name, &other.to_string()),
                };
            }
            drop(query);
            Ok(request)
        });
        self
    }

    /// Sets the body in canonical JSON, unless the context has a body. `None` leaves the request unchanged.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        let prepared = self.body.take();
        self.request = self.request.and_then(|mut request| {
            let body = prepared.map_or_else(|| canonical_json(body), Ok);
            let body =
                body.map_err(|error| Unbuildable(format!("the body cannot be serialized: {error}")))?;
            if body != "null\n" {
                put_body(&mut request, body);
            }
            Ok(request)
        });
        self
    }

    pub(crate) fn build(self) -> Result<Request, Unbuildable> {
        self.request
    }
}

/// A query parameter.
pub(crate) struct QueryParam<'a, T> {
    name: &'static str,
    value: &'a T,
}

impl<'a, T> QueryParam<'a, T> {
    pub(crate) fn new(name: &'static str, value: &'a T) -> Self {
        Self { name, value }
    }
}

/// Percent-encodes a path segment. Only unreserved characters stay as they are.
pub(crate) fn encode_path(text: &str) -> impl Display + '_ {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if self.0.bytes().all(plain) {
            return f.write_str(self.0);
        }
        for byte in self.0.bytes() {
            match byte {
                byte if plain(byte) => f.write_char(char::from(byte))?,
                byte => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    /// A request of a client of the API, to this path.
    fn begun(method: Method, path: &str) -> RequestBuilder {
        let base = "https://api.infrai.cc";
        let client = Client::new_with_client(base, reqwest::Client::new(), Context::default());
        client.begin(method, format!("{base}{path}"))
    }

    fn path(base: &str, id: &str) -> Result<String, String> {
        let client = Client::new_with_client(base, reqwest::Client::new(), Context::default());
        let url = format!("{base}/v1/video/get/{}", encode_path(id));
        client.begin(Method::GET, url).build().map(|request| request.url().to_string()).map_err(|why| why.0)
    }

    #[test]
    fn an_id_stays_in_its_segment_or_is_refused() {
        let base = "https://api.infrai.cc";
        for (id, segment) in
            [("vj_1", "vj_1"), ("a/b", "a%2Fb"), ("ä ?#", "%C3%A4%20%3F%23"), ("a..b", "a..b")]
        {
            assert_eq!(path(base, id), Ok(format!("{base}/v1/video/get/{segment}")));
        }
        assert_eq!(path(base, "..\\..\\list"), Ok(format!("{base}/v1/video/get/..%5C..%5Clist")));
        for id in ["", ".", ".."] {
            assert!(path(base, id).unwrap_err().contains("pass the job_id"), "{id}");
        }
    }

    #[test]
    fn a_base_url_may_have_a_path_of_its_own() {
        for base in ["https://gateway.example/infrai", "http://127.0.0.1:8787", "https://gateway.example/a/b"]
        {
            assert_eq!(path(base, "vj_1"), Ok(format!("{base}/v1/video/get/vj_1")));
        }
        assert_eq!(
            path("https://gateway.example/", "vj_1").unwrap(),
            "https://gateway.example/v1/video/get/vj_1"
        );
        for wrong in ["gateway", "mailto:x", "https://u:p@gateway.example", "https://gateway.example?x=1"] {
            let why = path(wrong, "vj_1").unwrap_err();
            assert!(why.starts_with("the base URL is invalid") && !why.contains("u:p"), "{why}");
        }
    }

    #[test]
    fn one_context_serves_two_hosts() {
        let context = Context::default();
        let url = |base: &str| {
            let client = Client::new_with_client(base, reqwest::Client::new(), context.clone());
            client.begin(Method::GET, format!("{base}/v1/video/list")).build().unwrap().url().to_string()
        };
        assert_eq!(url("https://one.example"), "https://one.example/v1/video/list");
        assert_eq!(url("https://two.example"), "https://two.example/v1/video/list");
    }

    #[test]
    fn an_omitted_parameter_is_not_sent() {
        let request = begun(Method::GET, "/v1/video/list")
            .query(&QueryParam::new("cursor", &None::<&str>))
            .query(&QueryParam::new("limit", &Some(7)))
            .query(&QueryParam::new("state", &Some("a b&c")))
            .build()
            .unwrap();
        assert_eq!(request.url().query(), Some("limit=7&state=a+b%26c"));
    }

    #[test]
    fn a_list_in_the_query_is_repeated_for_each_element() {
        let request = begun(Method::GET, "/v1/video/list")
            .query(&QueryParam::new("state", &Some(&vec!["queued", "running"])))
            .query(&QueryParam::new("vendor", &Vec::<String>::new()))
            .query(&QueryParam::new("full", &true))
            .build()
            .unwrap();
        assert_eq!(request.url().query(), Some("state=queued&state=running&full=true"));
    }

    #[test]
    fn an_omitted_body_leaves_an_empty_object() {
        assert_eq!(body_of(begun(Method::POST, "/v1/video/delete_all").json(&None::<&str>)), "{}\n");
        assert_eq!(body_of(begun(Method::POST, "/v1/video/delete_all").json(&Some("all"))), "\"all\"\n");
    }

    #[test]
    fn a_body_of_the_context_is_sent_in_place_of_the_serialized_one() {
        let context = Context::default().with_body(Bytes::from_static(b"{\"stored\": true}"));
        let client = Client::new_with_client("https://api.infrai.cc", reqwest::Client::new(), context);
        let request = client.begin(Method::POST, "https://api.infrai.cc/v1/video/generate".to_owned());
        assert_eq!(body_of(request.json(&"new")), "{\"stored\": true}");
    }

    fn body_of(request: RequestBuilder) -> String {
        let request = request.build().unwrap();
        String::from_utf8(request.body().unwrap().as_bytes().unwrap().to_vec()).unwrap()
    }
}
