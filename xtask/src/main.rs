//! The command behind `cargo xtask`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::bench::{Length, Part};
use xtask::diff::{Base, BaseError, Breaks, Report};
use xtask::publish::Purpose;
use xtask::test::{Options, Step};

/// Generates from the contract, checks it, and runs every check of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure side by side with others, and write docs/benchmarks.md.
    Bench {
        /// A short run, which is printed, and written to target/bench/quick alone.
        #[arg(long)]
        quick: bool,
        /// Measure this part alone, and leave the others of the page as they are.
        #[arg(long, value_name = "PART")]
        only: Option<Part>,
    },
    /// Say what changed in the contract, and whom it breaks.
    ///
    /// A reader is a client that reads answers, a writer one that sends requests. The exit status is 0 if the changes break
    /// nobody, and 1 if they break somebody or cannot be told.
    Diff {
        /// What to compare with: a file, or a revision of git. [default: the last release in openapi/releases]
        base: Option<String>,
        /// Print JSON: `old` and `new` (`source`, `version`), `breaks` (nobody, reader, writer, both), and `changes`
        /// (`kind`, `pointer`, `place`, `sentence`, `breaks`, `operations`).
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// Print lines for openapi/CHANGELOG.md.
        #[arg(long)]
        markdown: bool,
        /// Compare this command with others on the pairs of its tests, and write docs/contract-diff.md.
        #[arg(long, conflicts_with_all = ["base", "json", "markdown"])]
        compare_tools: bool,
    },
    /// Write what teams of other languages take: the contract in several forms, workflows, and a reference.
    ///
    /// A version is published once: what was published is kept in openapi/releases, and other content under the same version
    /// is refused.
    Publish {
        /// The directory to write into; it is made if it is not there.
        #[arg(long, value_name = "DIR", required_unless_present = "check")]
        out: Option<PathBuf>,
        /// Write into the directory alone, as long as the version may still change.
        #[arg(long)]
        preview: bool,
        /// Write nothing; fail if what would be published is not what is kept.
        #[arg(long, conflicts_with_all = ["out", "preview"])]
        check: bool,
    },
    /// Write the generated files anew from the contract.
    Regen {
        /// Write nothing; fail if a file is not what the contract gives.
        #[arg(long)]
        check: bool,
    },
    /// Look for mistakes in the contract.
    Lint,
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
    /// Run every check of the workspace. With CI=true a step that cannot run is a failure.
    Test {
        /// Run this step alone; may be given several times.
        #[arg(long, value_name = "STEP")]
        only: Vec<Step>,
        /// Show what the steps print while they run.
        #[arg(short, long)]
        verbose: bool,
    },
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is where the commands meet the terminal")]
fn main() -> ExitCode {
    let root = root();
    let outcome = match Arguments::parse().command {
        Command::Bench { quick, only } => {
            let length = if quick { Length::Quick } else { Length::Full };
            xtask::bench::run(&root, length, only, &mut std::io::stdout()).map(|()| true)
        }
        Command::Diff { compare_tools: true, .. } => {
            xtask::diff::compare_tools(&root, &mut std::io::stdout()).map(|()| true)
        }
        Command::Diff { base, json, markdown, .. } => {
            diff(&root, base.as_deref()).map_err(|error| error.to_string()).map(|report| {
                match (json, markdown) {
                    (true, _) => println!("{}", report.json()),
                    (_, true) => println!("{}", report.markdown()),
                    _ => println!("{report}"),
                }
                report.breaks() == Breaks::Nobody
            })
        }
        Command::Publish { out, preview, .. } => {
            let purpose = if preview { Purpose::Preview } else { Purpose::Release };
            let done = match out {
                Some(out) => xtask::publish::run(&root, &out, purpose, &mut std::io::stdout()),
                None => xtask::publish::check(&root),
            };
            done.map(|()| true).map_err(|error| error.to_string())
        }
        Command::Regen { check } => {
            xtask::regen::run(&root, check).map(|()| true).map_err(|error| error.to_string())
        }
        Command::Lint => xtask::lint::run(&root).map_err(|error| error.to_string()).map(|report| {
            println!("{report}");
            report.is_clean()
        }),
        Command::Simulate { seeds, mutants: true, .. } => {
            xtask::simulate::run_mutants(&root, seeds).map(|()| true)
        }
        Command::Simulate { seeds, from, .. } => xtask::simulate::run(&root, seeds, from).map(|()| true),
        Command::Test { only, verbose } => {
            let strict = std::env::var_os("CI").is_some_and(|value| value == "true");
            let options = Options { only, verbose, strict };
            let run = xtask::test::run(&root, &options, &mut std::io::stdout());
            run.map_err(|error| format!("the output cannot be written: {error}"))
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Compares the contract with `base`, or with the last release.
fn diff(root: &Path, base: Option<&str>) -> Result<Report, BaseError> {
    let old = match base {
        Some(name) => Base::named(root, name)?,
        None => Base::released(root)?,
    };
    Ok(Report::new(&old, &Base::current(root)?))
}

/// The root of the workspace: above this package if cargo started the program, else where the user is.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}
