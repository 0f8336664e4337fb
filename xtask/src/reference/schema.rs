//! One schema: its type in words, its constraints, its properties and its values.

use serde_json::Value;

use super::html::{self, Html, Text};
use super::{follow, markdown, provenance, text};
use crate::contract::{Contract, entries};

/// Where a schema is on the page.
pub(super) fn anchor(name: &str) -> String {
    format!("schema-{}", html::anchor(name))
}

pub(super) fn render(contract: &Contract, name: &str, schema: &Value) -> Result<Html, String> {
    let place = anchor(name);
    let mut out = Html::new();
    out.line(format_args!("<article id=\"{place}\" aria-labelledby=\"{place}-title\">"));
    out.line(format_args!("<h3 id=\"{place}-title\"><a href=\"#{place}\">{}</a></h3>", Text(name)));
    out.part(format_args!("{}", markdown::block(text(schema, "/description"))));
    out.line(format_args!("<div class=\"type\">{}{}</div>", kind(contract, schema)?, provenance(schema)));
    let mut rows = Html::new();
    properties(&mut rows, contract, schema)?;
    if !rows.is_empty() {
        out.part(format_args!("<table>\n<tbody>\n{rows}</tbody>\n</table>\n"));
    }
    if let Some(example) = schema.get("example") {
        out.line(format_args!("<details class=\"example\"><summary>Example</summary>"));
        out.part(format_args!("{}", html::json(&format!("Example of {name}"), example)));
        out.line(format_args!("</details>"));
    }
    out.line(format_args!("</article>"));
    Ok(out)
}

/// The rows of a table with the properties of an object.
pub(super) fn properties(rows: &mut Html, contract: &Contract, schema: &Value) -> Result<(), String> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in entries(schema.get("properties")) {
        let target = follow(contract, property)?;
        let need = if required.contains(&name) { " <small>required</small>" } else { "" };
        rows.line(format_args!(
            "<tr><th scope=\"row\"><code>{}</code>{need}</th><td>{}{}<div class=\"type\">{}</div></td></tr>",
            Text(name),
            markdown::line(text(target, "/description")),
            provenance(target),
            kind(contract, property)?,
        ));
    }
    Ok(())
}

/// The type in words, with its constraints and values. A schema with a name is a link to it.
pub(super) fn kind(contract: &Contract, schema: &Value) -> Result<Html, String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        follow(contract, schema)?;
        let name = reference.rsplit('/').next().unwrap_or_default();
        return Ok(Html::from(format!("<a href=\"#{}\">{}</a>", anchor(name), Text(name))));
    }
    for (key, between) in [("allOf", " and "), ("oneOf", " or "), ("anyOf", " or ")] {
        if let Some(parts) = schema.get(key).and_then(Value::as_array) {
            let parts: Result<Vec<_>, _> = parts.iter().map(|part| kind(contract, part)).collect();
            let parts: Vec<_> = parts?.into_iter().map(Html::into_string).collect();
            return Ok(Html::from(parts.join(between)));
        }
    }
    let mut words = Html::new();
    match (text(schema, "/type"), schema.get("items")) {
        ("array", Some(items)) => words.part(format_args!("array of {}", kind(contract, items)?)),
        ("", _) => words.part(format_args!("any JSON value")),
        (simple, _) => words.part(format_args!("{}", Text(simple))),
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        words.part(format_args!(" ({})", Text(format)));
    }
    if schema["nullable"] == true {
        words.part(format_args!(" or null"));
    }
    constraints(&mut words, schema);
    Ok(words)
}

fn constraints(words: &mut Html, schema: &Value) {
    for (key, before, after) in [
        ("minLength", "at least ", " characters"),
        ("maxLength", "at most ", " characters"),
        ("minItems", "at least ", " items"),
        ("maxItems", "at most ", " items"),
        ("minimum", if schema["exclusiveMinimum"] == true { "above " } else { "at least " }, ""),
        ("maximum", if schema["exclusiveMaximum"] == true { "below " } else { "at most " }, ""),
    ] {
        if let Some(limit) = schema.get(key) {
            let after = if *limit == 1 { after.trim_end_matches('s') } else { after };
            words.part(format_args!(", {before}{limit}{after}"));
        }
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        words.part(format_args!(", like <code>{}</code>", Text(pattern)));
    }
    if let Some(default) = schema.get("default") {
        words.part(format_args!(", <code>{}</code> if absent", Text(&default.to_string())));
    }
    values(words, "one of ", schema.get("enum"));
    values(words, "one of these or a new one: ", schema.get("x-extensible-enum"));
    let synonyms: Vec<_> = entries(schema.get("x-synonyms")).collect();
    if !synonyms.is_empty() {
        words.part(format_args!("; synonyms:"));
        for (index, (word, meaning)) in synonyms.into_iter().enumerate() {
            let between = if index == 0 { "" } else { "," };
            let meaning = Text(meaning.as_str().unwrap_or_default());
            words.part(format_args!("{between} <code>{}</code> = <code>{meaning}</code>", Text(word)));
        }
    }
}

fn values(words: &mut Html, before: &str, values: Option<&Value>) {
    let values: Vec<_> =
        values.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if values.is_empty() {
        return;
    }
    words.part(format_args!(", {before}"));
    for (index, value) in values.into_iter().enumerate() {
        words.part(format_args!("{}<code>{}</code>", if index == 0 { "" } else { " " }, Text(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(schema: Value) -> String {
        let empty = "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\npaths: {}\ncomponents:\n  schemas:\n    A: {type: string}\n";
        kind(&Contract::parse(empty).unwrap(), &schema).unwrap().into_string()
    }

    #[test]
    fn a_type_is_told_with_its_limits() {
        let number = json!({"type": "number", "format": "double", "minimum": 0, "exclusiveMinimum": true, "maximum": 3600});
        assert_eq!(words(number), "number (double), above 0, at most 3600");
        let text = json!({"type": "string", "minLength": 1, "pattern": "^<", "nullable": true});
        assert_eq!(words(text), "string or null, at least 1 character, like <code>^&lt;</code>");
    }

    #[test]
    fn a_schema_without_a_type_takes_any_value() {
        assert_eq!(words(json!({"x-type-name": "Reason"})), "any JSON value");
    }

    #[test]
    fn values_are_listed_and_an_open_vocabulary_says_so() {
        let closed = json!({"type": "string", "enum": ["a", "b"]});
        assert_eq!(words(closed), "string, one of <code>a</code> <code>b</code>");
        let open = json!({"type": "string", "x-extensible-enum": ["a"], "x-synonyms": {"c": "a"}});
        let expected =
            "string, one of these or a new one: <code>a</code>; synonyms: <code>c</code> = <code>a</code>";
        assert_eq!(words(open), expected);
    }

    #[test]
    fn a_schema_with_a_name_is_a_link() {
        let link = json!({"$ref": "#/components/schemas/A"});
        assert_eq!(words(link.clone()), "<a href=\"#schema-a\">A</a>");
        assert_eq!(words(json!({"type": "array", "items": link})), "array of <a href=\"#schema-a\">A</a>");
    }
}
