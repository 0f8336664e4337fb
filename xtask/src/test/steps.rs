//! What each step does.

use std::io;

use super::{
    Child, Context, Outcome, Step, browser, consumers, counts, judges, licences, machines, mock, package,
    publish, schemathesis, snapshots, tools, updates,
};
use crate::diff;

/// Runs one step.
pub(super) fn run(context: &mut Context<'_>, step: Step) -> io::Result<Outcome> {
    match step {
        Step::Tools => tools::run(context),
        Step::Fmt => component(context, "fmt --all --check -- --color never", "rustfmt"),
        Step::Clippy => component(context, "clippy --workspace --all-targets -- -D warnings", "clippy"),
        Step::Lint => xtask(context, "lint"),
        Step::Diff => Ok(diff::gate(context.root).map_or_else(Outcome::Failed, |()| Outcome::Passed)),
        Step::Regen => xtask(context, "regen --check"),
        Step::Updates => updates::run(context),
        Step::Judges => judges::run(context),
        Step::Mock => mock::run(context),
        Step::Tests => tests(context),
        Step::Network => {
            test(context).arguments("test --workspace --test network --no-fail-fast").run(context)
        }
        Step::Counts => counts::run(context),
        Step::Snapshots => Ok(snapshots::run(context)),
        Step::Machines => machines::run(context),
        Step::Browser => browser::run(context),
        Step::Doctests => test(context).arguments("test --doc --workspace --no-fail-fast").run(context),
        Step::Schemathesis => schemathesis::run(context),
        Step::Consumers => consumers::run(context),
        Step::Publish => publish::run(context),
        Step::Package => package::run(context),
        Step::Docs => {
            let cargo = Child::cargo(context.root).env("RUSTDOCFLAGS", "-D warnings");
            cargo.arguments("doc --workspace --no-deps").run(context)
        }
        Step::Licences => licences::run(context),
    }
}

/// A command of cargo that comes with a component of the toolchain.
fn component(context: &mut Context<'_>, arguments: &str, name: &str) -> io::Result<Outcome> {
    let command = arguments.split(' ').next().unwrap_or_default();
    if !Child::cargo(context.root).arguments(command).arguments("--version").works() {
        return Ok(Outcome::Skipped(format!("{name} is not installed; run `rustup component add {name}`")));
    }
    Child::cargo(context.root).arguments(arguments).run(context)
}

/// Another command of this program, in a process of its own so that its output is kept like any other.
fn xtask(context: &mut Context<'_>, arguments: &str) -> io::Result<Outcome> {
    Child::new(std::env::current_exe()?, context.root).named("cargo xtask").arguments(arguments).run(context)
}

/// Cargo for a run of tests: snapshots are compared and never written.
fn test(context: &Context<'_>) -> Child {
    Child::cargo(context.root).env("INSTA_UPDATE", "no").without_env("INSTA_FORCE_PASS")
}

fn tests(context: &mut Context<'_>) -> io::Result<Outcome> {
    let references = tempfile::NamedTempFile::new()?;
    let outcome = test(context)
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", references.path())
        .arguments("test --workspace --all-targets --no-fail-fast")
        .run(context)?;
    // After a failure the list has holes, and every hole would look like a snapshot that nobody reads.
    context.references = (outcome == Outcome::Passed).then_some(references);
    Ok(outcome)
}
