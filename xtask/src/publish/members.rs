//! Which members of the document's objects are parts of it, which are lists by name, and which are plain data.

/// What the member of an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// A value that is shown or compared. Nothing in it is a reference or a schema, whatever it looks like.
    Data,
    /// A list by names. The names are free: a property may well be called `example`.
    Named,
    /// Another object of OpenAPI, or a list of them.
    Part,
}

/// What the member `key` holds, in OpenAPI 3.0.
pub(super) fn member(key: &str) -> Member {
    match key {
        "example" | "value" | "default" | "enum" | "security" | "mapping" | "scopes" => Member::Data,
        "properties" | "examples" | "headers" | "content" | "responses" | "callbacks" | "links"
        | "encoding" | "paths" | "schemas" | "parameters" | "requestBodies" | "securitySchemes"
        | "variables" => Member::Named,
        _ if key.starts_with("x-") => Member::Data,
        _ => Member::Part,
    }
}
