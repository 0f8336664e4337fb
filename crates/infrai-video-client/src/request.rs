//! Building the request of an operation.

use std::fmt::{self, Display, Write as _};

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Method, Request, Uri};
use serde::Serialize;
use serde_json::Value;

use crate::Client;
use crate::canonical::canonical_json;

impl Client {
    /// Begins a request to `url`, the base URL with the operation's path.
    pub(crate) fn begin(&self, method: Method, url: String) -> RequestBuilder {
        let mut builder = RequestBuilder {
            url: checked(&self.baseurl, url),
            query: None,
            // For those of a GET, which then fit into one small allocation.
            headers: HeaderMap::with_capacity(6),
            body: Bytes::new(),
            prepared: self.inner.body.clone(),
            method,
        };
        // An operation without fields has a body too.
        if builder.method == Method::POST {
            builder.put_body(Bytes::from_static(b"{}\n"));
        }
        builder
    }
}

/// Returns the URL unless a segment of the operation's path is empty or a dot segment: an id such as `..` would change the route.
fn checked(base: &str, url: String) -> Result<String, Unbuildable> {
    if base.contains(['?', '#']) {
        return Err(invalid_base("it must have no query and no fragment"));
    }
    let path = url.strip_prefix(base).unwrap_or(&url);
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Unbuildable(
            "the id cannot be part of a path; pass the job_id that video_generate returned".to_owned(),
        ));
    }
    match base.trim_end_matches('/') {
        trimmed if trimmed.len() < base.len() => Ok(format!("{trimmed}{path}")),
        _ => Ok(url),
    }
}

/// The longest URL of the crate http.
const MAX_URL_BYTES: usize = 65_534;

/// Parses a URL. Path and query are valid, so an error is about the base URL.
fn parsed(url: String) -> Result<Uri, Unbuildable> {
    if url.len() > MAX_URL_BYTES {
        return Err(Unbuildable(format!(
            "the URL has more than {MAX_URL_BYTES} bytes; pass a shorter argument"
        )));
    }
    let url = Uri::try_from(url).map_err(|error| invalid_base(&error.to_string()))?;
    let authority = url.authority().filter(|_| url.scheme().is_some()).map_or("", Authority::as_str);
    if authority.is_empty() || authority.contains('@') {
        return Err(invalid_base("it must have a scheme, a host and no user"));
    }
    // The crate http accepts any text after the host.
    let port = &authority[url.host().unwrap_or_default().len()..];
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    match port.is_empty() || port.starts_with(':') && is_port {
        true => Ok(url),
        false => Err(invalid_base("its port must be a number of at most 65535")),
    }
}

fn invalid_base(why: &str) -> Unbuildable {
    Unbuildable(format!("the base URL is invalid ({why}); pass one such as https://api.infrai.cc"))
}

/// A request that is being built, or the reason why it cannot be.
pub(crate) struct RequestBuilder {
    method: Method,
    url: Result<String, Unbuildable>,
    /// Where the query of the URL starts.
    query: Option<usize>,
    headers: HeaderMap,
    body: Bytes,
    /// The bytes to send in place of a serialized body.
    prepared: Option<Bytes>,
}

/// Why a request cannot be built.
#[derive(Debug)]
pub(crate) struct Unbuildable(pub(crate) String);

impl RequestBuilder {
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Adds a query parameter. `None` is omitted, and a list is repeated for each element.
    pub(crate) fn query<T: Serialize>(mut self, parameter: &QueryParam<'_, T>) -> Self {
        let values = match serde_json::to_value(parameter.value) {
            Ok(Value::Null) => return self,
            Ok(Value::Array(values)) if values.is_empty() => return self,
            Ok(Value::Array(values)) => values,
            Ok(value) => vec![value],
            Err(error) => {
                let name = parameter.name;
                return self.failed(format!("the parameter {name} cannot be serialized: {error}"));
            }
        };
        let Ok(mut url) = self.url else { return self };
        let start = *self.query.get_or_insert_with(|| {
            url.push('?');
            url.len()
        });
        let mut query = Serializer::for_suffix(url, start);
        for value in values {
            match value {
                Value::String(text) => query.append_pair(parameter.name, &text),
                other => query.append_pair(parameter.name, &other.to_string()),
            };
        }
        self.url = Ok(query.finish());
        self
    }

