//! Certificate authorities, and TLS servers in front of a sandbox.

use std::net::TcpListener as Reserved;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use infrai_video_sandbox::{Sandbox, SandboxBuilder};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::common::Harness;

/// Hosts that do not resolve, so that they can be reached only through a proxy.
pub(crate) const API: &str = "https://api.example.test";
const FILES: &str = "https://files.example.test";

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server certificate with its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// The CA certificate in PEM form.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a server certificate for the test hosts. `change` adjusts its parameters.
    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let (params, key) = (params(change), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { certificate, key: key.into() }
    }
}

/// A self-signed server certificate for the test hosts.
pub(crate) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let (params, key) = (params(change), KeyPair::generate().unwrap());
    Identity { certificate: params.self_signed(&key).unwrap().der().clone(), key: key.into() }
}

fn params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let names = ["localhost", "127.0.0.1", "api.example.test", "files.example.test"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
    change(&mut params);
    params
}

/// The ports on which a sandbox listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) api: u16,
    pub(crate) files: u16,
}

/// Which of the sandbox's public URLs are the test hosts.
pub(crate) enum Public {
    Nothing,
    Files,
    Both,
}

pub(crate) async fn harness(builder: SandboxBuilder, public: Public) -> (Harness, Ports) {
    let reserve = || Reserved::bind("127.0.0.1:0").unwrap();
    let reserved = (reserve(), reserve());
    let port = |reserved: &Reserved| reserved.local_addr().unwrap().port();
    let ports = Ports { api: port(&reserved.0), files: port(&reserved.1) };
    drop(reserved);
    let builder = builder
        .port(ports.api)
        .file_port(ports.files)
        .admin_token("a token for these tests".replace(' ', "-"));
    let builder = match public {
        Public::Nothing => builder,
        Public::Files => builder.public_files_url(FILES),
        Public::Both => builder.public_url(API).public_files_url(FILES),
    };
    (Harness::with(builder).await, ports)
}

/// A sandbox whose jobs finish immediately.
pub(crate) fn instant() -> SandboxBuilder {
    Sandbox::builder().instant_jobs()
}

/// A TLS server that counts its connections.
pub(crate) struct TlsServer {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl TlsServer {
    /// Forwards to the ports of a sandbox, chosen by SNI.
    pub(crate) async fn in_front_of(ports: Ports, identity: Identity) -> Self {
        Self::start(identity, &[b"http/1.1"], move |mut stream| async move {
            let is_files = stream.get_ref().1.server_name().is_some_and(|name| name.starts_with("files."));
            let port = if is_files { ports.files } else { ports.api };
            let mut sandbox = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _closed_by_either_side = copy_bidirectional(&mut stream, &mut sandbox).await;
        })
        .await
    }

    /// Passes each connection to `serve`.
    pub(crate) async fn start<S: Future<Output = ()> + Send + 'static>(
        identity: Identity,
        protocols: &[&[u8]],
        serve: impl Fn(TlsStream<TcpStream>) -> S + Send + Sync + 'static,
    ) -> Self {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate], identity.key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let (count, serve) = (Arc::clone(&connections), Arc::new(serve));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, serve) = (acceptor.clone(), Arc::clone(&serve));
                tokio::spawn(async move {
                    // A client that does not trust the certificate aborts the handshake.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream).await;
                    }
                });
            }
        });
        Self { port, connections }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// Sets `SSL_CERT_FILE` to a file with this CA certificate.
pub(crate) fn trusting<'a>(
    command: &'a mut Command,
    directory: &Path,
    authority: &Authority,
) -> &'a mut Command {
    let path = directory.join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    command.env("SSL_CERT_FILE", path)
}
