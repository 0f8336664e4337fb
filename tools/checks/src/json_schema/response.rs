//! Validates a response of a server against what the document says about its operation.

use serde_json::Value;

use super::Validators;
use openapi_tools::document::{Operation, operations, parse_yaml};
use openapi_tools::value::{entries, follow};

/// A response of a server, with the method and the path of its request.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// The method in any case.
    pub method: &'a str,
    /// The path of the request, with ids in place of parameters. A query after it is ignored.
    pub path: &'a str,
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The headers, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// A response that the document does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The document has no operation with this method and path, so that nothing is known about the response.
    #[error("the document has no {method} {path}; check the method and the path")]
    UnknownRoute {
        /// The method, in upper case.
        method: String,
        /// The path of the request, without its query.
        path: String,
    },
    /// The operation is documented and the response differs. One line for each difference; never empty.
    #[error("{}", .0.join("\n"))]
    Differences(Vec<String>),
}

impl Validators {
    /// The operation that serves the path of a request. Paths without parameters have precedence.
    ///
    /// A query after the path is ignored.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let path = without_query(path);
        operations(&self.document)
            .filter(|operation| {
                operation.method.eq_ignore_ascii_case(method) && matches(operation.path, path)
            })
            .min_by_key(|operation| operation.path.matches('{').count())
    }

    /// Validates a response: its status, the required headers, the media type and the body.
    ///
    /// Undocumented headers are allowed.
    ///
    /// # Errors
    /// [`Mismatch::UnknownRoute`] if the document does not have the route, else [`Mismatch::Differences`].
    pub fn validate_response(&self, response: &Response<'_>) -> Result<(), Mismatch> {
        let Response { method, path, status, .. } = *response;
        let Some(operation) = self.operation(method, path) else {
            return Err(Mismatch::UnknownRoute {
                method: method.to_ascii_uppercase(),
                path: without_query(path).to_owned(),
            });
        };
        let name = operation.id().unwrap_or(operation.path);
        let documented = operation.value.get("responses").and_then(|all| all.get(status.to_string()));
        let Some(documented) = documented.and_then(|documented| follow(&self.document, documented)) else {
            return Err(Mismatch::Differences(vec![format!("{name}: status {status} is not documented")]));
        };
        let mut differences = self.header_differences(documented, response.headers);
        differences.extend(self.body_differences(documented, response));
        if differences.is_empty() {
            return Ok(());
        }
        let lines = differences.into_iter().map(|line| format!("{name}, status {status}: {line}")).collect();
        Err(Mismatch::Differences(lines))
    }

    fn header_differences(&self, documented: &Value, headers: &[(&str, &str)]) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, declared) in entries(documented.get("headers")) {
            let Some(declared) = follow(&self.document, declared) else {
                differences.push(format!("the document's header {name} has no target"));
                continue;
            };
            let sent = headers.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name));
            match (sent, declared.get("required")) {
                (Some((_, value)), _) => differences.extend(self.header_difference(name, value, declared)),
                (None, Some(Value::Bool(true))) => differences.push(format!("the header {name} is missing")),
                (None, _) => {}
            }
        }
        differences
    }

    fn header_difference(&self, name: &str, value: &str, declared: &Value) -> Vec<String> {
        let Some(schema) = declared.get("schema") else {
            return Vec::new();
        };
        let kind =
            follow(&self.document, schema).and_then(|schema| schema.get("type")).and_then(Value::as_str);
        let value = match kind {
            Some("integer" | "number" | "boolean") => {
                serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
            }
            _ => Value::from(value),
        };
        let problems = self.validate_against(schema, &value).err().unwrap_or_default();
        problems.into_iter().map(|problem| format!("the header {name}: {problem}")).collect()
    }

    fn body_differences(&self, documented: &Value, response: &Response<'_>) -> Vec<String> {
        let Response { content_type, body, .. } = *response;
        let documented: Vec<_> = entries(documented.get("content")).collect();
        if documented.is_empty() {
            return if body.is_empty() { Vec::new() } else { vec!["no body is documented".to_owned()] };
        }
        let Some(content_type) = content_type else {
            return vec!["the content type is missing".to_owned()];
        };
        let sent = essence(content_type);
        let Some((_, media)) = documented.iter().find(|(name, _)| essence(name).eq_ignore_ascii_case(sent))
        else {
            return vec![format!("the content type {sent} is not documented")];
        };
        let Some(schema) = media.get("schema") else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(body);
        let read = match sent.rsplit(['/', '+']).next() {
            Some("json") => {
                serde_json::from_str(&text).map_err(|error| format!("the body is not JSON: {error}"))
            }
            Some("yaml") => parse_yaml(&text).map_err(|error| error.to_string()),
            _ => Ok(Value::from(text)),
        };
        match read {
            Ok(value) => self.validate_against(schema, &value).err().unwrap_or_default(),
            Err(error) => vec![error],
        }
    }
}

