//! The report: lines for people, JSON for programs, lines for a changelog.

use std::fmt;

use serde::Serialize;

use super::{Base, Breaks, Change, compare};

/// The result of a comparison.
///
/// As JSON it is an object with these stable members:
///
/// - `old` and `new`: objects with `source`, the origin of the document, and `version`, its `info.version`;
/// - `breaks`: who breaks by any of the changes: `nobody`, `reader`, `writer` or `both`;
/// - `changes`: the changes, breaking ones first. Each has `kind` (a short name), `pointer` (see
///   [`Change::pointer`]), `place` and `sentence` (for people, and not to be parsed), `breaks` (as above),
///   and `operations` (the operations that are affected).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    old: Source,
    new: Source,
    breaks: Breaks,
    changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Source {
    source: String,
    version: String,
}

impl Report {
    /// Compares two documents.
    #[must_use]
    pub fn new(old: &Base, new: &Base) -> Self {
        let mut changes = compare(&old.document, &new.document);
        changes.sort_by_key(|change| change.breaks == Breaks::Nobody);
        let breaks = changes.iter().fold(Breaks::Nobody, |all, change| all.and(change.breaks));
        let source = |base: &Base| Source { source: base.name.clone(), version: base.version().to_owned() };
        Self { old: source(old), new: source(new), breaks, changes }
    }

    /// Who breaks by any of the changes.
    #[must_use]
    pub fn breaks(&self) -> Breaks {
        self.breaks
    }

    /// The changes, breaking ones first.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The report as JSON; see the description of the type.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and lists of strings are always serializable")
    }

    /// Lines for a section of the changelog.
    #[must_use]
    pub fn markdown(&self) -> String {
        let quiet = |change: &&Change| change.is_for_people();
        let mut lines: Vec<String> = self
            .changes
            .iter()
            .filter(|change| !quiet(change))
            .map(|change| {
                let warning = match change.breaks {
                    Breaks::Nobody => String::new(),
                    somebody => format!("**Breaks {somebody}.** "),
                };
                format!("- {warning}`{}`: {}.{}", change.place, change.sentence, change.used())
            })
            .collect();
        match self.changes.iter().filter(quiet).count() {
            0 => {}
            1 => lines.push("- Descriptions, examples or provenance changed in one place.".to_owned()),
            many => lines.push(format!("- Descriptions, examples or provenance changed in {many} places.")),
        }
        lines.join("\n")
    }
}

impl Change {
    /// Whether it changes nothing that a program reads.
    pub(super) fn is_for_people(&self) -> bool {
        matches!(self.kind, "documentation" | "provenance")
    }

    /// The operations that are affected, in parentheses.
    fn used(&self) -> String {
        const SHOWN: usize = 3;
        // A place in an operation already names it.
        if self.operations.is_empty() || self.pointer.starts_with("/paths/") {
            return String::new();
        }
        let shown = self.operations.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        match self.operations.len().saturating_sub(SHOWN) {
            0 => format!(" ({shown})"),
            more => format!(" ({shown} and {more} more)"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "breaks {}: {}: {}{}", self.breaks, self.place, self.sentence, self.used())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        let breaking = self.changes.iter().filter(|change| change.breaks != Breaks::Nobody).count();
        let count = match self.changes.len() {
            0 => "no changes".to_owned(),
            1 => "1 change".to_owned(),
            many => format!("{many} changes"),
        };
        let (old, new) = (&self.old, &self.new);
        write!(f, "{count} from {} ({}) to {} ({})", old.source, old.version, new.source, new.version)?;
        if self.changes.is_empty() {
            return Ok(());
        }
        write!(f, "; breaking: {breaking}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(version: &str, maximum: u32, description: &str) -> Base {
        let schema = json!({"type": "integer", "maximum": maximum, "description": description});
        let parameters =
            json!([{"name": "limit", "in": "query", "schema": {"$ref": "#/components/schemas/Limit"}}]);
        let get = json!({"operationId": "list", "parameters": parameters, "responses": {}});
        Base {
            name: format!("{version}.yaml"),
            document: json!({
                "openapi": "3.0.3",
                "info": {"title": "T", "version": version},
                "paths": {"/list": {"get": get}},
                "components": {"schemas": {"Limit": schema}},
            }),
        }
    }

    fn report() -> Report {
        Report::new(&document("1.0.0", 20, "before"), &document("1.1.0", 10, "after"))
    }

    #[test]
    fn the_text_names_who_breaks_where_and_why() {
        assert_eq!(
            report().to_string(),
            "breaks writers: Limit > maximum: its maximum changed from 20 to 10 (list)\n\
             breaks nobody: Limit > description: `description` is changed (list)\n\
             2 changes from 1.0.0.yaml (1.0.0) to 1.1.0.yaml (1.1.0); breaking: 1"
        );
    }

    #[test]
    fn the_json_has_the_documented_members() {
        let value: Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(value["old"], json!({"source": "1.0.0.yaml", "version": "1.0.0"}));
        assert_eq!(value["breaks"], "writer");
        assert_eq!(
            value["changes"][0],
            json!({
                "kind": "maximum",
                "pointer": "/components/schemas/Limit/maximum",
                "place": "Limit > maximum",
                "sentence": "its maximum changed from 20 to 10",
                "breaks": "writer",
                "operations": ["list"],
            })
        );
    }

    #[test]
    fn a_changelog_has_a_line_for_each_change_and_one_for_all_documentation() {
        assert_eq!(
            report().markdown(),
            "- **Breaks writers.** `Limit > maximum`: its maximum changed from 20 to 10. (list)\n\
             - Descriptions, examples or provenance changed in one place."
        );
    }

    #[test]
    fn another_version_alone_is_not_a_change() {
        let report = Report::new(&document("1.0.0", 20, "d"), &document("2.0.0", 20, "d"));
        assert_eq!(report.breaks(), Breaks::Nobody);
        assert_eq!(report.to_string(), "no changes from 1.0.0.yaml (1.0.0) to 2.0.0.yaml (2.0.0)");
    }
}
