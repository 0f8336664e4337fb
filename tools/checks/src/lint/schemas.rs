//! Schemas: forms that generators name badly, and requests without limits.

use super::{Context, Finding, Rule};
use openapi_tools::walk::Node;
use serde_json::Value;

pub(super) const RULES: &[Rule] =
    &[unnamed_shapes, missing_types, useless_type_names, misplaced_type_names, numbers_without_format];
pub(super) const OF_THE_SERVICE: &[Rule] = &[requests_without_bounds];

/// A finding for each schema with a problem.
fn each(context: &Context<'_>, remedy: &str, problem: impl Fn(&Node<'_>) -> Option<String>) -> Vec<Finding> {
    let schemas = context.schemas();
    schemas.filter_map(|schema| Some(Finding::new(&schema.pointer, problem(schema)?, remedy))).collect()
}

fn unnamed_shapes(context: &Context<'_>) -> Vec<Finding> {
    each(context, "move it to components/schemas and refer to it", |schema| {
        if schema.keyword == "schemas" {
            return None;
        }
        let shape = if schema.has("properties") || schema.text("type") == Some("object") {
            "an object"
        } else if schema.has("x-extensible-enum") || has_several_values(schema) {
            "a list of values"
        } else if schema.has("oneOf") || schema.has("anyOf") {
            "a choice"
        } else {
            return None;
        };
        Some(format!("{shape} without a name, for which each generator invents one"))
    })
}

/// A single value is a constant, such as the value of a discriminator.
fn has_several_values(schema: &Node<'_>) -> bool {
    schema.value.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() != 1)
}

/// A value that comes in several shapes has no type but `x-type-name`. Generators then accept any value. Most of them would reject
/// null or one of the shapes if it were a choice.
fn missing_types(context: &Context<'_>) -> Vec<Finding> {
    each(context, "add `type`", |schema| {
        (!has_type(schema) && !schema.has("x-type-name"))
            .then(|| "the schema has no type and matches any value".to_owned())
    })
}

fn useless_type_names(context: &Context<'_>) -> Vec<Finding> {
    each(context, "remove `x-type-name`", |schema| {
        (has_type(schema) && schema.has("x-type-name"))
            .then(|| "`x-type-name` is for properties without a type".to_owned())
    })
}

/// For a named schema without a type some generators write an empty interface, which does not accept null.
fn misplaced_type_names(context: &Context<'_>) -> Vec<Finding> {
    each(context, "add `type`, or move it to a property of a response", |schema| {
        let is_misplaced = schema.keyword != "properties" || context.usage.is_sent(&schema.pointer);
        (schema.has("x-type-name") && !has_type(schema) && is_misplaced)
            .then(|| "only a property of a response may be of any shape".to_owned())
    })
}

fn has_type(schema: &Node<'_>) -> bool {
    ["type", "$ref", "allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.has(keyword))
}

fn numbers_without_format(context: &Context<'_>) -> Vec<Finding> {
    each(context, "add `format`: int32, int64 or double", |schema| {
        let kind = schema.text("type").filter(|kind| matches!(*kind, "integer" | "number"))?;
        (!schema.has("format"))
            .then(|| format!("the {kind} has no format, so that each language chooses its own width"))
    })
}

fn requests_without_bounds(context: &Context<'_>) -> Vec<Finding> {
    each(context, "add the limit that the server enforces", |schema| {
        if !context.usage.is_sent(&schema.pointer) {
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

#[cfg(test)]
mod tests {
    use crate::lint::check;
    use crate::lint::testing::{SMALL, broken, only};

    #[test]
    fn objects_enums_and_choices_need_a_name() {
        let property = "          type: number\n          format: double\n          nullable: true\n";
        for (shape, wanted) in [
            ("          type: object\n          nullable: true\n", "an object without a name"),
            ("          type: string\n          enum: ['5', '6']\n", "a list of values without a name"),
            ("          oneOf: [{$ref: '#/components/schemas/ClipId'}]\n", "a choice without a name"),
        ] {
            let findings = broken(property, shape);
            assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
        }
    }

    #[test]
    fn a_schema_without_a_type_is_reported() {
        let finding =
            only("        title:\n          type: string\n          nullable: true\n", "        title:\n");
        assert!(finding.contains("Clip > title: the schema has no type"), "{finding}");
    }

    #[test]
    fn a_property_of_a_response_may_be_of_any_shape_if_it_names_its_type() {
        let typed = "        title:\n          type: string\n          nullable: true\n";
        let any = "        title:\n          x-type-name: Title\n";
        let report = check(&SMALL.replacen(typed, any, 1));
        assert!(report.is_clean(), "{:?}", report.findings());
        let finding = only(typed, &format!("{typed}          x-type-name: Title\n"));
        assert!(finding.contains("Clip > title: `x-type-name` is for properties without"), "{finding}");
    }

    #[test]
    fn schemas_of_requests_and_components_have_a_type() {
        let sent = "        title:\n          type: string\n          maxLength: 80\n";
        let finding = only(sent, "        title:\n          x-type-name: Title\n");
        assert!(finding.contains("RenameRequest > title: only a property of a response"), "{finding}");
        let named = "    ErrorCode:\n      type: string\n      x-extensible-enum: [FAILED]\n";
        let finding = only(named, "    ErrorCode:\n      x-type-name: Code\n");
        assert!(finding.contains("ErrorCode: only a property of a response"), "{finding}");
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
    fn schemas_of_requests_have_bounds_also_behind_a_reference() {
        let finding = only("      maxLength: 64\n", "");
        assert!(finding.contains("ClipId: a value that callers send has no maxLength"), "{finding}");
        let finding = only("          minimum: 1\n          maximum: 60\n", "");
        assert!(
            finding.contains("seconds: a value that callers send has no minimum or maximum"),
            "{finding}"
        );
    }
}
