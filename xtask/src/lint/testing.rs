//! A small document without mistakes, and what the rules say when one is made.

use super::check;

/// The document. Each test breaks one line of it.
pub(super) const SMALL: &str = include_str!("small.yaml");

/// Changes the first place that reads `right`, and gives back what is found then.
#[track_caller]
pub(super) fn broken(right: &str, wrong: &str) -> Vec<String> {
    assert!(SMALL.contains(right), "the small document does not have {right:?}");
    let report = check(&SMALL.replacen(right, wrong, 1));
    assert!(!report.is_clean(), "nobody noticed {wrong:?}");
    report.findings().iter().map(ToString::to_string).collect()
}

/// The same where exactly one thing is found.
#[track_caller]
pub(super) fn only(right: &str, wrong: &str) -> String {
    let mut findings = broken(right, wrong);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}
