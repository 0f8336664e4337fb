//! Your own CA certificates and proxy, by an HTTP client of hyper.
//!
//! Often no code is needed: the built-in transport reads `SSL_CERT_FILE`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Pass a
//! client if the settings come from somewhere else, or if you need an option of rustls, such as a client certificate.
//!
//! ```sh
//! CA_FILE=corporate-ca.pem PROXY=http://proxy.example:3128 cargo run -p infrai-video --example custom_tls_and_proxy
//! ```
//!
//! Both variables are optional. The proxy is an http proxy. For one with a password, add `Tunnel::with_auth`: a password in `PROXY`
//! is ignored. `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `bytes`,
//! `http-body-util`, `hyper-rustls` 0.27, `hyper-util` with the features `client-legacy`, `client-proxy`, `http1` and `tokio`,
//! `rustls` 0.23 with the feature `ring`, `rustls-platform-verifier`, and `tokio` with the features `macros` and
//! `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use infrai_video::ClientBuilder;
use infrai_video::download::Overwrite;
use infrai_video::transport::TowerTransport;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

/// Makes one clip over this connection.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let mut certificates = Vec::new();
    if let Ok(path) = env::var("CA_FILE") {
        let pem = std::fs::read(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>()?;
        println!("CA certificates in {path}: {}", certificates.len());
    }
    let tls = trusting(certificates)?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(Duration::from_secs(10)));
    let builder = ClientBuilder::from_env()?;
    let builder = match env::var("PROXY") {
        // For the API and for the host of the links. With https the proxy sees only the names of the hosts.
        Ok(proxy) => builder.with_transport(transport(tls, Tunnel::new(proxy.parse()?, tcp))),
        Err(_) => builder.with_transport(transport(tls, tcp)),
    };
    let client = builder.build()?;

    let job = client.generate("a snowy forest").duration_seconds(2).submit().await?;
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("forest.mp4").await?;
    println!("saved {}: {} bytes", saved.path.display(), saved.bytes);
    Ok(())
}

/// Trusts these CA certificates in addition to those of the system.
fn trusting(certificates: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(certificates, Arc::clone(&provider))?;
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(tls.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// A client that connects by `connector`. It neither repeats requests nor follows redirects, as the SDK requires.
fn transport<C>(tls: ClientConfig, connector: C) -> TowerTransport<Client<HttpsConnector<C>, Full<Bytes>>>
where
    HttpsConnector<C>: Connect + Clone,
{
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let mut client = Client::builder(TokioExecutor::new());
    client.retry_canceled_requests(false);
    TowerTransport::new(client.build(https.wrap_connector(connector)))
}
