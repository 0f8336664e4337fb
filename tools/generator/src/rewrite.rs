//! Replaces progenitor's runtime in the generated client by the client crate's own, which reads more responses, costs less, prints
//! no secrets, and does not depend on reqwest.

use anyhow::{Result, bail};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprField, File, Ident, ImplItem, Item, Member, Path, Stmt, parse_quote};

/// The modules of the client crate with the items of the runtime.
const RUNTIME: [(&str, &str); 7] = [
    ("ClientHooks", "hooks"),
    ("ClientInfo", "hooks"),
    ("Error", "error"),
    ("OperationInfo", "hooks"),
    ("QueryParam", "request"),
    ("ResponseValue", "response"),
    ("encode_path", "request"),
];

/// Rewrites a generated client with this number of operations.
///
/// # Errors
/// If the generator wrote another form than this function expects.
pub(crate) fn rewrite(file: &mut File, operations: usize) -> Result<()> {
    file.items.retain(|item| !is_of_the_generators_runtime(item));
    let imports = RUNTIME.map(|(name, module)| -> Item {
        let path: Path = syn::parse_str(&format!("crate::{module}::{name}")).expect("a path");
        parse_quote! { use #path; }
    });
    file.items.splice(0..0, imports);
    let mut rewriter = Rewriter::default();
    rewriter.visit_file_mut(file);
    file.items
        .retain(|item| !matches!(item, Item::Impl(item) if item.trait_.is_none() && item.items.is_empty()));
    let Rewriter { begun, versions, constructors, clients, left } = rewriter;
    // The client has a field and an accessor for a `reqwest::Client`.
    if (begun, versions, constructors, clients, left) != (operations, operations, 2, 2, 0) {
        bail!(
            "the client of {operations} operations has {begun} requests, {versions} headers with the version, \
             {constructors} constructors, {clients} of 2 members `reqwest::Client` and {left} other paths of reqwest; progenitor \
             writes another form now: adapt tools/generator/src/rewrite.rs"
        );
    }
    Ok(())
}

fn is_of_the_generators_runtime(item: &Item) -> bool {
    matches!(item, Item::Use(item) if item.tree.to_token_stream().to_string().starts_with("progenitor_client"))
}

#[derive(Default)]
struct Rewriter {
    begun: usize,
    versions: usize,
    constructors: usize,
    clients: usize,
    /// Paths of reqwest that are not replaced.
    left: usize,
}

impl VisitMut for Rewriter {
    /// Removes the constructors, which take a `reqwest::Client`, and its accessor. The client crate has its own constructor.
    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        let before = item.items.len();
        let is_client = item.self_ty.to_token_stream().to_string() == "Client";
        match &item.trait_ {
            None if is_client => {
                item.items.retain(|item| !is_function(item, &["new", "new_with_client"]));
                self.constructors += before - item.items.len();
            }
            Some((path, _)) if path.segments.last().is_some_and(|last| last.ident == "ClientInfo") => {
                item.items.retain(|item| !is_function(item, &["client"]));
                self.clients += before - item.items.len();
            }
            _ => {}
        }
        visit_mut::visit_item_impl_mut(self, item);
    }

    /// Removes the field with the `reqwest::Client`.
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        if let syn::Fields::Named(fields) = &mut item.fields
            && item.ident == "Client"
        {
            let before = fields.named.len();
            let is_client = |field: &syn::Field| field.ident.as_ref().is_some_and(|name| name == "client");
            fields.named =
                std::mem::take(&mut fields.named).into_iter().filter(|field| !is_client(field)).collect();
            self.clients += before - fields.named.len();
        }
        visit_mut::visit_item_struct_mut(self, item);
    }

    /// Removes the header with the version of the document, which the service does not expect.
    fn visit_block_mut(&mut self, block: &mut Block) {
        let before = block.stmts.len();
        let is_version = |statement: &Stmt| {
            matches!(statement, Stmt::Expr(Expr::MethodCall(call), _)
            if call.method == "append" && call.args.first().is_some_and(is_version_name))
        };
        block.stmts.retain(|statement| !is_version(statement));
        self.versions += before - block.stmts.len();
        visit_mut::visit_block_mut(self, block);
    }

    /// `self.client.get(url)` becomes `self.begin(Method::GET, url)`. Maps of headers begin without memory: there is none where a
    /// call has no header but the version.
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if is_map_with_capacity(expression) {
            *expression = parse_quote! { ::http::header::HeaderMap::new() };
        }
        let Expr::MethodCall(call) = expression else { return };
        if !is_client(&call.receiver) {
            return;
        }
        let method = quote::format_ident!("{}", call.method.to_string().to_uppercase());
        let url = &call.args;
        *expression = parse_quote! { self.begin(::http::Method::#method, #url) };
        self.begun += 1;
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        if path.segments.len() > 1 && path.segments[0].ident == "progenitor_client" {
            path.segments = path.segments.iter().skip(1).cloned().collect();
        }
        if path.segments[0].ident == "reqwest" {
            // reqwest exports the headers of the crate http.
            match path.segments.get(1).is_some_and(|module| module.ident == "header") {
                true => path.segments[0].ident = Ident::new("http", path.segments[0].ident.span()),
                false => self.left += 1,
            }
        }
    }
}

