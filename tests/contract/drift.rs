//! The generated code is the contract's, byte for byte.

use contract_tests::{contract, root};

#[test]
fn the_generated_files_are_current() {
    for file in xtask::regen::generate(&contract()).unwrap() {
        let committed = std::fs::read_to_string(root().join(&file.path)).unwrap();
        assert!(
            committed == file.content,
            "{} is not current; run `cargo xtask regen` and commit the result",
            file.path.display()
        );
    }
}

#[test]
fn generating_twice_gives_the_same_bytes() {
    assert_eq!(xtask::regen::generate(&contract()).unwrap(), xtask::regen::generate(&contract()).unwrap());
}

#[test]
fn a_field_added_to_the_document_shows_up_in_the_rust_type() {
    let text = std::fs::read_to_string(root().join(xtask::contract::DOCUMENT)).unwrap();
    let at = "        state:\n          $ref: '#/components/schemas/JobState'\n";
    assert!(text.contains(at));
    let field = "        place_in_the_queue:\n          type: integer\n          format: int32\n          nullable: true\n          \
                 description: How many jobs are ahead.\n          example: 3\n          x-provenance: [assumed]\n";
    let changed = xtask::contract::Contract::parse(&text.replacen(at, &format!("{at}{field}"), 1)).unwrap();
    let generated = &xtask::regen::generate(&changed).unwrap()[0];
    assert!(generated.content.contains("pub place_in_the_queue: ::std::option::Option<i32>"));
    assert_ne!(generated.content, xtask::regen::generate(&contract()).unwrap()[0].content);
}
