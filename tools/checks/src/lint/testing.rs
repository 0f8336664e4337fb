//! A small document without mistakes, and the findings after an edit.

use super::check;

/// The document. Each test edits one place of it.
pub(crate) const SMALL: &str = include_str!("small.yaml");

/// The findings after `wrong` replaces the first `right`.
#[track_caller]
pub(super) fn broken(right: &str, wrong: &str) -> Vec<String> {
    assert!(SMALL.contains(right), "the small document does not have {right:?}");
    let report = check(&SMALL.replacen(right, wrong, 1));
    assert!(!report.is_clean(), "no finding for {wrong:?}");
    report.findings().iter().map(ToString::to_string).collect()
}

/// The only finding after `wrong` replaces the first `right`.
#[track_caller]
pub(super) fn only(right: &str, wrong: &str) -> String {
    let mut findings = broken(right, wrong);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}
