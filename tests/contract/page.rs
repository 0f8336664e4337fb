//! Every row of the service's documentation page is in the document.

use contract_tests::contract;
use openapi_tools::Document;
use serde_json::Value;

/// What the page says of one operation.
struct Row {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    /// Name, type and whether it is required, from the page's table of parameters. The types are the page's own words.
    parameters: &'static [(&'static str, &'static str, bool)],
    /// The members of the page's "Returns" line; those with a question mark there are optional.
    returns: &'static [&'static str],
}

const ID: (&str, &str, bool) = ("id", "string", true);
const KEY: (&str, &str, bool) = ("idempotency_key", "string", false);
const JOB: &[&str] = &["job_id", "state", "video_url", "thumbnail_url", "error"];

const PAGE: [Row; 10] = [
    Row {
        id: "video_generate",
        method: "post",
        path: "/v1/video/generate",
        parameters: &[
            ("prompt", "string", true),
            ("reference_image_url", "string", false),
            ("duration_seconds", "number", false),
            ("aspect", r#""16:9" | "9:16" | "1:1""#, false),
            ("resolution", r#""720p" | "1080p" | "4k""#, false),
            ("prefer", r#""balanced" | "cheapest" | "smartest""#, false),
            KEY,
        ],
        returns: JOB,
    },
    Row { id: "video_status", method: "get", path: "/v1/video/status/{id}", parameters: &[ID], returns: JOB },
    Row {
        id: "video_cancel",
        method: "post",
        path: "/v1/video/cancel/{id}",
        parameters: &[ID],
        returns: &["ok"],
    },
    Row {
        id: "video_get",
        method: "get",
        path: "/v1/video/get/{id}",
        parameters: &[ID],
        returns: &[
            "job_id",
            "state",
            "video_url",
            "thumbnail_url",
            "duration_seconds",
            "resolution",
            "vendor",
            "model",
            "error",
        ],
    },
    Row {
        id: "video_list",
        method: "get",
        path: "/v1/video/list",
        parameters: &[("cursor", "string", false), ("limit", "number", false)],
        returns: &["items", "next_cursor"],
    },
    Row {
        id: "video_delete",
        method: "delete",
        path: "/v1/video/delete/{id}",
        parameters: &[ID, KEY],
        returns: &["ok"],
    },
    Row {
        id: "video_delete_all",
        method: "post",
        path: "/v1/video/delete_all",
        parameters: &[],
        returns: &["deleted"],
    },
    Row {
        id: "video_download_url",
        method: "get",
        path: "/v1/video/download_url/{id}",
        parameters: &[ID],
        returns: &["url", "expires_at"],
    },
    Row {
        id: "video_set_retention",
        method: "post",
        path: "/v1/video/set_retention/{id}",
        parameters: &[ID, ("days", "number", true), KEY],
        returns: &["job_id", "retention_days", "expires_at"],
    },
    Row {
        id: "video_capabilities",
        method: "get",
        path: "/v1/video/capabilities",
        parameters: &[],
        returns: &["vendors"],
    },
];

/// The members of one vendor in the "Returns" line of `video.capabilities`.
const VENDOR: [&str; 6] =
    ["vendor", "models", "resolutions", "max_duration_seconds", "supports_extend", "supports_upscale"];

#[test]
fn every_operation_of_the_page_is_in_the_document_and_no_other_says_it_is_from_there() {
    let contract = contract();
    let operations = contract.operations().filter(|operation| is_from_the_page(operation.value));
    let mut documented: Vec<_> =
        operations.map(|operation| (operation.id().unwrap(), operation.method, operation.path)).collect();
    let mut on_the_page: Vec<_> = PAGE.iter().map(|row| (row.id, row.method, row.path)).collect();
    on_the_page.sort_unstable();
    documented.sort_unstable();
    assert_eq!(documented, on_the_page, "{LEFT_AND_RIGHT}");
}

#[test]
fn every_parameter_of_the_page_is_in_the_document_with_its_type_and_requiredness() {
    let contract = contract();
    for row in &PAGE {
        for (name, kind, required) in row.parameters {
            let (schema, is_required) = parameter(&contract, row, name)
                .unwrap_or_else(|| panic!("{} has no parameter {name}", row.id));
            assert_eq!(is_required, *required, "{} {name}", row.id);
            assert!(is_of_kind(&schema, kind), "{} {name} is not {kind}: {schema}", row.id);
        }
    }
}

#[test]
fn every_returned_member_of_the_page_is_in_the_document() {
    let contract = contract();
    for row in &PAGE {
        let operation = contract.operations().find(|operation| operation.id() == Some(row.id)).unwrap();
        let schema = &operation.value["responses"]["200"]["content"]["application/json"]["schema"];
        let envelope = contract.follow(schema).unwrap();
        let data = contract.follow(&envelope["properties"]["data"]).unwrap();
        assert_eq!(members(data, row.returns), sorted(row.returns), "{}: {LEFT_AND_RIGHT}", row.id);
    }
    let vendor = contract.resolve("#/components/schemas/VendorCapabilities").unwrap();
    assert_eq!(members(vendor, &VENDOR), sorted(&VENDOR), "a vendor: {LEFT_AND_RIGHT}");
}

/// What the sides of a comparison are, and what to do.
const LEFT_AND_RIGHT: &str = "left is openapi/video.yaml, right is the page; what is not on the page has another x-provenance \
                              than page, and what is new there belongs into tests/contract/page.rs";

fn is_from_the_page(value: &Value) -> bool {
    value["x-provenance"].as_array().is_some_and(|sources| sources.contains(&"page".into()))
}

/// The properties of a schema that are on the page, or say that they are. A plain reference says nothing.
fn members<'a>(schema: &'a Value, on_the_page: &[&str]) -> Vec<&'a str> {
    let properties = schema["properties"].as_object().unwrap();
    let is_known = |(name, property): &(&String, &Value)| {
        is_from_the_page(property) || on_the_page.contains(&name.as_str())
    };
    let mut members: Vec<&str> =
        properties.iter().filter(|member| is_known(member)).map(|(name, _)| name.as_str()).collect();
    members.sort_unstable();
    members
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

/// A parameter of the page: in the path, the query or the body, or as the idempotency header.
fn parameter(contract: &Document, row: &Row, name: &str) -> Option<(Value, bool)> {
    let operation = contract.operations().find(|operation| operation.id() == Some(row.id))?;
    let declared =
        operation.parameters().map(|(_, parameter)| contract.follow(parameter).unwrap()).find(|parameter| {
            parameter["name"] == name || (name == "idempotency_key" && parameter["name"] == "Idempotency-Key")
        });
    let body = operation.value.pointer("/requestBody/content/application~1json/schema");
    let body = body.and_then(|schema| contract.follow(schema));
    let member = body.and_then(|body| Some((body, body["properties"].get(name)?)));
    match (member, declared) {
        (Some((body, schema)), _) => {
            let required =
                body["required"].as_array().is_some_and(|required| required.contains(&name.into()));
            Some((resolved(contract, schema), required))
        }
        (None, Some(parameter)) => {
            Some((resolved(contract, &parameter["schema"]), parameter["required"] == true))
        }
        (None, None) => None,
    }
}

fn resolved(contract: &Document, schema: &Value) -> Value {
    let schema = schema.pointer("/allOf/0").unwrap_or(schema);
    contract.follow(schema).unwrap().clone()
}

/// Whether a schema is what the page calls it. A whole number is a number; the listed values must all be there.
fn is_of_kind(schema: &Value, kind: &str) -> bool {
    match kind {
        "string" => schema["type"] == "string",
        "number" => schema["type"] == "number" || schema["type"] == "integer",
        values => {
            let listed =
                schema.get("enum").or(schema.get("x-extensible-enum")).and_then(Value::as_array).unwrap();
            let wanted: Vec<Value> =
                values.split(" | ").map(|value| value.trim_matches('"').into()).collect();
            wanted.iter().all(|value| listed.contains(value))
        }
    }
}
