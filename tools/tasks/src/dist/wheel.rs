//! The wheel for Python, made by hatchling: the module, and the command as a script.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use external_tools::{Process, python, workspace};

use super::{Contents, File, read};

/// The sources, from the root of the workspace.
const SOURCES: &str = "packaging/python";
/// hatchling.
const REQUIREMENTS: &str = "packaging/requirements.txt";

pub(super) fn wheel(contents: &Contents<'_>) -> Result<File> {
    let tools = python::environment(contents.root, "dist", &contents.root.join(REQUIREMENTS))?;
    // Next to the command, whose name it does not have.
    let build = contents.binary.path.with_file_name("wheel");
    workspace::copy(&contents.root.join(SOURCES), &build)?;
    // What tools have left beside the sources.
    for name in ["dist", "src/infrai_video/__pycache__"] {
        let _ = fs::remove_dir_all(build.join(name));
    }
    for entry in contents.texts(&contents.root.join(SOURCES))? {
        fs::write(build.join(entry.path), entry.content)?;
    }
    let sbom = build.join("infrai-video.cdx.json");
    fs::write(&sbom, contents.sbom)?;
    Process::new(python::program(&tools, "python"), &build)
        .named("hatchling")
        .args("-m hatchling build --target wheel --directory dist")
        .env("SOURCE_DATE_EPOCH", contents.time.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("INFRAI_VIDEO_VERSION", contents.version)
        .env("INFRAI_VIDEO_BINARY", &contents.binary.path)
        .env("INFRAI_VIDEO_PLATFORM", contents.target.wheel(contents.binary.glibc))
        .env("INFRAI_VIDEO_SBOM", &sbom)
        .run()?;
    only_file(&build.join("dist"))
}

fn only_file(directory: &Path) -> Result<File> {
    let file = fs::read_dir(directory)?.next().context("hatchling made no wheel")??;
    Ok(File { name: file.file_name().to_string_lossy().into_owned(), content: read(&file.path())? })
}
