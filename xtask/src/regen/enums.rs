//! Vocabularies: the enums that Rust gets for closed and open lists of values in the contract.
//!
//! The generator would name the variants of `'16:9'` by itself and fail on a new value of an open list, so both kinds are
//! written here, as calls of the macros in the client's `vocabulary.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use heck::ToUpperCamelCase;
use serde_json::Value;

/// A list of values that becomes a Rust enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vocabulary {
    /// The component's name, and the enum's.
    pub name: String,
    /// Other components with the same list, which share the enum.
    pub also: Vec<String>,
    pub description: String,
    pub kind: Kind,
    pub variants: Vec<Variant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Values that are only sent: no others exist.
    Closed,
    /// Values that are received: others may come.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    pub name: String,
    pub value: String,
    pub synonyms: Vec<String>,
}

/// Every vocabulary of the document, in its order.
pub(super) fn vocabularies(document: &Value) -> Result<Vec<Vocabulary>, String> {
    let mut found: Vec<Vocabulary> = Vec::new();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        let Some((kind, values)) = values_of(schema) else {
            continue;
        };
        let variants = variants(name, schema, &values)?;
        match found.iter_mut().find(|known| known.kind == kind && known.variants == variants) {
            Some(known) => known.also.push(name.clone()),
            None => found.push(Vocabulary {
                name: name.clone(),
                also: Vec::new(),
                description: schema["description"].as_str().unwrap_or_default().to_owned(),
                kind,
                variants,
            }),
        }
    }
    Ok(found)
}

fn values_of(schema: &Value) -> Option<(Kind, Vec<String>)> {
    let strings = |key: &str| -> Option<Vec<String>> {
        schema.get(key)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
    };
    if schema.get("type").and_then(Value::as_str) != Some("string") {
        return None;
    }
    strings("x-extensible-enum")
        .map(|values| (Kind::Open, values))
        .or_else(|| strings("enum").map(|values| (Kind::Closed, values)))
}

fn variants(name: &str, schema: &Value, values: &[String]) -> Result<Vec<Variant>, String> {
    let given = schema.get("x-enum-varnames").and_then(Value::as_array);
    if given.is_some_and(|names| names.len() != values.len()) {
        return Err(format!("schema {name}: x-enum-varnames must name each of the {} values", values.len()));
    }
    let mut synonyms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (synonym, value) in schema.get("x-synonyms").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().filter(|value| values.iter().any(|known| known == value));
        let value =
            value.ok_or_else(|| format!("schema {name}: x-synonyms of {synonym} is none of the values"))?;
        synonyms.entry(value).or_default().push(synonym.clone());
    }
    let variants: Vec<Variant> = values
        .iter()
        .enumerate()
        .map(|(index, value)| Variant {
            name: match given.and_then(|names| names[index].as_str()) {
                Some(name) => name.to_owned(),
                None => value.to_upper_camel_case(),
            },
            value: value.clone(),
            synonyms: synonyms.remove(value.as_str()).unwrap_or_default(),
        })
        .collect();
    match variants.iter().find(|variant| syn::parse_str::<syn::Ident>(&variant.name).is_err()) {
        Some(bad) => Err(format!("schema {name}: the value {:?} needs a name in x-enum-varnames", bad.value)),
        None => Ok(variants),
    }
}

/// The text of `generated_enums.rs`.
pub(super) fn source(vocabularies: &[Vocabulary]) -> String {
    let mut text = super::marker();
    text.push_str("use crate::vocabulary::{closed_vocabulary, open_vocabulary};\n");
    for vocabulary in vocabularies {
        let name = match vocabulary.kind {
            Kind::Closed => "closed_vocabulary",
            Kind::Open => "open_vocabulary",
        };
        write!(text, "\n{name}! {{\n").expect("writing to a string cannot fail");
        for line in vocabulary.description.lines() {
            writeln!(text, "    {}", format!("/// {line}").trim_end())
                .expect("writing to a string cannot fail");
        }
        writeln!(text, "    {} {{", vocabulary.name).expect("writing to a string cannot fail");
        for variant in &vocabulary.variants {
            let spellings: Vec<String> = std::iter::once(&variant.value)
                .chain(&variant.synonyms)
                .map(|value| format!("{value:?}"))
                .collect();
            writeln!(text, "        {} = {},", variant.name, spellings.join(" | "))
                .expect("writing to a string cannot fail");
        }
        text.push_str("    }\n}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(schema: Value) -> Value {
        json!({"components": {"schemas": {"Thing": schema}}})
    }

    #[test]
    fn a_value_that_is_no_identifier_needs_a_name() {
        let error = vocabularies(&document(json!({"type": "string", "enum": ["16:9"]}))).unwrap_err();
        assert_eq!(error, "schema Thing: the value \"16:9\" needs a name in x-enum-varnames");
    }

    #[test]
    fn a_synonym_of_no_value_is_refused() {
        let schema =
            json!({"type": "string", "x-extensible-enum": ["done"], "x-synonyms": {"over": "finished"}});
        assert!(vocabularies(&document(schema)).unwrap_err().contains("x-synonyms of over"));
    }

    #[test]
    fn components_with_one_list_share_an_enum() {
        let open = json!({"type": "string", "x-extensible-enum": ["a"]});
        let found =
            vocabularies(&json!({"components": {"schemas": {"Sent": open, "Received": open}}})).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].also, ["Received"]);
    }
}
