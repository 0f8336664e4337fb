//! Walks a value along its schema, and judges the statement of each place on the way.

use openapi_tools::value::{entries, escape};
use serde_json::Value;

use crate::findings::{Findings, UndeclaredKind};
use crate::statement::Contract;

/// The walk through the body of one exchange.
pub(super) struct Walk<'a> {
    pub(super) contract: &'a Contract,
    pub(super) findings: &'a mut Findings,
    /// The number of the exchange.
    pub(super) number: usize,
}

/// A schema, its JSON pointer, and the statement that a value of it confirms or contradicts.
#[derive(Clone)]
struct Place<'a> {
    schema: &'a Value,
    pointer: String,
    statement: Option<&'a str>,
}

impl<'a> Walk<'a> {
    /// Judges a value by a component such as `#/components/schemas/VideoJobEnvelope`.
    pub(super) fn component(&mut self, reference: &str, value: &Value) {
        if let Some(place) = self.resolve(reference, None) {
            self.value(&place, value);
        }
    }

    /// Judges a value by the schema of a member of a component.
    pub(super) fn member_of(&mut self, reference: &str, member: &str, value: &Value) {
        let Some(holder) = self.resolve(reference, None) else { return };
        if let Some(schema) = holder.schema["properties"].get(member) {
            let place = self.place(schema, format!("{}/properties/{member}", holder.pointer), None);
            self.value(&place, value);
        }
    }

    fn resolve(&self, reference: &str, statement: Option<&'a str>) -> Option<Place<'a>> {
        let pointer = reference.trim_start_matches('#');
        let schema = self.contract.document.value.pointer(pointer)?;
        Some(self.place(schema, pointer.to_owned(), statement))
    }

    /// The place of a schema. A reference and a lone `allOf` stand for their target, whose statement goes first.
    fn place(&self, schema: &'a Value, pointer: String, outer: Option<&'a str>) -> Place<'a> {
        let statement = self.contract.name_at(&pointer).or(outer);
        let only = schema["allOf"].as_array().filter(|all| all.len() == 1).map(|all| &all[0]["$ref"]);
        let reference = schema.get("$ref").or(only).and_then(Value::as_str);
        let target = reference.and_then(|reference| self.resolve(reference, statement));
        target.unwrap_or(Place { schema, pointer, statement })
    }

    fn value(&mut self, place: &Place<'a>, value: &Value) {
        let kind = place.schema["type"].as_str();
        if value.is_null() {
            let says_null = matches!(place.statement, Some("NoError" | "NoData"));
            match place.schema["nullable"] == true || kind.is_none() {
                true if says_null => self.confirm(place),
                true => {}
                false => self.contradict(place, "null"),
            }
            return;
        }
        match (kind, value) {
            (Some("object"), Value::Object(members))
                if !members.is_empty() && matches!(place.statement, Some("NoError" | "NoData")) =>
            {
                self.contradict(place, "an object with members");
            }
            (Some("object"), Value::Object(_)) => self.object(place, value),
            (Some("array"), Value::Array(items)) => {
                self.confirm(place);
                let schema = &place.schema["items"];
                let item = self.place(schema, format!("{}/items", place.pointer), place.statement);
                items.iter().for_each(|value| self.value(&item, value));
            }
            (Some(kind @ ("object" | "array")), other) => {
                self.contradict(place, format!("{} instead of an {kind}", kind_of(other)));
            }
            _ => self.scalar(place, value),
        }
    }

    fn object(&mut self, place: &Place<'a>, value: &Value) {
        let properties = &place.schema["properties"];
        let required = place.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<_> = required.filter(|name| value.get(name).is_none()).collect();
        match missing.as_slice() {
            [] => self.confirm(place),
            names => self.contradict(place, format!("{} is missing", names.join(" and "))),
        }
        for (name, member) in entries(Some(value)) {
            match properties.get(name) {
                Some(schema) => {
                    let pointer = format!("{}/properties/{}", place.pointer, escape(name));
                    let inner = self.place(schema, pointer, None);
                    self.value(&inner, member);
                }
                None => self.unknown_member(place, name),
            }
        }
    }

