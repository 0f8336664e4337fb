//! What is left to do for an operation once it is in the document: each line names the place.

use anyhow::{Context as _, Result, bail};
use infrai_video_sandbox::Operation;
use openapi_tools::Document;

use crate::wire::CALLED;

/// The programs that send every fixture, by language.
const CONSUMERS: [&str; 4] = [
    "tests/cross_language/typescript/src/fixtures.ts",
    "tests/cross_language/python/fixtures.py",
    "tests/cross_language/go/fixtures.go",
    "tests/cross_language/java/Fixtures.java",
];

#[test]
fn every_operation_is_in_the_sdk_the_sandbox_the_command_and_the_consumers() {
    left(&contract_tests::contract()).unwrap();
}

/// Names every place that does not know an operation.
pub(crate) fn left(contract: &Document) -> Result<()> {
    let root = contract_tests::root();
    let command = infrai_video_cli::command();
    let mut left = Vec::new();
    for id in contract.operations().filter_map(|operation| operation.id()) {
        let name = id.trim_start_matches("video_");
        if !CALLED.contains(&id) {
            left.push(format!(
                "crates/infrai-video/src/operations/mod.rs has no method for {id}; add one, and call it in tests/contract/wire.rs"
            ));
        }
        if name.parse::<Operation>().is_err() {
            left.push(format!(
                "crates/infrai-video-sandbox/src/model/operation.rs does not know {id}; add it, with its route in src/http/router.rs, and \
                 get its responses in tests/contract/conformance.rs"
            ));
        }
        let subcommand = name.replace('_', "-");
        if command.get_subcommands().all(|known| known.get_name() != subcommand) {
            left.push(format!(
                "crates/infrai-video-cli/src/args/mod.rs has no command {subcommand} for {id}; add one"
            ));
        }
        for place in CONSUMERS {
            let program = std::fs::read_to_string(root.join(place)).context(place)?;
            if !program.contains(&format!("\"{id}\"")) {
                left.push(format!("{place} makes no call of {id}; add one"));
            }
        }
    }
    left.extend(openapi_tools::samples::missing(
        &root,
        contract.operations().filter_map(|operation| operation.id()),
    )?);
    if !left.is_empty() {
        bail!("{}", left.join("; "));
    }
    Ok(())
}
