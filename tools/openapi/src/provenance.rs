//! The sources of each statement, `x-provenance`, and what is generated from them: the table in `openapi/README.md`, and in both
//! READMEs whether the statements were verified against the service.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::document::Document;
use crate::value::entries;
use crate::walk::{Kind, nodes};

/// How the source `verified: DATE` begins: a response of the service confirmed the statement on that day.
pub const VERIFIED: &str = "verified: ";

const BEGIN: &str = "<!-- Start of the part that `cargo xtask regen` generates from x-provenance. -->\n";
const END: &str = "<!-- End of the generated part. -->\n";

/// The columns and the sources that each stands for. A statement with several sources is in the first column of any.
const COLUMNS: [(&str, &[&str]); 3] = [
    ("documented", &["page", "example", "conventions"]),
    ("observed", &["observed"]),
    ("assumed", &["assumed"]),
];

/// The day of the newest response that confirmed a statement, `2026-12-01`.
#[must_use]
pub fn verified(statement: &Value) -> Option<&str> {
    let sources = statement.get("x-provenance")?.as_array()?;
    sources.iter().filter_map(Value::as_str).find_map(|source| source.strip_prefix(VERIFIED))
}

/// The pages of the workspace at `root` with a generated part: the path of each from the root, and its whole current text.
///
/// # Errors
/// If a page cannot be read or does not mark the place of the generated part.
pub fn pages(root: &Path, document: &Document) -> Result<[(&'static str, String); 2]> {
    let summary = Summary::of(document);
    let page = |path: &'static str, part: String| -> Result<(&'static str, String)> {
        let page = fs::read_to_string(root.join(path)).context(path)?;
        let page = with_part(&page, &part).with_context(|| {
            let (begin, end) = (BEGIN.trim(), END.trim());
            format!("{path} does not mark the place of the generated part; add `{begin}` and `{end}`")
        })?;
        Ok((path, page))
    };
    let contract = format!("\n{}\n{}", summary.sentence(), table(document));
    Ok([page("README.md", summary.status())?, page("openapi/README.md", contract)?])
}

/// The page with another generated part, or `None` without the marks around it.
fn with_part(page: &str, part: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{part}{END}{after}"))
}

/// How many statements a document has, how many of them were verified, and when the last one.
struct Summary<'a> {
    statements: usize,
    verified: usize,
    last: &'a str,
}

impl<'a> Summary<'a> {
    fn of(document: &'a Document) -> Self {
        let nodes = nodes(Kind::Document, "", &document.value);
        let statements: Vec<_> = nodes.iter().filter(|node| node.has("x-provenance")).collect();
        let dates: Vec<&str> = statements.iter().filter_map(|node| verified(node.value)).collect();
        Self {
            statements: statements.len(),
            verified: dates.len(),
            last: dates.into_iter().max().unwrap_or_default(),
        }
    }

    /// For the page of the contract.
    fn sentence(&self) -> String {
        let Self { statements, verified, last } = self;
        match verified {
            0 => format!("None of the {statements} statements has been verified against the service.\n"),
            1 => format!("One of the {statements} statements was verified against the service, on {last}.\n"),
            _ => format!(
                "{verified} of the {statements} statements were verified against the service, last on {last}.\n"
            ),
        }
    }

    /// For the first screen of the project.
    fn status(&self) -> String {
        let Self { statements, verified, last } = self;
        let when = match verified {
            0 => "never. With an API key, run this".to_owned(),
            _ => format!("{verified} of {statements} statements, last on {last}. Run it again"),
        };
        format!(
            "\n**Contract verified against the live service:** {when}\n\
             (it only reads; [how it works](docs/verification.md)):\n\n\
             ```sh\nINFRAI_API_KEY=... cargo xtask verify --base-url https://api.infrai.cc\n```\n\n"
        )
    }
}

fn table(document: &Document) -> String {
    let mut text = format!(
        "| where | {} | verified |\n|---|---|{}\n",
        COLUMNS.map(|(name, _)| name).join(" | "),
        "---|".repeat(COLUMNS.len())
    );
    for row in rows(document) {
        let cells = row.names.each_ref().map(|names| names.join(", ")).join(" | ");
        text.push_str(&format!("| {} | {cells} | {} |\n", row.place, row.verified()));
    }
    text.push('\n');
    text
}

/// One row: a place in the document, the names in each column of sources, and the names that were verified with their dates.
#[derive(Default)]
struct Row<'a> {
    place: String,
    names: [Vec<String>; COLUMNS.len()],
    verified: Vec<(String, &'a str)>,
}

