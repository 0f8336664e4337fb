//! Holds an answer of a server against what the document says about its operation.

use std::fmt;

use serde_json::Value;

use super::Validators;
use crate::contract::{Operation, entries, follow, operations};

/// An answer that the document does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The document has no operation with this method at this path, so that nothing can be said about the answer.
    UnknownRoute {
        /// The method, in upper case.
        method: String,
        /// The path that was asked for, without its query.
        path: String,
    },
    /// The operation is documented and the answer differs. One line for each difference; never empty.
    Differences(Vec<String>),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRoute { method, path } => {
                write!(f, "the document has no {method} {path}; check the method and the path")
            }
            Self::Differences(lines) => f.write_str(&lines.join("\n")),
        }
    }
}

impl std::error::Error for Mismatch {}

impl Validators {
    /// The operation that serves a path as it is asked for, with its path template.
    ///
    /// A query behind the path does not matter. A template without parameters goes before one with.
    #[must_use]
    pub fn operation(&self, method: &str, concrete_path: &str) -> Option<Operation<'_>> {
        let path = without_query(concrete_path);
        operations(&self.document)
            .filter(|operation| operation.method.eq_ignore_ascii_case(method) && fits(operation.path, path))
            .min_by_key(|operation| operation.path.matches('{').count())
    }

    /// Checks an answer of a server: a documented status, the required headers, the media type and the body.
    ///
    /// `concrete_path` is the path of the request, with ids in place of parameters. Names of headers may be in any
    /// case. Headers that the document does not speak of are allowed.
    ///
    /// # Errors
    /// [`Mismatch::UnknownRoute`] if the document does not have the route, else [`Mismatch::Differences`].
    pub fn validate_response(
        &self,
        method: &str,
        concrete_path: &str,
        status: u16,
        content_type: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), Mismatch> {
        let Some(operation) = self.operation(method, concrete_path) else {
            return Err(Mismatch::UnknownRoute {
                method: method.to_ascii_uppercase(),
                path: without_query(concrete_path).to_owned(),
            });
        };
        let name = operation.id().unwrap_or(operation.path);
        let documented = operation.value.get("responses").and_then(|all| all.get(status.to_string()));
        let Some(answer) = documented.and_then(|answer| follow(&self.document, answer)) else {
            return Err(Mismatch::Differences(vec![format!("{name}: status {status} is not documented")]));
        };
        let mut differences = self.header_differences(answer, headers);
        differences.extend(self.body_differences(answer, content_type, body));
        if differences.is_empty() {
            return Ok(());
        }
        let lines = differences.into_iter().map(|line| format!("{name}, status {status}: {line}")).collect();
        Err(Mismatch::Differences(lines))
    }

    fn header_differences(&self, answer: &Value, headers: &[(&str, &str)]) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, declared) in entries(answer.get("headers")) {
            let Some(declared) = follow(&self.document, declared) else {
                differences.push(format!("the document's header {name} points at nothing"));
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

    fn body_differences(&self, answer: &Value, content_type: Option<&str>, body: &[u8]) -> Vec<String> {
        let documented: Vec<_> = entries(answer.get("content")).collect();
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
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => self.validate_against(schema, &value).err().unwrap_or_default(),
            Err(error) => vec![format!("the body is not JSON: {error}")],
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

/// Whether a path is an instance of a template. A parameter stands for one part of a path that is not empty.
fn fits(template: &str, path: &str) -> bool {
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

    fn differences(result: Result<(), Mismatch>) -> Vec<String> {
        match result.unwrap_err() {
            Mismatch::Differences(lines) => lines,
            unknown => panic!("{unknown}"),
        }
    }

    #[test]
    fn an_answer_as_documented_passes() {
        assert_eq!(validators().validate_response("GET", "/things/7?x=1", 200, JSON, &[], GOOD), Ok(()));
        let headers = [("retry-after", "3")];
        assert_eq!(validators().validate_response("get", "/things/7", 429, JSON, &headers, GOOD), Ok(()));
    }

    #[test]
    fn a_route_that_is_not_documented_is_told_apart() {
        let result = validators().validate_response("post", "/things/7?x=1", 200, JSON, &[], GOOD);
        let expected = Mismatch::UnknownRoute { method: "POST".to_owned(), path: "/things/7".to_owned() };
        assert_eq!(result, Err(expected));
        assert!(validators().operation("GET", "/things/7/").is_none());
        assert!(validators().operation("GET", "/things/").is_none());
        assert!(validators().operation("GET", "/things").is_none());
    }

    #[test]
    fn a_path_without_parameters_goes_first() {
        assert_eq!(validators().operation("GET", "/things/all").unwrap().id(), Some("thing_all"));
        assert_eq!(validators().operation("GET", "/things/one").unwrap().id(), Some("thing_get"));
    }

    #[test]
    fn a_status_that_is_not_documented_is_a_difference() {
        let result = validators().validate_response("GET", "/things/7", 418, JSON, &[], GOOD);
        assert_eq!(differences(result), ["thing_get: status 418 is not documented"]);
    }

    #[test]
    fn a_missing_or_wrong_required_header_is_a_difference() {
        let result = validators().validate_response("GET", "/things/7", 429, JSON, &[], GOOD);
        assert_eq!(differences(result), ["thing_get, status 429: the header Retry-After is missing"]);
        let result =
            validators().validate_response("GET", "/things/7", 429, JSON, &[("Retry-After", "0")], GOOD);
        let expected = "thing_get, status 429: the header Retry-After: 0 is less than the minimum of 1";
        assert_eq!(differences(result), [expected]);
    }

    #[test]
    fn a_body_that_does_not_match_is_a_difference() {
        let result = validators().validate_response("GET", "/things/7", 200, JSON, &[], b"{}");
        assert_eq!(differences(result), ["thing_get, status 200: \"name\" is a required property"]);
        let result = validators().validate_response("GET", "/things/7", 200, JSON, &[], b"<html>");
        assert!(differences(result)[0].starts_with("thing_get, status 200: the body is not JSON"));
    }

    #[test]
    fn another_or_no_content_type_is_a_difference() {
        let result = validators().validate_response("GET", "/things/7", 200, Some("text/html"), &[], GOOD);
        assert_eq!(
            differences(result),
            ["thing_get, status 200: the content type text/html is not documented"]
        );
        let result = validators().validate_response("GET", "/things/7", 200, None, &[], GOOD);
        assert_eq!(differences(result), ["thing_get, status 200: the content type is missing"]);
    }

    #[test]
    fn the_schema_of_an_answer_can_be_asked_for() {
        assert_eq!(validators().response("GET", "/things/{id}", 429), Some("Thing"));
        assert_eq!(validators().response("GET", "/things/{id}", 500), None);
    }
}