    /// Sets the body in canonical JSON, unless the client has a body. `None` leaves the request unchanged.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        match self.prepared.take().map_or_else(|| canonical_json(body), Ok) {
            Ok(body) if body == "null\n" => self,
            Ok(body) => {
                self.put_body(body);
                self
            }
            Err(error) => self.failed(format!("the body cannot be serialized: {error}")),
        }
    }

    fn put_body(&mut self, body: Bytes) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = body;
    }

    /// Fails for this reason, unless there is an earlier one.
    fn failed(mut self, why: String) -> Self {
        self.url = self.url.and(Err(Unbuildable(why)));
        self
    }

    pub(crate) fn build(self) -> Result<Request<Bytes>, Unbuildable> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = parsed(self.url?)?;
        *request.headers_mut() = self.headers;
        Ok(request)
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
    use std::sync::Arc;

    use super::*;
    use crate::ApiKey;
    use crate::exchange::tests::NoNetwork;

    fn client(base: &str) -> Client {
        Client::new(base, ApiKey::new("ifr_pk_proj_x").unwrap(), Arc::new(NoNetwork))
    }

    /// A request of a client of the API, to this path.
    fn begun(method: Method, path: &str) -> RequestBuilder {
        let base = "https://api.infrai.cc";
        client(base).begin(method, format!("{base}{path}"))
    }

    fn path(base: &str, id: &str) -> Result<String, String> {
        let request = client(base).begin(Method::GET, format!("{base}/v1/video/get/{}", encode_path(id)));
        request.build().map(|request| request.uri().to_string()).map_err(|why| why.0)
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
        for wrong in [
            "",
            "gateway",
            "mailto:x",
            "/path",
            "https://u:p@gateway.example",
            "https://gateway.example?x=1",
            "https://gateway.example#x",
            "https://gateway.example/a b",
            "https://gateway.example:99999",
            "https://gateway.example:+443",
            "https://gateway.example:a",
            "https://[::1].other.example",
            "https://[::1]8443",
        ] {
            let why = path(wrong, "vj_1").unwrap_err();
            assert!(why.starts_with("the base URL is invalid") && !why.contains("u:p"), "{why}");
        }
    }

    #[test]
    fn an_argument_that_is_too_long_is_not_blamed_on_the_base_url() {
        let why = path("https://gateway.example", &"a".repeat(70_000)).unwrap_err();
        assert!(why.contains("pass a shorter argument"), "{why}");
    }

    #[test]
    fn an_omitted_parameter_is_not_sent() {
        let request = begun(Method::GET, "/v1/video/list")
            .query(&QueryParam::new("cursor", &None::<&str>))
            .query(&QueryParam::new("limit", &Some(7)))
            .query(&QueryParam::new("state", &Some("a b&c")))
            .build()
            .unwrap();
        assert_eq!(request.uri().query(), Some("limit=7&state=a+b%26c"));
    }

    #[test]
    fn a_list_in_the_query_is_repeated_for_each_element() {
        let request = begun(Method::GET, "/v1/video/list")
            .query(&QueryParam::new("state", &Some(&vec!["queued", "running"])))
            .query(&QueryParam::new("vendor", &Vec::<String>::new()))
            .query(&QueryParam::new("full", &true))
            .build()
            .unwrap();
        assert_eq!(request.uri().query(), Some("state=queued&state=running&full=true"));
    }

    #[test]
    fn an_omitted_body_leaves_an_empty_object() {
        assert_eq!(body_of(begun(Method::POST, "/v1/video/delete_all").json(&None::<&str>)), "{}\n");
        assert_eq!(body_of(begun(Method::POST, "/v1/video/delete_all").json(&Some("all"))), "\"all\"\n");
    }

    #[test]
    fn a_body_of_the_client_is_sent_in_place_of_the_serialized_one() {
        let client = client("https://api.infrai.cc").with_body(Bytes::from_static(b"{\"stored\": true}"));
        let request = client.begin(Method::POST, "https://api.infrai.cc/v1/video/generate".to_owned());
        assert_eq!(body_of(request.json(&"new")), "{\"stored\": true}");
    }

    fn body_of(request: RequestBuilder) -> String {
        String::from_utf8(request.build().unwrap().into_body().to_vec()).unwrap()
    }
}
