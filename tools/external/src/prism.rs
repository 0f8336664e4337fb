//! Prism, a mock server that responds with the examples of an OpenAPI document.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use duct::Handle;

use crate::{Process, node};

/// Its version is pinned there, below the root.
const PACKAGES: &str = "tests/mock";

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
        let port = free_port().context("there is no free port")?;
        let process = Process::new(packages.join("node_modules/.bin/prism"), root)
            .arg("mock")
            .arg(document)
            // A line for each request would cost it most of its speed.
            .args(&format!("--port {port} --verboseLevel warn"));
        let process = process.expression().stdout_null().stderr_null().unchecked().start();
        let process = process.context("prism cannot be started")?;
        let prism = Self { process, base_url: format!("http://127.0.0.1:{port}") };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(finished) = prism.process.try_wait()? {
                bail!("prism exited ({}) before it listened", finished.status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(prism)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.process.kill();
    }
}

/// Prism cannot choose a free port itself.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
