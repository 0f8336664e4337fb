//! A server that sends the same response to each operation at once: what remains of a call is the SDK's own work.

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request, Response};
use infrai_video::Client;
use infrai_video::transport::{ResponseBody, Transport};

use super::{SendFuture, client_of};

/// The number of jobs on a page of the list.
pub(crate) const PAGE: usize = 20;

/// A client of this server.
pub(crate) fn client() -> Client {
    let client = client_of("https://api.infrai.cc").with_transport(Fixed::new());
    client.build().expect("the settings are valid")
}

/// One job, and a page of them.
struct Fixed {
    job: Bytes,
    page: Bytes,
}

impl Fixed {
    fn new() -> Self {
        let job = r#"{"job_id":"vj_01kaq3v8zn5w4x7r2m9t6h0c1d","state":"running","video_url":null,"thumbnail_url":null,"error":null}"#;
        let items = vec![job; PAGE].join(",");
        let envelope = |data: &str| {
            format!(
                r#"{{"ok":true,"data":{data},"error":null,"metadata":{{"cost_usd":0,"latency_ms":14,"vendor":null,"cache_hit":false,"request_id":"req_01kaq41s00"}}}}"#
            )
        };
        let page = format!(r#"{{"items":[{items}],"next_cursor":null}}"#);
        Self { job: envelope(job).into(), page: envelope(&page).into() }
    }
}

impl Transport for Fixed {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let is_list = request.uri().path() == "/v1/video/list";
        let body = if is_list { self.page.clone() } else { self.job.clone() };
        let body = stream::iter([Ok(body)]).boxed() as ResponseBody;
        let response = Response::builder().header("content-type", "application/json").body(body);
        std::future::ready(Ok(response.expect("the response is valid HTTP"))).boxed()
    }
}
