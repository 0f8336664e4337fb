//! Lets the generated types grow without breaking their users: outside of the client no struct can be written or matched in full.
//! What callers send has a constructor and setters instead.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use quote::{ToTokens, format_ident};
use syn::{
    Attribute, Field, Fields, GenericArgument, Ident, ImplItem, Item, ItemImpl, ItemStruct, PathArguments,
    Type, parse_quote,
};

use crate::client::module;

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
fn prepare(items: &mut Vec<Item>, first: impl Fn(&ItemStruct) -> Option<Vec<ImplItem>>) {
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

fn implementation(item: &ItemStruct, first: Vec<ImplItem>) -> ItemImpl {
    let ItemStruct { ident, generics, fields, .. } = item;
    let (parameters, arguments, _) = generics.split_for_impl();
    let setters = fields.iter().filter(|field| !is_required(field)).map(setter);
    parse_quote! { impl #parameters #ident #arguments { #(#first)* #(#setters)* } }
}

fn constructor(item: &ItemStruct) -> Vec<ImplItem> {
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
        true => " No member is set.",
        false => " The required members; all others are not set.",
    };
    vec![parse_quote! {
        #[doc = #about]
        pub fn new(#(#parameters),*) -> Self { Self { #(#values),* } }
    }]
}

fn setter(field: &Field) -> ImplItem {
    let name = field.ident.as_ref().expect("a named field");
    let method = match TAKEN.contains(&name.to_string().as_str()) {
        true => format_ident!("{name}_"),
        false => name.clone(),
    };
    let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let inner = of_option(&field.ty);
    let (kind, value): (Type, syn::Expr) = match inner {
        // The caller may pass an `Option`.
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
    of_option(&field.ty).is_none() && !field.attrs.iter().any(is_serde_default)
}

/// `#[serde(default)]`, with or without a value.
fn is_serde_default(attribute: &Attribute) -> bool {
    let mut found = false;
    if attribute.path().is_ident("serde") {
        let _other_attributes = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("default");
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    found
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

/// The names of the structs that requests consist of: those of the arguments of the calls, and those inside of them.
pub(crate) fn sent(file: &mut syn::File) -> Result<BTreeSet<String>> {
    let mut arguments: Vec<String> = module(file, "options")?.iter().flat_map(types_in).collect();
    for item in &file.items {
        let Item::Impl(item) = item else { continue };
        for item in &item.items {
            let ImplItem::Fn(method) = item else { continue };
            arguments.extend(types_in(&method.sig.inputs));
        }
    }
    let types = module(file, "types")?;
    let structs: BTreeMap<String, Vec<String>> = types
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some((item.ident.to_string(), words(&item.fields))),
            _ => None,
        })
        .collect();
    let (mut sent, mut left) = (BTreeSet::new(), arguments);
    while let Some(word) = left.pop() {
        if let Some(fields) = structs.get(&word)
            && sent.insert(word)
        {
            left.extend_from_slice(fields);
        }
    }
    Ok(sent)
}

/// The names behind `types::` in a piece of code.
fn types_in(code: &impl ToTokens) -> Vec<String> {
    let words = words(code);
    words.windows(2).filter(|pair| pair[0] == "types").map(|pair| pair[1].clone()).collect()
}

/// The identifiers of a piece of code.
fn words(code: &impl ToTokens) -> Vec<String> {
    let text = code.to_token_stream().to_string();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
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
                #[serde(rename = "default-size")]
                pub default_size: u32,
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
            "pub fn new(\n        prompt: impl ::std::convert::Into<::std::string::String>,\n        days: u32,\n        default_size: u32,\n    ) -> Self",
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
    fn what_is_sent_includes_the_structs_inside_of_it() {
        let mut file: syn::File = parse_quote! {
            pub mod types {
                pub struct Sent { pub inner: ::std::vec::Vec<Inner> }
                pub struct Inner { pub sent: ::std::option::Option<Sent> }
                pub struct Optional { pub text: ::std::string::String }
                pub struct Read { pub text: ::std::string::String }
            }
            pub mod options {
                pub struct VideoSend<'a> { pub body: Option<&'a types::Optional> }
                pub struct Read {}
            }
            impl Client {
                pub async fn video_send<'a>(&'a self, body: &'a types::Sent, read: options::Read) -> Result<types::Read, Error> { todo() }
            }
        };
        assert_eq!(sent(&mut file).unwrap().into_iter().collect::<Vec<_>>(), ["Inner", "Optional", "Sent"]);
    }
}
