//! The grammar of OpenAPI: which kinds of objects there are, and what each of their members holds.
//!
//! A keyword means something only in an object of the right kind. In a map, such as `properties`, the author chooses the names:
//! a property called `default` or `example` is a schema like any other.

use std::fmt;

use serde_json::{Map, Value};

use crate::value::{entries, escape};

/// The methods that a path item can have, in the order in which OpenAPI lists them.
pub const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The kind of an object in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The document as a whole.
    Document,
    /// `info`.
    Info,
    /// A server.
    Server,
    /// The declaration of a tag.
    Tag,
    /// `components`.
    Components,
    /// `paths`.
    Paths,
    /// All operations of one path.
    PathItem,
    /// An operation.
    Operation,
    /// A parameter.
    Parameter,
    /// A request body.
    RequestBody,
    /// The responses of an operation by status.
    Responses,
    /// A response.
    Response,
    /// A response header.
    Header,
    /// A body in one media type.
    MediaType,
    /// The encoding of a part of a body.
    Encoding,
    /// A named example.
    Example,
    /// A link.
    Link,
    /// A callback.
    Callback,
    /// A security scheme.
    SecurityScheme,
    /// A schema.
    Schema,
    /// An object without objects inside, such as `info.license`.
    Leaf,
}

/// What a member of an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// A value without grammar: text, an example, an extension. Nothing in it is a keyword or a reference.
    Data,
    /// One object.
    One(Kind),
    /// A list of objects.
    List(Kind),
    /// Objects under names that the author of the document chooses.
    Map(Kind),
}

impl Kind {
    /// What the member `keyword` of an object of this kind holds.
    #[must_use]
    pub fn member(self, keyword: &str) -> Member {
        use Kind::*;
        use Member::{Data, List, Map, One};
        if keyword.starts_with("x-") {
            return Data;
        }
        match (self, keyword) {
            (Document, "info") => One(Info),
            (Document, "tags") => List(Tag),
            (Document, "paths") => One(Paths),
            (Document, "components") => One(Components),
            (Document | PathItem | Operation, "servers") => List(Server),
            (Link, "server") => One(Server),
            (Server, "variables") => Map(Leaf),
            (Info, "contact" | "license") => One(Leaf),
            (Document | Tag | Operation | Schema, "externalDocs") => One(Leaf),

            (Components, "schemas") => Map(Schema),
            (Components, "parameters") => Map(Parameter),
            (Components, "requestBodies") => Map(RequestBody),
            (Components, "responses") => Map(Response),
            (Components, "securitySchemes") => Map(SecurityScheme),
            (Components | Operation, "callbacks") => Map(Callback),
            (Components | Response | Encoding, "headers") => Map(Header),
            (Components | Response, "links") => Map(Link),
            (Components | Parameter | Header | MediaType, "examples") => Map(Example),

            (Paths | Callback, _) => One(PathItem),
            (PathItem, method) if METHODS.contains(&method) => One(Operation),
            (PathItem | Operation, "parameters") => List(Parameter),
            (Operation, "requestBody") => One(RequestBody),
            (Operation, "responses") => One(Responses),
            (Responses, _) => One(Response),
            (Parameter | Header | RequestBody | Response, "content") => Map(MediaType),
            (Parameter | Header | MediaType, "schema") => One(Schema),
            (MediaType, "encoding") => Map(Encoding),

            (Schema, "properties" | "patternProperties" | "$defs") => Map(Schema),
            (Schema, "items" | "not" | "additionalProperties") => One(Schema),
            (Schema, "allOf" | "anyOf" | "oneOf" | "prefixItems") => List(Schema),
            (Schema, "discriminator" | "xml") => One(Leaf),
            _ => Data,
        }
    }
}

