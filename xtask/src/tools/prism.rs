//! Prism: a mock server that answers from an OpenAPI document.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::node;
use crate::contract::DOCUMENT;

/// A running Prism. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Prism {
    process: Child,
    /// Where it listens, without a slash at the end.
    pub base_url: String,
}

impl Prism {
    /// Starts it on a free port with the document of the workspace at `root`, and waits until it listens.
    ///
    /// # Errors
    /// If it cannot be installed or started: in words.
    pub fn start(root: &Path) -> Result<Self, String> {
        let packages = node::packages(root, "prism", &root.join("xtask/peers/prism"))?;
        let port = free_port().map_err(|error| format!("there is no free port: {error}"))?;
        let process = Command::new(packages.join("node_modules/.bin/prism"))
            .current_dir(root)
            // Without a line for each request, which would cost it most of its speed.
            .args(["mock", DOCUMENT, "--port", &port.to_string(), "--verboseLevel", "warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("prism cannot be started: {error}"))?;
        let mut prism = Self { process, base_url: format!("http://127.0.0.1:{port}") };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = prism.process.try_wait() {
                return Err(format!("prism ended with {status} before it listened"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(prism)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prism cannot choose one by itself.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
