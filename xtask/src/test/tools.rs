//! Programs that some tests call, installed where that is possible.

use std::io;
use std::path::{Path, PathBuf};

use super::{Child, Context, Outcome};

/// A program, how to see that it is there, and the Debian packages that have it.
pub(super) type Tool = (&'static str, &'static str, &'static str);

/// ffprobe judges the clips of the sandbox, curl plays a foreign client. The shells load the command's completions, the
/// others its manual pages.
const TOOLS: [Tool; 7] = [
    ("ffprobe", "-version", "ffmpeg"),
    ("curl", "--version", "curl"),
    ("bash", "--version", "bash"),
    ("zsh", "--version", "zsh"),
    ("fish", "--version", "fish"),
    ("groff", "--version", "groff-base"),
    ("mandoc", "/dev/null", "mandoc"),
];

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    install(context, &TOOLS)
}

/// Installs what is missing where the user may do so, and says else what is missing.
pub(super) fn install(context: &mut Context<'_>, tools: &[Tool]) -> io::Result<Outcome> {
    let packages = missing(context.root, tools);
    if packages.is_empty() {
        return Ok(Outcome::Passed);
    }
    let packages = packages.join(" ");
    if !Child::new("apt-get", context.root).arguments("--version").works() {
        return Ok(Outcome::Skipped(format!("install {packages}; this is no system with apt-get")));
    }
    if !is_root(context.root) {
        return Ok(Outcome::Skipped(format!("run `apt-get install {packages}` as root")));
    }
    let install = format!("install -y --no-install-recommends {packages}");
    if !apt(context, &install).works() {
        // A fresh system has no lists of packages yet.
        apt(context, "update").run(context)?;
        let outcome = apt(context, &install).run(context)?;
        if outcome != Outcome::Passed {
            return Ok(Outcome::Skipped(format!("{packages} could not be installed")));
        }
    }
    match missing(context.root, tools).as_slice() {
        [] => Ok(Outcome::Passed),
        still => Ok(Outcome::Skipped(format!("{} does not work though it is installed", still.join(" ")))),
    }
}

fn apt(context: &Context<'_>, arguments: &str) -> Child {
    Child::new("apt-get", context.root).env("DEBIAN_FRONTEND", "noninteractive").arguments(arguments)
}

/// The packages of the tools that do not run.
pub(super) fn missing(root: &Path, tools: &[Tool]) -> Vec<&'static str> {
    let runs = |program: &Path, argument: &str| Child::new(program, root).arguments(argument).works();
    let absent = tools.iter().filter(|(program, argument, _)| {
        !runs(Path::new(program), argument) && !aside(program).iter().any(|path| runs(path, argument))
    });
    absent.map(|(.., package)| *package).collect()
}

/// Where Debian has the programs of PostgreSQL's server, one directory for each version and none of them in the path.
fn aside(program: &str) -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("bin").join(program)).collect()
}

fn is_root(root: &Path) -> bool {
    Child::new("id", root).arguments("-u").output().is_ok_and(|id| id.trim_ascii() == b"0")
}
