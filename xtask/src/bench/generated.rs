//! Clients that the generators of three languages make from the document, as `tests/consumers` pins them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::build::{executables, named};
use crate::contract::DOCUMENT;
use crate::tools::{carry_out, node, openapi_generator, python};

/// Where the programs are that call them.
const PEERS: &str = "xtask/peers";

/// The three of them, ready to run.
#[derive(Debug)]
pub(super) struct Generated {
    pub(super) rust: PathBuf,
    pub(super) rust_counted: PathBuf,
    /// The interpreter and its program.
    pub(super) python: [PathBuf; 2],
    pub(super) typescript: PathBuf,
}

impl Generated {
    pub(super) fn make(root: &Path) -> Result<Self, String> {
        // The programs run elsewhere than where the benchmark was started.
        let root = &fs::canonicalize(root).map_err(|error| error.to_string())?;
        let [rust, rust_counted] = rust(root)?;
        Ok(Self { rust, rust_counted, python: python(root)?, typescript: typescript(root)? })
    }
}

fn rust(root: &Path) -> Result<[PathBuf; 2], String> {
    let pinned = root.join("tests/consumers/openapi-generator.txt");
    let place = place(root, "openapi-generator", &[&pinned], |place| {
        openapi_generator::rust_client(root, &place.join("client"), "infrai-video-openapi")
    })?;
    let built = executables(root, &root.join(PEERS).join("openapi-generator"), &[])
        .map_err(|error| format!("{error}, with the client in {}", place.display()))?;
    Ok([named(&built, "generated")?, named(&built, "generated-counted")?])
}

fn python(root: &Path) -> Result<[PathBuf; 2], String> {
    let pinned = root.join("tests/consumers/python/requirements.txt");
    let programs = python::environment(root, "consumers", &pinned)?.join("bin");
    let contestant = root.join(PEERS).join("python/contestant.py");
    let place = place(root, "openapi-python-client", &[&pinned, &contestant], |place| {
        copy(&contestant, &place.join("contestant.py"))?;
        let mut generator = Command::new(programs.join("openapi-python-client"));
        generator.current_dir(place).args(["generate", "--meta", "none", "--overwrite"]);
        generator.args(["--output-path", "infrai_video_api_client", "--path"]);
        carry_out(generator.arg(root.join(DOCUMENT)), "openapi-python-client made no client")
    })?;
    Ok([programs.join("python"), place.join("contestant.py")])
}

fn typescript(root: &Path) -> Result<PathBuf, String> {
    let pinned = root.join("tests/consumers/typescript");
    let (manifest, lock) = (pinned.join("package.json"), pinned.join("package-lock.json"));
    let sources = root.join(PEERS).join("typescript");
    let (contestant, settings) = (sources.join("contestant.ts"), sources.join("tsconfig.json"));
    let packages = node::packages(root, "typescript", &pinned)?;
    let inputs = [&manifest, &lock, &contestant, &settings];
    let place = place(root, "openapi-typescript", &inputs.map(PathBuf::as_path), |place| {
        for file in [&manifest, &contestant, &settings] {
            copy(file, &place.join(file.file_name().unwrap_or_default()))?;
        }
        // Node looks for packages beside the program and above it.
        std::os::unix::fs::symlink(packages.join("node_modules"), place.join("node_modules"))
            .map_err(|error| format!("the packages cannot be linked: {error}"))?;
        let programs = packages.join("node_modules/.bin");
        let mut generator = Command::new(programs.join("openapi-typescript"));
        generator.current_dir(place).arg(root.join(DOCUMENT)).args(["--output", "api.ts"]);
        carry_out(&mut generator, "openapi-typescript made no types")?;
        let mut compiler = Command::new(programs.join("tsc"));
        carry_out(compiler.current_dir(place).args(["--project", "."]), "the peer in TypeScript is wrong")
    })?;
    Ok(place.join("dist/contestant.js"))
}

/// The directory of that name below `target/bench`, filled by `make` once, and again where the document or an input changed.
fn place(
    root: &Path,
    name: &str,
    inputs: &[&Path],
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let place = root.join("target/bench").join(name);
    let mut wanted = Vec::new();
    for input in inputs.iter().copied().chain([root.join(DOCUMENT).as_path()]) {
        wanted.extend(fs::read(input).map_err(|error| format!("{}: {error}", input.display()))?);
    }
    let made = place.join("made-from");
    if fs::read(&made).is_ok_and(|made| made == wanted) {
        return Ok(place);
    }
    // There may be none yet.
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    make(&place)?;
    fs::write(&made, wanted).map_err(|error| format!("{}: {error}", made.display()))?;
    Ok(place)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", to.display()))
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
        assert!(place(root.path(), "ada", &[&pinned], |_| Err("no Ada".to_owned())).is_err());
        assert!(makes());
        assert!(!makes());
        fs::write(&pinned, "2").unwrap();
        assert!(makes());
        fs::write(&document, "openapi: 3.1.0").unwrap();
        assert!(makes());
        assert!(!makes());
    }
}
