//! The reference as one HTML file: Redoc's program and the document inside of it, and nothing from elsewhere.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use external_tools::node;

/// Where the version of Redoc is pinned.
const PACKAGES: &str = "xtask/publish";

/// What the page may do. Even where Redoc asks for something from another host, its logo say, the browser does not send it.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
                      worker-src blob:; base-uri 'none'; form-action 'none'";

/// Redoc as its authors built it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redoc {
    /// The program, for browsers.
    pub(super) program: String,
    /// The licences of Redoc and of what is built into it, which go with every copy.
    pub(super) licences: String,
}

impl Redoc {
    /// Reads it from npm's packages, which are installed once below `target`.
    ///
    /// # Errors
    /// If they cannot be installed or read, in words.
    pub(super) fn install(root: &Path) -> Result<Self, String> {
        let home = node::packages(root, "reference", &root.join(PACKAGES))
            .map_err(|error| format!("{error:#}"))?
            .join("node_modules/redoc");
        let read = |name: &str| {
            let path = home.join(name);
            fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
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
/// In words, if Redoc's program or its licences hold what would end the element that they stand in.
pub(super) fn page(redoc: &Redoc, document: &Value) -> Result<String, String> {
    let program = script(&redoc.program)?;
    if ["<!--", "-->", "--!>"].iter().any(|mark| redoc.licences.contains(mark)) {
        return Err(
            "redoc's licences cannot stand in a comment of HTML; write them elsewhere in the page".to_owned()
        );
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

/// Redoc's settings: the fonts that the reader's system has, instead of those that it would name.
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

/// A program that can stand inside of a script element.
///
/// The start of a comment would change how the element ends. The program has it in texts and patterns alone, where the
/// escape means the same, as HTML's own advice for authors says.
fn script(program: &str) -> Result<String, String> {
    let program = program.trim_end();
    if program.to_ascii_lowercase().contains("</script") {
        return Err("this version of redoc has the end of a script element in its program; pin another one"
            .to_owned());
    }
    Ok(program.replace("<!--", "\\x3c!--"))
}

/// JSON that can stand inside of a script element: nothing in it begins a tag or a comment.
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
    fn the_program_and_the_document_stand_in_the_page_as_they_are() {
        let document = json!({"info": {"title": "A & B"}, "x": "</script><!-- <b>"});
        let page = page(&redoc("let a = 1 < 2, b = /<!--/;\n"), &document).unwrap();
        assert!(page.contains("<script>let a = 1 < 2, b = /\\x3c!--/;</script>"), "{page}");
        assert!(page.contains("<title>A &amp; B</title>"), "{page}");
        let start = page.find("id=\"document\">").unwrap() + "id=\"document\">".len();
        let text = &page[start..start + page[start..].find("</script>").unwrap()];
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), document);
    }

    #[test]
    fn a_program_that_would_break_out_is_refused() {
        assert!(page(&redoc("'</SCRIPT>'"), &json!({})).is_err());
        let licences = "a --> b".to_owned();
        assert!(page(&Redoc { licences, ..redoc("") }, &json!({})).is_err());
    }
}
