use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(default)]
    count: Option<u16>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    sizes: BTreeMap<String, f64>,
}

fn read(text: &str, format: Format) -> Result<Sample, String> {
    Input::parse("the sample", text, format).and_then(|input| input.read()).map_err(|error| error.to_string())
}

fn toml(text: &str) -> String {
    read(text, Format::Toml).expect_err("invalid")
}

fn json(text: &str) -> String {
    read(text, Format::Json).expect_err("invalid")
}

#[test]
fn both_formats_give_the_same_values() {
    let json = r#"{"count": 3.0, "names": ["a"], "sizes": {"b": 1, "c": 0.5}}"#;
    let toml = "count = 0x3\nnames = ['a']\nsizes = { b = 1, c = 5e-1 }";
    let sizes = BTreeMap::from([("b".to_owned(), 1.0), ("c".to_owned(), 0.5)]);
    let sample = Sample { count: Some(3), names: vec!["a".to_owned()], sizes };
    assert_eq!(read(json, Format::Json).as_ref(), Ok(&sample));
    assert_eq!(read(toml, Format::Toml), Ok(sample));
}

#[test]
fn an_error_names_its_place() {
    assert_eq!(toml("\nnames = [\n  'a',\n  5,\n]"), "name 2 (line 4): expected text, found the number 5");
    assert_eq!(json(r#"{"names": ["a", 5]}"#), "name 2: expected text, found the number 5");
    assert_eq!(
        toml("[sizes]\na = 1\nb = 'x'"),
        "sizes, field b (line 3): expected a number, found the text \"x\""
    );
    assert_eq!(
        json(r#"{"count": -1}"#),
        "field count: expected a whole number from 0 to 65535, found the number -1"
    );
    assert_eq!(
        json(r#"{"cuont": 1}"#),
        "the sample: the field `cuont` does not exist: did you mean `count`? Use one of count, names, sizes"
    );
    assert_eq!(
        toml("colour = 1"),
        "the sample (line 1): the field `colour` does not exist: use one of count, names, sizes"
    );
}

#[test]
fn a_text_that_is_not_in_its_format_is_rejected_with_line_and_column() {
    assert!(json("{\"count\": 1,\n \"names\" }").starts_with("the sample (line 2, column 10): "));
    assert_eq!(toml("count = 1\nnames = ["), "the sample (line 2, column 10): unclosed array, expected `]`");
    assert_eq!(json(" "), "the sample: the text is empty, and must be JSON");
}

#[test]
fn a_key_that_is_there_twice_is_rejected() {
    let twice = json("{\"count\": 1, \"count\": 2}");
    assert!(twice.contains("line 1") && twice.ends_with("the key \"count\" is there twice"), "{twice}");
    assert!(toml("count = 1\ncount = 2").starts_with("the sample (line 2, column 1): duplicate key"));
}

#[test]
fn no_text_panics() {
    let deep = "[".repeat(100_000);
    let long = format!("{{\"{}\": 1}}", "n".repeat(100_000));
    for text in [&deep, &long, "1e999", "\"\\ud800\"", "null", "[]", "{\"count\": 99999999999999999999}"] {
        assert!(json(text).len() < 300, "{}", json(text));
    }
    for text in [
        &format!("a = {deep}"),
        "count = 99999999999999999999",
        "sizes.a = 1e999\ncount = ''",
        "count = 1979-05-27",
    ] {
        assert!(toml(text).len() < 300, "{}", toml(text));
    }
}

#[test]
fn one_table_instead_of_a_list_is_explained() {
    assert_eq!(
        toml("[names]\na = 1"),
        "field names (line 1): expected a list, found a single table; begin each with [[names]]"
    );
    assert_eq!(
        json("{\"names\": {}}"),
        "field names: expected a list, found a single table; write \"names\": [{...}]"
    );
}