/// The media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// Whether a path matches a template. A parameter matches one segment that is not empty.
fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let same = template.split('/').all(|wanted| {
        parts.next().is_some_and(
            |part| {
                if wanted.starts_with('{') { !part.is_empty() } else { wanted == part }
            },
        )
    });
    same && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn validators() -> Validators {
        let thing = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}});
        Validators::new(&json!({
            "paths": {
                "/things/{id}": {"get": {"operationId": "thing_get", "responses": {
                    "200": {"description": "ok", "content": thing},
                    "429": {"$ref": "#/components/responses/Slow"},
                }}},
                "/things/all": {"get": {"operationId": "thing_all", "responses": {"200": {"content": thing}}}},
            },
            "components": {
                "headers": {"Wait": {"required": true, "schema": {"type": "integer", "minimum": 1}}},
                "responses": {"Slow": {"headers": {"Retry-After": {"$ref": "#/components/headers/Wait"}}, "content": thing}},
                "schemas": {"Thing": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
            },
        }))
        .unwrap()
    }

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const GOOD: &[u8] = br#"{"name":"x"}"#;

    /// Validates a response to a request of `/things/7`.
    fn validate(
        status: u16,
        content_type: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Mismatch> {
        let response = Response { method: "GET", path: "/things/7?x=1", status, content_type, headers, body };
        validators().validate_response(&response)
    }

    fn differences(result: Result<(), Mismatch>) -> Vec<String> {
        match result.unwrap_err() {
            Mismatch::Differences(lines) => lines,
            unknown => panic!("{unknown}"),
        }
    }

    #[test]
    fn a_response_as_documented_is_valid() {
        assert_eq!(validate(200, JSON, &[], GOOD), Ok(()));
        assert_eq!(validate(429, JSON, &[("retry-after", "3")], GOOD), Ok(()));
    }

    #[test]
    fn an_undocumented_route_is_an_error_of_its_own() {
        let response = Response {
            method: "post",
            path: "/things/7?x=1",
            status: 200,
            content_type: JSON,
            headers: &[],
            body: GOOD,
        };
        let expected = Mismatch::UnknownRoute { method: "POST".to_owned(), path: "/things/7".to_owned() };
        assert_eq!(validators().validate_response(&response), Err(expected));
        assert!(validators().operation("GET", "/things/7/").is_none());
        assert!(validators().operation("GET", "/things/").is_none());
        assert!(validators().operation("GET", "/things").is_none());
    }

    #[test]
    fn a_path_without_parameters_has_precedence() {
        assert_eq!(validators().operation("get", "/things/all").unwrap().id(), Some("thing_all"));
        assert_eq!(validators().operation("GET", "/things/one").unwrap().id(), Some("thing_get"));
    }

    #[test]
    fn an_undocumented_status_is_a_difference() {
        assert_eq!(differences(validate(418, JSON, &[], GOOD)), ["thing_get: status 418 is not documented"]);
    }

    #[test]
    fn a_missing_or_invalid_required_header_is_a_difference() {
        let missing = differences(validate(429, JSON, &[], GOOD));
        assert_eq!(missing, ["thing_get, status 429: the header Retry-After is missing"]);
        let invalid = differences(validate(429, JSON, &[("Retry-After", "0")], GOOD));
        let expected = "thing_get, status 429: the header Retry-After: 0 is less than the minimum of 1";
        assert_eq!(invalid, [expected]);
    }

    #[test]
    fn a_body_that_does_not_match_is_a_difference() {
        let missing = differences(validate(200, JSON, &[], b"{}"));
        assert_eq!(missing, ["thing_get, status 200: \"name\" is a required property"]);
        let html = differences(validate(200, JSON, &[], b"<html>"));
        assert!(html[0].starts_with("thing_get, status 200: the body is not JSON"));
    }

    #[test]
    fn another_or_a_missing_content_type_is_a_difference() {
        let other = differences(validate(200, Some("text/html"), &[], GOOD));
        assert_eq!(other, ["thing_get, status 200: the content type text/html is not documented"]);
        let missing = differences(validate(200, None, &[], GOOD));
        assert_eq!(missing, ["thing_get, status 200: the content type is missing"]);
    }

    #[test]
    fn the_schema_of_a_response_has_a_name() {
        assert_eq!(validators().response("GET", "/things/{id}", 429), Some("Thing"));
        assert_eq!(validators().response("GET", "/things/{id}", 500), None);
    }
}
