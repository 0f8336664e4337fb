//! openapi-generator, a program in Java that comes in a Python package.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{carry_out, python};
use crate::contract::DOCUMENT;

/// The file that pins its version, below the root.
const REQUIREMENTS: &str = "tests/consumers/openapi-generator.txt";

/// What it should write: code, without documentation and tests.
pub const CODE: &str =
    "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false";

/// The generator's jar; a Java runtime is needed to run it.
///
/// # Errors
/// If it cannot be installed: in words.
pub fn jar(root: &Path) -> Result<PathBuf, String> {
    let home = python::environment(root, "openapi-generator", &root.join(REQUIREMENTS))?;
    Ok(python::site_packages(&home)?.join("openapi_generator_cli/openapi-generator.jar"))
}

/// Makes the client for Rust from the document, as a crate of that name in `directory`.
///
/// # Errors
/// If the generator cannot be installed, or fails: in words.
pub fn rust_client(root: &Path, directory: &Path, name: &str) -> Result<(), String> {
    let mut java = Command::new("java");
    java.arg("-jar").arg(jar(root)?).args(["generate", "--generator-name", "rust", "--library", "reqwest"]);
    java.args(["--global-property", CODE, "--additional-properties", &format!("packageName={name}")]);
    java.arg("--input-spec").arg(root.join(DOCUMENT)).arg("--output").arg(directory);
    carry_out(&mut java, "openapi-generator made no client")
}
