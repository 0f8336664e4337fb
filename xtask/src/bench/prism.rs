//! Prism: a mock server that answers from an OpenAPI document.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::contract::DOCUMENT;
use crate::tools::node;

/// A running Prism. It is stopped when this is dropped.
pub(super) struct Prism {
    process: Child,
    pub(super) base_url: String,
}

impl Prism {
    pub(super) fn start(root: &Path) -> Result<Self, String> {
        let packages = node::packages(root, "prism", &root.join("xtask/peers/prism"))?;
        let port = free_port().map_err(|error| format!("there is no free port: {error}"))?;
        let mut process = Command::new(packages.join("node_modules/.bin/prism"))
            .current_dir(root)
            .args(["mock", DOCUMENT, "--port", &port.to_string(), "--verboseLevel", "warn"])
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("prism cannot be started: {error}"))?;
        let mut output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            let read = output.read_line(&mut line).map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("prism ended before it listened".to_owned());
            }
        }
        // Read to its end, or prism would stop at a full pipe.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Ok(Self { process, base_url: format!("http://127.0.0.1:{port}") })
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
