//! The reference: the contract as one page for people, without scripts and without anything from another host.

mod html;
mod markdown;
mod operation;
mod schema;

use serde_json::Value;

use crate::contract::{Contract, Operation};
use html::{Html, Text};
use markdown::Heading;

const STYLE: &str = include_str!("style.css");

/// The whole page. The same contract always gives the same bytes.
///
/// # Errors
/// If a reference in the contract points at nothing, with the reference.
pub fn render(contract: &Contract) -> Result<String, String> {
    let document = &contract.value;
    let title = text(document, "/info/title");
    let version = text(document, "/info/version");
    let (about, headings) = markdown::sections(text(document, "/info/description"));

    let mut page = Html::new();
    page.line(format_args!("<!doctype html>"));
    page.line(format_args!("<html lang=\"en\">"));
    page.line(format_args!("<head>"));
    page.line(format_args!("<meta charset=\"utf-8\">"));
    page.line(format_args!("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
    page.line(format_args!("<meta name=\"color-scheme\" content=\"light dark\">"));
    page.line(format_args!("<title>{} {}</title>", Text(title), Text(version)));
    page.line(format_args!("<link rel=\"icon\" href=\"/page/icon.svg\">"));
    page.line(format_args!("<style>\n{STYLE}</style>"));
    page.line(format_args!("</head>"));
    page.line(format_args!("<body>"));
    page.line(format_args!("<a class=\"skip\" href=\"#reference\">Skip to the reference</a>"));
    page.line(format_args!("<header>"));
    page.line(format_args!("<h1>{} <small>{}</small></h1>", Text(title), Text(version)));
    page.line(format_args!("<p><a href=\"/\">Sandbox</a> <a href=\"/openapi.yaml\">YAML</a> <a href=\"/openapi.json\">JSON</a></p>"));
    page.line(format_args!("</header>"));
    navigation(&mut page, contract, &headings);
    page.line(format_args!("<main id=\"reference\">"));
    page.line(format_args!("<section id=\"about\" aria-label=\"About the API\">\n<h2>About</h2>\n{about}"));
    servers(&mut page, document);
    page.line(format_args!("</section>"));
    for tag in tags(document) {
        let name = text(tag, "/name");
        page.line(format_args!(
            "<section id=\"tag-{0}\" aria-label=\"{1}\">",
            html::anchor(name),
            Text(name)
        ));
        page.line(format_args!("<h2>{}</h2>\n{}", Text(name), markdown::block(text(tag, "/description"))));
        for operation in tagged(contract, name) {
            page.part(format_args!("{}", operation::render(contract, &operation)?));
        }
        page.line(format_args!("</section>"));
    }
    page.line(format_args!("<section id=\"schemas\" aria-label=\"Schemas\">\n<h2>Schemas</h2>"));
    for (name, schema) in contract.components("schemas") {
        page.part(format_args!("{}", schema::render(contract, name, schema)?));
    }
    page.line(format_args!("</section>\n</main>\n</body>\n</html>"));
    Ok(page.into_string())
}

fn navigation(page: &mut Html, contract: &Contract, headings: &[Heading]) {
    page.line(format_args!("<nav aria-label=\"Contents\">\n<details open>\n<summary>Contents</summary>"));
    let mut list = |title: &str, place: &str, links: Vec<(String, String)>| {
        page.line(format_args!("<h2><a href=\"#{place}\">{}</a></h2>\n<ul>", Text(title)));
        for (name, place) in links {
            page.line(format_args!("<li><a href=\"#{}\">{}</a></li>", Text(&place), Text(&name)));
        }
        page.line(format_args!("</ul>"));
    };
    let about = headings.iter().map(|heading| (heading.title.clone(), heading.anchor.clone()));
    list("About", "about", about.collect());
    for tag in tags(&contract.value) {
        let name = text(tag, "/name");
        let ids = tagged(contract, name).filter_map(|operation| operation.id());
        let links = ids.map(|id| (id.to_owned(), html::anchor(id)));
        list(name, &format!("tag-{}", html::anchor(name)), links.collect());
    }
    let schemas = contract.components("schemas").map(|(name, _)| (name.to_owned(), schema::anchor(name)));
    list("Schemas", "schemas", schemas.collect());
    page.line(format_args!("</details>\n</nav>"));
}

fn servers(page: &mut Html, document: &Value) {
    page.line(format_args!("<h3 id=\"servers\">Servers</h3>\n<ul>"));
    for server in document["servers"].as_array().into_iter().flatten() {
        let description = markdown::line(text(server, "/description"));
        page.line(format_args!("<li><code>{}</code>: {description}</li>", Text(text(server, "/url"))));
    }
    page.line(format_args!("</ul>"));
}

fn tags(document: &Value) -> impl Iterator<Item = &Value> {
    document["tags"].as_array().into_iter().flatten()
}

/// The operations under a tag. One under several tags is shown under its first.
fn tagged<'a>(contract: &'a Contract, tag: &str) -> impl Iterator<Item = Operation<'a>> {
    contract.operations().filter(move |operation| operation.value["tags"][0] == tag)
}

