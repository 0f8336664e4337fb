//! What makes a generator panic, or generate code that does not compile or never works.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToPascalCase, ToSnakeCase};
use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::value::{entries, escape};

pub(super) const RULES: &[Rule] = &[
    several_types_of_responses,
    parameters_with_one_name,
    choices_between_an_enum_and_a_string,
    variants_with_one_name,
    properties_with_one_name,
    schemas_with_one_name,
    schemas_with_a_name_of_clients,
];

/// Classes of their own in clients from openapi-generator, in Ruby, PHP, Java, Python, TypeScript, Kotlin, C# and Rust. A schema of
/// such a name replaces the class or cannot be loaded beside it.
const NAMES_OF_CLIENTS: [&str; 20] = [
    "ApiClient",
    "ApiError",
    "ApiException",
    "ApiKeyAuth",
    "ApiModelBase",
    "ApiResponse",
    "ApiTypeError",
    "ApiValueError",
    "BaseAPI",
    "Configuration",
    "Error",
    "FetchError",
    "HeaderSelector",
    "JSON",
    "ModelInterface",
    "ObjectSerializer",
    "Option",
    "Pair",
    "RequiredError",
    "ResponseError",
];

/// Names that are equal after a change of case, by that name.
fn collisions<'a>(
    names: impl Iterator<Item = &'a str>,
    rust: impl Fn(&str) -> String,
) -> BTreeMap<String, Vec<&'a str>> {
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        by_name.entry(rust(name)).or_default().push(name);
    }
    by_name.retain(|name, all| all.len() > 1 || name.is_empty());
    by_name
}

fn several_types_of_responses(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    let mut findings = Vec::new();
    for operation in document.operations() {
        for (kind, success) in [("success", true), ("error", false)] {
            let responses = operation.responses().filter(|(status, _)| status.starts_with('2') == success);
            let shapes: BTreeSet<String> = responses
                .filter_map(|(_, response)| document.follow(response))
                .map(|response| entries(response.get("content")).map(|(_, media)| shape(media)).collect())
                .collect();
            if shapes.len() > 1 {
                let problem = format!("the generator panics on {} {kind} types", shapes.len());
                let place = format!("{}/responses", operation.pointer());
                findings.push(Finding::new(
                    place,
                    problem,
                    format!("use one {kind} schema for the operation"),
                ));
            }
        }
    }
    findings
}

fn shape(media: &Value) -> String {
    media.get("schema").map(Value::to_string).unwrap_or_default()
}

fn parameters_with_one_name(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    let mut findings = Vec::new();
    for operation in document.operations() {
        let targets = operation.parameters().filter_map(|(_, parameter)| document.follow(parameter));
        let mut names: Vec<&str> = targets.filter_map(|target| target.get("name")?.as_str()).collect();
        // The generator calls the body `body`.
        names.extend(operation.value.get("requestBody").map(|_| "body"));
        for (rust, names) in collisions(names.into_iter(), |name| name.to_snake_case()) {
            let problem = format!("{} all become the argument `{rust}`", names.join(" and "));
            let place = format!("{}/parameters", operation.pointer());
            findings.push(Finding::new(place, problem, "rename or remove one"));
        }
    }
    findings
}

fn choices_between_an_enum_and_a_string(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    let mut findings = Vec::new();
    for schema in context.schemas() {
        for keyword in ["anyOf", "oneOf"] {
            let branches = schema.value.get(keyword).and_then(Value::as_array).into_iter().flatten();
            let strings = branches
                .filter_map(|branch| document.follow(branch))
                .filter(|branch| branch.get("type").and_then(Value::as_str) == Some("string"));
            let (lists, free): (Vec<_>, Vec<_>) = strings.partition(|branch| branch.get("enum").is_some());
            if !lists.is_empty() && !free.is_empty() {
                let problem = format!("{keyword} of an enum and a string compiles but is never decoded");
                let place = format!("{}/{keyword}", schema.pointer);
                findings.push(Finding::new(place, problem, "use a string with x-extensible-enum"));
            }
        }
    }
    findings
}

fn variants_with_one_name(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for schema in context.schemas() {
        let list = |keyword: &str| -> Option<Vec<&str>> {
            Some(schema.value.get(keyword)?.as_array()?.iter().filter_map(Value::as_str).collect())
        };
        let Some(values) = list("enum").or_else(|| list("x-extensible-enum")) else {
            continue;
        };
        let place = format!("{}/x-enum-varnames", schema.pointer);
        let names = match list("x-enum-varnames") {
            Some(names) if names.len() == values.len() => names.iter().map(ToString::to_string).collect(),
            Some(names) => {
                let problem = format!("there are {} values and {} names", values.len(), names.len());
                findings.push(Finding::new(place, problem, "name each value once, in the same order"));
                continue;
            }
            None => values.iter().map(|value| value.to_pascal_case()).collect::<Vec<_>>(),
        };
        for (value, name) in values.iter().zip(&names).filter(|(_, name)| !is_identifier(name)) {
            let problem = format!("the value `{value}` gives the name `{name}`, which is not valid in Rust");
            findings.push(Finding::new(&place, problem, "add x-enum-varnames, or correct them"));
        }
        for (name, _) in collisions(names.iter().map(String::as_str), str::to_owned) {
            let problem = format!("two values give the name `{name}`");
            findings.push(Finding::new(&place, problem, "add x-enum-varnames, or correct them"));
        }
    }
    findings
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(unicode_ident::is_xid_start)
        && letters.all(unicode_ident::is_xid_continue)
        && name != "Self"
}

