//! What `cargo xtask publish` writes: the same bytes each time, valid documents, workflows that run, and a reference that works.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../external_linters/linters.rs"]
mod linters;
mod reference;
mod workflows;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use contract_tests::root;
use external_tools::Process;
use external_tools::programs::{NPM, require};
use external_tools::skip::available;
use linters::Linters;

/// The forms of the document among what is published.
const EDITIONS: [&str; 4] = ["video.yaml", "video.json", "video-3.1.json", "video-dereferenced.json"];

/// Publishes into a directory below `target`, as long as the version may still change.
fn publish(name: &str) -> PathBuf {
    let directory = root().canonicalize().unwrap().join("target/published").join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    Process::cargo(&root()).args("xtask publish --preview --out").arg(&directory).run().unwrap();
    directory
}

/// The directory with everything that is published, or `None` if it cannot be published on this machine.
fn published() -> Option<&'static Path> {
    static PUBLISHED: OnceLock<Option<PathBuf>> = OnceLock::new();
    // Redoc comes from npm.
    let directory = PUBLISHED
        .get_or_init(|| available("publish", require(&[NPM]).map_err(Into::into)).map(|()| publish("first")));
    directory.as_deref()
}

#[test]
#[ignore = "needs npm: cargo xtask test --only publish"]
fn publishing_again_gives_the_same_bytes() {
    let Some(first) = published() else { return };
    assert_eq!(differing(first, &publish("second")), Vec::<String>::new());
}

#[test]
#[ignore = "needs npm and PyPI: cargo xtask test --only publish"]
fn every_edition_is_valid_openapi() {
    let (Some(directory), Some(linters)) = (published(), available("validators", Linters::install())) else {
        return;
    };
    for edition in EDITIONS {
        linters.openapi_spec_validator(&directory.join(edition)).run().unwrap();
    }
}

/// The names of the files that are not in both directories with the same bytes.
fn differing(first: &Path, second: &Path) -> Vec<String> {
    let files = |directory: &Path| fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = files(first).chain(files(second)).collect();
    names.sort();
    names.dedup();
    let is_same = |name: &_| matches!((fs::read(first.join(name)), fs::read(second.join(name))), (Ok(one), Ok(two)) if one == two);
    names.retain(|name| !is_same(name));
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_file_that_differs_or_is_missing_is_named() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, texts) in [("a", ["1", "1"]), ("b", ["1", "2"]), ("c", ["", "1"])] {
        for (directory, text) in [&first, &second].into_iter().zip(texts) {
            if !text.is_empty() {
                fs::write(directory.path().join(name), text).unwrap();
            }
        }
    }
    assert_eq!(differing(first.path(), second.path()), ["b", "c"]);
}
