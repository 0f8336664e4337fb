//! Prism, a mock server that responds with the examples of an OpenAPI document.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use duct::Handle;

use crate::{Process, node};

/// Its version is pinned there, below the root.
const PACKAGES: &str = "tests/mock";

/// Another program may take the free port before Prism does, which then exits.
const ATTEMPTS: usize = 3;

/// A running Prism. It is killed on drop.
#[derive(Debug)]
pub struct Prism {
    process: Handle,
    /// Where it listens, without a trailing slash.
    pub base_url: String,
}

impl Prism {
    /// Starts it on a free port with `document`, and waits until it listens.
    ///
    /// # Errors
    /// If it cannot be installed or started.
    pub fn start(root: &Path, document: &Path) -> anyhow::Result<Self> {
        let packages = node::packages(root, "prism", &root.join(PACKAGES))?;
        for _ in 0..ATTEMPTS {
            let port = free_port().context("there is no free port")?;
            let process = Process::new(packages.join("node_modules/.bin/prism"), root)
                .arg("mock")
                .arg(document)
                // A line for each request would cost it most of its speed.
                .args(&format!("--port {port} --verboseLevel warn"));
            let process = process.expression().stdout_null().stderr_null().unchecked().start();
            let process = process.context("prism cannot be started")?;
            let prism = Self { process, base_url: format!("http://127.0.0.1:{port}") };
            if prism.listens_on(port)? {
                return Ok(prism);
            }
        }
        bail!("prism exited {ATTEMPTS} times before it listened")
    }

    /// Waits until it listens. Returns false if it exited.
    fn listens_on(&self, port: u16) -> anyhow::Result<bool> {
        while !is_prism(port) {
            if self.process.try_wait()?.is_some() {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(true)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.process.kill();
    }
}

/// Prism would choose a free port itself, but would print it only with a line for each request.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether the server on this port is Prism. The error for an unknown path contains its name.
fn is_prism(port: u16) -> bool {
    let mut response = String::new();
    let requested = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        stream.read_to_string(&mut response)
    });
    requested.is_ok() && response.contains("stoplight.io/prism")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_is_not_taken_for_prism() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\nthere is no such path").unwrap();
        });
        assert!(!is_prism(port));
        server.join().unwrap();
        assert!(!is_prism(port), "nobody listens");
    }
}
