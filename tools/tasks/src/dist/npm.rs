//! The packages for npm: one for each platform with its command, and one without, which selects among them.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::archive::{Entry, tar_gz};
use super::target::{Npm, TRIPLES, Target};
use super::{Contents, File, NAME, read};

/// The sources, from the root of the workspace.
const SOURCES: &str = "packaging/npm";
const FILES: [&str; 5] =
    ["bin/infrai-video.js", "lib/command.js", "lib/index.d.ts", "lib/index.js", "package.json"];

/// The package `infrai-video`.
pub(super) fn main_package(contents: &Contents<'_>) -> Result<File> {
    let sources = contents.root.join(SOURCES);
    let mut entries = contents.texts(&sources)?;
    // It has no code of others.
    entries.retain(|entry| entry.path != "LICENCES.txt");
    for name in FILES {
        let content = read(&sources.join(name))?;
        let entry = if name.starts_with("bin/") { Entry::program } else { Entry::file };
        entries.push(entry(name, content));
    }
    let manifest =
        entries.iter_mut().find(|entry| entry.path == "package.json").context("no package.json")?;
    let mut value: Value = serde_json::from_slice(&manifest.content).context("package.json")?;
    value["version"] = json!(contents.version);
    for triple in TRIPLES {
        let package = Target::parse(triple)?.npm().package();
        value["optionalDependencies"][package] = json!(contents.version);
    }
    with_repository(&mut value, contents);
    manifest.content = format!("{value:#}\n").into_bytes();
    pack(NAME, contents, entries)
}

/// The package of a platform.
pub(super) fn platform_package(contents: &Contents<'_>) -> Result<File> {
    let npm = contents.target.npm();
    let mut manifest = manifest(&npm, contents.version);
    with_repository(&mut manifest, contents);
    let mut entries = contents.texts(&contents.root.join(SOURCES))?;
    entries.push(contents.program());
    entries.push(Entry::file("package.json", format!("{manifest:#}\n").into_bytes()));
    pack(&npm.package(), contents, entries)
}

fn manifest(npm: &Npm, version: &str) -> Value {
    let mut manifest = json!({
        "name": npm.package(),
        "version": version,
        "description": format!("The command infrai-video for {} on {}; install infrai-video", npm.os, npm.cpu),
        "license": "MIT OR Apache-2.0",
        "os": [npm.os],
        "cpu": [npm.cpu],
        "preferUnplugged": true,
    });
    // A command for musl is static and would run with glibc too, but one command is enough.
    if let Some(libc) = npm.libc {
        manifest["libc"] = json!([libc]);
    }
    manifest
}

/// npm publishes with provenance only what names its repository.
fn with_repository(manifest: &mut Value, contents: &Contents<'_>) {
    if !contents.homepage.is_empty() {
        manifest["repository"] = json!({"type": "git", "url": contents.homepage});
    }
}

fn pack(name: &str, contents: &Contents<'_>, entries: Vec<Entry>) -> Result<File> {
    let content = tar_gz("package", entries, contents.time, contents.compression())?;
    Ok(File { name: format!("{name}-{}.tgz", contents.version), content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_installs_one_command_on_each_platform() {
        let platforms = TRIPLES.map(|triple| {
            let manifest = manifest(&Target::parse(triple).unwrap().npm(), "0.1.0");
            ["os", "cpu", "libc"].map(|key| manifest[key].to_string())
        });
        for (index, platform) in platforms.iter().enumerate() {
            assert!(!platforms[..index].contains(platform), "{platform:?}");
            assert_eq!(platform[0] == "[\"linux\"]", platform[2] != "null", "{platform:?}");
        }
    }
}
