//! The routes, and the sandbox as a service without a socket.

use std::convert::Infallible;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use bytes::Bytes;
use http::header::HOST;
use http::{Method, Uri};
use http_body::{Frame, SizeHint};
use tower::{Service, ServiceExt};
use tracing::debug;

use super::admin;
use super::cors::cors;
use super::fault_injection::Lost;
use super::middleware::observe;
use super::record;
use crate::api::{account, capabilities, clips, files, generate, jobs, list};
use crate::app_state::AppState;
use crate::handle::Handle;
use crate::model::operation::{Host, Operation};
use crate::model::problem::Problem;
use crate::network::peer::Peer;
use crate::page;
use crate::quirks::Quirk;

/// A connection that a fault rule closed without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sandbox closed the connection without a response, because of a fault rule: treat it as a lost connection"
)]
pub struct ConnectionLost;

/// The whole sandbox as a [`tower::Service`], with no socket.
///
/// The URI, or else the `Host` header, of a request selects the API or the file host. A fault rule that closes a
/// connection results in [`ConnectionLost`]; one that truncates a body results in an error of the body. The service is
/// always ready, and its clones are the same sandbox. It dereferences to [`Handle`].
#[derive(Clone, Debug)]
pub struct SandboxRouter {
    handle: Handle,
    pub(crate) api: HostService,
    pub(crate) files: HostService,
    file_authority: String,
}

impl SandboxRouter {
    pub(crate) fn new(app: Arc<AppState>) -> Self {
        let file_authority = app.file_base.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            handle: Handle::new(Arc::clone(&app)),
            api: HostService::api(&app),
            files: HostService::files(&app),
            file_authority,
        }
    }

    fn is_for_files(&self, uri: &Uri, host: Option<&str>) -> bool {
        uri.authority().map(|authority| authority.as_str()).or(host) == Some(self.file_authority.as_str())
    }
}

impl Deref for SandboxRouter {
    type Target = Handle;
    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl<B> Service<http::Request<B>> for SandboxRouter
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<ResponseBody>;
    type Error = ConnectionLost;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<ResponseBody>, ConnectionLost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionLost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let service = if self.is_for_files(request.uri(), host) { &self.files } else { &self.api };
        let response = service.call(request.map(Body::new));
        Box::pin(async move { Ok(response.await?.map(ResponseBody)) })
    }
}

