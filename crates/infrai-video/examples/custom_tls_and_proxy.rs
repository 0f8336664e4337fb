//! Your own CA certificates and proxy, by a `reqwest` client.
//!
//! Often no code is needed: the built-in transport reads `SSL_CERT_FILE`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Pass a
//! client if the settings come from somewhere else, or if reqwest has an option that you need.
//!
//! ```sh
//! CA_FILE=corporate-ca.pem PROXY=http://proxy.example:3128 cargo run -p infrai-video --example custom_tls_and_proxy
//! ```
//!
//! Both variables are optional. `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`,
//! `reqwest` 0.13 with the feature `rustls`, and `tokio` with the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::env;
use std::error::Error;
use std::time::Duration;

use infrai_video::ClientBuilder;
use infrai_video::download::Overwrite;
use reqwest::{Certificate, Proxy};

/// Makes one clip over this connection.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // A redirect would be followed to another host, and a total time limit would end long downloads. `no_proxy` ignores the
    // proxy variables of the environment: only `PROXY` counts.
    let mut http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .no_proxy();
    if let Ok(path) = env::var("CA_FILE") {
        let pem = std::fs::read(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        let certificates = Certificate::from_pem_bundle(&pem)?;
        println!("CA certificates in {path}: {}", certificates.len());
        // In addition to those of the system. `tls_certs_only` replaces them.
        http = http.tls_certs_merge(certificates);
    }
    if let Ok(url) = env::var("PROXY") {
        // For the API and for the host of the links. With https the proxy sees only the names of the hosts.
        http = http.proxy(Proxy::all(url)?);
    }
    let client = ClientBuilder::from_env()?.with_http_client(http.build()?).build()?;

    let job = client.generate("a snowy forest").duration_seconds(2).submit().await?;
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("forest.mp4").await?;
    println!("saved {}: {} bytes", saved.path.display(), saved.bytes);
    Ok(())
}
