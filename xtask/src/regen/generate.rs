//! Runs progenitor on the lowered document.

use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::quote;
use schemars08::schema::{InstanceType, SchemaObject};
use serde_json::Value;

use super::enums::Vocabulary;
use super::rewrite::rewrite;
use super::{RegenError, marker};

/// The text of `generated.rs`. `by_hand` names the components whose types the client crate writes by hand.
pub(super) fn client(
    lowered: &Value,
    vocabularies: &[Vocabulary],
    by_hand: &[&str],
) -> Result<String, RegenError> {
    let schemas = lowered
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .ok_or_else(|| RegenError::Lowering("there are no schemas".into()))?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote! { crate::Context })
        .with_derive("PartialEq");
    let strings = || [TypeImpl::Display, TypeImpl::FromStr].into_iter();
    for vocabulary in vocabularies {
        for name in std::iter::once(&vocabulary.name).chain(&vocabulary.also) {
            replace(&mut settings, schemas, name, &format!("crate::{}", vocabulary.name), strings())?;
        }
    }
    for name in by_hand {
        replace(&mut settings, schemas, name, &format!("crate::{name}"), [].into_iter())?;
    }
    for result in
        schemas.keys().filter_map(|name| name.strip_suffix("Envelope")).filter(|name| *name != "Error")
    {
        let envelope = format!("crate::Envelope<crate::types::{result}>");
        replace(&mut settings, schemas, &format!("{result}Envelope"), &envelope, [].into_iter())?;
    }
    let timestamp = SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("date-time".into()),
        ..SchemaObject::default()
    };
    settings.with_conversion(
        timestamp,
        "::jiff::Timestamp",
        [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
    );

    let document = serde_json::from_value(lowered.clone())
        .map_err(|error| RegenError::Lowering(format!("the lowered document is no OpenAPI: {error}")))?;
    let tokens = Generator::new(&settings)
        .generate_tokens(&document)
        .map_err(|error| RegenError::Generator(error.to_string()))?;
    let mut file = syn::parse2(tokens).map_err(|error| RegenError::Generator(error.to_string()))?;
    let operations =
        document.paths.iter().map(|(_, path)| path.as_item().map_or(0, |path| path.iter().count()));
    rewrite(&mut file, operations.sum()).map_err(RegenError::Generator)?;
    offer_json_schemas(&mut file)?;
    Ok(marker() + &prettyplease::unparse(&file))
}

/// Gives every type `JsonSchema` behind the client's feature `schemars`. The generator's own settings know only derives that
/// are always there.
fn offer_json_schemas(file: &mut syn::File) -> Result<(), RegenError> {
    let types = file.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let (_, items) = types.ok_or_else(|| RegenError::Generator("there is no module `types`".into()))?;
    for item in items {
        let (syn::Item::Struct(syn::ItemStruct { attrs, .. }) | syn::Item::Enum(syn::ItemEnum { attrs, .. })) =
            item
        else {
            continue;
        };
        attrs.push(syn::parse_quote!(#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]));
    }
    Ok(())
}

/// A replacement whose name does not exist would be ignored without a word.
fn replace(
    settings: &mut GenerationSettings,
    schemas: &serde_json::Map<String, Value>,
    name: &str,
    with: &str,
    impls: impl Iterator<Item = TypeImpl>,
) -> Result<(), RegenError> {
    if !schemas.contains_key(name) {
        return Err(RegenError::Lowering(format!("there is no schema {name} to replace by {with}")));
    }
    settings.with_replacement(name, with, impls);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_offers_its_json_schema_behind_the_feature() {
        let offered = |text: &str| {
            let mut file = syn::parse_str(text).unwrap();
            offer_json_schemas(&mut file).map(|()| prettyplease::unparse(&file))
        };
        let text = "pub mod types { #[derive(Clone)] pub struct A {} pub enum B {} pub mod error {} } struct Client;";
        let behind = "    #[cfg_attr(feature = \"schemars\", derive(::schemars::JsonSchema))]\n";
        let expected = format!(
            "pub mod types {{\n    #[derive(Clone)]\n{behind}    pub struct A {{}}\n{behind}    pub enum B {{}}\n    \
             pub mod error {{}}\n}}\nstruct Client;\n"
        );
        assert_eq!(offered(text).unwrap(), expected);
        assert!(offered("struct Client;").is_err(), "types that are elsewhere would be passed over");
    }
}
