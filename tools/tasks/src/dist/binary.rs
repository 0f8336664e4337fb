//! Builds the command, without a path of this machine in it, and reads what it needs to run.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use external_tools::{Process, cargo, python};
use serde_json::Value;

use super::target::Target;
use super::{FEATURES, NAME, Options, PACKAGE, Profile, text};

/// cargo-zigbuild and zig.
const ZIG: &str = "packaging/zig.txt";

/// Major and minor.
pub(super) type Version = (u32, u32);

/// The stripped command.
pub(super) struct Binary {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    /// The newest glibc that one of its symbols needs.
    pub(super) glibc: Option<Version>,
    /// The shared libraries that it loads.
    pub(super) libraries: Vec<String>,
}

/// Builds the command, or takes the one that `options` name.
pub(super) fn make(root: &Path, target: &Target, options: &Options, metadata: &Value) -> Result<Binary> {
    let built = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => build(root, target, options.profile, metadata)?,
    };
    let path = root.join("target/dist").join(target.name()).join("packed").join(target.program());
    fs::create_dir_all(path.parent().context("no directory")?)?;
    if options.binary.is_none() && options.profile == Profile::Dist {
        // Its profile strips it.
        fs::copy(&built, &path).with_context(|| built.display().to_string())?;
    } else {
        Process::new("strip", root).arg("-o").arg(&path).arg(&built).run()?;
    }
    let content = super::read(&path)?;
    let (glibc, libraries) = if target.is_linux() { needs(root, &path)? } else { Default::default() };
    Ok(Binary { path, content, glibc, libraries })
}

fn build(root: &Path, target: &Target, profile: Profile, metadata: &Value) -> Result<PathBuf> {
    let directory = root.join("target/dist");
    let (mut build, triple) = if target.needs_zig() {
        let tools = python::environment(root, "zig", &root.join(ZIG))?.join("bin");
        let mut path = OsString::from(&tools);
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let zigbuild = Process::new(tools.join("cargo-zigbuild"), root).args("zigbuild").env("PATH", path);
        let glibc = target.glibc.iter().map(|glibc| format!(".{glibc}"));
        (zigbuild, glibc.fold(target.triple.clone(), |triple, glibc| triple + &glibc))
    } else {
        (Process::cargo(root).args("build"), target.triple.clone())
    };
    let profile = match profile {
        Profile::Dist => "dist",
        Profile::Dev => "dev",
    };
    build = build.args(&format!(
        "--locked --package {PACKAGE} --features {FEATURES} --profile {profile} --target {triple} --target-dir"
    ));
    let (mut rust, c) = remapped(root, metadata);
    if target.is_static || target.is_windows() {
        // On Windows, VCRUNTIME140.dll is not always there.
        rust.push("-Ctarget-feature=+crt-static".to_owned());
    }
    if target.is_static {
        // Without dlsym, the default of getrandom needs /dev/urandom.
        rust.push("--cfg=getrandom_backend=\"linux_getrandom\"".to_owned());
    }
    let built = cargo::build(
        build
            .arg(&directory)
            .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\x1f"))
            .env("CFLAGS", c.join(" "))
            .env("CXXFLAGS", c.join(" ")),
    )?;
    cargo::named(&built, NAME)
}

/// Flags of the compilers that remove the directories of this machine: that of the workspace, and those with the sources of
/// the dependencies.
fn remapped(root: &Path, metadata: &Value) -> (Vec<String>, Vec<String>) {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let registries: BTreeSet<PathBuf> = packages
        .filter(|package| package["source"].is_string())
        .filter_map(|package| Some(Path::new(text(package, "manifest_path")).ancestors().nth(2)?.to_owned()))
        .collect();
    let registries = registries.iter().map(|registry| format!("{}=/cargo", registry.display()));
    // The last one that fits is used.
    let all: Vec<String> = [format!("{}=/{NAME}", root.display())].into_iter().chain(registries).collect();
    let flags = |flag: &str| all.iter().map(|map| format!("{flag}={map}")).collect();
    (flags("--remap-path-prefix"), flags("-ffile-prefix-map"))
}

/// The newest glibc that a program needs, and its libraries.
fn needs(root: &Path, program: &Path) -> Result<(Option<Version>, Vec<String>)> {
    let dump = Process::new("readelf", root).args("--wide --dynamic --version-info").arg(program).read()?;
    Ok((newest_glibc(&dump), libraries(&dump)))
}

fn newest_glibc(dump: &str) -> Option<Version> {
    let versions = dump.split("GLIBC_").skip(1).filter_map(|rest| {
        let end = rest.find(|byte: char| !byte.is_ascii_digit() && byte != '.').unwrap_or(rest.len());
        let mut numbers = rest.get(..end)?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max()
}

fn libraries(dump: &str) -> Vec<String> {
    let names = dump.lines().filter(|line| line.contains("(NEEDED)"));
    names.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DUMP: &str = "\
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
  0x0080:   Name: GLIBC_2.9  Flags: none  Version: 12
  0x0090:   Name: GLIBC_2.28  Flags: none  Version: 4
  0x00a0:   Name: GLIBC_2.3.4  Flags: none  Version: 5
  0x0020: Rev: 1  Flags: none  Index: 1  Cnt: 1  Name: GLIBC_PRIVATE
";

    #[test]
    fn the_newest_glibc_and_the_libraries_are_read() {
        assert_eq!(newest_glibc(DUMP), Some((2, 28)));
        assert_eq!(libraries(DUMP), ["libgcc_s.so.1", "libc.so.6"]);
        assert_eq!((newest_glibc(""), libraries("")), (None, vec![]));
    }

    #[test]
    fn the_directories_of_this_machine_are_replaced() {
        let metadata = json!({"packages": [
            {"source": null, "manifest_path": "/home/me/project/crates/a/Cargo.toml"},
            {"source": "registry", "manifest_path": "/home/me/.cargo/registry/src/host-1/b-1.0.0/Cargo.toml"},
        ]});
        let (rust, c) = remapped(Path::new("/home/me/project"), &metadata);
        assert_eq!(
            rust,
            [
                "--remap-path-prefix=/home/me/project=/infrai-video",
                "--remap-path-prefix=/home/me/.cargo/registry/src/host-1=/cargo",
            ]
        );
        assert_eq!(c[0], "-ffile-prefix-map=/home/me/project=/infrai-video");
    }
}
