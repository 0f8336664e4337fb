//! Lets the generated types grow without breaking their users: outside of the client no struct can be written or matched in full.
//! What callers send has a constructor and setters instead.

use std::collections::BTreeSet;

use openapi_tools::document::operations;
use openapi_tools::value::resolve;
use quote::{ToTokens as _, format_ident};
use serde_json::Value;
use syn::{
    Attribute, Field, Fields, GenericArgument, Ident, Item, ItemImpl, ItemStruct, PathArguments, Type,
    parse_quote,
};

use crate::lowering::SCHEMA_PREFIX;

/// Names that a setter cannot have: those of the constructor and of the derived traits' methods.
const TAKEN: [&str; 9] =
    ["new", "default", "clone", "fmt", "eq", "ne", "serialize", "deserialize", "json_schema"];

/// Marks all types as incomplete. The structs whose names are in `sent` get a constructor with the required members.
pub(crate) fn prepare_types(types: &mut Vec<Item>, sent: &BTreeSet<String>) {
    prepare(types, |item| sent.contains(&item.ident.to_string()).then(|| constructor(item)));
}

/// Marks all structs of options as incomplete; they start from their default.
pub(crate) fn prepare_options(options: &mut Vec<Item>) {
    prepare(options, |item| (!item.fields.is_empty()).then(Vec::new));
}