/// The text at a pointer; an empty one if there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What a reference leads to.
fn follow<'a>(contract: &'a Contract, value: &'a Value) -> Result<&'a Value, String> {
    contract.follow(value).ok_or_else(|| format!("{} points at nothing: mend the reference", value["$ref"]))
}

/// How a fact is known, as a line below it.
fn provenance(value: &Value) -> Html {
    let words: Vec<&str> =
        value["x-provenance"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() {
        return Html::new();
    }
    Html::from(format!(
        "<span class=\"known\" title=\"Where this is known from\">{}</span>",
        Text(&words.join(", "))
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::contract::DOCUMENT;

    fn contract() -> Contract {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Contract::load(&root.join(DOCUMENT)).unwrap()
    }

    fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
        let start = format!(" {attribute}=\"");
        page.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_operation_schema_and_error_of_the_contract_is_there() {
        let contract = contract();
        let page = render(&contract).unwrap();
        for operation in contract.operations() {
            let id = operation.id().unwrap();
            assert!(page.contains(&format!("<article id=\"{id}\"")), "{id}");
            assert!(page.contains(operation.path), "{id}");
        }
        for (name, _) in contract.components("schemas") {
            assert!(page.contains(&format!("id=\"{}\"", schema::anchor(name))), "{name}");
        }
        for code in ["INSUFFICIENT_CREDIT", "IDEMPOTENCY_CONFLICT", "CLIP_EXPIRED"] {
            assert!(page.contains(code), "{code}");
        }
    }

    #[test]
    fn every_link_inside_of_the_page_leads_somewhere_and_every_place_is_named_once() {
        let page = render(&contract()).unwrap();
        let places = values(&page, "id");
        let unique: BTreeSet<_> = places.iter().collect();
        assert_eq!(places.len(), unique.len());
        for link in values(&page, "href").into_iter().filter_map(|link| link.strip_prefix('#')) {
            assert!(unique.contains(&link), "{link}");
        }
    }

    #[test]
    fn nothing_is_run_and_nothing_comes_from_elsewhere() {
        let page = render(&contract()).unwrap();
        for forbidden in ["<script", "<img", "<iframe", "onclick"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let (_, style) = page.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        for forbidden in ["@import", "url("] {
            assert!(!style.contains(forbidden), "{forbidden}");
        }
        assert_eq!(values(&page, "src"), Vec::<&str>::new());
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_that_names_it() {
        let contract = Contract::parse(
            "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\ntags: [{name: a}]\npaths:\n  /x:\n    get:\n      tags: [a]\n      \
             operationId: x\n      responses:\n        '200': {$ref: '#/components/responses/Gone'}\n",
        );
        let error = render(&contract.unwrap()).unwrap_err();
        assert!(error.contains("#/components/responses/Gone"), "{error}");
    }
}
