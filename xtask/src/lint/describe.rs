//! Words: everything has a description, and nothing an empty one.

use serde_json::Value;

use super::walk::{self, Part, Role};
use super::{Document, Finding, Rule};
use crate::contract::{entries, escape};

pub(super) const RULES: &[Rule] = &[
    undescribed_parts,
    undescribed_schemas,
    operations_without_summary,
    examples_without_summary,
    empty_words,
    summaries_that_end_with_a_full_stop,
];

fn undescribed_parts(document: &Document<'_>) -> Vec<Finding> {
    let contract = document.contract;
    let operations = contract.operations().map(|operation| (operation.pointer(), operation.value)).collect();
    let list = |key: &str| -> Vec<Part<'_>> {
        let list = contract.value.get(key).and_then(Value::as_array).into_iter().flatten();
        list.enumerate().map(|(index, value)| (format!("/{key}/{index}"), value)).collect()
    };
    let security = contract
        .components("securitySchemes")
        .map(|(name, value)| (format!("/components/securitySchemes/{}", escape(name)), value))
        .collect();
    let kinds: [(&str, Vec<Part<'_>>); 10] = [
        ("operation", operations),
        ("parameter", walk::parameters(contract)),
        ("request body", walk::request_bodies(contract)),
        ("response", walk::responses(contract)),
        ("header", walk::headers(contract)),
        ("link", walk::links(contract)),
        ("tag", list("tags")),
        ("server", list("servers")),
        ("security scheme", security),
        ("document", contract.value.get("info").map(|info| ("/info".to_owned(), info)).into_iter().collect()),
    ];
    kinds
        .into_iter()
        .flat_map(|(kind, parts)| parts.into_iter().filter_map(move |part| undescribed(kind, &part)))
        .collect()
}

fn undescribed(kind: &str, (pointer, value): &Part<'_>) -> Option<Finding> {
    if value.get("description").is_some() {
        return None;
    }
    Some(Finding::new(pointer, format!("the {kind} has no description"), "say in `description` what it is"))
}

fn undescribed_schemas(document: &Document<'_>) -> Vec<Finding> {
    walk::schemas(document.contract)
        .into_iter()
        .filter(|schema| schema.role != Role::Inner && !schema.has("$ref"))
        .filter_map(|schema| {
            let kind = if schema.role == Role::Property { "property" } else { "schema" };
            undescribed(kind, &(schema.pointer, schema.value))
        })
        .collect()
}

fn operations_without_summary(document: &Document<'_>) -> Vec<Finding> {
    document
        .contract
        .operations()
        .filter(|operation| operation.value.get("summary").is_none())
        .map(|operation| {
            Finding::new(operation.pointer(), "the operation has no summary", "add a few words as `summary`")
        })
        .collect()
}

fn examples_without_summary(document: &Document<'_>) -> Vec<Finding> {
    walk::objects(document.contract)
        .into_iter()
        .filter(|(_, object)| object.get("value").is_some() && object.get("summary").is_none())
        .map(|(pointer, _)| {
            Finding::new(pointer, "the example has no summary", "add a few words as `summary`")
        })
        .collect()
}

fn words<'a>(document: &'a Document<'_>) -> impl Iterator<Item = (String, &'a str, &'a str)> {
    walk::objects(document.contract).into_iter().flat_map(|(pointer, object)| {
        entries(Some(object))
            .filter(|(key, _)| matches!(*key, "summary" | "description"))
            .filter_map(move |(key, text)| Some((format!("{pointer}/{key}"), key, text.as_str()?)))
    })
}

fn empty_words(document: &Document<'_>) -> Vec<Finding> {
    words(document)
        .filter(|(_, _, text)| text.trim().is_empty())
        .map(|(pointer, key, _)| {
            Finding::new(pointer, format!("the {key} is empty"), "write it or remove the key")
        })
        .collect()
}

fn summaries_that_end_with_a_full_stop(document: &Document<'_>) -> Vec<Finding> {
    words(document)
        .filter(|(_, key, text)| *key == "summary" && text.trim_end().ends_with('.'))
        .map(|(pointer, ..)| {
            Finding::new(pointer, "the summary ends with a full stop", "remove it: a summary is a title")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn a_part_without_a_description_is_reported_by_its_kind() {
        for (line, kind) in [
            ("      description: Answers the clip's title.\n", "operation"),
            ("      description: Which clip.\n", "parameter"),
            ("        description: What to change.\n", "request body"),
            ("      description: How long to wait.\n", "header"),
            ("      description: Read what was made.\n", "link"),
            ("    description: Clips and their titles.\n", "tag"),
            ("    description: The service.\n", "server"),
            ("      description: A project key.\n", "security scheme"),
            ("  description: A small API for tests.\n", "document"),
            ("      description: What the service knows of a clip.\n", "schema"),
            ("          description: How long it is, in seconds.\n", "property"),
        ] {
            let finding = only(line, "");
            assert!(finding.contains(&format!("the {kind} has no description")), "{finding}");
        }
    }

    #[test]
    fn a_response_without_a_description_is_no_openapi_and_yet_its_place_is_said() {
        let findings = broken("          description: The title was set.\n", "");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("the document is not OpenAPI 3.0"), "{findings:?}");
        let wanted = "POST /v1/clips/{id}/title > responses > 200: the response has no description";
        assert!(findings[1].contains(wanted), "{findings:?}");
    }

    #[test]
    fn an_operation_and_an_example_without_a_summary_are_reported() {
        let finding = only("      summary: Read a clip\n", "");
        assert!(finding.contains("GET /v1/clips/{id}: the operation has no summary"), "{finding}");
        let finding = only("                  summary: A clip of five seconds\n", "");
        assert!(finding.contains("the example has no summary"), "{finding}");
    }

    #[test]
    fn empty_words_are_reported() {
        let findings = broken("description: Answers the clip's title.", "description: ' '");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("the description is empty"), "{findings:?}");
    }

    #[test]
    fn a_summary_with_a_full_stop_is_reported() {
        let finding = only("summary: Read a clip", "summary: Read a clip.");
        assert!(
            finding.contains("GET /v1/clips/{id} > summary: the summary ends with a full stop"),
            "{finding}"
        );
    }
}
