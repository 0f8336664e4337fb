//! Bind address, public URLs, and access to the admin API.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::{fmt, io};

use http::Uri;
use http::uri::Scheme;
use tokio::net::TcpListener;

use crate::network::admin_auth::AdminAuth;
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::allowed_origins::{AllowedOrigins, PageOrigin};
use crate::network::host::Host;

/// The minimum length of an admin token.
const MIN_TOKEN_LENGTH: usize = 16;

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A socket cannot be opened: its port is taken, or the host is not one of this machine.
    #[error("the {} cannot listen on {address}: {source}; {}", server(setting), listen_advice(source))]
    Listen {
        /// The setting with its port: `port` for the API, or `file_port` for the file host.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// Other machines can reach the sandbox, and could call its admin API.
    #[error(
        "a sandbox that is reachable from other machines, as at {at}, needs an admin token: set one, or listen on 127.0.0.1"
    )]
    NoAdminToken {
        /// The host that is not on loopback.
        at: String,
    },
    /// The admin token is too short, or contains characters that a header cannot have.
    #[error("the admin token must have at least 16 visible ASCII characters and no space: use a random one")]
    WeakAdminToken,
    /// The origin of a page is invalid.
    #[error(
        "the origin {origin:?} {wrong}: an origin is a scheme, a host and maybe a port, such as https://app.example"
    )]
    CorsOrigin {
        /// The origin, or `...` in place of one that may hold a password.
        origin: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// A public URL is invalid.
    #[error("{setting} {url:?} {wrong}: use one such as http://sandbox.example:8787")]
    PublicUrl {
        /// `public_url` or `public_files_url`.
        setting: &'static str,
        /// The URL, or `...` in place of one that may hold a password.
        url: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// The directory of [`SandboxBuilder::persist`](crate::SandboxBuilder::persist) cannot be used.
    #[cfg(feature = "persist")]
    #[error(transparent)]
    Persist(#[from] crate::store::PersistError),
}

fn server(setting: &str) -> &'static str {
    if setting == "file_port" { "file host" } else { "API" }
}

fn listen_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => "use an address of this machine, such as 127.0.0.1",
        io::ErrorKind::PermissionDenied => "choose a port above 1023 for it, or 0 for a free one",
        _ => "choose another port for it, or 0 for a free one",
    }
}

/// The network settings of a sandbox.
pub(crate) struct NetworkSettings {
    pub(crate) host: IpAddr,
    pub(crate) admin_token: Option<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) public_files_url: Option<String>,
    pub(crate) cors_origins: Vec<String>,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        let host = Ipv4Addr::LOCALHOST.into();
        Self { host, admin_token: None, public_url: None, public_files_url: None, cors_origins: Vec::new() }
    }
}

impl NetworkSettings {
    /// The host under which other machines can reach the sandbox, if any.
    fn beyond_loopback(&self) -> Option<String> {
        if !self.host.to_canonical().is_loopback() {
            return Some(self.host.to_string());
        }
        // Behind a proxy every request comes from the proxy, which may be on loopback.
        let public = Origin::parse(self.public_url.as_ref()?).ok()?;
        Some(public.host).filter(|host| !host.is_loopback()).map(|host| host.to_string())
    }

    pub(crate) fn needs_admin_token(&self) -> bool {
        self.admin_token.is_none() && self.beyond_loopback().is_some()
    }

    /// Access control of the admin routes.
    pub(crate) fn admin_auth(&self) -> AdminAuth {
        self.admin_token.as_deref().map_or(AdminAuth::Loopback, AdminAuth::token)
    }

    /// The hosts that requests may name.
    pub(crate) fn allowed_hosts(&self) -> AllowedHosts {
        let urls = [&self.public_url, &self.public_files_url].into_iter().flatten();
        let public = urls.filter_map(|url| Some(Origin::parse(url).ok()?.host)).collect();
        AllowedHosts { public, bound: self.host }
    }

