//! Properties of any shape: the client deserializes each into a type that is written by hand and named by `x-type-name`.

use serde_json::{Map, Value, json};

/// The extension of a property without a type.
const TYPE_NAME: &str = "x-type-name";

/// The types that are written by hand in the client crate. A property with any other name stays a JSON value.
const TYPES: [&str; 1] = ["JobError"];

/// The document with a component for each of these types that properties refer to, and the names of the components.
pub(crate) fn refer(document: &Value) -> (Value, Vec<&'static str>) {
    let mut document = document.clone();
    let mut named = Map::new();
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (_, schema) in schemas.into_iter().flatten() {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (_, property) in properties.into_iter().flatten() {
            let name = property.get(TYPE_NAME).and_then(Value::as_str).filter(|name| TYPES.contains(name));
            let Some(name) = name.map(str::to_owned) else { continue };
            let description = property["description"].clone();
            let reference = format!("#/components/schemas/{name}");
            *property = json!({ "allOf": [{ "$ref": reference }], "description": description });
            named.insert(name, json!({ "description": description }));
        }
    }
    let names = TYPES.into_iter().filter(|name| named.contains_key(*name)).collect();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(named);
    }
    (document, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_of_any_shape_refers_to_its_type() {
        let property = |name: &str| json!({"description": "Why.", "x-type-name": name, "example": "late"});
        let job = json!({"properties": {"error": property("JobError"), "note": property("Note")}});
        let (document, names) = refer(&json!({"components": {"schemas": {"Job": job, "Detail": job}}}));
        assert_eq!(names, ["JobError"]);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["JobError"], json!({"description": "Why."}));
        for name in ["Job", "Detail"] {
            let expected =
                json!({"allOf": [{"$ref": "#/components/schemas/JobError"}], "description": "Why."});
            assert_eq!(schemas[name]["properties"]["error"], expected);
            assert_eq!(schemas[name]["properties"]["note"], property("Note"), "no type is written for it");
        }
        assert_eq!(refer(&json!({})), (json!({}), Vec::new()));
    }
}
