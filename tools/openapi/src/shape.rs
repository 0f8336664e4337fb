//! Finds the place where a document does not have the shape of OpenAPI 3.0.

use openapiv3::{
    Components, Header, Info, MediaType, OpenAPI, Operation, Parameter, PathItem, RequestBody, Response,
    Schema, SecurityScheme, Server, Tag,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::value::entries;
use crate::walk::{Kind, Member, Node, nodes};

/// The innermost object of the wrong shape by its JSON pointer, and what is wrong with it.
pub(crate) fn mistake(document: &Value) -> Option<(String, String)> {
    let whole = error::<OpenAPI>(document)?;
    let nodes = nodes(Kind::Document, "", document);
    // Inner objects come after outer ones.
    let innermost = nodes.iter().rev().find_map(|node| Some((node, error_of(node)?)));
    let (node, message) = match innermost {
        Some((node, message)) => (Some(node), message),
        None => (nodes.first(), whole),
    };
    Some((node.map(place).unwrap_or_default(), message))
}

/// The pointer of the member that should hold objects and does not, or else of the node.
fn place(node: &Node<'_>) -> String {
    let wrong = entries(Some(node.value)).find(|(keyword, value)| match node.kind.member(keyword) {
        Member::One(_) => !value.is_object() && !value.is_boolean(),
        Member::Map(_) => !value.is_object(),
        Member::List(_) => !value.is_array(),
        Member::Data => false,
    });
    wrong.map_or_else(|| node.pointer.clone(), |(keyword, _)| node.key(keyword))
}

fn error_of(node: &Node<'_>) -> Option<String> {
    if node.reference().is_some() {
        return None;
    }
    match node.kind {
        Kind::Info => error::<Info>(node.value),
        Kind::Server => error::<Server>(node.value),
        Kind::Tag => error::<Tag>(node.value),
        Kind::Components => error::<Components>(node.value),
        Kind::PathItem => error::<PathItem>(node.value),
        Kind::Operation => error::<Operation>(node.value),
        Kind::Parameter => error::<Parameter>(node.value),
        Kind::RequestBody => error::<RequestBody>(node.value),
        Kind::Response => error::<Response>(node.value),
        Kind::Header => error::<Header>(node.value),
        Kind::MediaType => error::<MediaType>(node.value),
        Kind::SecurityScheme => error::<SecurityScheme>(node.value),
        Kind::Schema => error::<Schema>(node.value),
        _ => None,
    }
}

// The types read each other from owned values too. A borrowed value would compile all of them once more.
fn error<T: DeserializeOwned>(value: &Value) -> Option<String> {
    serde_json::from_value::<T>(value.clone()).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with one parameter of a path.
    fn document(parameter: &Value) -> Value {
        serde_json::json!({
            "openapi": "3.0.3",
            "info": {"title": "T", "version": "1.0.0"},
            "paths": {"/a": {"get": {"parameters": [parameter], "responses": {}}}},
        })
    }

    #[test]
    fn the_innermost_object_is_named() {
        let parameter =
            serde_json::json!({"name": "a", "in": "query", "schema": {"type": "string", "minLength": "x"}});
        let (pointer, message) = mistake(&document(&parameter)).unwrap();
        assert_eq!(pointer, "/paths/~1a/get/parameters/0/schema");
        assert_eq!(message, "invalid type: string \"x\", expected usize");
    }

    #[test]
    fn a_value_in_the_place_of_an_object_is_named() {
        let mut document = document(&Value::Null);
        document["info"] = "nothing".into();
        document["paths"] = Value::Object(Default::default());
        let (pointer, message) = mistake(&document).unwrap();
        assert_eq!(pointer, "/info");
        assert_eq!(message, "invalid type: string \"nothing\", expected struct Info");
    }

    #[test]
    fn a_reference_and_a_whole_document_have_no_mistake() {
        let reference = serde_json::json!({"$ref": "#/components/parameters/A"});
        assert_eq!(mistake(&document(&reference)), None);
        assert_eq!(mistake(&Value::Null).unwrap().0, "");
    }
}
