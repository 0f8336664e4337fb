//! The tests of the sandbox's page, which need a browser.

use std::io;

use super::tools::{self, Tool};
use super::{Child, Context, Outcome};

const TOOLS: [Tool; 3] = [
    ("chromium", "--version", "chromium"),
    ("chromedriver", "--version", "chromium-driver"),
    // A test runs the lines for a terminal that the page shows.
    ("curl", "--version", "curl"),
];

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let installed = tools::install(context, &TOOLS)?;
    if installed != Outcome::Passed {
        return Ok(installed);
    }
    // With the whole workspace chosen, cargo takes what the other tests were built from.
    Child::cargo(context.root).arguments("test --workspace --test page -- --ignored").run(context)
}
