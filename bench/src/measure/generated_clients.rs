//! Clients that generators for three languages make from the document, with the versions of `tests/cross_language`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use external_tools::{Process, node, openapi_generator, python};

use crate::DOCUMENT;
use crate::measure::build::{executables, named};

/// The programs that use them, below the root.
const PEERS: &str = "bench/baselines";

/// The built clients.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) rust: PathBuf,
    pub(crate) rust_counted: PathBuf,
    /// The interpreter and its program.
    pub(crate) python: [PathBuf; 2],
    pub(crate) typescript: PathBuf,
}

impl Generated {
    pub(crate) fn make(root: &Path) -> anyhow::Result<Self> {
        // The programs run in another directory than the benchmark.
        let root = &fs::canonicalize(root)?;
        let [rust, rust_counted] = rust(root)?;
        Ok(Self { rust, rust_counted, python: python(root)?, typescript: typescript(root)? })
    }
}

fn rust(root: &Path) -> anyhow::Result<[PathBuf; 2]> {
    let pinned = root.join("tests/cross_language/openapi-generator.txt");
    let place = place(root, "openapi-generator", &[&pinned], |place| {
        openapi_generator::rust_client(
            root,
            &root.join(DOCUMENT),
            &place.join("client"),
            "infrai-video-openapi",
        )
    })?;
    let built = executables(root, &root.join(PEERS).join("openapi-generator"), "")
        .with_context(|| format!("the client is in {}", place.display()))?;
    Ok([named(&built, "generated")?, named(&built, "generated-counted")?])
}

fn python(root: &Path) -> anyhow::Result<[PathBuf; 2]> {
    let pinned = root.join("tests/cross_language/python/requirements.txt");
    let programs = python::environment(root, "cross-language", &pinned)?.join("bin");
    let client = root.join(PEERS).join("python/client.py");
    let place = place(root, "openapi-python-client", &[&pinned, &client], |place| {
        copy(&client, &place.join("client.py"))?;
        let generator =
            Process::new(programs.join("openapi-python-client"), place).named("openapi-python-client");
        let generator =
            generator.args("generate --meta none --overwrite --output-path infrai_video_api_client --path");
        generator.arg(root.join(DOCUMENT)).run()
    })?;
    Ok([programs.join("python"), place.join("client.py")])
}

fn typescript(root: &Path) -> anyhow::Result<PathBuf> {
    let pinned = root.join("tests/cross_language/typescript");
    let (manifest, lock) = (pinned.join("package.json"), pinned.join("package-lock.json"));
    let sources = root.join(PEERS).join("typescript");
    let (client, settings) = (sources.join("client.ts"), sources.join("tsconfig.json"));
    let packages = node::packages(root, "typescript", &pinned)?;
    let inputs = [&manifest, &lock, &client, &settings];
    let place = place(root, "openapi-typescript", &inputs.map(PathBuf::as_path), |place| {
        for file in [&manifest, &client, &settings] {
            copy(file, &place.join(file.file_name().unwrap_or_default()))?;
        }
        // Node.js looks for packages beside the program and above it.
        std::os::unix::fs::symlink(packages.join("node_modules"), place.join("node_modules"))
            .context("the packages cannot be linked")?;
        let programs = packages.join("node_modules/.bin");
        let generator = Process::new(programs.join("openapi-typescript"), place).named("openapi-typescript");
        generator.arg(root.join(DOCUMENT)).args("--output api.ts").run()?;
        Process::new(programs.join("tsc"), place).named("tsc").args("--project .").run()
    })?;
    Ok(place.join("dist/client.js"))
}

/// A directory below `target/bench`, filled by `make` once, and again after a change of the document or an input.
fn place(
    root: &Path,
    name: &str,
    inputs: &[&Path],
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let place = root.join("target/bench").join(name);
    let mut wanted = Vec::new();
    for input in inputs.iter().copied().chain([root.join(DOCUMENT).as_path()]) {
        wanted.extend(fs::read(input).with_context(|| input.display().to_string())?);
    }
    let made = place.join("made-from");
    if fs::read(&made).is_ok_and(|made| made == wanted) {
        return Ok(place);
    }
    // It may not exist yet.
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
    make(&place)?;
    fs::write(&made, wanted).with_context(|| made.display().to_string())?;
    Ok(place)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).map(|_| ()).with_context(|| to.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_again_where_an_input_changed_or_the_making_failed() {
        let root = tempfile::tempdir().unwrap();
        let document = root.path().join(DOCUMENT);
        fs::create_dir_all(document.parent().unwrap()).unwrap();
        let pinned = root.path().join("pinned.txt");
        fs::write(&document, "openapi: 3.0.3").unwrap();
        fs::write(&pinned, "1").unwrap();
        let makes = || {
            let mut made = false;
            place(root.path(), "ada", &[&pinned], |_| {
                made = true;
                Ok(())
            })
            .unwrap();
            made
        };
        assert!(place(root.path(), "ada", &[&pinned], |_| Err(anyhow::anyhow!("no Ada"))).is_err());
        assert!(makes());
        assert!(!makes());
        fs::write(&pinned, "2").unwrap();
        assert!(makes());
        fs::write(&document, "openapi: 3.1.0").unwrap();
        assert!(makes());
        assert!(!makes());
    }
}
