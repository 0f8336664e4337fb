//! Vocabularies: the Rust enums for closed and open lists of values in the document.
//!
//! The generator would invent a name for `'16:9'`, and its enums reject a new value of an open list. Both kinds are therefore
//! generated here, as calls of the macros in the client's `vocabulary.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use heck::ToUpperCamelCase;
use serde_json::Value;

/// A list of values that becomes a Rust enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vocabulary {
    /// The component's name, and the enum's.
    pub name: String,
    /// Other components with the same list, which share the enum.
    pub also: Vec<String>,
    pub description: String,
    pub kind: Kind,
    pub variants: Vec<Variant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Values in requests: no others exist.
    Closed,
    /// Values in responses: others may be added.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub name: String,
    pub value: String,
    pub synonyms: Vec<String>,
}

/// Every vocabulary of the document, in its order.
///
/// A component shares the enum of another one whose name is the end of its own: `ReportedResolution` and `Resolution`. A value that
/// is added to only one of them then does not change the type of a field.
pub(crate) fn vocabularies(document: &Value) -> Result<Vec<Vocabulary>> {
    let mut found: Vec<Vocabulary> = Vec::new();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        let Some((kind, values)) = values_of(schema) else {
            continue;
        };
        found.push(Vocabulary {
            name: name.clone(),
            also: Vec::new(),
            description: schema["description"].as_str().unwrap_or_default().to_owned(),
            kind,
            variants: variants(name, schema, &values)?,
        });
    }
    let names: Vec<(String, Kind)> = found.iter().map(|known| (known.name.clone(), known.kind)).collect();
    let owner = |shared: &Vocabulary| {
        let fits = |(name, kind): &&(String, Kind)| {
            shared.name != *name && shared.name.ends_with(name.as_str()) && shared.kind == *kind
        };
        names.iter().filter(fits).min_by_key(|(name, _)| name.len()).map(|(name, _)| name.clone())
    };
    let (sharing, mut own): (Vec<_>, Vec<_>) = found.into_iter().partition(|known| owner(known).is_some());
    for shared in sharing {
        let name = owner(&shared);
        if let Some(owner) = own.iter_mut().find(|known| Some(&known.name) == name.as_ref()) {
            owner.share(shared);
        }
    }
    own.iter().try_for_each(Vocabulary::check)?;
    Ok(own)
}

impl Vocabulary {
    /// Adds the values and synonyms of a vocabulary that shares this enum.
    fn share(&mut self, other: Self) {
        for variant in other.variants {
            match self.variants.iter_mut().find(|known| known.value == variant.value) {
                Some(known) => {
                    let new =
                        variant.synonyms.into_iter().filter(|synonym| !known.synonyms.contains(synonym));
                    known.synonyms.extend(new.collect::<Vec<_>>());
                }
                None => self.variants.push(variant),
            }
        }
        self.also.push(other.name);
    }

    /// Two variants of one name would not compile.
    fn check(&self) -> Result<()> {
        for (index, variant) in self.variants.iter().enumerate() {
            if variant.name == "Unknown" && self.kind == Kind::Open {
                bail!(
                    "schema {}: Unknown stands for all other values; give {:?} another name in x-enum-varnames",
                    self.name,
                    variant.value
                );
            }
            if let Some(twin) = self.variants[..index].iter().find(|known| known.name == variant.name) {
                bail!(
                    "schema {}: the values {:?} and {:?} are both called {}; name each in x-enum-varnames",
                    self.name,
                    twin.value,
                    variant.value,
                    variant.name
                );
            }
        }
        Ok(())
    }
}

fn values_of(schema: &Value) -> Option<(Kind, Vec<String>)> {
    let strings = |key: &str| -> Option<Vec<String>> {
        let values = schema.get(key)?.as_array()?.iter().filter(|value| !value.is_null());
        values.map(|value| value.as_str().map(str::to_owned)).collect()
    };
    if schema.get("type").and_then(Value::as_str) != Some("string") {
        return None;
    }
    strings("x-extensible-enum")
        .map(|values| (Kind::Open, values))
        .or_else(|| strings("enum").map(|values| (Kind::Closed, values)))
}

