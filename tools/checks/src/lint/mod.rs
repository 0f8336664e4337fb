//! `cargo xtask lint`: finds mistakes in the OpenAPI documents that general linters do not find.
//!
//! Spectral and Redocly check everything else; their rules are in `openapi/spectral.yaml` and `openapi/redocly.yaml`.

mod errors;
mod examples;
mod extensions;
mod generator;
mod links;
mod operations;
mod provenance;
mod schemas;
#[cfg(test)]
pub(crate) mod testing;
mod unused;
mod yaml;

use std::fmt;
use std::path::Path;

use crate::json_schema::{SchemaError, Validators};
use crate::lines::Lines;
use crate::usage::Usage;
use openapi_tools::document::{DOCUMENT, Document, DocumentError, SANDBOX_DOCUMENT, parse_yaml};
use openapi_tools::pointer::words;
use openapi_tools::walk::{Kind, Node, nodes};

/// The findings in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    document: &'static str,
    findings: Vec<Finding>,
    operations: usize,
    schemas: usize,
}

/// A mistake in the document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    document: &'static str,
    line: usize,
    pointer: String,
    problem: String,
    remedy: String,
}

/// The document as the rules see it.
struct Context<'a> {
    document: &'a Document,
    /// All objects of the document.
    nodes: Vec<Node<'a>>,
    usage: Usage,
    lines: &'a Lines,
    validators: &'a Result<Validators, SchemaError>,
}

type Rule = fn(&Context<'_>) -> Vec<Finding>;

impl<'a> Context<'a> {
    /// The objects of a kind that are not references, whose target is visited anyway.
    fn each(&self, kind: Kind) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(move |node| node.kind == kind && node.reference().is_none())
    }

    /// All schemas, also those that are references.
    fn schemas(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(|node| node.kind == Kind::Schema)
    }
}

/// The rules for every document.
const RULES: &[&[Rule]] = &[
    extensions::RULES,
    yaml::RULES,
    links::RULES,
    unused::RULES,
    operations::RULES,
    errors::RULES,
    schemas::RULES,
    examples::RULES,
    generator::RULES,
];

/// The rules for the document of the service: the sources of its statements, its envelope, its errors and its limits.
const OF_THE_SERVICE: &[&[Rule]] = &[
    provenance::OF_THE_SERVICE,
    operations::OF_THE_SERVICE,
    errors::OF_THE_SERVICE,
    schemas::OF_THE_SERVICE,
    examples::OF_THE_SERVICE,
];

/// Checks the documents of the workspace at `root`.
///
/// # Errors
/// [`DocumentError::Unreadable`] if there is no such file. All mistakes in a file are in its [`Report`].
pub fn run(root: &Path) -> Result<[Report; 2], DocumentError> {
    let read = |document: &str| {
        let path = root.join(document);
        std::fs::read_to_string(&path).map_err(|source| DocumentError::Unreadable { path, source })
    };
    Ok([check(&read(DOCUMENT)?), check_by(&read(SANDBOX_DOCUMENT)?, SANDBOX_DOCUMENT, &[RULES])])
}

/// Checks the YAML text of the document of the service.
#[must_use]
pub fn check(text: &str) -> Report {
    check_by(text, DOCUMENT, &[RULES, OF_THE_SERVICE])
}

fn check_by(text: &str, name: &'static str, rules: &[&[&[Rule]]]) -> Report {
    let lines = Lines::read(text);
    let mut findings = Vec::new();
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            findings.push(Finding { document: name, ..unreadable(&error, &lines) });
            // Most rules do not need the right shape and often explain better what is wrong with it.
            let Ok(value) = parse_yaml(text) else {
                return Report { document: name, findings, operations: 0, schemas: 0 };
            };
            Document { value }
        }
    };
    let context = Context {
        document: &document,
        nodes: nodes(Kind::Document, "", &document.value),
        usage: Usage::of(&document.value),
        lines: &lines,
        validators: &Validators::new(&document.value),
    };
    for rule in rules.iter().copied().flatten().copied().flatten() {
        let found = rule(&context).into_iter();
        findings.extend(found.map(|finding| Finding {
            document: name,
            line: lines.line(&finding.pointer),
            ..finding
        }));
    }
    findings.sort();
    findings.dedup();
    Report {
        document: name,
        findings,
        operations: document.operations().count(),
        schemas: document.components("schemas").count(),
    }
}

fn unreadable(error: &DocumentError, lines: &Lines) -> Finding {
    if let DocumentError::Shape { pointer, message } = error {
        let problem = format!("this is not OpenAPI 3.0: {message}");
        return Finding { line: lines.line(pointer), ..Finding::new(pointer, problem, "correct it there") };
    }
    let line = error.line().and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
    let text = error.to_string();
    let (problem, remedy) = text.rsplit_once("; ").unwrap_or((&text, "correct it there"));
    Finding { line, ..Finding::new("", problem, remedy) }
}

impl Finding {
    fn new(pointer: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        // `check_by` adds the document and the line of every finding.
        Self {
            document: "",
            line: 0,
            pointer: pointer.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl Report {
    /// Whether there are no findings.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings in the order of the document.
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
                write!(f, "no problems in {} ({operations} operations, {schemas} schemas)", self.document)
            }
            1 => f.write_str("1 problem"),
            many => write!(f, "{many} problems"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, line, pointer, problem, remedy } = self;
        write!(f, "{document}:{line}: {}: {problem}; {remedy}", words(pointer))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{SMALL, broken};
    use super::*;

    #[test]
    fn a_document_without_mistakes_is_reported_with_its_size() {
        assert_eq!(check(SMALL).to_string(), "no problems in openapi/video.yaml (3 operations, 12 schemas)");
    }

    #[test]
    fn the_number_of_problems_comes_last() {
        let text = SMALL.replace("          example: 5\n", "");
        let report = check(&text).to_string();
        let last: Vec<_> = report.lines().collect();
        assert_eq!(last.len(), 2, "{report}");
        assert_eq!(last[1], "1 problem");
    }

    #[test]
    fn a_duplicate_key_is_one_finding_with_its_line() {
        let findings = broken("summary: Read a clip\n", "summary: Read a clip\n      summary: Read it\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("duplicate"), "{findings:?}");
        assert!(!findings[0].contains("yaml:1:"), "{findings:?}");
    }
}