/// The kind as sentences name it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Info => "info",
            Self::Server => "server",
            Self::Tag => "tag",
            Self::Components => "components",
            Self::Paths => "paths",
            Self::PathItem => "path",
            Self::Operation => "operation",
            Self::Parameter => "parameter",
            Self::RequestBody => "request body",
            Self::Responses => "responses",
            Self::Response => "response",
            Self::Header => "header",
            Self::MediaType => "media type",
            Self::Encoding => "encoding",
            Self::Example => "example",
            Self::Link => "link",
            Self::Callback => "callback",
            Self::SecurityScheme => "security scheme",
            Self::Schema => "schema",
            Self::Leaf => "object",
        })
    }
}

/// An object of the document.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// Its JSON pointer.
    pub pointer: String,
    /// Its kind.
    pub kind: Kind,
    /// The keyword that holds it: `properties` for a property. Empty for the object at which the walk starts.
    pub keyword: &'a str,
    /// The object, which may be a reference.
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The target of the reference that the object is.
    #[must_use]
    pub fn reference(&self) -> Option<&'a str> {
        self.text("$ref")
    }

    /// The member `keyword`, if it is a string.
    #[must_use]
    pub fn text(&self, keyword: &str) -> Option<&'a str> {
        self.value.get(keyword).and_then(Value::as_str)
    }

    /// Whether the object has the member `keyword`.
    #[must_use]
    pub fn has(&self, keyword: &str) -> bool {
        self.value.get(keyword).is_some()
    }

    /// The pointer of the member `keyword`.
    #[must_use]
    pub fn key(&self, keyword: &str) -> String {
        format!("{}/{}", self.pointer, escape(keyword))
    }
}

/// The object `value` of this kind at `pointer` and all objects inside of it, outer ones first. References are not followed.
#[must_use]
pub fn nodes<'a>(kind: Kind, pointer: &str, value: &'a Value) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    collect(&mut nodes, Node { pointer: pointer.to_owned(), kind, keyword: "", value });
    nodes
}

fn collect<'a>(nodes: &mut Vec<Node<'a>>, node: Node<'a>) {
    if !node.value.is_object() {
        return;
    }
    nodes.push(node.clone());
    for (keyword, value) in entries(Some(node.value)) {
        let pointer = node.key(keyword);
        let mut child = |pointer, kind, value| collect(nodes, Node { pointer, kind, keyword, value });
        match (node.kind.member(keyword), value) {
            (Member::One(kind), _) => child(pointer, kind, value),
            (Member::List(kind), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    child(format!("{pointer}/{index}"), kind, item);
                }
            }
            (Member::Map(kind), Value::Object(named)) => {
                for (name, item) in named {
                    child(format!("{pointer}/{}", escape(name)), kind, item);
                }
            }
            _ => {}
        }
    }
}

/// Calls `visit` with the object `value` of this kind and with all objects that are inside of it then, outer ones first.
pub fn visit_mut(kind: Kind, value: &mut Value, visit: &mut dyn FnMut(Kind, &mut Map<String, Value>)) {
    let Value::Object(object) = value else { return };
    visit(kind, object);
    for (keyword, value) in object {
        match (kind.member(keyword), value) {
            (Member::One(kind), value) => visit_mut(kind, value, visit),
            (Member::List(kind), Value::Array(items)) => {
                items.iter_mut().for_each(|item| visit_mut(kind, item, visit));
            }
            (Member::Map(kind), Value::Object(named)) => {
                named.values_mut().for_each(|item| visit_mut(kind, item, visit));
            }
            _ => {}
        }
    }
}

