//! The OpenAPI document in memory: once as plain JSON, in the order in which it was written, and once with types.

use std::fmt;
use std::path::{Path, PathBuf};

use openapiv3::OpenAPI;
use serde::Deserialize as _;
use serde_json::Value;

/// The methods that a path item can have, in the order in which OpenAPI lists them.
pub const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Where the document is, seen from the root of the workspace.
pub const DOCUMENT: &str = "openapi/video.yaml";

/// The document, read once and kept in both of its forms.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Everything that is written there, keys in the order of the file, references as they stand.
    pub value: Value,
    /// The same with types. What `openapiv3` does not know is missing here; `cargo xtask lint` reports such keys.
    pub openapi: OpenAPI,
}

impl Contract {
    /// Reads the document from a file.
    ///
    /// # Errors
    /// [`ContractError`] says whether the file, its YAML or its shape is at fault.
    pub fn load(path: &Path) -> Result<Self, ContractError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ContractError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Reads the document from its YAML text.
    ///
    /// Only `true` and `false` are booleans, as in YAML 1.2. A key that comes twice and a merge key are refused.
    ///
    /// # Errors
    /// [`ContractError::Yaml`] or [`ContractError::Shape`], with the place where it is known.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let value = Self::parse_value(text)?;
        let openapi = OpenAPI::deserialize(&value).map_err(|error| ContractError::shape(text, &error))?;
        Ok(Self { value, openapi })
    }

    /// Reads the YAML text alone, whatever its shape is.
    pub(crate) fn parse_value(text: &str) -> Result<Value, ContractError> {
        serde_saphyr::from_str_with_options(text, yaml_options()).map_err(ContractError::yaml)
    }

    /// Looks up a reference inside the document, such as `#/components/schemas/VideoJob`.
    ///
    /// `None` if it points outside of the document or at nothing.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        resolve(&self.value, reference)
    }

    /// Follows `$ref` until something else comes. A value that is no reference is given back as it is.
    ///
    /// `None` if a reference points at nothing or into a circle.
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

/// One operation: where it is, and what is written there.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The method in lower case, as in the document.
    pub method: &'a str,
    /// The path template, such as `/v1/video/status/{id}`.
    pub path: &'a str,
    /// The path item that the operation belongs to.
    pub item: &'a Value,
    /// The operation itself, references as they stand.
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

    /// The parameters of the path item and of the operation, each with its JSON pointer, references as they stand.
    pub fn parameters(&self) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
        let shared = format!("/paths/{}/parameters", escape(self.path));
        let own = format!("{}/parameters", self.pointer());
        [(shared, self.item), (own, self.value)].into_iter().flat_map(|(base, holder)| {
            let list = holder.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            list.iter().enumerate().map(move |(index, parameter)| (format!("{base}/{index}"), parameter))
        })
    }

    /// The answers by status, references as they stand.
    pub fn responses(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        entries(self.value.get("responses"))
    }
}

/// Looks up a reference such as `#/components/schemas/VideoJob` inside `document`.
#[must_use]
pub fn resolve<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

/// Follows `$ref` inside `document` until something else comes; `None` for a dead end or a circle.
#[must_use]
pub fn follow<'a>(document: &'a Value, value: &'a Value) -> Option<&'a Value> {
    // Longer chains than this do not occur; the limit makes an end of a circle.
    const LONGEST_CHAIN: usize = 16;
    let mut current = value;
    for _ in 0..LONGEST_CHAIN {
        match current.get("$ref").and_then(Value::as_str) {
            Some(reference) => current = resolve(document, reference)?,
            None => return Some(current),
        }
    }
    None
}

/// The operations of a document, in its order.
pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    entries(document.get("paths")).flat_map(|(path, item)| {
        entries(Some(item))
            .filter(|(method, _)| METHODS.contains(method))
            .map(move |(method, value)| Operation { method, path, item, value })
    })
}

/// The members of an object in order; none if there is no object.
pub fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Writes a key so that it can be a part of a JSON pointer.
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The document could not be read.
#[derive(Debug)]
pub enum ContractError {
    /// The file is missing or no UTF-8 text.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not YAML, or has a key twice.
    Yaml {
        /// The line, counted from 1, if it is known.
        line: Option<u64>,
        /// The column, counted from 1, if it is known.
        column: Option<u64>,
        /// What is wrong.
        message: String,
    },
    /// The text is YAML, but not an OpenAPI 3.0 document.
    Shape {
        /// The line, counted from 1, if it is known.
        line: Option<u64>,
        /// The column, counted from 1, if it is known.
        column: Option<u64>,
        /// What is wrong.
        message: String,
    },
}

