//! JSON pointers as people read them.

use crate::walk::{Kind, METHODS, Member};

/// Keywords that a place is clear without.
const HIDDEN: [&str; 8] =
    ["properties", "responses", "content", "schema", "schemas", "parameters", "headers", "allOf"];

/// A JSON pointer into the document as people read it: `POST /v1/video/generate > 200`, `VideoJob > state`.
///
/// A list's index may be replaced by a name.
#[must_use]
pub fn words(pointer: &str) -> String {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let (mut words, kind, rest) = match parts.as_slice() {
        [] => return "document".to_owned(),
        [paths, path, method, rest @ ..] if paths == "paths" && METHODS.contains(&method.as_str()) => {
            (vec![format!("{} {path}", method.to_uppercase())], Kind::Operation, rest)
        }
        [paths, path, rest @ ..] if paths == "paths" => (vec![path.clone()], Kind::PathItem, rest),
        [components, kind, name, rest @ ..] if components == "components" => {
            match Kind::Components.member(kind) {
                Member::Map(Kind::Schema) => (vec![name.clone()], Kind::Schema, rest),
                Member::Map(kind) => (vec![format!("{kind} {name}")], kind, rest),
                _ => (Vec::new(), Kind::Document, &parts[..]),
            }
        }
        all => (Vec::new(), Kind::Document, all),
    };
    // What the next part is: a keyword in an object of some kind, or else a name that the author chose.
    let mut next = Member::One(kind);
    for part in rest {
        let is_keyword = matches!(next, Member::One(_));
        next = match next {
            Member::One(kind) => kind.member(part),
            Member::List(kind) | Member::Map(kind) => Member::One(kind),
            Member::Data => Member::Data,
        };
        if !is_keyword || !HIDDEN.contains(&part.as_str()) {
            words.push(part.clone());
        }
    }
    words.join(" > ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_by_operation_component_and_name() {
        for (pointer, expected) in [
            ("", "document"),
            ("/info/title", "info > title"),
            ("/paths/~1v1~1list/get/responses/200", "GET /v1/list > 200"),
            ("/paths/~1v1~1list/summary", "/v1/list > summary"),
            ("/components/parameters/Limit/schema", "parameter Limit"),
            ("/components/requestBodies/Job/content", "request body Job"),
            ("/components/schemas/Job/properties/a~1b", "Job > a/b"),
        ] {
            assert_eq!(words(pointer), expected);
        }
    }

    #[test]
    fn a_name_that_looks_like_a_keyword_is_shown() {
        assert_eq!(
            words("/components/schemas/Job/properties/properties/minimum"),
            "Job > properties > minimum"
        );
        assert_eq!(words("/components/schemas/schema/allOf/0/properties/allOf"), "schema > 0 > allOf");
        assert_eq!(words("/paths/~1a/get/parameters/schema/schema/type"), "GET /a > schema > type");
    }
}
