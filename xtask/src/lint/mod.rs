//! `cargo xtask lint`: looks for mistakes in the OpenAPI document that other tools let pass.

mod describe;
mod errors;
mod examples;
mod generator;
mod keys;
mod lines;
mod operations;
mod provenance;
mod references;
mod schemas;
#[cfg(test)]
mod testing;
mod walk;
mod yaml;

use std::fmt;
use std::path::Path;

use openapiv3::OpenAPI;

use crate::contract::{Contract, ContractError, DOCUMENT};
use crate::json_schema::{SchemaError, Validators};
use lines::Lines;
pub(crate) use walk::{holds_names, is_opaque};

/// What is wrong with the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
    operations: usize,
    schemas: usize,
}

/// One mistake in the document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    line: usize,
    pointer: String,
    problem: String,
    remedy: String,
}

/// What the rules look at.
struct Document<'a> {
    contract: &'a Contract,
    /// Whether the typed form could be read; it is empty otherwise.
    has_shape: bool,
    lines: &'a Lines,
    validators: &'a Result<Validators, SchemaError>,
}

type Rule = fn(&Document<'_>) -> Vec<Finding>;

/// Checks the document of the workspace whose root is `root`.
///
/// # Errors
/// [`ContractError::Unreadable`] if there is no such file. Whatever is wrong inside of it is in the [`Report`].
pub fn run(root: &Path) -> Result<Report, ContractError> {
    let path = root.join(DOCUMENT);
    let text = std::fs::read_to_string(&path).map_err(|source| ContractError::Unreadable { path, source })?;
    Ok(check(&text))
}

/// Checks a document that is given as YAML text.
#[must_use]
pub fn check(text: &str) -> Report {
    let mut findings = Vec::new();
    let contract = match Contract::parse(text) {
        Ok(contract) => contract,
        Err(error) => {
            findings.push(unreadable(&error));
            // Most rules look at the plain form and often say better where the shape is wrong.
            let Ok(value) = Contract::parse_value(text) else {
                return Report { findings, operations: 0, schemas: 0 };
            };
            Contract { value, openapi: OpenAPI::default() }
        }
    };
    let has_shape = findings.is_empty();
    let lines = Lines::read(text);
    let validators = Validators::new(&contract.value);
    let document = Document { contract: &contract, has_shape, lines: &lines, validators: &validators };
    let rules = [
        keys::RULES,
        yaml::RULES,
        references::RULES,
        describe::RULES,
        provenance::RULES,
        operations::RULES,
        errors::RULES,
        schemas::RULES,
        examples::RULES,
        generator::RULES,
    ];
    for rule in rules.iter().copied().flatten() {
        findings.extend(
            rule(&document)
                .into_iter()
                .map(|finding| Finding { line: lines.line(&finding.pointer), ..finding }),
        );
    }
    findings.sort();
    findings.dedup();
    Report {
        findings,
        operations: contract.operations().count(),
        schemas: contract.components("schemas").count(),
    }
}

fn unreadable(error: &ContractError) -> Finding {
    let line = error.line().and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
    let problem = error.to_string();
    let (problem, remedy) = problem.rsplit_once("; ").unwrap_or((&problem, "mend it there"));
    Finding { line, ..Finding::new("", problem, remedy) }
}

impl Finding {
    fn new(pointer: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        // The line is found for all of them at the end.
        Self { line: 0, pointer: pointer.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// What is wrong, in the order of the document.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        match self.findings.len() {
            0 => {
                let (operations, schemas) = (self.operations, self.schemas);
                write!(f, "no problems in {DOCUMENT} ({operations} operations, {schemas} schemas)")
            }
            1 => f.write_str("1 problem"),
            many => write!(f, "{many} problems"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, pointer, problem, remedy } = self;
        write!(f, "{DOCUMENT}:{line}: {}: {problem}; {remedy}", words(pointer))
    }
}

/// A JSON pointer as people read it: `POST /v1/video/generate > responses > 200`.
fn words(pointer: &str) -> String {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    match parts.as_slice() {
        [] => "document".to_owned(),
        [paths, path, method, rest @ ..] if paths == "paths" && method != "parameters" => {
            let operation = format!("{} {path}", method.to_uppercase());
            std::iter::once(operation).chain(rest.iter().cloned()).collect::<Vec<_>>().join(" > ")
        }
        [components, rest @ ..] if components == "components" && !rest.is_empty() => rest.join(" > "),
        all => all.join(" > "),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{SMALL, broken};
    use super::*;

    #[test]
    fn a_document_without_mistakes_is_praised_with_its_size() {
        assert_eq!(check(SMALL).to_string(), "no problems in openapi/video.yaml (3 operations, 12 schemas)");
    }

    #[test]
    fn the_number_of_problems_comes_last() {
        let text = SMALL.replace("summary: Read a clip", "summary: Read a clip.");
        let report = check(&text).to_string();
        let last: Vec<_> = report.lines().collect();
        assert_eq!(last.len(), 2, "{report}");
        assert_eq!(last[1], "1 problem");
    }

    #[test]
    fn a_key_that_comes_twice_is_one_finding_with_its_line() {
        let findings = broken("summary: Read a clip\n", "summary: Read a clip\n      summary: Read it\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("duplicate"), "{findings:?}");
        assert!(!findings[0].contains("yaml:1:"), "{findings:?}");
    }

    #[test]
    fn places_are_given_in_words() {
        assert_eq!(
            words("/paths/~1v1~1video~1list/get/responses/200"),
            "GET /v1/video/list > responses > 200"
        );
        assert_eq!(words("/components/schemas/Job/properties/a~1b"), "schemas > Job > properties > a/b");
        assert_eq!(words(""), "document");
        assert_eq!(words("/info/version"), "info > version");
    }
}