/// The body of a response of [`SandboxRouter`].
#[derive(Debug)]
pub struct ResponseBody(Body);

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(context).map_err(axum::Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// One of the two hosts.
#[derive(Clone, Debug)]
pub(crate) struct HostService(Router);

impl HostService {
    pub(crate) fn api(app: &Arc<AppState>) -> Self {
        let state = Arc::clone(app);
        let routes = Router::new()
            .serve(Operation::Generate, post(generate::generate))
            .serve(Operation::Status, get(jobs::status))
            .serve(Operation::Cancel, post(jobs::cancel))
            .serve(Operation::Get, get(jobs::get))
            .serve(Operation::List, get(list::list))
            .serve(Operation::Delete, delete(jobs::delete))
            .serve(Operation::DeleteAll, post(jobs::delete_all))
            .serve(Operation::DownloadUrl, get(clips::download_url))
            .serve(Operation::SetRetention, post(clips::set_retention))
            .serve(Operation::Capabilities, get(capabilities::capabilities))
            .serve(Operation::Topup, post(account::topup))
            .serve(Operation::Checkout, get(account::checkout));
        let routes = finished(routes, state, Host::Api).merge(admin::routes(app)).merge(page::routes(app));
        let routes = routes.layer(from_fn_with_state((Arc::clone(app), file_routes(app)), files_of_api));
        Self::guarded(routes, app, Host::Api)
    }

    pub(crate) fn files(app: &Arc<AppState>) -> Self {
        Self::guarded(file_routes(app), app, Host::Files)
    }

    /// Puts the host check before all routes and the fallback.
    fn guarded(routes: Router, app: &Arc<AppState>, host: Host) -> Self {
        Self(routes.layer(from_fn_with_state((Arc::clone(app), host), check_host)))
    }

    /// Responds to a request, or loses its connection.
    pub(crate) fn call(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, ConnectionLost>> + Send + use<> {
        let response = self.0.clone().oneshot(request);
        async move {
            let response = response.await.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<Lost>() {
                Some(_) => Err(ConnectionLost),
                None => Ok(response),
            }
        }
    }
}

trait Serve {
    fn serve(self, operation: Operation, method: MethodRouter<Arc<AppState>>) -> Self;
}

impl Serve for Router<Arc<AppState>> {
    fn serve(self, operation: Operation, method: MethodRouter<Arc<AppState>>) -> Self {
        self.route(operation.route(), method)
    }
}

fn finished(routes: Router<Arc<AppState>>, app: Arc<AppState>, host: Host) -> Router {
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state((Arc::clone(&app), host), observe))
        .layer(from_fn_with_state((Arc::clone(&app), host), cors))
        .with_state(app)
}

fn file_routes(app: &Arc<AppState>) -> Router {
    let routes = Router::new()
        .serve(Operation::Clip, get(files::clip))
        .serve(Operation::Thumbnail, get(files::thumbnail));
    finished(routes, Arc::clone(app), Host::Files)
}

/// Serves files on the host of the API where links have no host.
async fn files_of_api(
    State((app, files)): State<(Arc<AppState>, Router)>,
    request: Request,
    next: Next,
) -> Response {
    let is_file = ["/clips/", "/thumbnails/"].iter().any(|folder| request.uri().path().starts_with(folder));
    if is_file && app.settings().quirks.has(Quirk::RelativeLinks) {
        return files.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    }
    next.run(request).await
}

async fn no_route(method: Method, uri: Uri) -> Problem {
    Problem::no_route(method.as_str(), uri.path())
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(method.as_str())
}

/// Rejects requests that name another host. Requests without a socket pass: their host selects one of the two services.
async fn check_host(
    State((app, service)): State<(Arc<AppState>, Host)>,
    request: Request,
    next: Next,
) -> Response {
    if request.extensions().get::<Peer>().is_none() {
        return next.run(request).await;
    }
    let head = (request.method(), request.uri(), request.headers());
    match app.allowed_hosts.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            debug!(status = problem.status.as_u16(), problem.message, "rejected because of its host");
            record::reject(&app, service, head, &problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::Value;

    use super::*;
    use crate::store::LOOKED_AT;
    use crate::{Clock, Sandbox};

    async fn response(sandbox: &SandboxRouter, request: http::request::Builder, body: &'static str) -> Value {
        let request = request
            .header("authorization", "Bearer ifr_pk_a")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request");
        let response = sandbox.clone().oneshot(request).await.expect("a response");
        let body = response.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
    }

    #[tokio::test]
    async fn a_page_costs_the_same_however_deep_it_is() {
        let sandbox = Sandbox::builder().clock(Clock::manual()).starting_balance(1e6).router();
        let body = r#"{"prompt": "a", "prefer": "cheapest", "duration_seconds": 1}"#;
        for _ in 0..10_000 {
            response(&sandbox, http::Request::post("/v1/video/generate"), body).await;
        }
        let mut cursor = String::new();
        for page in 1..=500 {
            LOOKED_AT.set(0);
            let path = format!("/v1/video/list?limit=20{cursor}");
            let page_of = response(&sandbox, http::Request::get(path), "").await;
            assert_eq!(page_of["data"]["items"].as_array().map(Vec::len), Some(20));
            // One more than it shows tells whether there is a next page.
            assert_eq!(LOOKED_AT.get(), if page < 500 { 21 } else { 20 }, "page {page}");
            cursor = format!("&cursor={}", page_of["data"]["next_cursor"].as_str().unwrap_or_default());
        }
        assert_eq!(cursor, "&cursor=", "all were shown");
    }
}