    /// The pages that may call the sandbox from a browser.
    pub(crate) fn allowed_origins(&self) -> AllowedOrigins {
        AllowedOrigins(self.cors_origins.iter().filter_map(|text| PageOrigin::parse(text).ok()).collect())
    }

    pub(crate) fn check(&self) -> Result<(), StartError> {
        let shown = |url: &str| if url.contains('@') { "..." } else { url }.to_owned();
        for (setting, url) in [("public_url", &self.public_url), ("public_files_url", &self.public_files_url)]
        {
            if let Some(url) = url {
                Origin::parse(url).map_err(|wrong| StartError::PublicUrl {
                    setting,
                    url: shown(url),
                    wrong,
                })?;
            }
        }
        for origin in &self.cors_origins {
            PageOrigin::parse(origin)
                .map_err(|wrong| StartError::CorsOrigin { origin: shown(origin), wrong })?;
        }
        match (&self.admin_token, self.beyond_loopback()) {
            (None, Some(at)) => Err(StartError::NoAdminToken { at }),
            (Some(token), _) if !is_strong(token) => Err(StartError::WeakAdminToken),
            _ => Ok(()),
        }
    }

    /// Opens the socket of the port that `setting` has.
    pub(crate) async fn listen(
        &self,
        setting: &'static str,
        port: u16,
    ) -> Result<(TcpListener, SocketAddr), StartError> {
        let address = SocketAddr::new(self.host, port);
        let failed = |source| StartError::Listen { setting, address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        Ok((socket, bound))
    }

    /// The URLs of the API and of the file host, without a slash at the end.
    pub(crate) fn bases(&self, api: SocketAddr, files: SocketAddr) -> (String, String) {
        let url = |text: &Option<String>| text.as_deref().and_then(|text| Origin::parse(text).ok());
        let (public, public_files) = (url(&self.public_url), url(&self.public_files_url));
        let files_beside = || {
            let public = public.clone()?;
            Some(Origin { port: Some(files.port()), ..public })
        };
        (
            public.as_ref().map_or_else(|| base(api), Origin::to_string),
            public_files.or_else(files_beside).as_ref().map_or_else(|| base(files), Origin::to_string),
        )
    }
}

/// A URL that is only a scheme, a host and maybe a port.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    scheme: Scheme,
    pub(super) host: Host,
    port: Option<u16>,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_ascii() {
            return Err("is not ASCII (the ASCII form of a name begins with xn--)");
        }
        let url: Uri = text.parse().map_err(|_| "is no URL")?;
        let web = url.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let (Some(scheme), Some(authority)) = (web, url.authority()) else {
            return Err("is not an address of the web");
        };
        if url.path() != "/" || text.contains(['?', '#', '@']) {
            return Err("has more than a host and a port");
        }
        let host = Host::parse(authority.host()).ok_or("has no valid host")?;
        // The crate http accepts any text there.
        let port = match &authority.as_str()[authority.host().len()..] {
            "" | ":" => None,
            rest => Some(port(rest).ok_or("has no valid port")?),
        };
        Ok(Self { scheme: scheme.clone(), host, port })
    }
}