    /// A member that is not declared may appear, unless it is a declared one under another spelling.
    fn unknown_member(&mut self, place: &Place<'a>, name: &str) {
        let holder = place.statement.unwrap_or("the body");
        self.findings.undeclared(UndeclaredKind::Member, holder, name, self.number);
        let meant = entries(place.schema.get("properties")).find(|(known, _)| plain(known) == plain(name));
        if let Some((known, schema)) = meant {
            let pointer = format!("{}/properties/{}", place.pointer, escape(known));
            let inner = self.place(schema, pointer, None);
            self.contradict(&inner, format!("it is called {name}"));
        }
    }

    fn scalar(&mut self, place: &Place<'a>, value: &Value) {
        if let Err(problems) = self.contract.validators.validate_against(place.schema, value) {
            self.contradict(place, if is_private(place) { described(value) } else { problems.join("; ") });
            return;
        }
        if let Some(found) = opposite(place.statement.unwrap_or_default(), value) {
            self.contradict(place, found);
            return;
        }
        let listed = place.schema["x-extensible-enum"].as_array();
        let is_listed = listed.is_none_or(|listed| listed.contains(value));
        if !is_listed {
            let text = value.as_str().unwrap_or_default();
            let statement = place.statement.unwrap_or("the body");
            self.findings.undeclared(UndeclaredKind::Value, statement, text, self.number);
            if statement == "JobState" {
                self.findings.observe_also("states", text);
                let synonym =
                    place.schema["x-synonyms"].get(text.to_ascii_lowercase()).and_then(Value::as_str);
                let found = match synonym {
                    Some(known) => format!("the state {text:?}, a declared synonym of {known}"),
                    None => format!("the state {text:?}"),
                };
                self.contradict(place, found);
                return;
            }
        }
        if let (Some("JobState"), Some(state)) = (place.statement, value.as_str()) {
            self.findings.observe_also("states", state);
        }
        self.confirm(place);
    }

    fn confirm(&mut self, place: &Place<'_>) {
        if let Some(statement) = place.statement {
            self.findings.confirm(statement, self.number);
        }
    }

    fn contradict(&mut self, place: &Place<'_>, found: impl Into<String>) {
        if let Some(statement) = place.statement {
            self.findings.contradict(statement, self.number, found);
        }
    }
}

/// What is wrong with a value that its schema allows, and its description does not.
fn opposite(statement: &str, value: &Value) -> Option<String> {
    let text = value.as_str().unwrap_or_default();
    match statement {
        "ErrorEnvelope.ok" => (value == true).then(|| "true in an error".to_owned()),
        statement if statement.ends_with("Envelope.ok") => {
            (value == false).then(|| "false in a result".to_owned())
        }
        "ErrorDetail.code" => (!is_upper_snake(text)).then(|| format!("the code {text:?}")),
        statement if statement.ends_with(".expires_at") => {
            let is_utc = text.ends_with(['Z', 'z']) || text.ends_with("+00:00");
            (!is_utc).then(|| format!("{text} is not in UTC"))
        }
        _ => None,
    }
}

/// Whether a text is in UPPER_SNAKE case.
pub(super) fn is_upper_snake(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// A name without what differs between `request_id`, `requestId` and `Request-Id`.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether values of a place belong to an account: ids, cursors and links.
fn is_private(place: &Place<'_>) -> bool {
    let name = place.pointer.rsplit('/').next().unwrap_or_default();
    ["id", "Id", "cursor", "Cursor", "url"].iter().any(|end| name.ends_with(end))
}

/// What is wrong with a private text, without the text.
fn described(value: &Value) -> String {
    match value {
        Value::String(_) => "a string of another form".to_owned(),
        other => format!("{} instead of a string", kind_of(other)),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
