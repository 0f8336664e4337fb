//! The step `diff` of `cargo xtask test`: a change needs a version of its own and an entry in the changelog.

use std::path::Path;

use semver::Version;

use super::{Base, Breaks, Change, compare};

/// The changelog of the contract, seen from the root of the workspace.
const CHANGELOG: &str = "openapi/CHANGELOG.md";

/// Compares the contract of the workspace at `root` with the last release.
///
/// # Errors
/// One line that says what is missing: a higher version, a higher major version after a change that breaks somebody, or
/// a section of the changelog.
pub fn gate(root: &Path) -> Result<(), String> {
    let old = Base::released(root).map_err(|error| error.to_string())?;
    let new = Base::current(root).map_err(|error| error.to_string())?;
    let changelog = std::fs::read_to_string(root.join(CHANGELOG))
        .map_err(|error| format!("{CHANGELOG} cannot be read: {error}; put it there"))?;
    let changes = compare(&old.document, &new.document);
    judge(&changes, old.version(), new.version(), &changelog)
}

fn judge(changes: &[Change], released: &str, current: &str, changelog: &str) -> Result<(), String> {
    let parse = |text: &str| {
        Version::parse(text).map_err(|error| {
            format!("info.version `{text}` is no semantic version: {error}; write one such as 1.2.0")
        })
    };
    let (old, new) = (parse(released)?, parse(current)?);
    if new < old {
        return Err(format!("info.version is {new}, and {old} is released already; take a higher version"));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let breaking = changes.iter().filter(|change| change.breaks != Breaks::Nobody).count();
    if breaking > 0 && new.major <= old.major {
        let next = old.major + 1;
        let count =
            counted(breaking, "change since {} breaks", "changes since {} break").replace("{}", released);
        return Err(format!(
            "{count} callers, and info.version is {new}: make it {next}.0.0 or take them back; \
             `cargo xtask diff` lists them"
        ));
    }
    if new == old {
        let count = counted(changes.len(), "change", "changes");
        let next = Version::new(old.major, old.minor + 1, 0);
        return Err(format!(
            "{count} since the release of {old}, and info.version is the same: make it {next} or higher; \
             `cargo xtask diff` lists what changed"
        ));
    }
    if !has_section(changelog, current) {
        return Err(format!(
            "{CHANGELOG} has no section `## {new}`: write one; `cargo xtask diff --markdown` gives its lines"
        ));
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

    fn refused(changes: &[Change], old: &str, new: &str) -> String {
        judge(changes, old, new, CHANGELOG_OF_1_1).unwrap_err()
    }

    #[test]
    fn without_a_change_nothing_is_asked_for() {
        assert_eq!(judge(&[], "1.0.0", "1.0.0", ""), Ok(()));
    }

    #[test]
    fn a_change_that_breaks_somebody_needs_a_major_version() {
        let changes = [change(Breaks::Nobody), change(Breaks::Reader)];
        let text = refused(&changes, "1.0.0", "1.1.0");
        assert!(
            text.starts_with("1 change since 1.0.0 breaks callers") && text.contains("make it 2.0.0"),
            "{text}"
        );
        assert_eq!(judge(&changes, "1.0.0", "2.0.0", "## 2.0.0\n"), Ok(()));
    }

    #[test]
    fn any_change_needs_a_version_of_its_own() {
        let text = refused(&[change(Breaks::Nobody)], "1.0.0", "1.0.0");
        assert!(text.contains("make it 1.1.0 or higher"), "{text}");
        assert_eq!(judge(&[change(Breaks::Nobody)], "1.0.0", "1.1.0", CHANGELOG_OF_1_1), Ok(()));
    }

    #[test]
    fn any_change_needs_a_section_of_the_changelog() {
        let text = refused(&[change(Breaks::Nobody)], "1.0.0", "1.1.1");
        assert!(text.contains("no section `## 1.1.1`"), "{text}");
    }

    #[test]
    fn a_section_of_a_longer_version_is_another_section() {
        assert!(has_section(CHANGELOG_OF_1_1, "1.1.0"));
        assert!(!has_section("## 1.1.0-rc.1\n## 11.1.0\n", "1.1.0"));
    }

    #[test]
    fn a_version_below_the_released_one_is_refused_even_without_a_change() {
        let text = refused(&[], "1.1.0", "1.0.0");
        assert!(text.contains("take a higher version"), "{text}");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        assert!(refused(&[], "1.0.0", "1.0").contains("is no semantic version"));
    }
}