fn variants(name: &str, schema: &Value, values: &[String]) -> Result<Vec<Variant>> {
    let given = schema.get("x-enum-varnames").and_then(Value::as_array);
    if let Some(names) = given.filter(|names| names.len() != values.len()) {
        bail!(
            "schema {name}: x-enum-varnames has {} names for {} values; name each value once, in the same order",
            names.len(),
            values.len()
        );
    }
    let mut synonyms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (synonym, value) in schema.get("x-synonyms").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().filter(|value| values.iter().any(|known| known == value));
        let value =
            value.with_context(|| format!("schema {name}: x-synonyms of {synonym} is none of the values"))?;
        // A synonym that is also a value is a value.
        if !values.contains(synonym) {
            synonyms.entry(value).or_default().push(synonym.clone());
        }
    }
    let variants: Vec<Variant> = values
        .iter()
        .enumerate()
        .map(|(index, value)| Variant {
            name: match given.and_then(|names| names[index].as_str()) {
                Some(name) => name.to_owned(),
                // An open enum has a variant `Unknown` for all other values.
                None if value.to_upper_camel_case() == "Unknown" => "UnknownValue".to_owned(),
                None => value.to_upper_camel_case(),
            },
            value: value.clone(),
            synonyms: synonyms.remove(value.as_str()).unwrap_or_default(),
        })
        .collect();
    if let Some(bad) = variants.iter().find(|variant| syn::parse_str::<syn::Ident>(&variant.name).is_err()) {
        bail!("schema {name}: the value {:?} needs a name in x-enum-varnames", bad.value);
    }
    Ok(variants)
}

/// The text of `generated_enums.rs`.
pub(crate) fn source(vocabularies: &[Vocabulary]) -> String {
    let mut text = crate::marker();
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
    fn a_value_that_is_not_an_identifier_needs_a_name() {
        let error = vocabularies(&document(json!({"type": "string", "enum": ["16:9"]}))).unwrap_err();
        assert_eq!(error.to_string(), "schema Thing: the value \"16:9\" needs a name in x-enum-varnames");
    }

    #[test]
    fn a_synonym_of_an_unknown_value_is_an_error() {
        let schema =
            json!({"type": "string", "x-extensible-enum": ["done"], "x-synonyms": {"over": "finished"}});
        assert!(vocabularies(&document(schema)).unwrap_err().to_string().contains("x-synonyms of over"));
    }

    #[test]
    fn components_share_an_enum_by_their_names() {
        let open = |values: Value| json!({"type": "string", "x-extensible-enum": values});
        let document = json!({"components": {"schemas": {
            "ReportedSize": open(json!(["s", "l"])), "Size": open(json!(["s", "m"])), "Speed": open(json!(["s", "m"])),
        }}});
        let found = vocabularies(&document).unwrap();
        let names: Vec<_> = found.iter().map(|vocabulary| vocabulary.name.as_str()).collect();
        assert_eq!(names, ["Size", "Speed"]);
        assert_eq!(found[0].also, ["ReportedSize"]);
        let values: Vec<_> = found[0].variants.iter().map(|variant| variant.value.as_str()).collect();
        assert_eq!(values, ["s", "m", "l"]);
    }

    #[test]
    fn names_of_values_are_unique() {
        let open = |values: Value| json!({"type": "string", "x-extensible-enum": values});
        let found = vocabularies(&document(open(json!(["unknown", "in_use"])))).unwrap();
        let names: Vec<_> = found[0].variants.iter().map(|variant| variant.name.as_str()).collect();
        assert_eq!(names, ["UnknownValue", "InUse"]);
        let error = vocabularies(&document(open(json!(["in-use", "in_use"])))).unwrap_err().to_string();
        assert!(error.contains("\"in-use\" and \"in_use\" are both called InUse"), "{error}");
        let named = json!({"type": "string", "enum": ["a", "b"], "x-enum-varnames": ["A"]});
        let error = vocabularies(&document(named)).unwrap_err().to_string();
        assert!(error.contains("x-enum-varnames has 1 names for 2 values"), "{error}");
    }

    #[test]
    fn a_synonym_that_is_also_a_value_is_not_a_synonym() {
        let schema = json!({"type": "string", "x-extensible-enum": ["queued", "pending"], "x-synonyms": {"pending": "queued"}});
        let found = vocabularies(&document(schema)).unwrap();
        assert!(found[0].variants.iter().all(|variant| variant.synonyms.is_empty()));
    }
}
