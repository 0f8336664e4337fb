//! The table of the steps.

use clap::builder::{PossibleValue, PossibleValuesParser};
use external_tools::Process;
use external_tools::programs::*;
use openapi_checks::diff;

use super::runner::{Outcome, Runner};
use super::snapshots;
use crate::publish::{self, NotPublished};

/// A step of `cargo xtask test`.
pub(super) struct Step {
    /// The name for `--only`.
    pub(super) name: &'static str,
    /// The question that it answers.
    pub(super) about: &'static str,
    /// Without one of these programs the step is skipped.
    pub(super) needs: &'static [Program],
    /// Without one of these, only some tests of the step are skipped.
    pub(super) uses: &'static [Program],
    pub(super) run: Run,
    pub(super) row: In,
}

/// The row in which a step runs. Two rows run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum In {
    First,
    /// After the step `build`: it mostly runs programs that are built then, and builds little.
    Second,
    /// After the steps of the row that is free first.
    Either,
}

/// What a step does.
pub(super) enum Run {
    /// Runs commands until one fails. Words are separated by spaces; the first may set variables of the environment.
    Commands(&'static [&'static str]),
    Code(fn(&mut Runner<'_>) -> anyhow::Result<Outcome>),
}

/// The name of the step that builds the tests.
pub(super) const BUILD: &str = "build";
/// The name of the step that runs the tests.
pub(super) const TESTS: &str = "tests";
/// The name of the step that runs a part of the tests.
pub(super) const NETWORK: &str = "network";
/// The name of the step that reads what the tests have written.
pub(super) const SNAPSHOTS: &str = "snapshots";

const fn commands(
    name: &'static str,
    about: &'static str,
    needs: &'static [Program],
    commands: &'static [&'static str],
) -> Step {
    Step { name, about, needs, uses: &[], run: Run::Commands(commands), row: In::First }
}

