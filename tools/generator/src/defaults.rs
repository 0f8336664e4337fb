//! Derives `Default` for the generated types, from which their users build values: the structs cannot be written in full.

use std::collections::BTreeSet;

use quote::ToTokens as _;
use syn::{Item, ItemStruct, Type};

/// Types with a default that are not generated.
const PLAIN: [&str; 15] = [
    "Option",
    "Vec",
    "Map",
    "HashMap",
    "Value",
    "String",
    "Timestamp",
    "bool",
    "f32",
    "f64",
    "i32",
    "i64",
    "u32",
    "u64",
    "u8",
];

/// Derives `Default` for each struct in `types` whose fields all have a default. `known` names types of the client crate that
/// have one.
pub(crate) fn derive<'a>(types: &mut [Item], known: impl Iterator<Item = &'a str>) {
    let mut known: BTreeSet<String> = known.chain(PLAIN).map(str::to_owned).collect();
    // Structs can be fields of others, in any order.
    loop {
        let before = known.len();
        for item in types.iter_mut() {
            let Item::Struct(item) = item else { continue };
            let name = item.ident.to_string();
            if known.contains(&name) || !item.fields.iter().all(|field| has_default(&field.ty, &known)) {
                continue;
            }
            if !derives_default(item) {
                item.attrs.push(syn::parse_quote!(#[derive(Default)]));
            }
            known.insert(name);
        }
        if known.len() == before {
            return;
        }
    }
}

fn has_default(kind: &Type, known: &BTreeSet<String>) -> bool {
    let Type::Path(path) = kind else { return false };
    path.path.segments.last().is_some_and(|segment| known.contains(&segment.ident.to_string()))
}

fn derives_default(item: &ItemStruct) -> bool {
    let attributes = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
    attributes.into_iter().any(|attribute| attribute.to_token_stream().to_string().contains("Default"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_has_a_default_if_all_fields_have_one() {
        let mut file: syn::File = syn::parse_quote! {
            pub struct Outer { pub inner: Inner, pub state: crate::JobState }
            #[derive(Clone, Default)]
            pub struct Done { pub text: ::std::option::Option<Sent> }
            pub struct Inner { pub text: ::std::string::String }
            pub struct Sent { pub ratio: crate::AspectRatio }
            pub enum Choice { A }
        };
        derive(&mut file.items, ["JobState"].into_iter());
        let text = prettyplease::unparse(&file);
        let derived = |name: &str| text.contains(&format!("#[derive(Default)]\npub struct {name} "));
        assert!(derived("Outer") && derived("Inner"), "{text}");
        assert!(!derived("Done") && !derived("Sent"), "{text}");
    }
}
