//! Properties whose names are keywords, through everything that walks the document.

use serde_json::{Map, Value, json};

use crate::diff::compare;
use crate::lint;
use crate::lint::testing::SMALL;
use openapi_tools::walk::{Kind, nodes};
use openapi_tools::{Document, convert, dereference};

/// Keywords of schemas and of other objects.
const NAMES: [&str; 14] = [
    "type",
    "default",
    "pattern",
    "example",
    "enum",
    "properties",
    "items",
    "nullable",
    "required",
    "format",
    "description",
    "examples",
    "value",
    "$defs",
];

/// An object schema with a property for each name.
fn schema(property: &Value) -> Value {
    let properties: Map<String, Value> =
        NAMES.iter().map(|name| ((*name).to_owned(), property.clone())).collect();
    json!({"type": "object", "description": "All.", "properties": properties, "example": {"type": "a"}})
}

#[test]
fn the_conversion_keeps_properties_named_like_keywords() {
    let converted =
        convert::schema(&schema(&json!({"type": "string", "nullable": true, "example": "a"}))).unwrap();
    let expected = json!({"type": ["string", "null"], "examples": ["a"]});
    for name in NAMES {
        assert_eq!(converted["properties"][name], expected, "{name}");
    }
    assert_eq!(converted["examples"], json!([{"type": "a"}]));
}

#[test]
fn dereferencing_reaches_properties_named_like_keywords() {
    let document = json!({"components": {"schemas": {
        "All": schema(&json!({"$ref": "#/components/schemas/Text"})), "Text": {"type": "string"},
    }}});
    let dereferenced = dereference::dereference(&document).unwrap();
    for name in NAMES {
        let property = &dereferenced["components"]["schemas"]["All"]["properties"][name];
        assert_eq!(property, &json!({"type": "string"}), "{name}");
    }
}

#[test]
fn lint_checks_properties_named_like_keywords() {
    let mut document = Document::parse(SMALL).unwrap();
    document.value["components"]["schemas"]["Clip"]["properties"] =
        schema(&json!({"type": "number", "description": "A number.", "example": 1}))["properties"].take();
    let findings: Vec<String> = lint::check(&serde_json::to_string(&document.value).unwrap())
        .findings()
        .iter()
        .map(ToString::to_string)
        .collect();
    for name in NAMES {
        let wanted = format!("Clip > {name}: the number has no format");
        assert!(findings.iter().any(|finding| finding.contains(&wanted)), "{wanted}: {findings:#?}");
    }
}

#[test]
fn the_comparison_sees_properties_named_like_keywords() {
    let document = |property: Value| {
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/All"}}});
        json!({
            "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"content": content}}}}},
            "components": {"schemas": {"All": schema(&property)}},
        })
    };
    let changes = compare(&document(json!({"type": "string"})), &document(json!({"type": "integer"})));
    for name in NAMES {
        let pointer = format!("/components/schemas/All/properties/{name}/type");
        assert!(changes.iter().any(|change| change.pointer == pointer), "{name}: {changes:#?}");
    }
    assert_eq!(changes.len(), NAMES.len(), "{changes:#?}");
}

#[test]
fn a_renamed_schema_is_found_with_properties_named_like_keywords() {
    let document = |name: &str, property: &str| {
        let property = json!({"$ref": format!("#/components/schemas/{property}")});
        json!({"components": {"schemas": {name: schema(&property), "A": {}, "B": {}}}})
    };
    let kinds = |new: &Value| -> Vec<&'static str> {
        compare(&document("All", "A"), new).iter().map(|change| change.kind).collect()
    };
    assert_eq!(kinds(&document("Every", "A")), ["schema-renamed"]);
    assert_eq!(kinds(&document("Every", "B")), ["schema-removed", "schema-added"]);
}

#[test]
fn the_walk_visits_each_property_once() {
    let schema = schema(&json!({"type": "string"}));
    assert_eq!(nodes(Kind::Schema, "", &schema).len(), 1 + NAMES.len());
}
