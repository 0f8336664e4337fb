//! The routes, and the sandbox as a service without a socket.

use std::convert::Infallible;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use bytes::Bytes;
use http::header::HOST;
use http::{Method, Uri};
use tower::{Service, ServiceExt};

use crate::api::{account, capabilities, clips, generate, jobs, list};
use crate::app::App;
use crate::faults::Lost;
use crate::handle::Handle;
use crate::journal::Host;
use crate::observe::observe;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::{admin, allowed_hosts, files, page};

/// A connection that was closed without an answer, as a fault rule asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sandbox closed the connection without an answer, as a fault rule says: treat it as a lost connection"
)]
pub struct ConnectionLost;

/// The whole sandbox as a [`tower::Service`], with no socket.
///
/// Requests go to the API or to the file host as their URI, or else their `Host` header, says. A fault rule that
/// drops a connection gives [`ConnectionLost`]; one that cuts a body gives an error in the body. The service is always
/// ready, and its clones are the same sandbox. [`Handle`]'s methods work on it.
#[derive(Clone, Debug)]
pub struct SandboxRouter {
    handle: Handle,
    pub(crate) api: HostService,
    pub(crate) files: HostService,
    file_authority: String,
}

impl SandboxRouter {
    pub(crate) fn new(app: Arc<App>) -> Self {
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
    type Response = Response;
    type Error = ConnectionLost;
    type Future = Pin<Box<dyn Future<Output = Result<Response, ConnectionLost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionLost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let service = if self.is_for_files(request.uri(), host) { &self.files } else { &self.api };
        let answered = service.answer(request.map(Body::new));
        Box::pin(answered)
    }
}

/// One of the two hosts.
#[derive(Clone, Debug)]
pub(crate) struct HostService(Router);

impl HostService {
    pub(crate) fn api(app: &Arc<App>) -> Self {
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
        Self::guarded(routes, app, Host::Api)
    }

    pub(crate) fn files(app: &Arc<App>) -> Self {
        let routes = Router::new()
            .serve(Operation::Clip, get(files::clip))
            .serve(Operation::Thumbnail, get(files::thumbnail));
        Self::guarded(finished(routes, Arc::clone(app), Host::Files), app, Host::Files)
    }

    /// Every route, and what answers where there is none, behind the check of the host.
    fn guarded(routes: Router, app: &Arc<App>, host: Host) -> Self {
        Self(routes.layer(from_fn_with_state((Arc::clone(app), host), allowed_hosts::guard)))
    }

    /// Answers a request, or loses its connection.
    pub(crate) fn answer(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Response, ConnectionLost>> + Send + use<> {
        let answered = self.0.clone().oneshot(request);
        async move {
            let response = answered.await.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<Lost>() {
                Some(_) => Err(ConnectionLost),
                None => Ok(response),
            }
        }
    }
}

trait Serve {
    fn serve(self, operation: Operation, method: MethodRouter<Arc<App>>) -> Self;
}

impl Serve for Router<Arc<App>> {
    fn serve(self, operation: Operation, method: MethodRouter<Arc<App>>) -> Self {
        self.route(operation.route(), method)
    }
}

fn finished(routes: Router<Arc<App>>, app: Arc<App>, host: Host) -> Router {
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state((Arc::clone(&app), host), observe))
        .with_state(app)
}

async fn no_route(method: Method, uri: Uri) -> Problem {
    Problem::no_route(method.as_str(), uri.path())
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(method.as_str())
}
