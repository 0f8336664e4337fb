//! The platforms, and their names in each kind of package.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use external_tools::Process;

use super::binary::Version;

/// The oldest glibc that portable commands for Linux work with.
const GLIBC: &str = "2.28";

/// A platform that packages are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As rustc calls it.
    pub(super) triple: String,
    /// The oldest glibc; such a target is built with zig.
    pub(super) glibc: Option<String>,
    /// Whether glibc is in the command, which then needs no other file.
    pub(super) is_static: bool,
}

/// The names of a platform in npm's packages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Npm {
    pub(super) os: &'static str,
    pub(super) cpu: &'static str,
    pub(super) libc: Option<&'static str>,
}

/// Every target, in the order of the packages.
pub(super) const TRIPLES: [&str; 7] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

/// The targets to pack for: those that are named, those that are portable and installed, or this machine's.
pub(super) fn chosen(root: &Path, named: &[String], portable: bool) -> Result<Vec<Target>> {
    if !named.is_empty() {
        return named.iter().map(|name| Target::parse(name)).collect();
    }
    if !portable {
        return Ok(vec![Target::parse(&host(root)?)?]);
    }
    let installed = Process::new("rustup", root).args("target list --installed").read()?;
    let installed = installed.lines().filter(|triple| triple.contains("-linux-"));
    installed.filter_map(portable_name).map(|name| Target::parse(&name)).collect()
}

/// The target of this machine.
pub(super) fn host(root: &Path) -> Result<String> {
    let version = Process::new("rustc", root).args("-vV").read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

fn portable_name(triple: &str) -> Option<String> {
    let is_known = TRIPLES.contains(&triple);
    is_known.then(|| if triple.ends_with("-gnu") { format!("{triple}.{GLIBC}") } else { triple.to_owned() })
}

impl Target {
    /// `x86_64-unknown-linux-gnu`, or with a suffix `x86_64-unknown-linux-gnu.2.28` or `x86_64-unknown-linux-gnu.static`.
    pub(super) fn parse(name: &str) -> Result<Self> {
        let (triple, suffix) = match name.split_once('.') {
            Some((triple, suffix)) if triple.ends_with("-gnu") => (triple, Some(suffix)),
            _ => (name, None),
        };
        let is_static = suffix == Some("static");
        let glibc = suffix.filter(|_| !is_static).map(str::to_owned);
        if !TRIPLES.contains(&triple) {
            bail!("there are no packages for `{name}`, only for {}", TRIPLES.join(", "));
        }
        Ok(Self { triple: triple.to_owned(), glibc, is_static })
    }

    /// The target in names of files.
    pub(super) fn name(&self) -> String {
        format!("{}{}", self.triple, if self.is_static { "-static" } else { "" })
    }

    pub(super) fn is_linux(&self) -> bool {
        self.triple.contains("-linux-")
    }

    pub(super) fn is_windows(&self) -> bool {
        self.triple.contains("-windows-")
    }

    pub(super) fn is_musl(&self) -> bool {
        self.triple.ends_with("-musl")
    }

    /// Whether zig is the linker and the C compiler.
    pub(super) fn needs_zig(&self) -> bool {
        self.glibc.is_some() || self.is_musl()
    }

    fn is_arm(&self) -> bool {
        self.triple.starts_with("aarch64-")
    }

    /// The file name of the command.
    pub(super) fn program(&self) -> String {
        let suffix = if self.is_windows() { ".exe" } else { "" };
        format!("{}{suffix}", super::NAME)
    }

    /// The architecture of a Debian package, if there is one.
    pub(super) fn debian(&self) -> Option<&'static str> {
        self.triple.ends_with("-linux-gnu").then_some(if self.is_arm() { "arm64" } else { "amd64" })
    }

    /// The platform tag of a wheel whose command needs such a glibc.
    pub(super) fn wheel(&self, glibc: Option<Version>) -> String {
        let cpu = if self.is_arm() { "aarch64" } else { "x86_64" };
        if self.is_musl() {
            return format!("musllinux_1_2_{cpu}");
        }
        if self.is_linux() {
            // No tag names an older one. This machine's may be newer than PyPI accepts.
            let (major, minor) = glibc.unwrap_or_default().max((2, 17));
            return format!("manylinux_{major}_{minor}_{cpu}");
        }
        match self.triple.as_str() {
            "aarch64-apple-darwin" => "macosx_11_0_arm64",
            "x86_64-apple-darwin" => "macosx_10_12_x86_64",
            _ => "win_amd64",
        }
        .to_owned()
    }

    pub(super) fn npm(&self) -> Npm {
        let os = if self.is_linux() {
            "linux"
        } else if self.triple.contains("-darwin") {
            "darwin"
        } else {
            "win32"
        };
        let libc = match (self.is_linux(), self.is_musl()) {
            (true, true) => Some("musl"),
            (true, false) => Some("glibc"),
            _ => None,
        };
        Npm { os, cpu: if self.is_arm() { "arm64" } else { "x64" }, libc }
    }
}

impl Npm {
    /// The name of the package.
    pub(super) fn package(&self) -> String {
        let suffix = if self.libc == Some("musl") { "-musl" } else { "" };
        format!("{}-{}-{}{suffix}", super::NAME, self.os, self.cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_a_name_of_its_own_in_each_kind_of_package() {
        let names = TRIPLES.map(|triple| {
            let target = Target::parse(triple).unwrap();
            format!(
                "{} {} {}",
                target.npm().package(),
                target.wheel(Some((2, 28))),
                target.debian().unwrap_or("-")
            )
        });
        assert_eq!(
            names,
            [
                "infrai-video-linux-x64 manylinux_2_28_x86_64 amd64",
                "infrai-video-linux-arm64 manylinux_2_28_aarch64 arm64",
                "infrai-video-linux-x64-musl musllinux_1_2_x86_64 -",
                "infrai-video-linux-arm64-musl musllinux_1_2_aarch64 -",
                "infrai-video-darwin-arm64 macosx_11_0_arm64 -",
                "infrai-video-darwin-x64 macosx_10_12_x86_64 -",
                "infrai-video-win32-x64 win_amd64 -",
            ]
        );
    }

    #[test]
    fn a_target_may_name_its_oldest_glibc() {
        let target = Target::parse("x86_64-unknown-linux-gnu.2.28").unwrap();
        assert_eq!((target.triple.as_str(), target.needs_zig()), ("x86_64-unknown-linux-gnu", true));
        assert!(!Target::parse("x86_64-unknown-linux-gnu").unwrap().needs_zig());
        let target = Target::parse("x86_64-unknown-linux-gnu.static").unwrap();
        assert_eq!((target.name().as_str(), target.needs_zig()), ("x86_64-unknown-linux-gnu-static", false));
        assert!(Target::parse("riscv64gc-unknown-linux-gnu").is_err());
    }
}