/// A copy of the object `value` of this kind, with what `convert` returns in place of each object directly inside of it.
///
/// # Errors
/// The first error of `convert`.
pub fn map_children<'a, E>(
    kind: Kind,
    value: &'a Value,
    convert: &mut dyn FnMut(Kind, &'a Value) -> Result<Value, E>,
) -> Result<Value, E> {
    let Value::Object(object) = value else { return Ok(value.clone()) };
    let mut copy = Map::new();
    for (keyword, value) in object {
        let value = match (kind.member(keyword), value) {
            (Member::One(kind), value) => convert(kind, value)?,
            (Member::List(kind), Value::Array(items)) => {
                items.iter().map(|item| convert(kind, item)).collect::<Result<_, E>>()?
            }
            (Member::Map(kind), Value::Object(named)) => {
                let named = named.iter().map(|(name, item)| Ok((name.clone(), convert(kind, item)?)));
                Value::Object(named.collect::<Result<_, E>>()?)
            }
            _ => value.clone(),
        };
        copy.insert(keyword.clone(), value);
    }
    Ok(Value::Object(copy))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(kind: Kind, value: &Value) -> Vec<(String, Kind)> {
        nodes(kind, "", value).into_iter().map(|node| (node.pointer, node.kind)).collect()
    }

    #[test]
    fn names_that_the_author_chooses_are_not_keywords() {
        let value =
            json!({"properties": {"example": {"type": "string"}, "x-ray": {"items": {}}, "properties": {}}});
        assert_eq!(
            found(Kind::Schema, &value),
            [
                ("".to_owned(), Kind::Schema),
                ("/properties/example".to_owned(), Kind::Schema),
                ("/properties/x-ray".to_owned(), Kind::Schema),
                ("/properties/x-ray/items".to_owned(), Kind::Schema),
                ("/properties/properties".to_owned(), Kind::Schema),
            ]
        );
    }

    #[test]
    fn data_is_not_entered_whatever_it_looks_like() {
        let data = json!({"properties": {"a": {}}, "$ref": "#/a"});
        let value = json!({"example": data, "default": data, "enum": [data], "x-note": data, "items": true});
        assert_eq!(found(Kind::Schema, &value), [("".to_owned(), Kind::Schema)]);
        let value = json!({"examples": {"one": {"value": data}}, "example": data});
        assert_eq!(
            found(Kind::MediaType, &value),
            [("".to_owned(), Kind::MediaType), ("/examples/one".to_owned(), Kind::Example)]
        );
    }

    #[test]
    fn every_kind_of_object_is_reached_from_the_document() {
        let schema = json!({"type": "string"});
        let media =
            json!({"text/a": {"schema": schema, "encoding": {"a": {"headers": {"h": {"schema": schema}}}}}});
        let document = json!({
            "info": {"license": {}}, "servers": [{"variables": {"v": {}}}], "tags": [{"externalDocs": {}}],
            "paths": {"/a": {"get": {
                "parameters": [{"schema": schema}],
                "requestBody": {"content": media},
                "responses": {"200": {"links": {"l": {"parameters": {"$ref": 1}}}}, "x-note": {}},
                "callbacks": {"c": {"{$url}": {"post": {}}}},
            }}},
            "components": {"securitySchemes": {"s": {}}, "examples": {"e": {}}},
        });
        let pointers: Vec<String> =
            found(Kind::Document, &document).into_iter().map(|(pointer, _)| pointer).collect();
        for pointer in [
            "/info/license",
            "/servers/0/variables/v",
            "/tags/0/externalDocs",
            "/paths/~1a/get/parameters/0/schema",
            "/paths/~1a/get/requestBody/content/text~1a/encoding/a/headers/h/schema",
            "/paths/~1a/get/responses/200/links/l",
            "/paths/~1a/get/callbacks/c/{$url}/post",
            "/components/securitySchemes/s",
            "/components/examples/e",
        ] {
            assert!(pointers.iter().any(|found| found == pointer), "{pointer} is not in {pointers:#?}");
        }
        assert_eq!(pointers.len(), 27, "{pointers:#?}");
        for pointer in pointers {
            assert!(document.pointer(&pointer).is_some_and(Value::is_object), "{pointer}");
        }
    }

    #[test]
    fn a_visitor_may_change_what_is_visited_next() {
        let mut value =
            json!({"allOf": [{"properties": {"type": {"default": 1}}}], "default": {"items": {"a": 1}}});
        visit_mut(Kind::Schema, &mut value, &mut |_, object| {
            object.remove("default");
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                properties.insert("default".to_owned(), json!({"default": 2}));
            }
        });
        assert_eq!(value, json!({"allOf": [{"properties": {"type": {}, "default": {}}}]}));
    }
}
