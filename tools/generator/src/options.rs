//! Moves the optional arguments of each operation into a struct.
//!
//! The generator writes a positional argument for each parameter, so that a new optional parameter would break every caller.
//! Required arguments stay positional. The others become fields of a struct with a default, such as `options::VideoList`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow};
use heck::ToUpperCamelCase as _;
use quote::{ToTokens as _, format_ident};
use syn::{
    Attribute, Expr, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemMod, ItemStruct, Lit, Meta, Pat, Type,
    parse_quote,
};

/// An argument of a generated method.
struct Argument {
    name: Ident,
    kind: Type,
    description: String,
}

/// Rewrites the generated client and adds the module `options`. `optional_bodies` names the operations with an optional body.
///
/// # Errors
/// If the generator wrote another form than this function expects.
pub(crate) fn gather(file: &mut syn::File, optional_bodies: &BTreeSet<&str>) -> Result<()> {
    let mut structs: Vec<ItemStruct> = Vec::new();
    for item in &mut file.items {
        let Item::Impl(item) = item else { continue };
        if item.trait_.is_some() || item.self_ty.to_token_stream().to_string() != "Client" {
            continue;
        }
        for item in &mut item.items {
            let ImplItem::Fn(method) = item else { continue };
            if method.sig.asyncness.is_some() {
                let is_optional = optional_bodies.contains(method.sig.ident.to_string().as_str());
                structs.push(rewrite(method, is_optional)?);
            }
        }
    }
    let module: ItemMod = parse_quote! {
        /// What a call of an operation may leave out: its optional parameters and body.
        #[allow(clippy::all)]
        pub mod options {
            #[allow(unused_imports)]
            use super::types;
            #(#structs)*
        }
    };
    let types =
        file.items.iter().position(|item| matches!(item, Item::Mod(module) if module.ident == "types"));
    file.items.insert(types.context("progenitor wrote no module `types`")? + 1, Item::Mod(module));
    Ok(())
}

/// Removes the optional arguments from a method and returns a struct with them.
fn rewrite(method: &mut ImplItemFn, is_body_optional: bool) -> Result<ItemStruct> {
    let name = method.sig.ident.to_string();
    let unknown = |what: &str| {
        anyhow!(
            "progenitor writes {what} of {name} in another form now; adapt tools/generator/src/options.rs"
        )
    };
    let mut arguments = Vec::new();
    for input in method.sig.inputs.iter().skip(1) {
        let FnArg::Typed(input) = input else { return Err(unknown("an argument")) };
        let Pat::Ident(pattern) = &*input.pat else { return Err(unknown("an argument")) };
        arguments.push(Argument {
            name: pattern.ident.clone(),
            kind: (*input.ty).clone(),
            description: String::new(),
        });
    }
    let doc = method.attrs.iter_mut().find_map(doc_mut).ok_or_else(|| unknown("the documentation"))?;
    let head = describe(&doc.value(), &mut arguments);
    let is_optional =
        |argument: &Argument| is_option(&argument.kind) || is_body_optional && argument.name == "body";
    let (optional, required): (Vec<_>, Vec<_>) = arguments.into_iter().partition(is_optional);

    let mut text = format!("{head}Arguments:\n");
    for Argument { name, description, .. } in &required {
        text.push_str(&format!("- `{name}`: {description}\n"));
    }
    text.push_str("- `options`: What may be left out.\n");
    *doc = syn::LitStr::new(&text, doc.span());

    let kind = format_ident!("{}", name.to_upper_camel_case());
    let members: Vec<&Ident> = optional.iter().map(|argument| &argument.name).collect();
    method.block.stmts.insert(0, parse_quote! { let options::#kind { #(#members),* } = options; });
    let fields = optional.iter().map(|Argument { name, kind, description }| -> syn::Field {
        let kind = if is_option(kind) {
            kind.clone()
        } else {
            parse_quote! { Option<#kind> }
        };
        parse_quote! { #[doc = #description] pub #name: #kind }
    });
    let about = format!("What a call of `{name}` may leave out.");
    let mut gathered: ItemStruct = parse_quote! {
        #[doc = #about]
        #[derive(Clone, Debug, Default)]
        pub struct #kind { #(#fields),* }
    };
    let argument = if gathered.fields.to_token_stream().to_string().contains("'a") {
        gathered.generics = parse_quote! { <'a> };
        parse_quote! { options: options::#kind<'a> }
    } else {
        parse_quote! { options: options::#kind }
    };
    let receiver = method.sig.inputs.first().cloned();
    let required = required.into_iter().map(|Argument { name, kind, .. }| parse_quote! { #name: #kind });
    method.sig.inputs = receiver.into_iter().chain(required).chain([argument]).collect();
    Ok(gathered)
}

fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}

/// The text of a documentation comment.
fn doc_mut(attribute: &mut Attribute) -> Option<&mut syn::LitStr> {
    match &mut attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &mut meta.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Moves the descriptions from a method's documentation to its arguments. Returns the text before them.
fn describe(doc: &str, arguments: &mut [Argument]) -> String {
    let Some((head, mut list)) = doc.rsplit_once("Arguments:\n") else { return doc.to_owned() };
    // From the last to the first: each entry ends at the next one.
    for argument in arguments.iter_mut().rev() {
        let start = format!("- `{}`", argument.name);
        if let Some((before, description)) = list.rsplit_once(&start) {
            argument.description = description.trim_start_matches(": ").trim_end().to_owned();
            list = before;
        }
    }
    head.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(optional_bodies: &[&str]) -> String {
        let mut file: syn::File = parse_quote! {
            pub mod types {}
            impl Client {
                #[doc = "List\n\nArguments:\n- `id`: The job.\n- `cursor`: Where to go on.\nWith `limit`.\n- `limit`: The most.\n- `body`: More.\n"]
                pub async fn video_list<'a>(
                    &'a self, id: &'a str, cursor: Option<&'a str>, limit: Option<u32>, body: &'a types::Request,
                ) -> Result<(), Error> {
                    Ok(())
                }
                #[doc = "Look"]
                pub async fn video_look<'a>(&'a self) -> Result<(), Error> {
                    Ok(())
                }
            }
        };
        gather(&mut file, &optional_bodies.iter().copied().collect()).unwrap();
        prettyplease::unparse(&file)
    }

    #[test]
    fn optional_arguments_move_with_their_descriptions() {
        let text = gathered(&[]);
        for wanted in [
            "pub struct VideoList<'a> {\n        /**Where to go on.\nWith `limit`.*/\n        pub cursor: Option<&'a str>,",
            "///The most.\n        pub limit: Option<u32>,",
            "let options::VideoList { cursor, limit } = options;",
            "id: &'a str,\n        body: &'a types::Request,\n        options: options::VideoList<'a>,",
            "- `id`: The job.\n- `body`: More.\n- `options`: What may be left out.",
        ] {
            assert!(text.contains(wanted), "{wanted}\n is not in\n{text}");
        }
    }

    #[test]
    fn an_operation_without_optional_arguments_has_an_empty_struct() {
        let text = gathered(&[]);
        assert!(text.contains("pub struct VideoLook {}"), "{text}");
        assert!(text.contains("options: options::VideoLook,"), "{text}");
    }

    #[test]
    fn an_optional_body_is_an_option() {
        let text = gathered(&["video_list"]);
        assert!(text.contains("pub body: Option<&'a types::Request>"), "{text}");
        assert!(text.contains("let options::VideoList { cursor, limit, body } = options;"), "{text}");
    }
}
