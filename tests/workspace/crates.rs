//! The number of crates that a package builds, with the agreed numbers in `tests/counts.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use contract_tests::root;
use external_tools::Process;

const COUNTS: &str = "tests/counts.toml";

/// The decision with the reason for each crate of the SDK.
const DECISION: &str = "docs/decisions/0040-few-dependencies.md";

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the numbers are those of Linux")]
fn no_package_builds_more_crates_than_agreed() {
    let root = root();
    let counts: toml::Table = fs::read_to_string(root.join(COUNTS)).unwrap().parse().unwrap();
    let packages = counts["crates"].as_table().unwrap();
    let problems: Vec<String> = packages
        .iter()
        .filter_map(|(package, agreed)| {
            let agreed = usize::try_from(agreed.as_integer().unwrap()).unwrap();
            too_many(package, crates(&root, package).len(), agreed)
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the crates are those of Linux")]
fn each_crate_of_the_sdk_has_a_reason() {
    let root = root();
    let decision = fs::read_to_string(root.join(DECISION)).unwrap();
    let rows = decision.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let reasons: BTreeSet<&str> =
        rows.flat_map(|row| row.split(", ")).map(|name| name.trim_matches('`')).collect();
    let crates = crates(&root, "infrai-video");
    let names = crates.iter().filter_map(|name| name.split(' ').next());
    let names: BTreeSet<&str> = names.filter(|name| *name != "infrai-video").collect();
    let missing: Vec<_> = names.difference(&reasons).collect();
    let gone: Vec<_> = reasons.difference(&names).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{DECISION}: no row for {missing:?}; not used: {gone:?}");
}

/// The crates that cargo builds for a package, with their versions.
fn crates(root: &Path, package: &str) -> BTreeSet<String> {
    let tree = format!("tree --locked --offline --edges normal,build --prefix none --package {package}");
    distinct(&Process::cargo(root).args(&tree).read().unwrap())
}

/// The crates in the output of `cargo tree`, where a crate may have several lines with different notes.
fn distinct(tree: &str) -> BTreeSet<String> {
    let words = tree.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    words.filter(|name| !name.is_empty()).collect()
}

fn too_many(package: &str, counted: usize, agreed: usize) -> Option<String> {
    (counted > agreed).then(|| {
        format!(
            "{package} builds {counted} crates, {agreed} were agreed: `cargo tree -p {package} -e normal,build` shows who \
             needs each; avoid the new ones, or raise the number in {COUNTS} in the same commit and say why"
        )
    })
}

#[test]
fn a_crate_is_counted_once_for_each_version() {
    let tree = "ours v0.1.0 (/home/me/ours)\nsyn v2.0.1\nsyn v3.0.1\nmacros v1.0.0 (proc-macro)\nmacros v1.0.0 (proc-macro) (*)\n\n";
    let names = ["macros v1.0.0", "ours v0.1.0", "syn v2.0.1", "syn v3.0.1"];
    assert!(distinct(tree).iter().eq(names));
}

#[test]
fn one_crate_more_than_agreed_is_a_problem() {
    assert_eq!(too_many("ours", 83, 83), None);
    assert_eq!(too_many("ours", 82, 83), None);
    let problem = too_many("ours", 84, 83).unwrap();
    assert!(problem.starts_with("ours builds 84 crates, 83 were agreed: `cargo tree -p ours "), "{problem}");
}
