//! Shared by the contract tests: the document, and clients of a sandbox.

use std::path::{Path, PathBuf};

use infrai_video::{Client, ClientBuilder};
use infrai_video_sandbox::{Sandbox, SandboxBuilder};
use openapi_tools::Document;

/// An API key with an account of its own in any sandbox.
pub const KEY: &str = "ifr_pk_proj_contract_tests";

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The OpenAPI document.
///
/// # Panics
///
/// If it cannot be read: every test depends on it.
pub fn contract() -> Document {
    Document::load(&root().join(openapi_tools::DOCUMENT))
        .expect("the document can be read; run `cargo xtask lint`")
}

/// The OpenAPI document of the sandbox's admin API.
///
/// # Panics
///
/// As [`contract`].
pub fn admin_contract() -> Document {
    Document::load(&root().join(openapi_tools::SANDBOX_DOCUMENT))
        .expect("the document can be read; run `cargo xtask lint`")
}

/// A sandbox whose jobs finish at once.
pub fn quick_sandbox() -> SandboxBuilder {
    Sandbox::builder().instant_jobs()
}

/// Settings of a client with repeatable jitter and idempotency keys.
pub fn client_of(base_url: &str) -> ClientBuilder {
    Client::builder(KEY).with_base_url(base_url).with_seed(7)
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
