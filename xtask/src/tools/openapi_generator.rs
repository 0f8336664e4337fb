//! openapi-generator, a program in Java that comes in a Python package.

use std::path::{Path, PathBuf};

use super::python;

/// The file that pins its version, below the root.
const REQUIREMENTS: &str = "tests/consumers/openapi-generator.txt";

/// The generator's jar; a Java runtime is needed to run it.
///
/// # Errors
/// If it cannot be installed: in words.
pub fn jar(root: &Path) -> Result<PathBuf, String> {
    let home = python::environment(root, "openapi-generator", &root.join(REQUIREMENTS))?;
    Ok(python::site_packages(&home)?.join("openapi_generator_cli/openapi-generator.jar"))
}
