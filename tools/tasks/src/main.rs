//! The command behind `cargo xtask`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use external_tools::Process;
use openapi_checks::diff::{Base, Breaks, Report};
use openapi_checks::lint;
use tasks::dist::{self, Profile};
use tasks::publish::Purpose;
use tasks::test::Options;

/// Generates from the contract, checks it, and runs every check of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure side by side with others, and write docs/benchmarks.md: builds and starts the program in bench.
    #[command(disable_help_flag = true)]
    Bench {
        /// `--quick`, `--only PART`, `--plots`, `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Print the changes of the contract, and who breaks by them.
    ///
    /// A reader is a client that reads responses, a writer is a client that sends requests. The exit status is 0 if no change is
    /// breaking, and 1 if one is or on an error.
    Diff {
        /// The base of the comparison: a file, or a revision of git. [default: the last release in openapi/releases]
        base: Option<String>,
        /// Print JSON: `old` and `new` (`source`, `version`), `breaks` (nobody, reader, writer, both), and `changes`
        /// (`kind`, `pointer`, `place`, `sentence`, `breaks`, `operations`).
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// Print lines for openapi/CHANGELOG.md.
        #[arg(long)]
        markdown: bool,
    },
    /// Make the packages of the command: an archive, a wheel, npm packages, a Debian package, an SBOM and checksums.
    ///
    /// Two runs on one commit give the same bytes. SOURCE_DATE_EPOCH is the time of all files; otherwise it is that of the commit.
    Dist {
        /// The directory to write into; it is created if necessary.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How the command is built: `dist` is small and takes minutes.
        #[arg(long, value_enum, default_value = "dist")]
        profile: Profile,
        /// A target to pack for; may be given several times. [default: this machine]
        ///
        /// `x86_64-unknown-linux-gnu.2.28` needs that glibc or a newer one, and is built with zig, as are targets with musl.
        /// `x86_64-unknown-linux-gnu.static` contains glibc, and is built on Linux with this processor.
        #[arg(long, value_name = "TARGET")]
        target: Vec<String>,
        /// Pack for every installed target of Linux, with glibc 2.28 or musl.
        #[arg(long, conflicts_with = "target")]
        portable: bool,
        /// Pack this command instead of building one.
        #[arg(long, value_name = "FILE", conflicts_with = "portable")]
        binary: Option<PathBuf>,
    },
    /// Write the contract for teams of other languages: in several forms, with workflows and a reference.
    ///
    /// A version is published once: it is stored in openapi/releases, and other content under the same version is an error.
    Publish {
        /// The directory to write into; it is created if necessary.
        #[arg(long, value_name = "DIR", required_unless_present = "check")]
        out: Option<PathBuf>,
        /// Do not store the version, which may still change.
        #[arg(long)]
        preview: bool,
        /// Write nothing; fail if the contract is not published or differs from what is stored.
        #[arg(long, conflicts_with_all = ["out", "preview"])]
        check: bool,
    },
    /// Write the generated files from the contract.
    Regen {
        /// Write nothing; fail if a file is not current.
        #[arg(long)]
        check: bool,
    },
    /// Find mistakes in the contract.
    Lint,
    /// Simulate a million clips on many workers, and write docs/scale.md: builds and starts the program in tools/scale.
    // `xtask` starts that program without this one, which lists it in its help.
    #[command(disable_help_flag = true)]
    Scale {
        /// `--seed N`, `--items N`, `--workers N`, `--page`, `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Play the SDK against the sandbox under faults and crashes, seed by seed.
    Simulate {
        /// How many seeds to play.
        #[arg(long, default_value_t = 500)]
        seeds: u64,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Break the SDK on purpose, in a copy, in each of the known ways, and check that a seed notices.
        #[arg(long, conflicts_with = "from")]
        mutants: bool,
    },
    /// Run every check of the workspace. Nothing is installed on the machine: a step whose program is missing is skipped.
    ///
    /// With CI=true missing programs are installed, and a skipped step is a failure.
    Test {
        /// Run only this step; may be given several times.
        #[arg(long, value_name = "STEP", value_parser = tasks::test::names())]
        only: Vec<String>,
        /// Show what the steps print while they run.
        #[arg(short, long)]
        verbose: bool,
    },
    /// Check the contract against a live server: builds and starts the program in tools/verify.
    // `xtask` starts that program without this one, which lists it in its help.
    #[command(disable_help_flag = true)]
    Verify {
        /// `--base-url URL`, `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[expect(clippy::print_stderr, reason = "the commands report their errors here")]
fn main() -> ExitCode {
    match run(Arguments::parse().command, &regen::root()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command, and returns whether it found nothing wrong.
#[expect(clippy::print_stdout, reason = "the reports are the output of the commands")]
fn run(command: Command, root: &Path) -> anyhow::Result<bool> {
    let out = &mut std::io::stdout();
    match command {
        Command::Bench { arguments } => bench(root, &arguments),
        Command::Diff { base, json, markdown } => {
            let report = diff(root, base.as_deref())?;
            match (json, markdown) {
                (true, _) => println!("{}", report.json()),
                (_, true) => println!("{}", report.markdown()),
                _ => println!("{report}"),
            }
            Ok(report.breaks() == Breaks::Nobody)
        }
        Command::Dist { out: directory, profile, target, portable, binary } => {
            let options = dist::Options { out: directory, profile, binary, targets: target, portable };
            dist::run(root, &options, out)?;
            Ok(true)
        }
        Command::Publish { out: directory, preview, .. } => {
            let purpose = if preview { Purpose::Preview } else { Purpose::Release };
            match directory {
                Some(directory) => tasks::publish::run(root, &directory, purpose, out)?,
                None => tasks::publish::check(root)?,
            }
            Ok(true)
        }
        Command::Regen { check } => {
            regen::run(root, check)?;
            Ok(true)
        }
        Command::Lint => {
            let reports = lint::run(root)?;
            reports.iter().for_each(|report| println!("{report}"));
            Ok(reports.iter().all(lint::Report::is_clean))
        }
        Command::Simulate { seeds, mutants: true, .. } => {
            tasks::simulate::run_mutants(root, seeds)?;
            Ok(true)
        }
        Command::Simulate { seeds, from, .. } => {
            tasks::simulate::run(root, seeds, from)?;
            Ok(true)
        }
        Command::Test { only, verbose } => {
            let options = Options { only, verbose, ci: external_tools::skip::is_ci() };
            tasks::test::run(root, &options, std::io::stdout()).context("the output cannot be written")
        }
        Command::Scale { arguments } => package("scale", root, &arguments),
        Command::Verify { arguments } => package("verify", root, &arguments),
    }
}

/// Starts the package of a command.
fn package(name: &str, root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let cargo = Process::cargo(root).args("run --quiet --package").arg(name).arg("--").arg(name);
    arguments.iter().fold(cargo, Process::arg).show()
}

/// Builds the benchmarks with what the workspace has built of their dependencies, and runs them.
fn bench(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let cargo =
        Process::cargo(root).args("run --quiet --manifest-path bench/Cargo.toml --target-dir target --");
    arguments.iter().fold(cargo, Process::arg).show()
}

/// Compares the contract with `base`, or with the last release.
fn diff(root: &Path, base: Option<&str>) -> anyhow::Result<Report> {
    let old = match base {
        Some(name) => Base::named(root, name)?,
        None => Base::released(root)?,
    };
    Ok(Report::new(&old, &Base::current(root)?))
}
