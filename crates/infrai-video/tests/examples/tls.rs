//! A TLS server in front of a sandbox, with a certificate of a CA that no system knows.
#![cfg(feature = "ring")]

use std::sync::Arc;

use infrai_video_sandbox::Sandbox;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

pub(crate) struct TlsServer {
    port: u16,
    /// The CA certificate in PEM form.
    pub(crate) ca: String,
}

impl TlsServer {
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// Starts a server on a free port that forwards everything to the API of this sandbox.
pub(crate) async fn start(sandbox: &Sandbox) -> TlsServer {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap().der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key.into())
        })
        .expect("the certificate is valid");
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("the listener has an address").port();
    let api = sandbox.base_url().replace("http://", "");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (acceptor, api) = (acceptor.clone(), api.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(connection).await?;
                let mut server = TcpStream::connect(api).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    TlsServer { port, ca: authority.pem() }
}
