//! The generated files against the document.

use std::path::{Path, PathBuf};

use openapi_tools::{DOCUMENT, Document};

use crate::generate;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document() -> Document {
    Document::load(&root().join(DOCUMENT)).unwrap()
}

/// The document with another property of a response.
fn with_a_field() -> Document {
    let text = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
    let at = "        state:\n          $ref: '#/components/schemas/JobState'\n";
    assert!(text.contains(at));
    let field = "        place_in_the_queue:\n          type: integer\n          format: int32\n          nullable: true\n          \
                 description: How many jobs are ahead.\n          example: 3\n          x-provenance: [assumed]\n";
    Document::parse(&text.replacen(at, &format!("{at}{field}"), 1)).unwrap()
}

#[test]
fn the_generated_files_are_current() {
    for file in generate(&document()).unwrap() {
        let committed = std::fs::read_to_string(root().join(&file.path)).unwrap();
        let path = file.path.display();
        assert!(
            committed == file.content,
            "{path} is not current; run `cargo xtask regen` and commit the result"
        );
    }
}

#[test]
fn generating_twice_gives_the_same_bytes() {
    assert_eq!(generate(&document()).unwrap(), generate(&document()).unwrap());
}

#[test]
fn a_field_added_to_the_document_is_in_the_rust_type() {
    let generated = &generate(&with_a_field()).unwrap()[0];
    assert!(generated.content.contains("pub place_in_the_queue: ::std::option::Option<i32>"));
}

#[test]
fn a_field_added_to_the_document_makes_the_client_stale() {
    let generated = &generate(&with_a_field()).unwrap()[0];
    assert_ne!(generated.content, std::fs::read_to_string(root().join(&generated.path)).unwrap());
}