/// The port after a host: a colon and a number.
fn port(rest: &str) -> Option<u16> {
    let digits = rest.strip_prefix(':')?;
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port.filter(|port| *port != default) {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The URL of a socket on this machine. A socket that listens on all addresses is also on loopback.
fn base(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

fn is_strong(token: &str) -> bool {
    token.len() >= MIN_TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(host: &str, public_url: Option<&str>, public_files_url: Option<&str>) -> (String, String) {
        let host: IpAddr = host.parse().expect("an address");
        let (public_url, public_files_url) =
            (public_url.map(str::to_owned), public_files_url.map(str::to_owned));
        let settings = NetworkSettings { host, public_url, public_files_url, ..NetworkSettings::default() };
        settings.bases(SocketAddr::new(host, 87), SocketAddr::new(host, 88))
    }

    #[test]
    fn links_lead_to_the_public_urls_or_else_to_the_sockets() {
        let at = |api: &str, files: &str| (api.to_owned(), files.to_owned());
        assert_eq!(bases("127.0.0.1", None, None), at("http://127.0.0.1:87", "http://127.0.0.1:88"));
        assert_eq!(bases("0.0.0.0", None, None), at("http://127.0.0.1:87", "http://127.0.0.1:88"));
        assert_eq!(bases("::", None, None), at("http://[::1]:87", "http://[::1]:88"));
        assert_eq!(bases("10.0.0.7", None, None), at("http://10.0.0.7:87", "http://10.0.0.7:88"));
        let public = Some("http://sandbox.example:8787/");
        assert_eq!(
            bases("0.0.0.0", public, None),
            at("http://sandbox.example:8787", "http://sandbox.example:88"),
            "the files are on the same host"
        );
        assert_eq!(
            bases("0.0.0.0", public, Some("https://files.example")),
            at("http://sandbox.example:8787", "https://files.example")
        );
        assert_eq!(
            bases("0.0.0.0", Some("HTTP://Sandbox.Example:80"), Some("https://[0::1]:443/")),
            at("http://sandbox.example", "https://[::1]")
        );
    }

    #[test]
    fn a_public_url_is_a_host_and_a_port_alone() {
        for (wrong, shown) in [
            ("", ""),
            ("nonsense", "nonsense"),
            ("/a", "/a"),
            ("ftp://a", "ftp://a"),
            ("http://a/b", "http://a/b"),
            ("http://a?b", "http://a?b"),
            ("http://u@a", "..."),
            ("http://u:p@a", "..."),
            ("http://u:p/q@a", "..."),
            ("http://a:65536", "http://a:65536"),
            ("http://a:+80", "http://a:+80"),
            ("http://[::1]x", "http://[::1]x"),
            ("http://[::1].a", "http://[::1].a"),
            ("http://[::g]", "http://[::g]"),
            ("http://b\u{fc}cher", "http://b\u{fc}cher"),
        ] {
            let settings =
                NetworkSettings { public_files_url: Some(wrong.to_owned()), ..NetworkSettings::default() };
            let error = settings.check().expect_err(wrong).to_string();
            assert!(error.starts_with(&format!("public_files_url {shown:?}")), "{error}");
        }
    }

    #[test]
    fn a_sandbox_reachable_from_other_machines_needs_a_strong_token() {
        let settings = |host: &str, public: Option<&str>, token: Option<&str>| NetworkSettings {
            host: host.parse().expect("an address"),
            public_url: public.map(str::to_owned),
            admin_token: token.map(str::to_owned),
            ..NetworkSettings::default()
        };
        for (host, public) in [
            ("0.0.0.0", None),
            ("::", None),
            ("10.0.0.7", None),
            ("0.0.0.0", Some("http://localhost")),
            ("127.0.0.1", Some("http://sandbox.example")),
        ] {
            assert!(
                matches!(settings(host, public, None).check(), Err(StartError::NoAdminToken { .. })),
                "{host}"
            );
            assert!(settings(host, public, None).needs_admin_token());
            let token = Some("0123456789abcdef");
            assert!(
                settings(host, public, token).check().is_ok()
                    && !settings(host, public, token).needs_admin_token()
            );
        }
        for (host, public) in [
            ("127.0.0.1", None),
            ("::1", Some("http://localhost:1")),
            ("127.0.0.2", Some("http://[::1]")),
            ("127.0.0.1", Some("http://a.localhost")),
        ] {
            assert!(settings(host, public, None).check().is_ok(), "{host}");
        }
        for weak in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdeä"] {
            assert!(
                matches!(settings("::1", None, Some(weak)).check(), Err(StartError::WeakAdminToken)),
                "{weak}"
            );
        }
    }
}
