//! The step `diff` of `cargo xtask test`: every change needs a new version and an entry in the changelog.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use semver::Version;

use super::{Base, Breaks, Change, compare};

/// The changelog of the document from the root of the workspace.
const CHANGELOG: &str = "openapi/CHANGELOG.md";

/// Compares the document of the workspace at `root` with the last release.
///
/// # Errors
/// If something is missing: a higher version, a higher major version after a breaking change, or a section of the changelog.
pub fn gate(root: &Path) -> Result<()> {
    let old = Base::released(root)?;
    let new = Base::current(root)?;
    let changelog = std::fs::read_to_string(root.join(CHANGELOG)).context(CHANGELOG)?;
    let changes = compare(&old.document, &new.document);
    judge(&changes, old.version(), new.version(), &changelog)
}

fn judge(changes: &[Change], released: &str, current: &str, changelog: &str) -> Result<()> {
    let parse = |text: &str| {
        let remedy = || format!("info.version `{text}` is not a semantic version; use one such as 1.2.0");
        Version::parse(text).with_context(remedy)
    };
    let (old, new) = (parse(released)?, parse(current)?);
    if new < old {
        bail!("info.version is {new}, and {old} is already released; choose a higher version");
    }
    if changes.is_empty() {
        return Ok(());
    }
    let breaking = changes.iter().filter(|change| change.breaks != Breaks::Nobody).count();
    if breaking > 0 && new.major <= old.major {
        let next = old.major + 1;
        let count =
            counted(breaking, "change since {} breaks", "changes since {} break").replace("{}", released);
        bail!(
            "{count} callers, and info.version is {new}: set it to {next}.0.0 or revert them; \
             `cargo xtask diff` lists them"
        );
    }
    if new == old {
        let count = counted(changes.len(), "change", "changes");
        let next = match changes.iter().all(Change::is_for_people) {
            true => Version::new(old.major, old.minor, old.patch + 1),
            false => Version::new(old.major, old.minor + 1, 0),
        };
        bail!(
            "{count} since the release of {old}, and info.version is unchanged: set it to {next} or higher; \
             `cargo xtask diff` lists what changed"
        );
    }
    if !has_section(changelog, current) {
        bail!(
            "{CHANGELOG} has no section `## {new}`: add one; `cargo xtask diff --markdown` prints its lines"
        );
    }
    Ok(())
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn has_section(changelog: &str, version: &str) -> bool {
    changelog.lines().filter_map(|line| line.strip_prefix("## ")).any(|title| {
        let word = title.split([' ', ',']).next().unwrap_or_default();
        word.trim_matches(['[', ']']) == version
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG_OF_1_1: &str = "# Changelog\n\n## 1.1.0, not yet published\n\n- More.\n\n## 1.0.0\n";

    fn change(breaks: Breaks) -> Change {
        Change {
            kind: "type",
            pointer: "/info".to_owned(),
            place: "info".to_owned(),
            sentence: "it is another".to_owned(),
            breaks,
            operations: Vec::new(),
        }
    }

    #[track_caller]
    fn error(changes: &[Change], old: &str, new: &str) -> String {
        judge(changes, old, new, CHANGELOG_OF_1_1).unwrap_err().to_string()
    }

    #[test]
    fn without_a_change_nothing_is_required() {
        judge(&[], "1.0.0", "1.0.0", "").unwrap();
    }

    #[test]
    fn a_breaking_change_needs_a_major_version() {
        let changes = [change(Breaks::Nobody), change(Breaks::Reader)];
        let text = error(&changes, "1.0.0", "1.1.0");
        assert!(
            text.starts_with("1 change since 1.0.0 breaks callers") && text.contains("set it to 2.0.0"),
            "{text}"
        );
        judge(&changes, "1.0.0", "2.0.0", "## 2.0.0\n").unwrap();
    }

    #[test]
    fn any_change_needs_a_new_version() {
        let text = error(&[change(Breaks::Nobody)], "1.0.0", "1.0.0");
        assert!(text.contains("set it to 1.1.0 or higher"), "{text}");
        judge(&[change(Breaks::Nobody)], "1.0.0", "1.1.0", CHANGELOG_OF_1_1).unwrap();
    }

    #[test]
    fn a_verification_needs_a_patch_version() {
        let changes = [Change { kind: "provenance", ..change(Breaks::Nobody) }];
        let text = error(&changes, "1.0.0", "1.0.0");
        assert!(text.contains("set it to 1.0.1 or higher"), "{text}");
    }

    #[test]
    fn any_change_needs_a_section_of_the_changelog() {
        let text = error(&[change(Breaks::Nobody)], "1.0.0", "1.1.1");
        assert!(text.contains("no section `## 1.1.1`"), "{text}");
    }

    #[test]
    fn a_section_of_a_longer_version_is_another_section() {
        assert!(has_section(CHANGELOG_OF_1_1, "1.1.0"));
        assert!(!has_section("## 1.1.0-rc.1\n## 11.1.0\n", "1.1.0"));
    }

    #[test]
    fn a_version_below_the_released_one_is_an_error_even_without_a_change() {
        let text = error(&[], "1.1.0", "1.0.0");
        assert!(text.contains("choose a higher version"), "{text}");
    }

    #[test]
    fn an_invalid_version_is_an_error() {
        assert!(error(&[], "1.0.0", "1.0").contains("is not a semantic version"));
    }
}
