//! References and links: they point at something, and everything is pointed at.

use std::collections::BTreeSet;

use serde_json::Value;

use super::walk;
use super::{Document, Finding, Rule};
use crate::contract::{Contract, Operation, entries, escape};

pub(super) const RULES: &[Rule] =
    &[dangling_references, siblings_of_references, unused_components, broken_links, links_with_bodies];

fn references(contract: &Contract) -> Vec<(String, &Value, &str)> {
    let objects = walk::objects(contract).into_iter();
    objects.filter_map(|(pointer, object)| Some((pointer, object, object.get("$ref")?.as_str()?))).collect()
}

fn dangling_references(document: &Document<'_>) -> Vec<Finding> {
    references(document.contract)
        .into_iter()
        .filter(|(_, object, _)| document.contract.follow(object).is_none())
        .map(|(pointer, _, target)| {
            Finding::new(
                pointer,
                format!("`{target}` points at nothing"),
                "correct the name or add the component",
            )
        })
        .collect()
}

fn siblings_of_references(document: &Document<'_>) -> Vec<Finding> {
    references(document.contract)
        .into_iter()
        .flat_map(|(pointer, object, _)| {
            let keys = entries(Some(object)).filter(|(key, _)| *key != "$ref");
            keys.map(move |(key, _)| {
                let problem = format!("`{key}` stands beside a `$ref`, where readers ignore it");
                Finding::new(
                    format!("{pointer}/{key}"),
                    problem,
                    "wrap the `$ref` in `allOf`, or remove the key",
                )
            })
        })
        .collect()
}

fn unused_components(document: &Document<'_>) -> Vec<Finding> {
    let contract = document.contract;
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (pointer, _, target) in references(contract) {
        // A schema that only contains itself is not in use.
        let target = target.trim_start_matches('#');
        if !pointer.starts_with(&format!("{target}/")) {
            used.insert(target.to_owned());
        }
    }
    used.extend(security_names(contract).map(|name| format!("/components/securitySchemes/{}", escape(name))));
    entries(contract.value.get("components"))
        .flat_map(|(kind, parts)| {
            entries(Some(parts))
                .map(move |(name, _)| (kind, name, format!("/components/{kind}/{}", escape(name))))
        })
        .filter(|(.., pointer)| !used.contains(pointer))
        .map(|(_, name, pointer)| {
            Finding::new(pointer, format!("nothing refers to {name}"), "use it or remove it")
        })
        .collect()
}

fn security_names(contract: &Contract) -> impl Iterator<Item = &str> {
    let own = contract.operations().filter_map(|operation| operation.value.get("security"));
    let all = contract.value.get("security").into_iter().chain(own);
    all.filter_map(Value::as_array)
        .flatten()
        .flat_map(|requirement| entries(Some(requirement)))
        .map(|(name, _)| name)
}

fn broken_links(document: &Document<'_>) -> Vec<Finding> {
    let contract = document.contract;
    let mut findings = Vec::new();
    for (pointer, link) in walk::links(contract) {
        let Some(id) = link.get("operationId").and_then(Value::as_str) else {
            findings.push(Finding::new(
                pointer,
                "the link has no operationId",
                "name the operation that comes next",
            ));
            continue;
        };
        let Some(operation) = contract.operations().find(|operation| operation.id() == Some(id)) else {
            let place = format!("{pointer}/operationId");
            findings.push(Finding::new(place, format!("there is no operation `{id}`"), "correct the name"));
            continue;
        };
        let known = parameters(contract, &operation);
        let given: Vec<&str> = entries(link.get("parameters")).map(|(name, _)| name).collect();
        for name in given.iter().filter(|name| !known.iter().any(|(known, _)| known == *name)) {
            let place = format!("{pointer}/parameters/{}", escape(name));
            findings.push(Finding::new(place, format!("{id} has no parameter `{name}`"), "correct the name"));
        }
        for (name, _) in known.iter().filter(|(name, required)| *required && !given.contains(name)) {
            let problem = format!("{id} needs the parameter `{name}`");
            findings.push(Finding::new(
                format!("{pointer}/parameters"),
                problem,
                "say where its value comes from",
            ));
        }
    }
    findings
}

/// The names of an operation's parameters, and whether each is required.
fn parameters<'a>(contract: &'a Contract, operation: &Operation<'a>) -> Vec<(&'a str, bool)> {
    let targets = operation.parameters().filter_map(|(_, parameter)| contract.follow(parameter));
    targets
        .filter_map(|target| {
            let required = target.get("required") == Some(&Value::Bool(true));
            Some((target.get("name")?.as_str()?, required))
        })
        .collect()
}

fn links_with_bodies(document: &Document<'_>) -> Vec<Finding> {
    walk::links(document.contract)
        .into_iter()
        .filter(|(_, link)| link.get("requestBody").is_some())
        .map(|(pointer, _)| {
            let place = format!("{pointer}/requestBody");
            Finding::new(place, "an object as a link's body stops a generator", "give `parameters` alone")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn a_reference_to_nothing_is_reported() {
        let findings = broken("'#/components/responses/Poor'", "'#/components/responses/Por'");
        let wanted =
            "POST /v1/clips/generate > responses > 402: `#/components/responses/Por` points at nothing";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
        let wanted = "responses > Poor: nothing refers to Poor; use it or remove it";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn what_stands_beside_a_reference_is_reported() {
        let finding = only(
            "        error: {$ref: '#/components/schemas/NoError'}",
            "        error: {$ref: '#/components/schemas/NoError', nullable: true}",
        );
        assert!(finding.contains("`nullable` stands beside a `$ref`, where readers ignore it"), "{finding}");
    }

    #[test]
    fn a_component_that_only_contains_itself_is_not_in_use() {
        let loose = "  schemas:\n    Loop:\n      type: object\n      description: A loop.\n      properties:\n        again: {$ref: '#/components/schemas/Loop'}\n      example: {}\n      x-provenance: [page]\n";
        let finding = only("  schemas:\n", loose);
        assert!(finding.contains("schemas > Loop: nothing refers to Loop"), "{finding}");
    }

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
        assert!(finding.contains("an object as a link's body stops a generator"), "{finding}");
    }
}
