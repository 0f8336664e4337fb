//! The provenance of each statement of the document.

use jiff::civil::Date;
use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::provenance::VERIFIED;
use openapi_tools::walk::{Kind, Node};

pub(super) const OF_THE_SERVICE: &[Rule] =
    &[statements_without_provenance, properties_without_provenance, unknown_sources, misplaced_verification];

const SOURCES: [&str; 5] = ["page", "example", "conventions", "observed", "assumed"];

fn missing(kind: &str, node: &Node<'_>) -> Finding {
    let remedy = format!("add a list of sources: {}", SOURCES.join(", "));
    Finding::new(&node.pointer, format!("the {kind} has no x-provenance"), remedy)
}

fn statements_without_provenance(context: &Context<'_>) -> Vec<Finding> {
    [Kind::Operation, Kind::Parameter, Kind::Header]
        .into_iter()
        .flat_map(|kind| context.each(kind))
        .filter(|node| !node.has("x-provenance"))
        .map(|node| missing(&node.kind.to_string(), node))
        .collect()
}

/// The component that a property refers to covers the property.
fn properties_without_provenance(context: &Context<'_>) -> Vec<Finding> {
    let properties = context.schemas().filter(|schema| schema.keyword == "properties");
    properties
        .filter(|schema| {
            let target = context.document.follow(schema.value);
            target.is_some_and(|target| target.get("x-provenance").is_none())
        })
        .map(|schema| missing("property", schema))
        .collect()
}

fn unknown_sources(context: &Context<'_>) -> Vec<Finding> {
    context
        .nodes
        .iter()
        .filter_map(|node| Some((node, node.value.get("x-provenance")?)))
        .filter(|(_, sources)| !is_list_of_sources(sources))
        .map(|(node, sources)| {
            Finding::new(
                node.key("x-provenance"),
                format!("{sources} is not a list of known sources"),
                format!("use some of {}, 'verified: 2026-12-01' in quotes", SOURCES.join(", ")),
            )
        })
        .collect()
}

fn is_list_of_sources(sources: &Value) -> bool {
    let known = |source: &Value| {
        source.as_str().is_some_and(|source| SOURCES.contains(&source) || is_verification(source))
    };
    sources.as_array().is_some_and(|sources| !sources.is_empty() && sources.iter().all(known))
}

/// `verified: ` and a day of the calendar in this form alone.
fn is_verification(source: &str) -> bool {
    let date = source.strip_prefix(VERIFIED);
    date.is_some_and(|text| text.parse::<Date>().is_ok_and(|date| date.to_string() == text))
}

/// A response confirms what another source says, and only the newest one counts.
fn misplaced_verification(context: &Context<'_>) -> Vec<Finding> {
    let lists =
        context.nodes.iter().filter_map(|node| Some((node, node.value.get("x-provenance")?.as_array()?)));
    lists
        .filter_map(|(node, sources)| {
            let is_verified = |source: &Value| source.as_str().is_some_and(is_verification);
            let (problem, remedy) = match sources.iter().position(is_verified)? {
                0 if sources.len() == 1 => {
                    ("is the only source", "name the source of the statement before it")
                }
                place if place + 1 == sources.len() => return None,
                _ if sources.last().is_some_and(is_verified) => ("occurs twice", "keep the newest date"),
                _ => ("is not the last source", "move it to the end"),
            };
            Some(Finding::new(node.key("x-provenance"), format!("`verified` {problem}"), remedy))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::check;
    use crate::lint::testing::{SMALL, broken, only};

    #[test]
    fn a_statement_without_provenance_is_reported_by_its_kind() {
        for (with, without, kind) in [
            ("      x-provenance: [page]\n      parameters:\n", "      parameters:\n", "operation"),
            ("      example: cl_1\n      x-provenance: [page]\n", "      example: cl_1\n", "parameter"),
            ("      example: '2'\n      x-provenance: [observed]\n", "      example: '2'\n", "header"),
            ("          example: 5\n          x-provenance: [page]\n", "          example: 5\n", "property"),
        ] {
            let finding = only(with, without);
            assert!(finding.contains(&format!("the {kind} has no x-provenance")), "{finding}");
        }
    }

    #[test]
    fn a_reference_to_a_component_without_provenance_is_reported_at_the_property() {
        let finding = only(
            "      description: Null on success.\n      x-provenance: [conventions]\n",
            "      description: Null on success.\n",
        );
        assert!(finding.contains("ClipEnvelope > error: the property has no"), "{finding}");
    }

    /// The only finding if a header has these sources instead of `[observed]`.
    #[track_caller]
    fn finding(sources: &str) -> String {
        only("x-provenance: [observed]", &format!("x-provenance: {sources}"))
    }

    #[test]
    fn the_last_of_several_sources_may_be_a_verification() {
        let text =
            SMALL.replace("x-provenance: [observed]", "x-provenance: [observed, 'verified: 2028-02-29']");
        assert_ne!(text, SMALL);
        assert!(check(&text).is_clean());
    }

    #[test]
    fn a_verification_without_a_valid_date_is_reported() {
        for date in ["2027-02-29", "20261201", "2026-12-01T10:00", "2026-12", " 2026-12-01", ""] {
            let finding = finding(&format!("[observed, 'verified: {date}']"));
            assert!(finding.contains("is not a list of known sources"), "{finding}");
        }
        // Without quotes this is a map.
        let findings = broken("x-provenance: [observed]", "x-provenance: [observed, verified: 2026-12-01]");
        assert!(findings[0].contains("'verified: 2026-12-01' in quotes"), "{findings:?}");
    }

    #[test]
    fn a_verification_in_another_place_is_reported() {
        for (sources, problem) in [
            ("['verified: 2026-12-01']", "`verified` is the only source; name the source"),
            ("['verified: 2026-12-01', page]", "`verified` is not the last source; move it"),
            ("[page, 'verified: 2026-12-01', 'verified: 2026-12-02']", "`verified` occurs twice; keep"),
        ] {
            let finding = finding(sources);
            assert!(finding.contains(problem), "{finding}");
        }
    }

    #[test]
    fn an_unknown_source_is_reported() {
        let finding = only("x-provenance: [observed]", "x-provenance: [obserfed]");
        assert!(
            finding.contains("[\"obserfed\"] is not a list of known sources; use some of page, example"),
            "{finding}"
        );
    }
}
