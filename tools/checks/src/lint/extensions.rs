//! Extensions: a misspelt one would be ignored silently.

use super::{Context, Finding, Rule};
use openapi_tools::value::entries;

pub(super) const RULES: &[Rule] = &[unknown_extensions];

/// Extensions that tools of this repository or of users of the contract read.
const EXTENSIONS: [&str; 6] =
    ["x-provenance", "x-extensible-enum", "x-enum-varnames", "x-synonyms", "x-type-name", "x-codeSamples"];

fn unknown_extensions(context: &Context<'_>) -> Vec<Finding> {
    let keys =
        context.nodes.iter().flat_map(|node| entries(Some(node.value)).map(move |(key, _)| (node, key)));
    keys.filter(|(_, key)| key.starts_with("x-") && !EXTENSIONS.contains(key))
        .map(|(node, key)| {
            Finding::new(
                node.key(key),
                format!("nothing reads the extension `{key}`"),
                format!(
                    "use one of {}, or add it to the list in tools/checks/src/lint/extensions.rs",
                    EXTENSIONS.join(", ")
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::only;

    #[test]
    fn an_unknown_extension_is_reported() {
        let finding = only("x-provenance: [page]\n", "x-provenance: [page]\n      x-provenence: [page]\n");
        assert!(finding.contains("nothing reads the extension `x-provenence`; use one of"), "{finding}");
    }

    #[test]
    fn a_property_may_have_the_name_of_an_extension() {
        let property = "        title:\n          type: string\n          nullable: true\n";
        let text = crate::lint::testing::SMALL.replacen(property, &property.replace("title", "x-title"), 1);
        assert!(
            crate::lint::check(&text)
                .findings()
                .iter()
                .all(|finding| !finding.to_string().contains("extension"))
        );
    }
}
