//! Where each statement of the document is known from.

use serde_json::Value;

use super::walk::{self, Role};
use super::{Document, Finding, Rule};

pub(super) const RULES: &[Rule] =
    &[statements_without_provenance, properties_without_provenance, unknown_tags];

const TAGS: [&str; 5] = ["page", "example", "conventions", "observed", "assumed"];

fn missing(kind: &str, pointer: String) -> Finding {
    let remedy = format!("add a list of some of {}", TAGS.join(", "));
    Finding::new(pointer, format!("the {kind} has no x-provenance"), remedy)
}

fn statements_without_provenance(document: &Document<'_>) -> Vec<Finding> {
    let contract = document.contract;
    let operations =
        contract.operations().map(|operation| ("operation", (operation.pointer(), operation.value)));
    let parameters = walk::parameters(contract).into_iter().map(|part| ("parameter", part));
    let headers = walk::headers(contract).into_iter().map(|part| ("header", part));
    operations
        .chain(parameters)
        .chain(headers)
        .filter(|(_, (_, value))| value.get("x-provenance").is_none())
        .map(|(kind, (pointer, _))| missing(kind, pointer))
        .collect()
}

/// A property that is a plain reference is covered by the component that it points at.
fn properties_without_provenance(document: &Document<'_>) -> Vec<Finding> {
    walk::schemas(document.contract)
        .into_iter()
        .filter(|schema| schema.role == Role::Property)
        .filter(|schema| {
            let Some(target) = document.contract.follow(schema.value) else {
                return false;
            };
            target.get("x-provenance").is_none()
        })
        .map(|schema| missing("property", schema.pointer))
        .collect()
}

fn unknown_tags(document: &Document<'_>) -> Vec<Finding> {
    walk::objects(document.contract)
        .into_iter()
        .filter_map(|(pointer, object)| Some((pointer, object.get("x-provenance")?)))
        .filter(|(_, tags)| !is_list_of_tags(tags))
        .map(|(pointer, tags)| {
            let problem = format!("{tags} is no list of known sources");
            Finding::new(
                format!("{pointer}/x-provenance"),
                problem,
                format!("list some of {}", TAGS.join(", ")),
            )
        })
        .collect()
}

fn is_list_of_tags(tags: &Value) -> bool {
    let known = |tag: &Value| tag.as_str().is_some_and(|tag| TAGS.contains(&tag));
    tags.as_array().is_some_and(|tags| !tags.is_empty() && tags.iter().all(known))
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
        assert!(
            finding.contains("schemas > ClipEnvelope > properties > error: the property has no"),
            "{finding}"
        );
    }

    #[test]
    fn a_source_that_does_not_exist_is_reported() {
        let finding = only("x-provenance: [observed]", "x-provenance: [obserfed]");
        assert!(
            finding.contains("[\"obserfed\"] is no list of known sources; list some of page, example"),
            "{finding}"
        );
    }
}
