//! The OpenAPI document in memory.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::pointer::words;
use crate::shape;
use crate::value::{entries, escape, follow, resolve};
use crate::walk::METHODS;

/// The path of the document from the root of the workspace.
pub const DOCUMENT: &str = "openapi/video.yaml";

/// The path of the document of the sandbox's admin API.
pub const SANDBOX_DOCUMENT: &str = "openapi/sandbox.yaml";

/// An OpenAPI 3.0 document as plain JSON: members in the order of the file, references as they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The whole document.
    pub value: Value,
}

impl Document {
    /// Reads the document from a file.
    ///
    /// # Errors
    /// [`DocumentError`] says whether the file, its YAML or its shape is at fault.
    pub fn load(path: &Path) -> Result<Self, DocumentError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DocumentError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Reads the document from its YAML text.
    ///
    /// Only `true` and `false` are booleans, as in YAML 1.2. Duplicate keys and merge keys are errors.
    ///
    /// # Errors
    /// [`DocumentError::Yaml`] or [`DocumentError::Shape`], with the place.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let value = parse_yaml(text)?;
        match shape::mistake(&value) {
            None => Ok(Self { value }),
            Some((pointer, message)) => Err(DocumentError::Shape { pointer, message }),
        }
    }

    /// Looks up a reference inside the document, such as `#/components/schemas/VideoJob`.
    ///
    /// `None` if the target is outside of the document or does not exist.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        resolve(&self.value, reference)
    }

    /// Follows references until a value is not a reference. Any other value is returned as it is.
    ///
    /// `None` if a target does not exist or the references form a circle.
    #[must_use]
    pub fn follow<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        follow(&self.value, value)
    }

    /// The operations in the order of the document.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        operations(&self.value)
    }

    /// The components of one kind (`schemas`, `parameters`, `responses`...) by name, in the order of the document.
    pub fn components<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        entries(self.value.pointer(&format!("/components/{kind}")))
    }
}

/// An operation and its place in the document.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The method in lower case, as in the document.
    pub method: &'a str,
    /// The path template, such as `/v1/video/status/{id}`.
    pub path: &'a str,
    /// The path item that the operation belongs to.
    pub item: &'a Value,
    /// The operation itself.
    pub value: &'a Value,
}

impl<'a> Operation<'a> {
    /// The `operationId`, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        self.value.get("operationId").and_then(Value::as_str)
    }

    /// The JSON pointer of the operation.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(self.path), self.method)
    }

    /// The parameters of the path item and of the operation, each with its JSON pointer. References are not followed.
    pub fn parameters(&self) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
        let shared = format!("/paths/{}/parameters", escape(self.path));
        let own = format!("{}/parameters", self.pointer());
        [(shared, self.item), (own, self.value)].into_iter().flat_map(|(base, holder)| {
            let list = holder.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            list.iter().enumerate().map(move |(index, parameter)| (format!("{base}/{index}"), parameter))
        })
    }

    /// The responses by status. References are not followed.
    pub fn responses(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        entries(self.value.get("responses"))
    }
}

/// The operations of a document, in its order.
pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    entries(document.get("paths")).flat_map(|(path, item)| {
        entries(Some(item))
            .filter(|(method, _)| METHODS.contains(method))
            .map(move |(method, value)| Operation { method, path, item, value })
    })
}

/// Reads a YAML text of any shape, with the rules of [`Document::parse`].
///
/// # Errors
/// [`DocumentError::Yaml`].
pub fn parse_yaml(text: &str) -> Result<Value, DocumentError> {
    serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| {
        let (position, message) = explain(&error);
        DocumentError::Yaml { position, message }
    })
}

/// Why the document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file is missing or not UTF-8.
    #[error("cannot read {}: {source}; run this inside the repository", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text is not YAML, or has a duplicate key.
    #[error("the document is not valid YAML{position}: {message}; correct it there")]
    Yaml {
        /// The position of the mistake.
        position: Position,
        /// What is wrong.
        message: String,
    },
    /// The text is YAML, but not an OpenAPI 3.0 document.
    #[error("the document is not OpenAPI 3.0 ({}): {message}; correct it there", words(.pointer))]
    Shape {
        /// The JSON pointer of the object with the mistake.
        pointer: String,
        /// What is wrong.
        message: String,
    },
}

impl DocumentError {
    /// The line of a mistake in the YAML, counted from 1, if it is known.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Yaml { position, .. } => position.0.map(|(line, _)| line),
            Self::Unreadable { .. } | Self::Shape { .. } => None,
        }
    }
}

/// A line and a column, both counted from 1, if they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position(Option<(u64, u64)>);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The position of an error and its message, which the parser ends with the position.
fn explain(error: &serde_saphyr::Error) -> (Position, String) {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    let message = first.split(" at line ").next().unwrap_or(first).trim().to_owned();
    (Position(error.location().map(|at| (at.line(), at.column()))), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
openapi: 3.0.3
info: {title: T, version: 1.0.0}
paths:
  /things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
    get:
      operationId: thing_get
      parameters:
        - $ref: '#/components/parameters/Limit'
      responses:
        '200': {description: yes}
components:
  parameters:
    Limit: {name: limit, in: query, schema: {type: integer}}
";

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let document = Document::parse(SMALL).unwrap();
        let keys: Vec<_> = entries(Some(&document.value)).map(|(key, _)| key).collect();
        assert_eq!(keys, ["openapi", "info", "paths", "components"]);
    }

    #[test]
    fn operations_have_the_parameters_of_their_path() {
        let document = Document::parse(SMALL).unwrap();
        let operation = document.operations().next().unwrap();
        assert_eq!(operation.id(), Some("thing_get"));
        let parameters: Vec<_> = operation.parameters().collect();
        assert_eq!(parameters[0].0, "/paths/~1things~1{id}/parameters/0");
        assert_eq!(parameters[1].0, "/paths/~1things~1{id}/get/parameters/0");
        assert_eq!(document.value.pointer(&parameters[1].0), Some(parameters[1].1));
        assert_eq!(document.follow(parameters[1].1).unwrap()["name"], "limit");
    }

    #[test]
    fn a_duplicate_key_is_an_error_with_its_line() {
        let error = Document::parse("openapi: 3.0.3\ninfo: {}\ninfo: {}\n").unwrap_err();
        assert_eq!(error.line(), Some(3));
        let text = error.to_string();
        assert!(text.starts_with("the document is not valid YAML (line 3, column 1): duplicate"), "{text}");
    }

    #[test]
    fn yaml_that_is_not_openapi_is_an_error() {
        let error = Document::parse("openapi: 3.0.3\ninfo: nothing\npaths: {}\n").unwrap_err();
        assert!(matches!(error, DocumentError::Shape { .. }), "{error}");
    }

    #[test]
    fn words_that_yaml_1_1_reads_as_booleans_stay_strings() {
        let document = Document::parse(SMALL).unwrap();
        assert_eq!(
            document.value.pointer("/paths/~1things~1{id}/get/responses/200/description").unwrap(),
            "yes"
        );
    }
}
