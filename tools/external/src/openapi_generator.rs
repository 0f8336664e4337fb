//! openapi-generator, a Java program in a Python package.

use std::path::{Path, PathBuf};

use crate::programs::{JAVA, require};
use crate::{Process, python};

/// The file that pins its version, below the root.
pub const REQUIREMENTS: &str = "tests/cross_language/openapi-generator.txt";

/// What it writes: code, without documentation and tests.
pub const CODE: &str =
    "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false";

/// The generator's jar.
///
/// # Errors
/// If it cannot be installed, or there is no JDK to run it.
pub fn jar(root: &Path) -> anyhow::Result<PathBuf> {
    require(&[JAVA])?;
    let home = python::environment(root, "openapi-generator", &root.join(REQUIREMENTS))?;
    Ok(python::site_packages(&home)?.join("openapi_generator_cli/openapi-generator.jar"))
}

/// A run of the generator on `document` in `directory`, without its options.
///
/// # Errors
/// If it cannot be installed, or there is no JDK to run it.
pub fn generate(root: &Path, document: &Path, directory: &Path) -> anyhow::Result<Process> {
    let java = Process::new("java", directory).named("openapi-generator").arg("-jar").arg(jar(root)?);
    Ok(java.args("generate --global-property").arg(CODE).arg("--input-spec").arg(document))
}

/// Generates the client for Rust, as a crate with that name in `directory`.
///
/// # Errors
/// If the generator cannot be installed, or fails.
pub fn rust_client(root: &Path, document: &Path, directory: &Path, name: &str) -> anyhow::Result<()> {
    let generator = generate(root, document, root)?.args("--generator-name rust --library reqwest");
    let generator = generator.args(&format!("--additional-properties packageName={name}"));
    generator.arg("--output").arg(directory).run()
}
