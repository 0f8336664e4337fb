//! The golden requests and answers in `openapi/fixtures`, made from the document's examples: the vectors by which clients in all
//! languages agree.
//!
//! A case is a request and one answer to it. The request of a success is the request example of the same name, or the only one
//! there can be; that of an error is the first.

use serde_json::{Map, Value, json};

use crate::contract::{Contract, Operation, entries};

/// Where the fixtures are, from the root of the workspace: a file for each operation.
pub const PLACE: &str = "openapi/fixtures";

/// The key that the requests carry. It is no real one.
const KEY: &str = "ifr_pk_proj_fixture";

/// The cases of one operation, with its `operationId`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixtures {
    /// The `operationId`.
    pub operation: String,
    /// The cases: `name`, `request` and `response` each.
    pub cases: Vec<Value>,
}

impl Fixtures {
    /// As the file has it.
    ///
    /// # Panics
    /// Never: every part of it is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = json!({ "operation": self.operation, "cases": self.cases });
        let mut text = serde_json::to_string_pretty(&file).expect("JSON can be written");
        text.push('\n');
        text
    }
}

/// The fixtures of every operation, in the order of the document.
///
/// # Errors
/// If an operation has no name, or an example leads nowhere: where it is.
pub fn fixtures(contract: &Contract) -> Result<Vec<Fixtures>, String> {
    contract.operations().map(|operation| of(contract, &operation)).collect()
}

fn of(contract: &Contract, operation: &Operation<'_>) -> Result<Fixtures, String> {
    let name = operation.id().ok_or_else(|| format!("{} has no operationId", operation.pointer()))?;
    let bodies = match operation.value.get("requestBody") {
        Some(body) => examples(contract, body)?,
        None => Vec::new(),
    };
    let mut cases = Vec::new();
    for (status, response) in operation.responses() {
        let response =
            contract.follow(response).ok_or_else(|| format!("{}: {status}", operation.pointer()))?;
        for (example, body) in examples(contract, response)? {
            let is_success = status.starts_with('2');
            let name = if is_success { example.to_owned() } else { format!("{status}_{example}") };
            let sent = bodies.iter().find(|(name, _)| is_success && *name == example).or(bodies.first());
            let mut headers = headers(contract, response)?;
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            let status: u16 = status.parse().map_err(|_| format!("{}: {status}", operation.pointer()))?;
            cases.push(json!({
                "name": name,
                "request": request(contract, operation, sent.map(|(_, body)| body))?,
                "response": { "status": status, "headers": headers, "body": body },
            }));
        }
    }
    Ok(Fixtures { operation: name.to_owned(), cases })
}

/// The named examples of the JSON that a body or an answer holds.
fn examples<'a>(contract: &'a Contract, place: &'a Value) -> Result<Vec<(&'a str, Value)>, String> {
    let place = contract.follow(place).ok_or("a body leads nowhere")?;
    let media = &place["content"]["application/json"];
    let example = |(name, example): (&'a str, &'a Value)| {
        let followed = contract.follow(example).and_then(|example| example.get("value"));
        Ok((name, followed.ok_or_else(|| format!("the example {name} leads nowhere"))?.clone()))
    };
    entries(media.get("examples")).map(example).collect()
}

/// The headers of an answer that have an example.
fn headers(contract: &Contract, response: &Value) -> Result<Map<String, Value>, String> {
    let mut headers = Map::new();
    for (name, header) in entries(response.get("headers")) {
        let header = contract.follow(header).ok_or_else(|| format!("the header {name} leads nowhere"))?;
        if let Some(example) = header.get("example") {
            headers.insert(name.to_owned(), example.clone());
        }
    }
    Ok(headers)
}

fn request(contract: &Contract, operation: &Operation<'_>, body: Option<&Value>) -> Result<Value, String> {
    let mut path = operation.path.to_owned();
    let mut query = Map::new();
    let mut headers = Map::from_iter([("Authorization".to_owned(), json!(format!("Bearer {KEY}")))]);
    for (pointer, parameter) in operation.parameters() {
        let parameter = contract.follow(parameter).ok_or_else(|| format!("{pointer} leads nowhere"))?;
        let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str()) else {
            return Err(format!("{pointer} has no name or place"));
        };
        let Some(example) = parameter.get("example") else {
            // What may be left out is, until somebody says what it could be; `cargo xtask lint` asks for it.
            if parameter["required"] == true {
                return Err(format!("{pointer} has no example"));
            }
            continue;
        };
        match place {
            "path" => path = path.replace(&format!("{{{name}}}"), example.as_str().unwrap_or_default()),
            "query" => drop(query.insert(name.to_owned(), example.clone())),
            _ => drop(headers.insert(name.to_owned(), example.clone())),
        }
    }
    // What is said twice must be the same.
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
