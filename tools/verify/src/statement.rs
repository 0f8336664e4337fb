//! The statements of the contract: each place with a provenance, and the rules of its prose.

use anyhow::Context as _;
use openapi_checks::json_schema::Validators;
use openapi_checks::lines::Lines;
use openapi_tools::document::Document;
use openapi_tools::walk::{Kind, Node, nodes};

use crate::rules::RULES;

/// A statement of the contract that a server can confirm or contradict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its name: `VideoJob.video_url`, `video_list`, or the name of a rule.
    pub name: String,
    /// What it says, in a sentence or in the words of the document.
    pub says: String,
    /// Its line in `video.yaml`.
    pub line: usize,
    /// The JSON pointer of the object with the provenance; `None` for a rule.
    pub pointer: Option<String>,
}

/// The contract, with its statements.
#[derive(Debug)]
pub struct Contract {
    /// The document.
    pub document: Document,
    /// Its text.
    pub text: String,
    /// The places in the order of the document, and then the rules.
    pub statements: Vec<Statement>,
    pub(crate) validators: Validators,
}

impl Contract {
    /// Reads the contract from the text of `video.yaml`.
    ///
    /// # Errors
    /// If it is not an OpenAPI document with usable schemas.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let document = Document::parse(text)?;
        let validators = Validators::new(&document.value).context("run `cargo xtask lint`")?;
        let lines = Lines::read(text);
        let mut statements: Vec<Statement> = nodes(Kind::Document, "", &document.value)
            .iter()
            .filter(|node| node.has("x-provenance"))
            .map(|node| Statement {
                name: name(&document, node),
                says: node
                    .text("summary")
                    .or(node.text("description"))
                    .unwrap_or_default()
                    .replace('\n', " "),
                line: lines.line(&node.pointer),
                pointer: Some(node.pointer.clone()),
            })
            .collect();
        statements.extend(RULES.iter().map(|rule| Statement {
            name: rule.name.to_owned(),
            says: rule.says.to_owned(),
            line: text.lines().position(|line| line.contains(rule.quote)).map_or(1, |index| index + 1),
            pointer: None,
        }));
        Ok(Self { document, text: text.to_owned(), statements, validators })
    }

    /// The version of the document.
    pub fn version(&self) -> &str {
        self.document.value["info"]["version"].as_str().unwrap_or_default()
    }

    /// The name of the statement at a pointer, if it has a provenance.
    pub fn name_at(&self, pointer: &str) -> Option<&str> {
        let wanted = Some(pointer);
        let found = self.statements.iter().find(|statement| statement.pointer.as_deref() == wanted);
        found.map(|statement| statement.name.as_str())
    }
}

/// The name of a place with a provenance.
fn name(document: &Document, node: &Node<'_>) -> String {
    let parts: Vec<&str> = node.pointer.split('/').skip(1).collect();
    match (node.kind, parts.as_slice()) {
        (Kind::Operation, _) => node.text("operationId").unwrap_or(&node.pointer).to_owned(),
        (Kind::Parameter, ["components", ..]) => {
            format!("parameter {}", node.text("name").unwrap_or_default())
        }
        (Kind::Parameter, ["paths", path, method, ..]) => {
            let pointer = format!("/paths/{path}/{method}/operationId");
            let operation = document.value.pointer(&pointer).and_then(|id| id.as_str()).unwrap_or_default();
            format!("parameter {} of {operation}", node.text("name").unwrap_or_default())
        }
        (Kind::Header, [.., name]) => format!("header {name}"),
        (Kind::Schema, ["components", "schemas", schema, "properties", property]) => {
            format!("{schema}.{property}")
        }
        (Kind::Schema, ["components", "schemas", schema]) => (*schema).to_owned(),
        _ => openapi_tools::pointer::words(&node.pointer),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn contract() -> Contract {
        Contract::parse(include_str!("../../../openapi/video.yaml")).unwrap()
    }

    #[test]
    fn each_statement_has_a_name_of_its_own_and_a_line() {
        let contract = contract();
        let names: BTreeSet<_> = contract.statements.iter().map(|statement| &statement.name).collect();
        assert_eq!(names.len(), contract.statements.len());
        assert!(contract.statements.iter().all(|statement| statement.line > 1 && !statement.says.is_empty()));
        let places =
            contract.text.lines().filter(|line| line.trim_start().starts_with("x-provenance:")).count();
        assert_eq!(contract.statements.len(), places + RULES.len());
    }

    #[test]
    fn a_place_is_named_as_people_name_it() {
        let contract = contract();
        for (pointer, name) in [
            ("/paths/~1v1~1video~1list/get", "video_list"),
            ("/paths/~1v1~1video~1list/get/parameters/1", "parameter limit of video_list"),
            ("/components/parameters/JobIdPath", "parameter id"),
            ("/components/headers/RetryAfter", "header RetryAfter"),
            ("/components/schemas/JobState", "JobState"),
            ("/components/schemas/VideoJob/properties/video_url", "VideoJob.video_url"),
        ] {
            assert_eq!(contract.name_at(pointer), Some(name));
        }
    }

    #[test]
    fn each_rule_cites_a_line_of_the_document() {
        let text = contract().text;
        for rule in RULES {
            assert!(
                text.lines().any(|line| line.contains(rule.quote)),
                "{}: {:?} is not in a line",
                rule.name,
                rule.quote
            );
        }
    }
}
