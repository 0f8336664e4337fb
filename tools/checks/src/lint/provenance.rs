//! The provenance of each statement of the document.

use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::walk::{Kind, Node};

pub(super) const OF_THE_SERVICE: &[Rule] =
    &[statements_without_provenance, properties_without_provenance, unknown_sources];

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
                format!("use some of {}", SOURCES.join(", ")),
            )
        })
        .collect()
}

fn is_list_of_sources(sources: &Value) -> bool {
    let known = |source: &Value| source.as_str().is_some_and(|source| SOURCES.contains(&source));
    sources.as_array().is_some_and(|sources| !sources.is_empty() && sources.iter().all(known))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::only;

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

    #[test]
    fn an_unknown_source_is_reported() {
        let finding = only("x-provenance: [observed]", "x-provenance: [obserfed]");
        assert!(
            finding.contains("[\"obserfed\"] is not a list of known sources; use some of page, example"),
            "{finding}"
        );
    }
}
