//! The table in `openapi/README.md` of what is documented and what is assumed, made from `x-provenance`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::contract::{Contract, entries};

/// The page that has the table, below the root.
pub const PAGE: &str = "openapi/README.md";

const BEGIN: &str = "<!-- Made by `cargo xtask regen` from x-provenance. -->\n";
const END: &str = "<!-- End of what is made. -->\n";

/// The columns, and the sources that each stands for. A statement with several sources is in the first column of any.
const COLUMNS: [(&str, &[&str]); 3] = [
    ("documented", &["page", "example", "conventions"]),
    ("observed", &["observed"]),
    ("assumed", &["assumed"]),
];

/// One row: a place in the document, and the names that each column has of it.
struct Row {
    place: String,
    names: [Vec<String>; COLUMNS.len()],
}

/// The whole page of the workspace at `root`, with the table that the document gives now.
///
/// # Errors
/// If the page cannot be read, or has no place for the table: in words.
pub fn page(root: &Path, contract: &Contract) -> Result<String, String> {
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let lost =
        || format!("{PAGE} has no place for the table; put `{}` and `{}` there", BEGIN.trim(), END.trim());
    let (before, rest) = page.split_once(BEGIN).ok_or_else(lost)?;
    let (_, after) = rest.split_once(END).ok_or_else(lost)?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(contract)))
}

fn table(contract: &Contract) -> String {
    let mut text = format!(
        "\n| where | {} |\n|---|{}\n",
        COLUMNS.map(|(name, _)| name).join(" | "),
        "---|".repeat(COLUMNS.len())
    );
    for Row { place, names } in rows(contract) {
        let cells = names.map(|names| names.join(", ")).join(" | ");
        text.push_str(&format!("| {place} | {cells} |\n"));
    }
    text.push('\n');
    text
}

fn rows(contract: &Contract) -> Vec<Row> {
    let mut operations = Row::of("operations");
    let mut parameters = Row::of("parameters");
    for operation in contract.operations() {
        operations.add(operation.id().unwrap_or(operation.path), operation.value);
        for (_, parameter) in operation.parameters() {
            let Some(parameter) = contract.follow(parameter) else { continue };
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            parameters.add(&format!("{name} ({place})"), parameter);
        }
    }
    let mut headers = Row::of("headers of answers");
    for (_, response) in contract.components("responses") {
        for (name, header) in entries(response.get("headers")) {
            if let Some(header) = contract.follow(header) {
                headers.add(name, header);
            }
        }
    }
    let mut rows = vec![operations, parameters, headers];
    for (name, schema) in contract.components("schemas") {
        let mut row = Row::of(&format!("`{name}`"));
        if schema.get("x-provenance").is_some() {
            row.names[column(schema).unwrap_or_default()].push("as a whole".to_owned());
        }
        for (property, value) in entries(schema.get("properties")) {
            // A plain reference says nothing of its own: what it points at has its own row.
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

    /// Puts a name into the column of its source, once.
    fn add(&mut self, name: &str, value: &Value) {
        let is = |tag: &str| {
            value["x-provenance"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag))
        };
        let name = format!("`{name}`");
        let column = COLUMNS.iter().position(|(_, tags)| tags.iter().copied().any(is));
        if let Some(names) = column.map(|column| &mut self.names[column])
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
}

/// The column of the best source that a statement has.
fn column(value: &Value) -> Option<usize> {
    let is = |tag: &str| {
        value["x-provenance"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag))
    };
    COLUMNS.iter().position(|(_, tags)| tags.iter().copied().any(is))
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
        let table = table(&Contract::parse(DOCUMENT).unwrap());
        assert_eq!(
            table,
            "\n| where | documented | observed | assumed |\n|---|---|---|---|\n| operations | `read` |  |  |\n\
             | parameters | `limit (query)` |  |  |\n| `Job` |  | `id` | `state` |\n\n"
        );
    }
}
