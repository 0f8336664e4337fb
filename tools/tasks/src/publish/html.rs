//! The reference as one HTML file with Redoc's program and the document inside, and without requests to other hosts.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use external_tools::node;
use serde_json::{Value, json};

/// The directory of the npm manifest that pins the version of Redoc.
const PACKAGES: &str = "tools/tasks/publish";

/// The content security policy of the page: the browser blocks requests to other hosts, such as that for Redoc's logo.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
                      worker-src blob:; base-uri 'none'; form-action 'none'";

/// The published build of Redoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redoc {
    /// The program for browsers.
    pub(super) program: String,
    /// The licences of Redoc and of its dependencies, which every copy must include.
    pub(super) licences: String,
}

impl Redoc {
    /// Installs the npm packages below `target` if necessary, and reads Redoc.
    ///
    /// # Errors
    /// If they cannot be installed or read.
    pub(super) fn install(root: &Path) -> Result<Self> {
        let packages = node::packages(root, "reference", &root.join(PACKAGES))?;
        let home = packages.join("node_modules/redoc");
        let read = |name: &str| {
            let path = home.join(name);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let licences = format!(
            "{}\n{}",
            read("LICENSE")?.trim(),
            read("bundles/redoc.standalone.js.LICENSE.txt")?.trim()
        );
        Ok(Self { program: read("bundles/redoc.standalone.js")?, licences })
    }
}

/// The page for `document`.
///
/// # Errors
/// If Redoc's program or its licences contain the end of the HTML element around them.
pub(super) fn page(redoc: &Redoc, document: &Value) -> Result<String> {
    let program = script(&redoc.program)?;
    if ["<!--", "-->", "--!>"].iter().any(|mark| redoc.licences.contains(mark)) {
        bail!("redoc's licences cannot be an HTML comment; write them elsewhere in the page");
    }
    let title = document.pointer("/info/title").and_then(Value::as_str).unwrap_or_default();
    Ok(format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>{title}</title>
<style>body {{ margin: 0 }}</style>
</head>
<body>
<main id=\"reference\"></main>
<!--
{licences}
-->
<script>{program}</script>
<script type=\"application/json\" id=\"document\">{document}</script>
<script>
const text = document.getElementById('document').textContent;
Redoc.init(JSON.parse(text), {options}, document.getElementById('reference'));
</script>
</body>
</html>
",
        title = escape(title),
        licences = redoc.licences,
        document = inline(document),
        options = inline(&options()),
    ))
}

/// Redoc's settings: the system's fonts, instead of Redoc's own.
fn options() -> Value {
    let sans = "system-ui, sans-serif";
    json!({
        "expandResponses": "200",
        "nativeScrollbars": true,
        "theme": {"typography": {
            "fontFamily": sans,
            "headings": {"fontFamily": sans},
            "code": {"fontFamily": "ui-monospace, monospace"},
        }},
    })
}

/// A program that can be the content of a script element.
///
/// The start of an HTML comment would change where the element ends. In the program it occurs only in strings and patterns, where
/// the escape has the same meaning.
fn script(program: &str) -> Result<String> {
    let program = program.trim_end();
    if program.to_ascii_lowercase().contains("</script") {
        bail!("this version of redoc has the end of a script element in its program; pin another one");
    }
    Ok(program.replace("<!--", "\\x3c!--"))
}

/// JSON that can be the content of a script element.
fn inline(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redoc(program: &str) -> Redoc {
        Redoc { program: program.to_owned(), licences: "free".to_owned() }
    }

    #[test]
    fn the_page_contains_the_program_and_the_document() {
        let document = json!({"info": {"title": "A & B"}, "x": "</script><!-- <b>"});
        let page = page(&redoc("let a = 1 < 2, b = /<!--/;\n"), &document).unwrap();
        assert!(page.contains("<script>let a = 1 < 2, b = /\\x3c!--/;</script>"), "{page}");
        assert!(page.contains("<title>A &amp; B</title>"), "{page}");
        let start = page.find("id=\"document\">").unwrap() + "id=\"document\">".len();
        let text = &page[start..start + page[start..].find("</script>").unwrap()];
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), document);
    }

    #[test]
    fn a_program_that_ends_its_element_is_an_error() {
        assert!(page(&redoc("'</SCRIPT>'"), &json!({})).is_err());
        let licences = "a --> b".to_owned();
        assert!(page(&Redoc { licences, ..redoc("") }, &json!({})).is_err());
    }
}
