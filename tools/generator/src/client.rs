//! Runs progenitor on the lowered document.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, Result, anyhow};
use openapi_tools::DOCUMENT;
use openapi_tools::document::operations;
use openapi_tools::value::{follow, resolve};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::quote;
use schemars08::schema::{InstanceType, SchemaObject};
use serde_json::Value;

use crate::enums::{Kind, Vocabulary};
use crate::lowering::{self, SCHEMA_PREFIX};
use crate::rewrite::rewrite;
use crate::{by_hand, defaults, growth, marker, options};

/// The text of `generated.rs`.
pub(crate) fn client(document: &Value, vocabularies: &[Vocabulary]) -> Result<String> {
    let (document, by_hand) = by_hand::refer(document);
    let lowered = lowering::lower(&document, &by_hand).context(DOCUMENT)?;
    let schemas = lowered
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .with_context(|| format!("{DOCUMENT}: there are no schemas"))?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote! { crate::Context })
        .with_derive("PartialEq");
    let strings = || [TypeImpl::Display, TypeImpl::FromStr].into_iter();
    for vocabulary in vocabularies {
        // A vocabulary that no operation uses has an enum, but no schema here.
        let names = std::iter::once(&vocabulary.name).chain(&vocabulary.also);
        for name in names.filter(|name| schemas.contains_key(*name)) {
            settings.with_replacement(name, format!("crate::{}", vocabulary.name), strings());
        }
    }
    for name in &by_hand {
        settings.with_replacement(name, format!("crate::{name}"), [].into_iter());
    }
    let results = Results { document: &document, schemas, vocabularies, by_hand: &by_hand };
    for name in schemas.keys().filter(|name| name.ends_with("Envelope") && *name != "ErrorEnvelope") {
        let result = results.of(name).context(DOCUMENT)?;
        settings.with_replacement(name, format!("crate::Envelope<{result}>"), [].into_iter());
    }
    let timestamp = SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("date-time".into()),
        ..SchemaObject::default()
    };
    settings.with_conversion(
        timestamp,
        "crate::Timestamp",
        [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
    );

    let count = operations(&lowered).count();
    let lowered = serde_json::from_value(lowered).context("the lowered document is not OpenAPI")?;
    let rejected = || format!("progenitor rejected {DOCUMENT}; run `cargo xtask lint` for the place");
    // The generator panics at what it does not support.
    let tokens = catch_unwind(AssertUnwindSafe(|| Generator::new(&settings).generate_tokens(&lowered)))
        .map_err(|_| anyhow!("it panicked with the message above"))
        .and_then(|tokens| Ok(tokens?))
        .with_context(rejected)?;
    let mut file = syn::parse2(tokens).with_context(rejected)?;
    rewrite(&mut file, count)?;
    options::gather(&mut file, &optional_bodies(&document))?;
    let sent = growth::sent(&mut file)?;
    growth::prepare_options(module(&mut file, "options")?);
    let types = module(&mut file, "types")?;
    let open = vocabularies.iter().filter(|vocabulary| vocabulary.kind == Kind::Open);
    defaults::derive(types, open.map(|vocabulary| vocabulary.name.as_str()).chain(by_hand));
    offer_json_schemas(types);
    growth::prepare_types(types, &sent);
    Ok(marker() + &prettyplease::unparse(&file))
}

/// The names of the operations with an optional body.
fn optional_bodies(document: &Value) -> BTreeSet<&str> {
    let operations = operations(document).filter(|operation| {
        let body = operation.value.get("requestBody").and_then(|body| follow(document, body));
        body.is_some_and(|body| body["required"] != true)
    });
    operations.filter_map(|operation| operation.id()).collect()
}

/// The Rust types of results.
struct Results<'a> {
    document: &'a Value,
    /// The lowered schemas, for which the generator writes types.
    schemas: &'a serde_json::Map<String, Value>,
    vocabularies: &'a [Vocabulary],
    /// The types that are written by hand in the client.
    by_hand: &'a [&'a str],
}

impl Results<'_> {
    /// The type of `data` of the envelope of that name.
    fn of(&self, envelope: &str) -> Result<String> {
        let place = format!("/components/schemas/{envelope}/properties/data");
        let data = self.document.pointer(&place);
        data.and_then(|data| self.rust(data)).with_context(|| {
            format!("schema {envelope}: its `data` has no type in Rust; let it refer to a schema with a name")
        })
    }

    fn rust(&self, schema: &Value) -> Option<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix(SCHEMA_PREFIX)?;
            let is_word =
                |known: &&Vocabulary| known.name == name || known.also.iter().any(|also| also == name);
            return match self.vocabularies.iter().find(is_word) {
                Some(vocabulary) => Some(format!("crate::{}", vocabulary.name)),
                None if self.by_hand.contains(&name) => Some(format!("crate::{name}")),
                None if self.schemas.contains_key(name) => Some(format!("crate::types::{name}")),
                None => self.rust(resolve(self.document, reference)?),
            };
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.rust(only);
        }
        match schema["type"].as_str()? {
            "array" => Some(format!("::std::vec::Vec<{}>", self.rust(&schema["items"])?)),
            "object" if schema.get("properties").is_none() => {
                Some("::serde_json::Map<::std::string::String, ::serde_json::Value>".to_owned())
            }
            "string" => Some("::std::string::String".to_owned()),
            "boolean" => Some("bool".to_owned()),
            "integer" => Some("i64".to_owned()),
            "number" => Some("f64".to_owned()),
            _ => None,
        }
    }
}

/// The items of a module.
pub(crate) fn module<'a>(file: &'a mut syn::File, name: &str) -> Result<&'a mut Vec<syn::Item>> {
    let content = file.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == name => module.content.as_mut(),
        _ => None,
    });
    content.map(|(_, items)| items).with_context(|| format!("progenitor wrote no module `{name}`"))
}

/// Derives `JsonSchema` for every type behind the client's feature `schemars`. The settings of the generator support only
/// unconditional derives.
fn offer_json_schemas(types: &mut [syn::Item]) {
    for item in types {
        let (syn::Item::Struct(syn::ItemStruct { attrs, .. }) | syn::Item::Enum(syn::ItemEnum { attrs, .. })) =
            item
        else {
            continue;
        };
        attrs.push(syn::parse_quote!(#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_derives_json_schema_behind_the_feature() {
        let text = "pub mod types { #[derive(Clone)] pub struct A {} pub enum B {} pub mod error {} } struct Client;";
        let mut file = syn::parse_str(text).unwrap();
        offer_json_schemas(module(&mut file, "types").unwrap());
        let behind = "    #[cfg_attr(feature = \"schemars\", derive(::schemars::JsonSchema))]\n";
        let expected = format!(
            "pub mod types {{\n    #[derive(Clone)]\n{behind}    pub struct A {{}}\n{behind}    pub enum B {{}}\n    \
             pub mod error {{}}\n}}\nstruct Client;\n"
        );
        assert_eq!(prettyplease::unparse(&file), expected);
        let mut elsewhere = syn::parse_str("struct Client;").unwrap();
        assert!(module(&mut elsewhere, "types").is_err(), "types elsewhere would be missed");
    }
}
