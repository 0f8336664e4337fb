//! Keys that OpenAPI does not have: a misspelt key is silently ignored by every reader.

use serde_json::Value;

use super::walk::{holds_names, is_opaque};
use super::{Document, Finding, Rule};
use crate::contract::{entries, escape};

pub(super) const RULES: &[Rule] = &[keys_that_vanish, extensions_that_nobody_reads];

/// Extensions that the tools of this repository or of its readers know.
const EXTENSIONS: [&str; 6] =
    ["x-provenance", "x-extensible-enum", "x-enum-varnames", "x-synonyms", "x-type-name", "x-codeSamples"];

/// Keys that may be written with the value that they have anyway, and that the typed form then leaves out.
const WITH_DEFAULTS: [&str; 12] = [
    "allowEmptyValue",
    "allowReserved",
    "deprecated",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "explode",
    "nullable",
    "readOnly",
    "required",
    "uniqueItems",
    "writeOnly",
    "tags",
];

/// Reads the document with types, writes it again, and reports what was lost on the way.
fn keys_that_vanish(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !document.has_shape {
        return findings;
    }
    let again = serde_json::to_value(&document.contract.openapi).unwrap_or_default();
    compare(&mut findings, "", &document.contract.value, &again, false);
    findings
}

fn compare(findings: &mut Vec<Finding>, pointer: &str, written: &Value, read: &Value, names: bool) {
    if let (Value::Array(written), Value::Array(read)) = (written, read) {
        for (index, (written, read)) in written.iter().zip(read).enumerate() {
            compare(findings, &format!("{pointer}/{index}"), written, read, false);
        }
    }
    // The siblings of a reference have a rule of their own.
    if !names && written.get("$ref").is_some() {
        return;
    }
    for (key, value) in entries(Some(written)) {
        let place = format!("{pointer}/{}", escape(key));
        match read.get(key) {
            None if !names && is_default(key, value) => {}
            None if !names && key.starts_with("x-") => {}
            None => findings.push(Finding::new(
                place,
                format!("OpenAPI 3.0 has no key `{key}` here, so readers ignore it"),
                "correct the spelling or remove it",
            )),
            Some(_) if !names && is_opaque(key) => {}
            Some(read) => compare(findings, &place, value, read, !names && holds_names(key)),
        }
    }
}

fn is_default(key: &str, value: &Value) -> bool {
    let empty = match value {
        Value::Bool(value) => !value,
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    empty && WITH_DEFAULTS.contains(&key) || key == "example" && value.is_null()
}

fn extensions_that_nobody_reads(document: &Document<'_>) -> Vec<Finding> {
    let objects = super::walk::objects(document.contract);
    let keys = objects
        .iter()
        .flat_map(|(pointer, object)| entries(Some(object)).map(move |(key, _)| (pointer, key)));
    keys.filter(|(_, key)| key.starts_with("x-") && !EXTENSIONS.contains(key))
        .map(|(pointer, key)| {
            Finding::new(
                format!("{pointer}/{}", escape(key)),
                format!("nothing reads the extension `{key}`"),
                format!(
                    "use one of {}, or add it to the list in xtask/src/lint/keys.rs",
                    EXTENSIONS.join(", ")
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::broken;

    #[test]
    fn a_misspelt_key_is_reported_wherever_it_is() {
        for (right, wrong) in [("summary: Read", "sumary: Read"), ("maxLength: 64", "maxLenght: 64")] {
            let findings = broken(right, wrong);
            let key = wrong.split(':').next().unwrap();
            let wanted = format!("OpenAPI 3.0 has no key `{key}` here");
            assert!(findings.iter().any(|finding| finding.contains(&wanted)), "{findings:?}");
        }
    }

    #[test]
    fn a_misspelt_flag_is_reported_even_if_it_is_false() {
        let findings = broken("required: false", "requird: false");
        assert!(findings.iter().any(|finding| finding.contains("no key `requird`")), "{findings:?}");
    }

    #[test]
    fn an_unknown_extension_is_reported() {
        let findings = broken("x-provenance: [page]\n", "x-provenance: [page]\n      x-provenence: [page]\n");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].contains("nothing reads the extension `x-provenence`; use one of"),
            "{findings:?}"
        );
    }
}