impl ContractError {
    fn yaml(error: serde_saphyr::Error) -> Self {
        let (line, column, message) = place(&error);
        Self::Yaml { line, column, message }
    }

    fn shape(text: &str, error: &serde_json::Error) -> Self {
        // Reading the text once more is slow and knows the line. It takes a number for a word, which the value does not.
        match serde_saphyr::from_str_with_options::<OpenAPI>(text, yaml_options()) {
            Err(error) => {
                let (line, column, message) = place(&error);
                Self::Shape { line, column, message }
            }
            Ok(_) => Self::Shape { line: None, column: None, message: error.to_string() },
        }
    }

    /// The line that is at fault, counted from 1, if it is known.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Yaml { line, .. } | Self::Shape { line, .. } => *line,
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

fn place(error: &serde_saphyr::Error) -> (Option<u64>, Option<u64>, String) {
    let location = error.location();
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    // The parser ends its sentence with the place, which stands in front here.
    let message = first.split(" at line ").next().unwrap_or(first).trim().to_owned();
    (location.map(|at| at.line()), location.map(|at| at.column()), message)
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "cannot read {}: {source}; run this inside the repository", path.display())
            }
            Self::Yaml { line, column, message } => {
                write!(f, "the document is not valid YAML{}: {message}; mend it there", Place(*line, *column))
            }
            Self::Shape { line, column, message } => {
                write!(
                    f,
                    "the document is not OpenAPI 3.0{}: {message}; mend it there",
                    Place(*line, *column)
                )
            }
        }
    }
}

impl std::error::Error for ContractError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Yaml { .. } | Self::Shape { .. } => None,
        }
    }
}

struct Place(Option<u64>, Option<u64>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(line), Some(column)) => write!(f, " (line {line}, column {column})"),
            (Some(line), None) => write!(f, " (line {line})"),
            _ => Ok(()),
        }
    }
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
        let contract = Contract::parse(SMALL).unwrap();
        let keys: Vec<_> = entries(Some(&contract.value)).map(|(key, _)| key).collect();
        assert_eq!(keys, ["openapi", "info", "paths", "components"]);
    }

    #[test]
    fn operations_carry_the_parameters_of_their_path_too() {
        let contract = Contract::parse(SMALL).unwrap();
        let operation = contract.operations().next().unwrap();
        assert_eq!(operation.id(), Some("thing_get"));
        let parameters: Vec<_> = operation.parameters().collect();
        assert_eq!(parameters[0].0, "/paths/~1things~1{id}/parameters/0");
        assert_eq!(parameters[1].0, "/paths/~1things~1{id}/get/parameters/0");
        assert_eq!(contract.value.pointer(&parameters[1].0), Some(parameters[1].1));
        assert_eq!(contract.follow(parameters[1].1).unwrap()["name"], "limit");
    }

    #[test]
    fn a_key_that_comes_twice_is_refused_with_its_line() {
        let error = Contract::parse("openapi: 3.0.3\ninfo: {}\ninfo: {}\n").unwrap_err();
        assert_eq!(error.line(), Some(3));
        let text = error.to_string();
        assert!(text.starts_with("the document is not valid YAML (line 3, column 1): duplicate"), "{text}");
    }

    #[test]
    fn a_document_of_another_shape_is_refused() {
        let error = Contract::parse("openapi: 3.0.3\ninfo: nothing\npaths: {}\n").unwrap_err();
        assert!(matches!(error, ContractError::Shape { .. }), "{error}");
    }

    #[test]
    fn words_that_only_old_readers_take_for_booleans_stay_words() {
        let contract = Contract::parse(SMALL).unwrap();
        assert_eq!(
            contract.value.pointer("/paths/~1things~1{id}/get/responses/200/description").unwrap(),
            "yes"
        );
    }

    #[test]
    fn a_reference_in_a_circle_leads_nowhere() {
        let document = serde_json::json!({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}});
        assert_eq!(follow(&document, &document["a"]), None);
        assert_eq!(resolve(&document, "other.yaml#/a"), None);
    }
}