/// Adds setters to the structs for which `first` returns the methods before them.
fn prepare(items: &mut Vec<Item>, first: impl Fn(&ItemStruct) -> Option<Vec<syn::ImplItem>>) {
    let mut prepared = Vec::new();
    for mut item in items.drain(..) {
        let mut methods = None;
        match &mut item {
            Item::Struct(item) if matches!(item.fields, Fields::Named(_)) => {
                methods = first(item).map(|first| implementation(item, first));
                item.attrs.push(parse_quote!(#[non_exhaustive]));
            }
            Item::Enum(item) => item.attrs.push(parse_quote!(#[non_exhaustive])),
            _ => {}
        }
        prepared.push(item);
        prepared.extend(methods.map(Item::Impl));
    }
    *items = prepared;
}

fn implementation(item: &ItemStruct, first: Vec<syn::ImplItem>) -> ItemImpl {
    let ItemStruct { ident, generics, fields, .. } = item;
    let (parameters, arguments, _) = generics.split_for_impl();
    let setters = fields.iter().filter(|field| !is_required(field)).map(setter);
    parse_quote! { impl #parameters #ident #arguments { #(#first)* #(#setters)* } }
}

fn constructor(item: &ItemStruct) -> Vec<syn::ImplItem> {
    let (mut parameters, mut values): (Vec<syn::FnArg>, Vec<syn::FieldValue>) = (Vec::new(), Vec::new());
    for field in &item.fields {
        let Field { ident: name, ty, .. } = field;
        if is_required(field) {
            let (kind, value) = argument(name.as_ref().expect("a named field"), ty);
            parameters.push(parse_quote!(#name: #kind));
            values.push(parse_quote!(#name: #value));
        } else {
            values.push(parse_quote!(#name: ::std::default::Default::default()));
        }
    }
    let about = match parameters.is_empty() {
        true => " A request without optional members.",
        false => " A request with its required members.",
    };
    vec![parse_quote! {
        #[doc = #about]
        pub fn new(#(#parameters),*) -> Self { Self { #(#values),* } }
    }]
}

fn setter(field: &Field) -> syn::ImplItem {
    let name = field.ident.as_ref().expect("a named field");
    let method = match TAKEN.contains(&name.to_string().as_str()) {
        true => format_ident!("{name}_"),
        false => name.clone(),
    };
    let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let inner = of_option(&field.ty);
    let (kind, value): (Type, syn::Expr) = match inner {
        // It may be passed on from an option.
        Some(Type::Reference(_)) => {
            let kind = &field.ty;
            (parse_quote!(impl ::std::convert::Into<#kind>), parse_quote!(#name.into()))
        }
        Some(inner) => {
            let (kind, value) = argument(name, inner);
            (kind, parse_quote!(Some(#value)))
        }
        None => argument(name, &field.ty),
    };
    parse_quote! {
        #(#docs)*
        #[must_use]
        pub fn #method(mut self, #name: #kind) -> Self { self.#name = #value; self }
    }
}

/// The type of an argument for a field, and its conversion to the field's type. A bare integer literal has no type that converts
/// to an unsigned one, so integers are taken as they are.
fn argument(name: &Ident, kind: &Type) -> (Type, syn::Expr) {
    match last_segment(kind).is_some_and(|last| last == "String" || last == "f64") || is_by_hand(kind) {
        true => (parse_quote!(impl ::std::convert::Into<#kind>), parse_quote!(#name.into())),
        false => (kind.clone(), parse_quote!(#name)),
    }
}

/// Whether the type is one of the client crate that is not generated with the others.
fn is_by_hand(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.len() == 2 && path.path.segments[0].ident == "crate")
}

fn is_required(field: &Field) -> bool {
    let has_default = |attribute: &Attribute| {
        attribute.path().is_ident("serde") && attribute.to_token_stream().to_string().contains("default")
    };
    of_option(&field.ty).is_none() && !field.attrs.iter().any(has_default)
}

fn last_segment(kind: &Type) -> Option<&Ident> {
    let Type::Path(path) = kind else { return None };
    path.path.segments.last().map(|last| &last.ident)
}

/// `T` of `Option<T>`.
fn of_option(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// The names of the schemas that requests consist of.
pub(crate) fn sent(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for operation in operations(document) {
        collect(document, &operation.value["requestBody"], &mut names);
    }
    names
}

fn collect(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        let name = reference.strip_prefix(SCHEMA_PREFIX);
        if name.is_none_or(|name| names.insert(name.to_owned())) {
            collect(document, resolve(document, reference).unwrap_or(&Value::Null), names);
        }
        return;
    }
    match value {
        Value::Object(members) => members.values().for_each(|value| collect(document, value, names)),
        Value::Array(values) => values.iter().for_each(|value| collect(document, value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prepared(sent: &[&str]) -> String {
        let mut file: syn::File = parse_quote! {
            pub struct Clip {
                #[doc = "Its words."]
                pub prompt: ::std::string::String,
                pub days: u32,
                #[doc = "Its size."]
                pub resolution: ::std::option::Option<crate::Resolution>,
                pub seed: ::std::option::Option<u32>,
                #[serde(default)]
                pub tags: ::std::vec::Vec<::std::string::String>,
                pub new: ::std::option::Option<f64>,
            }
            pub enum Choice { A }
        };
        prepare_types(&mut file.items, &sent.iter().map(|&name| name.to_owned()).collect());
        prettyplease::unparse(&file)
    }

    #[test]
    fn no_type_can_be_written_or_matched_in_full() {
        let text = prepared(&[]);
        assert!(text.contains("#[non_exhaustive]\npub struct Clip"), "{text}");
        assert!(text.contains("#[non_exhaustive]\npub enum Choice"), "{text}");
        assert!(!text.contains("impl"), "{text}");
    }

    #[test]
    fn what_is_sent_has_a_constructor_and_setters() {
        let text = prepared(&["Clip"]);
        for wanted in [
            "pub fn new(\n        prompt: impl ::std::convert::Into<::std::string::String>,\n        days: u32,\n    ) -> Self",
            "prompt: prompt.into(),\n            days: days,\n            resolution: ::std::default::Default::default(),",
            "///Its size.\n    #[must_use]\n    pub fn resolution(",
            "resolution: impl ::std::convert::Into<crate::Resolution>",
            "self.resolution = Some(resolution.into());",
            "pub fn seed(mut self, seed: u32) -> Self",
            "self.tags = tags;",
            "pub fn new_(mut self, new: impl ::std::convert::Into<f64>) -> Self",
        ] {
            assert!(text.contains(wanted), "{wanted}\n is not in\n{text}");
        }
        assert!(!text.contains("pub fn prompt"), "{text}");
    }

    #[test]
    fn options_start_from_their_default() {
        let mut file: syn::File = parse_quote! {
            pub struct VideoList<'a> { pub cursor: Option<&'a str> }
            pub struct VideoLook {}
        };
        prepare_options(&mut file.items);
        let text = prettyplease::unparse(&file);
        assert!(text.contains("impl<'a> VideoList<'a>"), "{text}");
        assert!(
            text.contains(
                "pub fn cursor(mut self, cursor: impl ::std::convert::Into<Option<&'a str>>) -> Self"
            ),
            "{text}"
        );
        assert!(!text.contains("impl VideoLook") && !text.contains("fn new"), "{text}");
    }

    #[test]
    fn schemas_of_requests_include_those_inside_of_them() {
        let document = json!({
            "paths": {"/v1/a": {"post": {"operationId": "a", "requestBody": {"$ref": "#/components/requestBodies/A"}}}},
            "components": {
                "requestBodies": {"A": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}},
                "schemas": {
                    "A": {"properties": {"b": {"$ref": "#/components/schemas/B"}, "a": {"$ref": "#/components/schemas/A"}}},
                    "B": {}, "C": {},
                },
            },
        });
        assert_eq!(sent(&document).into_iter().collect::<Vec<_>>(), ["A", "B"]);
    }
}
