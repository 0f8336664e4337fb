//! Schemas: forms that readers misread or generators name badly.

use serde_json::Value;

use super::walk::{self, Role, Schema};
use super::{Document, Finding, Rule};
use crate::contract::entries;

pub(super) const RULES: &[Rule] = &[
    null_without_type,
    closed_objects,
    unnamed_shapes,
    names_in_another_case,
    missing_types,
    numbers_without_format,
    requests_without_bounds,
    required_names_without_property,
];

/// One finding for each schema for which `problem` has an answer.
fn each(
    document: &Document<'_>,
    remedy: &str,
    problem: impl Fn(&Schema<'_>) -> Option<String>,
) -> Vec<Finding> {
    walk::schemas(document.contract)
        .iter()
        .filter_map(|schema| Some(Finding::new(schema.pointer.clone(), problem(schema)?, remedy)))
        .collect()
}

fn null_without_type(document: &Document<'_>) -> Vec<Finding> {
    each(document, "put both in one schema, or remove `nullable`", |schema| {
        let lost = schema.has("nullable") && !schema.has("type") && !schema.has("$ref");
        lost.then(|| "`nullable` acts only beside `type`".to_owned())
    })
}

fn closed_objects(document: &Document<'_>) -> Vec<Finding> {
    each(document, "remove it: unknown members must be ignored", |schema| {
        let closed = schema.value.get("additionalProperties") == Some(&Value::Bool(false));
        closed.then(|| "`additionalProperties: false` breaks readers when a field is added".to_owned())
    })
}

fn unnamed_shapes(document: &Document<'_>) -> Vec<Finding> {
    each(document, "move it to components/schemas and refer to it", |schema| {
        if schema.role == Role::Component {
            return None;
        }
        let shape = if schema.has("properties") || schema.text("type") == Some("object") {
            "an object"
        } else if schema.has("enum") || schema.has("x-extensible-enum") {
            "a list of values"
        } else if schema.has("oneOf") || schema.has("anyOf") {
            "a choice"
        } else {
            return None;
        };
        Some(format!("{shape} without a name, for which each generator invents one"))
    })
}

fn names_in_another_case(document: &Document<'_>) -> Vec<Finding> {
    let pascal = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    each(document, "rename it", |schema| {
        let name = schema.pointer.rsplit('/').next().filter(|_| schema.role == Role::Component)?;
        (!pascal(name)).then(|| format!("`{name}` is not in PascalCase"))
    })
}

/// A value that comes in several shapes has no type, and says so with `x-type-name`: each generator reads it as it comes,
/// where most of them refuse null, or one of the shapes, if it is a choice.
fn missing_types(document: &Document<'_>) -> Vec<Finding> {
    let sent = walk::request_schemas(document.contract);
    let mut findings = each(document, "add `type`", |schema| {
        if !has_type(schema) && !schema.has("x-type-name") {
            return Some("the schema has no type, so that anything matches".to_owned());
        }
        let loose = schema.text("type") == Some("array") && !schema.has("items");
        loose.then(|| "the array does not say what its `items` are".to_owned())
    });
    findings.extend(each(document, "remove `x-type-name`", |schema| {
        (has_type(schema) && schema.has("x-type-name"))
            .then(|| "`x-type-name` is for properties without a type".to_owned())
    }));
    findings.extend(each(document, "add `type`, or move it to a property of a response", |schema| {
        // Some generators make an empty interface of a named schema without a type, which does not take null.
        let misplaced = schema.role != Role::Property || sent.contains(&schema.pointer);
        (schema.has("x-type-name") && !has_type(schema) && misplaced)
            .then(|| "only a property of a response may be of any shape".to_owned())
    }));
    findings
}

fn has_type(schema: &Schema<'_>) -> bool {
    ["type", "$ref", "allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.has(keyword))
}

fn numbers_without_format(document: &Document<'_>) -> Vec<Finding> {
    each(document, "add `format`: int32, int64 or double", |schema| {
        let kind = schema.text("type").filter(|kind| matches!(*kind, "integer" | "number"))?;
        (!schema.has("format"))
            .then(|| format!("the {kind} has no format, so that each language chooses its own width"))
    })
}

fn requests_without_bounds(document: &Document<'_>) -> Vec<Finding> {
    let sent = walk::request_schemas(document.contract);
    each(document, "add the limit that the server enforces", |schema| {
        if !sent.contains(&schema.pointer) {
            return None;
        }
        let missing = match schema.text("type")? {
            "string" if !schema.has("enum") && !schema.has("maxLength") => "maxLength",
            "integer" | "number" if !schema.has("minimum") && !schema.has("maximum") => "minimum or maximum",
            "array" if !schema.has("maxItems") => "maxItems",
            _ => return None,
        };
        Some(format!("a value that callers send has no {missing}"))
    })
}

fn required_names_without_property(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for schema in walk::schemas(document.contract) {
        let required = schema.value.get("required").and_then(Value::as_array).into_iter().flatten();
        for (index, name) in required.filter_map(Value::as_str).enumerate() {
            if entries(schema.value.get("properties")).all(|(property, _)| property != name) {
                let problem = format!("`{name}` is required and is no property");
                let place = format!("{}/required/{index}", schema.pointer);
                findings.push(Finding::new(place, problem, "correct the name or describe the property"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::lint::check;
    use crate::lint::testing::{SMALL, broken, only};

    #[test]
    fn nullable_without_a_type_is_reported() {
        let finding = only(
            "          allOf: [{$ref: '#/components/schemas/Ratio'}]\n",
            "          allOf: [{$ref: '#/components/schemas/Ratio'}]\n          nullable: true\n",
        );
        assert!(finding.contains("properties > ratio: `nullable` acts only beside `type`"), "{finding}");
    }

    #[test]
    fn a_closed_object_is_reported() {
        let finding = only(
            "    Clip:\n      type: object\n",
            "    Clip:\n      type: object\n      additionalProperties: false\n",
        );
        assert!(
            finding.contains("schemas > Clip: `additionalProperties: false` breaks readers"),
            "{finding}"
        );
    }

    #[test]
    fn objects_enums_and_choices_need_a_name() {
        let property = "          type: number\n          format: double\n          nullable: true\n";
        for (shape, wanted) in [
            ("          type: object\n          nullable: true\n", "an object without a name"),
            ("          type: string\n          enum: ['5']\n", "a list of values without a name"),
            ("          oneOf: [{$ref: '#/components/schemas/ClipId'}]\n", "a choice without a name"),
        ] {
            let findings = broken(property, shape);
            assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
        }
    }

    #[test]
    fn a_schema_in_another_case_is_reported() {
        let findings = broken("    Ratio:\n", "    clip_ratio:\n");
        assert!(
            findings.iter().any(|finding| finding.contains("`clip_ratio` is not in PascalCase")),
            "{findings:?}"
        );
    }

    #[test]
    fn a_schema_without_a_type_is_reported() {
        let finding =
            only("        title:\n          type: string\n          nullable: true\n", "        title:\n");
        assert!(finding.contains("properties > title: the schema has no type"), "{finding}");
    }

    #[test]
    fn a_property_of_a_response_may_be_of_any_shape_where_it_says_so() {
        let typed = "        title:\n          type: string\n          nullable: true\n";
        let any = "        title:\n          x-type-name: Title\n";
        let report = check(&SMALL.replacen(typed, any, 1));
        assert!(report.is_clean(), "{:?}", report.findings());
        let finding = only(typed, &format!("{typed}          x-type-name: Title\n"));
        assert!(finding.contains("properties > title: `x-type-name` is for properties without"), "{finding}");
        let finding = only(typed, "        title:\n          x-type-name: Title\n          nullable: true\n");
        assert!(finding.contains("properties > title: `nullable` acts only beside `type`"), "{finding}");
    }

    #[test]
    fn what_callers_send_and_what_has_a_name_has_a_type() {
        let sent = "        title:\n          type: string\n          maxLength: 80\n";
        let finding = only(sent, "        title:\n          x-type-name: Title\n");
        assert!(
            finding.contains("RenameRequest > properties > title: only a property of a response"),
            "{finding}"
        );
        let named = "    ErrorCode:\n      type: string\n      x-extensible-enum: [FAILED]\n";
        let finding = only(named, "    ErrorCode:\n      x-type-name: Code\n");
        assert!(finding.contains("schemas > ErrorCode: only a property of a response"), "{finding}");
    }

    #[test]
    fn a_number_without_a_format_is_reported() {
        let finding = only("          format: double\n", "");
        assert!(
            finding.contains("the number has no format, so that each language chooses its own width"),
            "{finding}"
        );
    }

    #[test]
    fn what_callers_send_has_bounds_also_behind_a_reference() {
        let finding = only("      maxLength: 64\n", "");
        assert!(
            finding.contains("schemas > ClipId: a value that callers send has no maxLength"),
            "{finding}"
        );
        let finding = only("          minimum: 1\n          maximum: 60\n", "");
        assert!(
            finding.contains("seconds: a value that callers send has no minimum or maximum"),
            "{finding}"
        );
    }

    #[test]
    fn a_required_name_is_a_property() {
        let findings = broken("required: [prompt]", "required: [prompt, promt]");
        assert!(
            findings.iter().any(|line| line.contains("`promt` is required and is no property")),
            "{findings:?}"
        );
    }
}
