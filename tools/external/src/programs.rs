//! Programs of the system that some checks need, and how to install them.

use std::path::{Path, PathBuf};

use crate::Process;
use crate::skip::Unavailable;

/// A program of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// What messages call it.
    pub name: &'static str,
    /// A command that succeeds if it is installed.
    pub probe: &'static [&'static str],
    /// How to install it.
    pub install: Install,
}

/// How to install a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Install {
    /// Debian packages, separated by spaces.
    Apt(&'static str),
    /// What the user has to do.
    Manual(&'static str),
}

const fn apt(name: &'static str, probe: &'static [&'static str], packages: &'static str) -> Program {
    Program { name, probe, install: Install::Apt(packages) }
}

const fn manual(name: &'static str, probe: &'static [&'static str], how: &'static str) -> Program {
    Program { name, probe, install: Install::Manual(how) }
}

/// Loads completions for bash.
pub const BASH: Program = apt("bash", &["bash", "--version"], "bash");
/// Shows pages.
pub const CHROMIUM: Program = apt("chromium", &["chromium", "--version"], "chromium");
/// Lets a test operate Chromium.
pub const CHROMEDRIVER: Program = apt("chromedriver", &["chromedriver", "--version"], "chromium-driver");
/// The linter of the toolchain.
pub const CLIPPY: Program =
    manual("clippy", &["cargo", "clippy", "--version"], "rustup component add clippy");
/// A client that is not ours.
pub const CURL: Program = apt("curl", &["curl", "--version"], "curl");
/// Makes and reads Debian packages.
pub const DPKG: Program = apt("dpkg-deb", &["dpkg-deb", "--version"], "dpkg");
/// Reads clips.
pub const FFPROBE: Program = apt("ffprobe", &["ffprobe", "-version"], "ffmpeg");
/// Loads completions for fish.
pub const FISH: Program = apt("fish", &["fish", "--version"], "fish");
/// A command of another service, to compare with.
pub const GH: Program = apt("gh", &["gh", "--version"], "gh");
/// Formats manual pages.
pub const GROFF: Program = apt("groff", &["groff", "--version"], "groff-base");
/// Times programs.
pub const HYPERFINE: Program = apt("hyperfine", &["hyperfine", "--version"], "hyperfine");
/// Runs and compiles Java.
pub const JAVA: Program = apt("javac", &["javac", "-version"], "default-jdk-headless");
/// `javax.annotation.Generated`, which neither the JDK nor openapi-generator's jar has.
pub const JAVA_ANNOTATIONS: Program = apt(
    "the Java annotations",
    &["test", "-f", "/usr/share/java/geronimo-annotation-1.3-spec.jar"],
    "libgeronimo-annotation-1.3-spec-java",
);
/// Judges manual pages.
pub const MANDOC: Program = apt("mandoc", &["mandoc", "/dev/null"], "mandoc");
/// Runs JavaScript.
pub const NODE: Program = manual("Node.js", &["node", "--version"], "install Node.js 20 or later");
/// Installs packages for Node.js.
pub const NPM: Program = manual("npm", &["npm", "--version"], "install Node.js 20 or later with npm");
/// Runs PHP, with the packages of openapi-generator's client.
pub const PHP: Program = apt(
    "php",
    &["php", "-r", "require'GuzzleHttp/autoload.php';mb_strlen('');"],
    "php-cli php-mbstring php-guzzlehttp-guzzle",
);
/// The oldest compiler that the client and the SDK support, as cargo and rustc in `/usr/bin`. Debian 12 also has a newer
/// version, so the version is named. Debian 13 has it as cargo and rustc.
pub const OLD_RUST: Program = apt(
    "Rust 1.85 in /usr/bin",
    &[
        "sh",
        "-c",
        "/usr/bin/cargo -V | grep '^cargo 1[.]85[.]' && /usr/bin/rustc -V | grep '^rustc 1[.]85[.]'",
    ],
    "rustc-web=1.85.0+dfsg3-1~deb12u3 cargo-web=1.85.0+dfsg3-1~deb12u3 \
     libstd-rust-web-dev=1.85.0+dfsg3-1~deb12u3 libstd-rust-web-1.85=1.85.0+dfsg3-1~deb12u3",
);
/// A database server.
pub const POSTGRES: Program = apt("initdb", &["initdb", "--version"], "postgresql");
/// Runs Python, and makes environments.
pub const PYTHON: Program =
    manual("python3", &["python3", "-c", "import venv, ensurepip"], "install Python 3 with its module venv");
/// Runs Ruby, with the packages of openapi-generator's client.
pub const RUBY: Program = apt("ruby", &["ruby", "-rtyphoeus", "-e", "1"], "ruby ruby-typhoeus");
/// The formatter of the toolchain.
pub const RUSTFMT: Program =
    manual("rustfmt", &["cargo", "fmt", "--version"], "rustup component add rustfmt");
/// Says how long a program takes and how much memory.
pub const TIME: Program = apt("time", &["/usr/bin/time", "--version"], "time");
/// Counts instructions.
pub const VALGRIND: Program = apt("valgrind", &["valgrind", "--version"], "valgrind");
/// Downloads files.
pub const WGET: Program = apt("wget", &["wget", "--version"], "wget");
/// Sends many requests.
pub const WRK: Program = apt("wrk", &["sh", "-c", "command -v wrk"], "wrk");
/// Loads completions for zsh.
pub const ZSH: Program = apt("zsh", &["zsh", "--version"], "zsh");

impl Program {
    /// Whether it runs.
    pub fn is_installed(&self) -> bool {
        let [program, arguments @ ..] = self.probe else { return false };
        let runs = |program: &Path| {
            let process = Process::new(program, Path::new("."));
            arguments.iter().fold(process, |process, argument| process.arg(argument)).works()
        };
        runs(Path::new(program)) || postgres(program).iter().any(|path| runs(path))
    }

    /// `php (apt-get install php-cli)`.
    fn with_installation(&self) -> String {
        match self.install {
            Install::Apt(packages) => format!("{} (apt-get install {packages})", self.name),
            Install::Manual(how) => format!("{} ({how})", self.name),
        }
    }
}

/// Where Debian has the programs of PostgreSQL's server: one directory for each version, none of them in the path.
fn postgres(program: &str) -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("bin").join(program)).collect()
}

/// Those of the programs that are not installed.
pub fn missing(programs: &[Program]) -> Vec<Program> {
    programs.iter().copied().filter(|program| !program.is_installed()).collect()
}

/// `needs chromium (apt-get install chromium), curl (apt-get install curl)`.
pub fn needs(missing: &[Program]) -> String {
    let missing: Vec<String> = missing.iter().map(Program::with_installation).collect();
    format!("needs {}", missing.join(", "))
}

/// Checks that all of the programs are installed.
///
/// # Errors
/// If one is missing. The message says how to install it.
pub fn require(programs: &[Program]) -> Result<(), Unavailable> {
    let missing = missing(programs);
    if missing.is_empty() { Ok(()) } else { Err(Unavailable(needs(&missing))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Program = apt("sh", &["sh", "-c", "exit 0"], "dash");
    const NOTHING: Program = apt("nothing", &["no-such-program-at-all"], "nothing-at-all");

    #[test]
    fn a_missing_program_is_named_with_the_command_that_installs_it() {
        assert_eq!(missing(&[SHELL, NOTHING]), [NOTHING]);
        let error = require(&[NOTHING, SHELL]).unwrap_err();
        assert_eq!(error.to_string(), "needs nothing (apt-get install nothing-at-all)");
        assert_eq!(needs(&[NODE]), "needs Node.js (install Node.js 20 or later)");
        assert!(require(&[SHELL]).is_ok());
    }
}
