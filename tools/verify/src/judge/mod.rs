//! Judges each response by what the document says about its operation.

mod walk;

use openapi_tools::value::entries;
use serde_json::Value;

use crate::exchange::{Exchange, Response};
use crate::findings::{Findings, UndeclaredKind};
use crate::rules;
use crate::statement::Contract;
use walk::{Walk, is_upper_snake};

/// Headers that say nothing about the API: they are those of HTTP, of gateways and of browsers.
const USUAL_HEADERS: [&str; 22] = [
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "pragma",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "retry-after",
];

/// Whether a body is a result, or an error, without an envelope. A job has a member `error`, too.
pub(crate) fn is_bare(body: &Value) -> bool {
    body.get("data").is_none() && (body.get("error").is_none() || body.get("state").is_some())
}

/// Judges the exchanges of a run.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    contract: &'a Contract,
    /// What has been found so far.
    pub(crate) findings: Findings,
    /// The number of responses with and without metadata.
    metadata: (usize, usize),
}

impl<'a> Judge<'a> {
    pub(crate) fn new(contract: &'a Contract) -> Self {
        Self { contract, findings: Findings::default(), metadata: (0, 0) }
    }

    /// Judges a response of the API. Responses of the host of the clips are not described by the document.
    pub(crate) fn exchange(&mut self, number: usize, exchange: &Exchange) {
        let Some(path) = exchange.request.path().filter(|_| exchange.response.status != 0) else { return };
        let Some(operation) = self.contract.validators.operation(&exchange.request.method, path) else {
            return;
        };
        let name = operation.id().unwrap_or(operation.path).to_owned();
        let takes_id = operation.path.contains('{');
        let response = &exchange.response;
        let declared = operation.value["responses"].get(response.status.to_string());
        let declared = declared.and_then(|declared| self.contract.document.follow(declared)).cloned();
        let success = operation.value["responses"].get("200").cloned();

        // A page of a gateway, and an error with a status of success, say nothing about the operation.
        let is_result = response.status == 204 || response.json().is_some_and(|body| body["ok"] != false);
        if response.is_success() {
            let found = format!("{name} responds {}", response.status);
            if response.status != 200 || is_result {
                self.findings.rule(rules::SUCCESS_STATUS, number, response.status == 200, found);
            }
            if is_result {
                self.findings.confirm(&name, number);
            }
        } else if matches!(response.status, 405 | 501) || response.status == 404 && !takes_id {
            self.findings.contradict(
                &name,
                number,
                format!("{} responds {}", exchange.request.method, response.status),
            );
        }
        if declared.is_none() {
            self.findings.undeclared(UndeclaredKind::Status, &name, &response.status.to_string(), number);
        }
        self.headers(number, &name, declared.as_ref(), response);
        // What is between the service and this program may respond in place of a service that is down.
        if response.status >= 500 && response.json().is_none() {
            return;
        }
        self.body(number, &name, success.as_ref(), response);
    }

    fn headers(&mut self, number: usize, name: &str, declared: Option<&Value>, response: &Response) {
        let declared: Vec<_> =
            declared.into_iter().flat_map(|declared| entries(declared.get("headers"))).collect();
        for (header, declared) in &declared {
            let pointer = declared["$ref"].as_str().unwrap_or_default().trim_start_matches('#');
            let Some(statement) = self.contract.name_at(pointer) else { continue };
            let value = response.header(&header.to_ascii_lowercase());
            let is_valid = value.is_some_and(|value| match *header {
                "Retry-After" => value.parse::<u64>().is_ok() || value.ends_with(" GMT"),
                _ => value.to_ascii_lowercase().starts_with("bearer"),
            });
            let is_required =
                self.contract.document.follow(declared).is_some_and(|header| header["required"] == true);
            match value {
                Some(_) if is_valid => self.findings.confirm(statement, number),
                Some(value) => self.findings.contradict(statement, number, format!("{header} is {value:?}")),
                None if is_required => {
                    let found = format!("{} without {header}", response.status);
                    self.findings.contradict(statement, number, found);
                }
                None => {}
            }
        }
        for (header, _) in &response.headers {
            let is_usual = USUAL_HEADERS.contains(&header.as_str()) || header.starts_with("access-control-");
            if !is_usual && declared.iter().all(|(known, _)| !known.eq_ignore_ascii_case(header)) {
                self.findings.undeclared(UndeclaredKind::Header, name, header, number);
            }
        }
    }

    fn body(&mut self, number: usize, name: &str, success: Option<&Value>, response: &Response) {
        let content_type = response.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let found = match essence {
            "" => format!("{name}: {} without a content type", response.status),
            _ => format!("{name}: {} has {essence}", response.status),
        };
        let is_json = essence.eq_ignore_ascii_case("application/json");
        self.findings.rule(rules::CONTENT_TYPE, number, is_json, found);

        let Some(body) = response.json() else {
            let found = format!("{name}: the body of {} is not JSON", response.status);
            self.findings.contradict(rules::ENVELOPE.name, number, found);
            return;
        };
        let ok = body.get("ok").and_then(Value::as_bool);
        // A bare acknowledgement has an `ok`, too.
        let is_envelope = ok.is_some() && (body.get("data").is_some() || body.get("error").is_some());
        let found = match body {
            Value::Object(members) => {
                let names: Vec<_> = members.keys().map(String::as_str).collect();
                format!("{name}: {} has the members {}", response.status, names.join(", "))
            }
            _ => format!("{name}: the body of {} is not an object", response.status),
        };
        self.findings.rule(rules::ENVELOPE, number, is_envelope, found);
        if is_envelope {
            let found = format!("{name}: {} with `ok` {}", response.status, ok == Some(true));
            self.findings.rule(rules::OK, number, ok == Some(response.is_success()), found);
            match body.get("metadata").is_some_and(|metadata| metadata.is_object()) {
                true => self.metadata.0 += 1,
                false => self.metadata.1 += 1,
            }
        }
        self.schema(number, success, response, body);
        self.error(number, response, body);
    }

    /// Judges the body by the schema of its success or of errors.
    fn schema(&mut self, number: usize, success: Option<&Value>, response: &Response, body: &Value) {
        let error = Value::from("#/components/schemas/ErrorEnvelope");
        let schema = match success {
            Some(success) if response.is_success() && body["ok"] != false => {
                success.pointer("/content/application~1json/schema/$ref").cloned()
            }
            _ => Some(error),
        };
        let Some(reference) = schema.as_ref().and_then(Value::as_str) else { return };
        let mut walk = Walk { contract: self.contract, findings: &mut self.findings, number };
        walk.component(reference, body);
        if is_bare(body) {
            let member = if response.is_success() { "data" } else { "error" };
            walk.member_of(reference, member, body);
        }
    }

    fn error(&mut self, number: usize, response: &Response, body: &Value) {
        let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
        let Some(code) = error.get("code").and_then(Value::as_str) else { return };
        self.findings.error_code(code, response.status);
        self.findings.rule(rules::ERROR_CODES, number, is_upper_snake(code), format!("the code {code:?}"));
    }

    /// The findings of the whole run.
    pub(crate) fn finish(mut self, last: usize) -> Findings {
        if let (0, without @ 3..) = self.metadata {
            self.findings.contradict("Metadata", last, format!("absent from all {without} envelopes"));
        }
        self.findings
    }
}
