//! What the contract tests share: the document, transports that record or answer from a script, and clients of a sandbox.

pub mod fixed;
pub mod frame;
pub mod hostile;
pub mod simulation;
pub mod transports;
pub mod waiting;

use std::path::{Path, PathBuf};

use infrai_video::{Client, ClientBuilder};
use infrai_video_sandbox::{Sandbox, SandboxBuilder};
use openapi_tools::Document;

/// A key of an account of its own in any sandbox.
pub const KEY: &str = "ifr_pk_proj_contract_tests";

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The document.
///
/// # Panics
///
/// Where it cannot be read: every test depends on it.
pub fn contract() -> Document {
    Document::load(&root().join(openapi_tools::DOCUMENT))
        .expect("the document can be read; run `cargo xtask lint`")
}

/// A sandbox whose jobs are done at once.
pub fn quick_sandbox() -> SandboxBuilder {
    Sandbox::builder().instant_jobs()
}

/// A client of a sandbox, with jitter and keys that repeat.
pub fn client_of(base_url: &str) -> ClientBuilder {
    Client::builder(KEY).with_base_url(base_url).with_seed(7)
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
