//! Links: each names an operation and gives its parameters.

use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::document::{Document, Operation};
use openapi_tools::value::{entries, escape};
use openapi_tools::walk::Kind;

pub(super) const RULES: &[Rule] = &[broken_links, links_with_bodies];

fn broken_links(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    let mut findings = Vec::new();
    for link in context.each(Kind::Link) {
        let pointer = &link.pointer;
        let Some(id) = link.text("operationId") else {
            findings.push(Finding::new(pointer, "the link has no operationId", "name the next operation"));
            continue;
        };
        let Some(operation) = document.operations().find(|operation| operation.id() == Some(id)) else {
            let problem = format!("there is no operation `{id}`");
            findings.push(Finding::new(link.key("operationId"), problem, "correct the name"));
            continue;
        };
        let known = parameters(document, &operation);
        let given: Vec<&str> = entries(link.value.get("parameters")).map(|(name, _)| name).collect();
        for name in given.iter().filter(|name| !known.iter().any(|(known, _)| known == *name)) {
            let place = format!("{pointer}/parameters/{}", escape(name));
            findings.push(Finding::new(place, format!("{id} has no parameter `{name}`"), "correct the name"));
        }
        for (name, _) in known.iter().filter(|(name, required)| *required && !given.contains(name)) {
            let problem = format!("{id} needs the parameter `{name}`");
            findings.push(Finding::new(
                format!("{pointer}/parameters"),
                problem,
                "add the source of its value",
            ));
        }
    }
    findings
}

/// The names of an operation's parameters, and whether each is required.
fn parameters<'a>(document: &'a Document, operation: &Operation<'a>) -> Vec<(&'a str, bool)> {
    let targets = operation.parameters().filter_map(|(_, parameter)| document.follow(parameter));
    targets
        .filter_map(|target| {
            let required = target.get("required") == Some(&Value::Bool(true));
            Some((target.get("name")?.as_str()?, required))
        })
        .collect()
}

fn links_with_bodies(context: &Context<'_>) -> Vec<Finding> {
    let links = context.each(Kind::Link).filter(|link| link.has("requestBody"));
    links
        .map(|link| {
            let problem = "openapi-generator fails on a link with an object as its body";
            Finding::new(link.key("requestBody"), problem, "use only `parameters`")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn a_link_names_an_operation_and_its_parameters() {
        let finding = only(
            "      operationId: video_clip_get\n      parameters: {",
            "      operationId: video_clip_gte\n      parameters: {",
        );
        assert!(finding.contains("there is no operation `video_clip_gte`"), "{finding}");
        let findings = broken("parameters: {id: $response", "parameters: {idd: $response");
        assert!(findings[1].contains("video_clip_get has no parameter `idd`"), "{findings:?}");
        assert!(findings[0].contains("video_clip_get needs the parameter `id`"), "{findings:?}");
    }

    #[test]
    fn a_link_with_a_body_is_reported() {
        let finding =
            only("      parameters: {id: $resp", "      requestBody: {a: b}\n      parameters: {id: $resp");
        assert!(
            finding.contains("openapi-generator fails on a link with an object as its body"),
            "{finding}"
        );
    }
}