/// Whether the item is a function with one of these names.
fn is_function(item: &ImplItem, names: &[&str]) -> bool {
    matches!(item, ImplItem::Fn(function) if names.iter().any(|name| function.sig.ident == name))
}

/// Whether the expression is the name of the header with the version. The names of parameters are string literals.
fn is_version_name(name: &Expr) -> bool {
    matches!(name, Expr::Call(_)) && name.to_token_stream().to_string().contains("\"api-version\"")
}

/// Whether the expression is `HeaderMap::with_capacity(...)`.
fn is_map_with_capacity(expression: &Expr) -> bool {
    matches!(expression, Expr::Call(call) if matches!(&*call.func, Expr::Path(path)
        if path.to_token_stream().to_string().ends_with("HeaderMap :: with_capacity")))
}

/// Whether the expression is `self.client`.
fn is_client(expression: &Expr) -> bool {
    matches!(expression, Expr::Field(ExprField { base, member: Member::Named(name), .. })
        if name == "client" && matches!(&**base, Expr::Path(path) if path.path.is_ident("self")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated() -> File {
        parse_quote! {
            pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
            pub struct Client {
                pub(crate) baseurl: String,
                pub(crate) client: reqwest::Client,
            }
            impl Client {
                pub fn new(baseurl: &str) -> Self { todo(baseurl) }
                pub fn new_with_client(baseurl: &str, client: reqwest::Client) -> Self { todo(baseurl, client) }
            }
            impl ClientInfo<crate::Context> for Client {
                fn baseurl(&self) -> &str { self.baseurl.as_str() }
                fn client(&self) -> &reqwest::Client { &self.client }
            }
            impl Client {
                pub async fn video_list(&self) -> Result<(), Error> {
                    let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
                    header_map.append(HeaderName::from_static("api-version"), HeaderValue::from_static("1"));
                    let request = self.client.get(url).query(&progenitor_client::QueryParam::new("a", &a))
                        .header(::reqwest::header::ACCEPT, json).build()?;
                    Ok(())
                }
            }
        }
    }

    #[test]
    fn the_crates_own_runtime_replaces_progenitors() {
        let mut file = generated();
        rewrite(&mut file, 1).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(text.contains("use crate::request::QueryParam;"), "{text}");
        assert!(text.contains("self\n            .begin(::http::Method::GET, url)"), "{text}");
        assert!(text.contains(".header(::http::header::ACCEPT, json)"), "{text}");
        assert!(text.contains("let mut header_map = ::http::header::HeaderMap::new();"), "{text}");
        for gone in ["progenitor_client", "reqwest", "api-version", "fn new", "self.client", "impl Client {}"]
        {
            assert!(!text.contains(gone), "{gone} is still in {text}");
        }
    }

    #[test]
    fn another_form_is_an_error() {
        let error = rewrite(&mut generated(), 2).unwrap_err().to_string();
        assert!(error.starts_with("the client of 2 operations has 1 requests, 1 headers"), "{error}");
        let mut other = generated();
        other.items.push(parse_quote! { fn send(client: &reqwest::Client) {} });
        let error = rewrite(&mut other, 1).unwrap_err().to_string();
        assert!(error.contains("1 other paths of reqwest"), "{error}");
    }
}
