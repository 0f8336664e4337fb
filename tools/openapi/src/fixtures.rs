//! The golden requests and responses in `openapi/fixtures`, generated from the examples of the document. Clients in all languages
//! are tested with them.
//!
//! A case is a request and a response to it. The request of a success is the request example of the same name, or else the first
//! one; the request of an error is the first one.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::document::{Document, Operation};
use crate::value::entries;

/// The directory of the fixtures from the root of the workspace, with a file for each operation.
pub const PLACE: &str = "openapi/fixtures";

/// The API key of the requests. It is not a real one.
const KEY: &str = "ifr_pk_proj_fixture";

/// The cases of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixtures {
    /// The `operationId`.
    pub operation: String,
    /// The cases: `name`, `request` and `response` each.
    pub cases: Vec<Value>,
}

impl Fixtures {
    /// The content of the file.
    ///
    /// # Panics
    /// Never: all parts are JSON values.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = json!({ "operation": self.operation, "cases": self.cases });
        let mut text = serde_json::to_string_pretty(&file).expect("a JSON value is always serializable");
        text.push('\n');
        text
    }
}

/// The fixtures of every operation, in the order of the document.
///
/// # Errors
/// If an operation has no `operationId`, an example has no value, or a reference has no target.
pub fn fixtures(document: &Document) -> Result<Vec<Fixtures>> {
    document.operations().map(|operation| of(document, &operation)).collect()
}

fn of(document: &Document, operation: &Operation<'_>) -> Result<Fixtures> {
    let name = operation.id().with_context(|| format!("{} has no operationId", operation.pointer()))?;
    let bodies = match operation.value.get("requestBody") {
        Some(body) => examples(document, body)?,
        None => Vec::new(),
    };
    let mut cases = Vec::new();
    for (status, response) in operation.responses() {
        let response =
            document.follow(response).with_context(|| format!("{}: {status}", operation.pointer()))?;
        for (example, body) in examples(document, response)? {
            let is_success = status.starts_with('2');
            let name = if is_success { example.to_owned() } else { format!("{status}_{example}") };
            let sent = bodies.iter().find(|(name, _)| is_success && *name == example).or(bodies.first());
            let mut headers = headers(document, response)?;
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            let status: u16 = status.parse().with_context(|| format!("{}: {status}", operation.pointer()))?;
            cases.push(json!({
                "name": name,
                "request": request(document, operation, sent.map(|(_, body)| body))?,
                "response": { "status": status, "headers": headers, "body": body },
            }));
        }
    }
    Ok(Fixtures { operation: name.to_owned(), cases })
}

/// The named examples of the JSON body of a request or a response.
fn examples<'a>(document: &'a Document, place: &'a Value) -> Result<Vec<(&'a str, Value)>> {
    let place = document.follow(place).context("the reference of a body has no target")?;
    let media = &place["content"]["application/json"];
    let example = |(name, example): (&'a str, &'a Value)| {
        let value = document.follow(example).and_then(|example| example.get("value"));
        Ok((name, value.with_context(|| format!("the example {name} has no value"))?.clone()))
    };
    entries(media.get("examples")).map(example).collect()
}

/// The headers of a response that have an example.
fn headers(document: &Document, response: &Value) -> Result<Map<String, Value>> {
    let mut headers = Map::new();
    for (name, header) in entries(response.get("headers")) {
        let header = document
            .follow(header)
            .with_context(|| format!("the reference of the header {name} has no target"))?;
        if let Some(example) = header.get("example") {
            headers.insert(name.to_owned(), example.clone());
        }
    }
    Ok(headers)
}

fn request(document: &Document, operation: &Operation<'_>, body: Option<&Value>) -> Result<Value> {
    let mut path = operation.path.to_owned();
    let mut query = Map::new();
    let mut headers = Map::from_iter([("Authorization".to_owned(), json!(format!("Bearer {KEY}")))]);
    for (pointer, parameter) in operation.parameters() {
        let parameter =
            document.follow(parameter).with_context(|| format!("the reference {pointer} has no target"))?;
        let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str()) else {
            bail!("{pointer} has no `name` or no `in`");
        };
        let Some(example) = parameter.get("example") else {
            // An optional parameter without an example is omitted. `cargo xtask lint` reports the missing example.
            if parameter["required"] == true {
                bail!("{pointer} has no example");
            }
            continue;
        };
        match place {
            "path" => path = path.replace(&format!("{{{name}}}"), example.as_str().unwrap_or_default()),
            "query" => drop(query.insert(name.to_owned(), example.clone())),
            _ => drop(headers.insert(name.to_owned(), example.clone())),
        }
    }
    // The idempotency key in the header and in the body must be equal.
    if let Some(key) = body.and_then(|body| body.get("idempotency_key")) {
        headers.insert("Idempotency-Key".to_owned(), key.clone());
    }
    let mut request = json!({
        "method": operation.method.to_uppercase(), "path": path, "query": query, "headers": headers,
    });
    if let Some(body) = body {
        request["headers"]["Content-Type"] = json!("application/json");
        request["body"] = body.clone();
    }
    Ok(request)
}