fn properties_with_one_name(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for schema in context.schemas() {
        let names = entries(schema.value.get("properties")).map(|(name, _)| name);
        for (rust, names) in collisions(names, |name| name.to_snake_case()) {
            let problem = format!("{} all become the field `{rust}`", names.join(" and "));
            findings.push(Finding::new(
                format!("{}/properties", schema.pointer),
                problem,
                "rename or remove one",
            ));
        }
    }
    findings
}

fn schemas_with_one_name(context: &Context<'_>) -> Vec<Finding> {
    let names = context.document.components("schemas").map(|(name, _)| name);
    collisions(names, |name| name.to_pascal_case())
        .into_iter()
        .map(|(rust, names)| {
            let place = format!("/components/schemas/{}", escape(names.last().copied().unwrap_or_default()));
            Finding::new(place, format!("{} all become the type `{rust}`", names.join(" and ")), "rename one")
        })
        .collect()
}

fn schemas_with_a_name_of_clients(context: &Context<'_>) -> Vec<Finding> {
    let schemas = context.document.components("schemas");
    let taken = schemas.filter(|(name, _)| NAMES_OF_CLIENTS.contains(name));
    taken
        .map(|(name, _)| {
            let problem = format!("generated clients of some languages have a class `{name}` of their own");
            Finding::new(format!("/components/schemas/{}", escape(name)), problem, "rename it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::check;
    use crate::lint::testing::{SMALL, broken, only};

    fn one_of(findings: &[String], wanted: &str) {
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn two_success_types_are_reported() {
        let second = "        '201':\n          description: Made.\n          content:\n            application/json:\n              schema: {$ref: '#/components/schemas/NoData'}\n              example: {}\n";
        let findings = broken("        '402': ", &format!("{second}        '402': "));
        one_of(
            &findings,
            "the generator panics on 2 success types; use one success schema for the operation",
        );
    }

    #[test]
    fn two_error_types_are_reported() {
        let findings = broken(
            "      description: No credit.\n      content:\n        application/json:\n          schema: {$ref: '#/components/schemas/ErrorEnvelope'}",
            "      description: No credit.\n      content:\n        application/json:\n          schema: {$ref: '#/components/schemas/ClipEnvelope'}",
        );
        one_of(&findings, "the generator panics on 2 error types");
    }

    #[test]
    fn parameters_that_become_one_argument_are_reported() {
        let twin = "        - {name: Id, in: query, description: Twin., schema: {$ref: '#/components/schemas/ClipId'}, example: cl_1, x-provenance: [page]}\n";
        let finding = only(
            "        - $ref: '#/components/parameters/ClipIdPath'\n",
            &format!("        - $ref: '#/components/parameters/ClipIdPath'\n{twin}"),
        );
        assert!(
            finding.contains("id and Id all become the argument `id`; rename or remove one"),
            "{finding}"
        );
    }

    #[test]
    fn a_choice_between_an_enum_and_a_string_is_reported() {
        let findings = broken(
            "          allOf: [{$ref: '#/components/schemas/Ratio'}]\n",
            "          anyOf: [{$ref: '#/components/schemas/Ratio'}, {type: string, maxLength: 9}]\n",
        );
        one_of(&findings, "anyOf of an enum and a string compiles but is never decoded");
    }

    #[test]
    fn values_with_an_invalid_or_duplicate_name_are_reported() {
        let findings = broken("      x-enum-varnames: [Wide, Square]\n", "");
        one_of(&findings, "the value `16:9` gives the name `169`, which is not valid in Rust");
        let finding = only("[Wide, Square]", "[Wide, Wide]");
        assert!(finding.contains("two values give the name `Wide`"), "{finding}");
        let finding = only("[Wide, Square]", "[Wide]");
        assert!(finding.contains("there are 2 values and 1 names; name each value once"), "{finding}");
    }

    #[test]
    fn properties_and_schemas_with_the_same_rust_name_are_reported() {
        let twin = "        Seconds: {$ref: '#/components/schemas/ClipId'}\n        seconds:\n          type: number\n";
        let findings = broken("        seconds:\n          type: number\n", twin);
        one_of(&findings, "Seconds and seconds all become the field `seconds`");
        let findings = broken("    Ratio:\n", "    clip_id:\n      type: string\n    Ratio:\n");
        one_of(&findings, "ClipId and clip_id all become the type `ClipId`");
    }

    #[test]
    fn a_schema_has_no_name_that_clients_use_themselves() {
        let renamed = SMALL.replace("ErrorDetail", "ApiError");
        let findings: Vec<_> = check(&renamed).findings().iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("ApiError: generated clients of some languages"), "{findings:?}");
    }
}