fn rows(document: &Document) -> Vec<Row<'_>> {
    let mut operations = Row::of("operations");
    let mut parameters = Row::of("parameters");
    for operation in document.operations() {
        operations.add(code(operation.id().unwrap_or(operation.path)), operation.value);
        for (_, parameter) in operation.parameters() {
            let Some(parameter) = document.follow(parameter) else { continue };
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            parameters.add(code(&format!("{name} ({place})")), parameter);
        }
    }
    let mut headers = Row::of("response headers");
    for (_, response) in document.components("responses") {
        for (name, header) in entries(response.get("headers")) {
            if let Some(header) = document.follow(header) {
                headers.add(code(name), header);
            }
        }
    }
    let mut rows = vec![operations, parameters, headers];
    for (name, schema) in document.components("schemas") {
        let mut row = Row::of(&code(name));
        row.add("the schema itself".to_owned(), schema);
        for (property, value) in entries(schema.get("properties")) {
            // A reference has no provenance of its own: its target has a row.
            row.add(code(property), value);
        }
        rows.push(row);
    }
    rows.retain(|row| row.names.iter().any(|names| !names.is_empty()));
    rows
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

impl<'a> Row<'a> {
    fn of(place: &str) -> Self {
        Self { place: place.to_owned(), ..Self::default() }
    }

    /// Adds a name to the column of its source, once.
    fn add(&mut self, name: String, value: &'a Value) {
        let Some(names) = column(value).map(|column| &mut self.names[column]) else { return };
        if names.contains(&name) {
            return;
        }
        if let Some(date) = verified(value) {
            self.verified.push((name.clone(), date));
        }
        names.push(name);
    }

    /// The last column: `all, DATE`, or names, with one date if they share it.
    fn verified(&self) -> String {
        let Some((_, first)) = self.verified.first() else { return String::new() };
        let same = self.verified.iter().all(|(_, date)| date == first);
        let is_all = self.verified.len() == self.names.iter().map(Vec::len).sum::<usize>();
        let each = |text: fn(&(String, &str)) -> String| {
            self.verified.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        match (same, is_all) {
            (true, true) => format!("all, {first}"),
            (true, false) => format!("{}, {first}", each(|(name, _)| name.clone())),
            (false, _) => each(|(name, date)| format!("{name} {date}")),
        }
    }
}

/// The column of the best source of a statement.
fn column(value: &Value) -> Option<usize> {
    let sources = value.get("x-provenance")?.as_array()?;
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
        url: { type: string, x-provenance: [assumed] }
";

    /// The document after each source was replaced.
    fn with(replaced: &[(&str, &str)]) -> Document {
        let text = replaced.iter().fold(DOCUMENT.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        Document::parse(&text).unwrap()
    }

    const READ: (&str, &str) = ("[page]", "[page, 'verified: 2026-12-01']");
    const ID: (&str, &str) = ("[observed]", "[observed, 'verified: 2026-12-01']");
    const STATE: (&str, &str) = ("[assumed]", "[assumed, 'verified: 2026-12-03']");

    #[test]
    fn each_statement_is_in_the_column_of_its_best_source() {
        assert_eq!(
            table(&with(&[])),
            "| where | documented | observed | assumed | verified |\n|---|---|---|---|---|\n\
             | operations | `read` |  |  |  |\n| parameters | `limit (query)` |  |  |  |\n\
             | `Job` |  | `id` | `state`, `url` |  |\n\n"
        );
    }

    #[test]
    fn what_was_verified_is_also_in_the_last_column() {
        let table = table(&with(&[READ, ID]));
        assert!(table.contains("| operations | `read` |  |  | all, 2026-12-01 |\n"), "{table}");
        assert!(table.contains("| `Job` |  | `id` | `state`, `url` | `id`, 2026-12-01 |\n"), "{table}");
    }

    #[test]
    fn different_dates_are_beside_their_names() {
        let table = table(&with(&[ID, STATE]));
        assert!(table.contains("| `state`, `url` | `id` 2026-12-01, `state` 2026-12-03 |\n"), "{table}");
    }

    #[test]
    fn a_summary_counts_the_statements_and_names_the_last_day() {
        let sentence = |replaced: &[(&str, &str)]| Summary::of(&with(replaced)).sentence();
        assert_eq!(sentence(&[]), "None of the 5 statements has been verified against the service.\n");
        assert_eq!(
            sentence(&[READ]),
            "One of the 5 statements was verified against the service, on 2026-12-01.\n"
        );
        assert_eq!(
            sentence(&[STATE, READ]),
            "2 of the 5 statements were verified against the service, last on 2026-12-03.\n"
        );
    }

    #[test]
    fn the_status_says_when_the_contract_was_verified() {
        let status = |replaced: &[(&str, &str)]| Summary::of(&with(replaced)).status();
        assert!(status(&[]).contains("live service:** never. "), "{}", status(&[]));
        assert!(status(&[READ]).contains("live service:** 1 of 5 statements, last on 2026-12-01. "));
    }

    #[test]
    fn only_the_part_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        assert_eq!(with_part(&page, "new\n").unwrap(), format!("a\n{BEGIN}new\n{END}b\n"));
        assert_eq!(with_part("a\n", "new\n"), None);
    }
}
