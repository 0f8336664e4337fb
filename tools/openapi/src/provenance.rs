//! The table of sources in `openapi/README.md`, generated from `x-provenance`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::document::Document;
use crate::value::entries;

/// The page with the table, from the root of the workspace.
pub const PAGE: &str = "openapi/README.md";

const BEGIN: &str = "<!-- Start of the table that `cargo xtask regen` generates from x-provenance. -->\n";
const END: &str = "<!-- End of the generated table. -->\n";

/// The columns and the sources that each stands for. A statement with several sources is in the first column of any.
const COLUMNS: [(&str, &[&str]); 3] = [
    ("documented", &["page", "example", "conventions"]),
    ("observed", &["observed"]),
    ("assumed", &["assumed"]),
];

/// One row: a place in the document, and the names in each column.
struct Row {
    place: String,
    names: [Vec<String>; COLUMNS.len()],
}

/// The whole page of the workspace at `root` with the current table.
///
/// # Errors
/// If the page cannot be read or does not mark the place of the table.
pub fn page(root: &Path, document: &Document) -> Result<String> {
    let page = fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    let unmarked = || {
        format!("{PAGE} does not mark the place of the table; add `{}` and `{}`", BEGIN.trim(), END.trim())
    };
    let (before, rest) = page.split_once(BEGIN).with_context(unmarked)?;
    let (_, after) = rest.split_once(END).with_context(unmarked)?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(document)))
}

fn table(document: &Document) -> String {
    let mut text = format!(
        "\n| where | {} |\n|---|{}\n",
        COLUMNS.map(|(name, _)| name).join(" | "),
        "---|".repeat(COLUMNS.len())
    );
    for Row { place, names } in rows(document) {
        let cells = names.map(|names| names.join(", ")).join(" | ");
        text.push_str(&format!("| {place} | {cells} |\n"));
    }
    text.push('\n');
    text
}

fn rows(document: &Document) -> Vec<Row> {
    let mut operations = Row::of("operations");
    let mut parameters = Row::of("parameters");
    for operation in document.operations() {
        operations.add(operation.id().unwrap_or(operation.path), operation.value);
        for (_, parameter) in operation.parameters() {
            let Some(parameter) = document.follow(parameter) else { continue };
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            parameters.add(&format!("{name} ({place})"), parameter);
        }
    }
    let mut headers = Row::of("response headers");
    for (_, response) in document.components("responses") {
        for (name, header) in entries(response.get("headers")) {
            if let Some(header) = document.follow(header) {
                headers.add(name, header);
            }
        }
    }
    let mut rows = vec![operations, parameters, headers];
    for (name, schema) in document.components("schemas") {
        let mut row = Row::of(&format!("`{name}`"));
        if schema.get("x-provenance").is_some() {
            row.names[column(schema).unwrap_or_default()].push("the schema itself".to_owned());
        }
        for (property, value) in entries(schema.get("properties")) {
            // A reference has no provenance of its own: its target has a row.
            row.add(property, value);
        }
        rows.push(row);
    }
    rows.retain(|row| row.names.iter().any(|names| !names.is_empty()));
    rows
}

impl Row {
    fn of(place: &str) -> Self {
        Self { place: place.to_owned(), names: Default::default() }
    }

    /// Adds a name to the column of its source, once.
    fn add(&mut self, name: &str, value: &Value) {
        let name = format!("`{name}`");
        if let Some(names) = column(value).map(|column| &mut self.names[column])
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
}

/// The column of the best source of a statement.
fn column(value: &Value) -> Option<usize> {
    let sources = value["x-provenance"].as_array()?;
    COLUMNS
        .iter()
        .position(|(_, known)| sources.iter().any(|source| known.iter().any(|known| source == known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "
openapi: 3.0.3
info: { title: T, version: 1.0.0 }
paths:
  /a:
    get:
      operationId: read
      x-provenance: [page]
      parameters:
        - { name: limit, in: query, schema: { type: integer }, x-provenance: [assumed, example] }
      responses: { '200': { description: d } }
components:
  schemas:
    Job:
      type: object
      properties:
        id: { type: string, x-provenance: [observed] }
        state: { type: string, x-provenance: [assumed] }
";

    #[test]
    fn each_statement_is_in_the_column_of_its_best_source() {
        let table = table(&Document::parse(DOCUMENT).unwrap());
        assert_eq!(
            table,
            "\n| where | documented | observed | assumed |\n|---|---|---|---|\n| operations | `read` |  |  |\n\
             | parameters | `limit (query)` |  |  |\n| `Job` |  | `id` | `state` |\n\n"
        );
    }
}