const fn code(
    name: &'static str,
    about: &'static str,
    code: fn(&mut Runner<'_>) -> anyhow::Result<Outcome>,
) -> Step {
    Step { name, about, needs: &[], uses: &[], run: Run::Code(code), row: In::First }
}

const fn beside(step: Step) -> Step {
    Step { row: In::Second, ..step }
}

const fn either(step: Step) -> Step {
    Step { row: In::Either, ..step }
}

/// What the programs of `cross-language` are written in.
const LANGUAGES: &[Program] = &[NODE, NPM, PYTHON, JAVA, JAVA_ANNOTATIONS, PHP, RUBY];

/// The steps in the order in which they run, in two rows. Of those for either row the longest come first, so that both rows end at
/// about the same time.
///
/// Each command that builds tests chooses the whole workspace. With another choice, cargo would select other features of the
/// dependencies, and build them again.
pub(super) const STEPS: &[Step] = &[
    commands(
        "tools",
        "Are the programs there that some tests call: ffprobe, curl, Python, shells, and readers of manual pages?",
        &[FFPROBE, CURL, PYTHON, BASH, ZSH, FISH, GROFF, MANDOC],
        &[],
    ),
    commands("fmt", "Is the code formatted?", &[RUSTFMT], &["cargo fmt --all --check -- --color never"]),
    commands(
        "clippy",
        "Does clippy find nothing?",
        &[CLIPPY],
        &["cargo clippy --workspace --all-targets -- -D warnings"],
    ),
    commands("lint", "Is the document without mistakes?", &[], &["xtask lint"]),
    code(
        "diff",
        "Do changes of the document since its last release have their version and their changelog entry?",
        |runner| {
            Ok(diff::gate(runner.root)
                .map_or_else(|error| Outcome::Failed(format!("{error:#}")), |()| Outcome::Passed))
        },
    ),
    commands("regen", "Do the generated files follow from the document?", &[], &["xtask regen --check"]),
    Step {
        uses: LANGUAGES,
        row: In::Second,
        ..commands(
            "cross-language",
            "Do clients that tools of other languages generate from the document work against the sandbox?",
            &[],
            &["cargo test --workspace --test cross_language -- --ignored --nocapture"],
        )
    },
    beside(commands(
        "updates",
        "Is an update of the document that breaks nobody one run of regen, after which the workspace compiles?",
        &[],
        &["cargo test --workspace --test updates -- --ignored --nocapture"],
    )),
    beside(commands(
        "external-linters",
        "Do Redocly, Spectral and two validators find nothing wrong with the document, and actionlint nothing with CI?",
        &[NODE, NPM, PYTHON],
        &["cargo test --workspace --test external_linters -- --ignored --nocapture"],
    )),
    beside(commands(
        "mock",
        "Does Prism, a mock server, respond with the first examples of the document, and does `verify` find what it cannot do?",
        &[NODE, NPM],
        &["cargo test --workspace --test mock -- --ignored --nocapture"],
    )),
    commands(BUILD, "Do the tests compile?", &[], &["cargo test --workspace --all-targets --no-run"]),
    code(TESTS, "Do the tests pass?", tests),
    commands(
        "bench",
        "Do the benchmarks compile, and do their own tests pass?",
        &[],
        &["cargo test --manifest-path bench/Cargo.toml --target-dir target --locked"],
    ),
    commands(
        NETWORK,
        "Does the command work behind real TLS servers and proxies? Included in the tests; runs alone only on request",
        &[],
        &["cargo test --workspace --test network --no-fail-fast"],
    ),
    commands(
        "counts",
        "Does a call take no more instructions than was agreed?",
        &[VALGRIND],
        &["cargo test --workspace --test instructions -- --ignored"],
    ),
    code(SNAPSHOTS, "Does a test read each snapshot, and does none wait for review?", snapshots::run),
    beside(commands(
        "machines",
        "Do machines that share a PostgreSQL cooperate?",
        &[POSTGRES],
        &["cargo test --workspace --lib -- --ignored", "cargo test --workspace --test machines -- --ignored"],
    )),
    beside(commands(
        "schemathesis",
        "Does schemathesis find no wrong response of the sandbox?",
        &[PYTHON],
        &["cargo test --workspace --test schemathesis -- --ignored --nocapture"],
    )),
    Step {
        needs: &[NODE, NPM, PYTHON, CHROMIUM],
        row: In::Second,
        ..code(
            "publish",
            "Is what is published what was kept, valid, and usable in a browser and against the sandbox?",
            publish,
        )
    },
    beside(commands(
        "api",
        "Is the public API of the libraries as it was reviewed?",
        &[],
        &["cargo test --workspace --test workspace api -- --ignored --nocapture"],
    )),
    beside(commands(
        "licences",
        "Does deny.toml allow each dependency's licence?",
        &[],
        &["cargo test --workspace --test workspace licences -- --ignored --nocapture"],
    )),
    either(commands(
        "msrv",
        "Do the client and the SDK compile with the oldest supported compiler?",
        &[OLD_RUST],
        &["cargo test --workspace --test workspace msrv -- --ignored"],
    )),
    either(commands(
        "dist",
        "Can the packages of the command be installed and used without Rust, and are they the same bytes each time?",
        &[DPKG, NODE, NPM, PYTHON],
        &["cargo test --workspace --test dist -- --ignored --nocapture"],
    )),
    Step {
        // For axe.
        uses: &[NODE, NPM],
        row: In::Either,
        ..commands(
            "browser",
            "Does the page of the sandbox work in a browser, and does axe find it accessible?",
            // A test runs the lines for a terminal that the page shows.
            &[CHROMIUM, CHROMEDRIVER, CURL],
            &["cargo test --workspace --test page -- --ignored --nocapture"],
        )
    },
    either(commands(
        "package",
        "Do the crates compile with fewer features, and does each package contain its licences and its page?",
        &[CLIPPY],
        &[
            // The command turns on some features of the libraries.
            "cargo clippy -p infrai-video-cli --no-default-features -- -D warnings",
            "cargo clippy -p infrai-video-client -p infrai-video -- -D warnings",
            "cargo clippy -p infrai-video --no-default-features --features rustls -- -D warnings",
            "cargo test --workspace --test workspace packages -- --ignored --nocapture",
        ],
    )),
    either(commands(
        "doctests",
        "Do the examples of the documentation run?",
        &[],
        &["cargo test --doc --workspace --no-fail-fast"],
    )),
    either(commands(
        "docs",
        "Can the documentation be built without warnings?",
        &[],
        &["RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps"],
    )),
];

/// The names of the steps, with their questions as help.
pub fn names() -> PossibleValuesParser {
    STEPS.iter().map(|step| PossibleValue::new(step.name).help(step.about)).into()
}

fn tests(runner: &mut Runner<'_>) -> anyhow::Result<Outcome> {
    let references = tempfile::NamedTempFile::new()?;
    let tests = Process::cargo(runner.root)
        .env(snapshots::REFERENCES, references.path())
        .args("test --workspace --all-targets --no-fail-fast");
    let outcome = runner.run(tests)?;
    // After a failure the list has holes, and every hole would look like a snapshot that no test reads.
    runner.references = (outcome == Outcome::Passed).then_some(references);
    Ok(outcome)
}

fn publish(runner: &mut Runner<'_>) -> anyhow::Result<Outcome> {
    match publish::check(runner.root) {
        Ok(()) => {}
        // A version in development is not published yet, and is tested all the same.
        Err(error) if error.is::<NotPublished>() => runner.print(&error.to_string())?,
        Err(error) => return Err(error),
    }
    runner.command("cargo test --workspace --test published -- --ignored --nocapture")
}
