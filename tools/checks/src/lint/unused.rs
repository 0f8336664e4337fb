//! Components and tags that nothing uses.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::document::Operation;
use openapi_tools::value::{entries, escape};
use openapi_tools::walk::Kind;

pub(super) const RULES: &[Rule] = &[unused_components, unused_tags];

/// General linters do not report unused security schemes, and schemas that only refer to themselves.
fn unused_components(context: &Context<'_>) -> Vec<Finding> {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for node in &context.nodes {
        if let Some(target) = node.reference().map(|target| target.trim_start_matches('#'))
            && !node.pointer.starts_with(&format!("{target}/"))
        {
            used.insert(target.to_owned());
        }
    }
    let own = context.document.operations().filter_map(|operation| operation.value.get("security"));
    let requirements = context.document.value.get("security").into_iter().chain(own);
    for requirement in requirements.filter_map(Value::as_array).flatten() {
        let names = entries(Some(requirement)).map(|(name, _)| escape(name));
        used.extend(names.map(|name| format!("/components/securitySchemes/{name}")));
    }
    let components = entries(context.document.value.get("components"));
    components
        .flat_map(|(kind, parts)| entries(Some(parts)).map(move |(name, _)| (kind, name)))
        .map(|(kind, name)| (name, format!("/components/{kind}/{}", escape(name))))
        .filter(|(_, pointer)| !used.contains(pointer))
        .map(|(name, pointer)| {
            Finding::new(pointer, format!("nothing refers to {name}"), "use it or remove it")
        })
        .collect()
}

fn unused_tags(context: &Context<'_>) -> Vec<Finding> {
    let used: Vec<&str> = context.document.operations().flat_map(|operation| tags_of(&operation)).collect();
    let declared = context.each(Kind::Tag).filter_map(|tag| Some((tag, tag.text("name")?)));
    declared
        .filter(|(_, name)| !used.contains(name))
        .map(|(tag, name)| {
            Finding::new(&tag.pointer, format!("no operation has the tag `{name}`"), "remove it")
        })
        .collect()
}

fn tags_of<'a>(operation: &Operation<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let tags = operation.value.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::only;

    #[test]
    fn a_schema_that_only_refers_to_itself_is_not_used() {
        let with_loop = "  schemas:\n    Loop:\n      type: object\n      description: A loop.\n      properties:\n        again: {$ref: '#/components/schemas/Loop'}\n      example: {}\n      x-provenance: [page]\n";
        let finding = only("  schemas:\n", with_loop);
        assert!(finding.contains("Loop: nothing refers to Loop"), "{finding}");
    }

    #[test]
    fn an_unused_security_scheme_is_reported() {
        let scheme = "  securitySchemes:\n    basic:\n      type: http\n      scheme: basic\n      description: A password.\n";
        let finding = only("  securitySchemes:\n", scheme);
        assert!(finding.contains("security scheme basic: nothing refers to basic"), "{finding}");
    }

    #[test]
    fn a_tag_without_operations_is_reported() {
        let finding = only("      tags: [titles]\n", "      tags: [clips]\n");
        assert!(finding.contains("tags > 1: no operation has the tag `titles`; remove it"), "{finding}");
    }
}
