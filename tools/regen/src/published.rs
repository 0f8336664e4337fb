//! The document as the sandbox serves it: as YAML and as JSON.

use std::path::Path;

use openapi_tools::Document;
use openapi_tools::value::pretty;

use crate::{GeneratedFile, SANDBOX_CONTRACT};

/// The files for the document with this text. They are in the sandbox's crate, so that it can be published.
pub(crate) fn files(text: &str, document: &Document) -> [GeneratedFile; 2] {
    let file = |name: &str, content| GeneratedFile { path: Path::new(SANDBOX_CONTRACT).join(name), content };
    [file("video.yaml", text.to_owned()), file("video.json", pretty(&document.value))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\n";

    #[test]
    fn the_yaml_is_the_document_and_the_json_is_equal_to_it() {
        let document = Document::parse(SMALL).unwrap();
        let [yaml, json] = files(SMALL, &document);
        assert_eq!(yaml.content, SMALL);
        let read: serde_json::Value = serde_json::from_str(&json.content).unwrap();
        assert_eq!(read, document.value);
        assert!(json.content.find("version") < json.content.find("title"), "in the order of the document");
    }

    #[test]
    fn the_same_document_gives_the_same_bytes() {
        let make = || files(SMALL, &Document::parse(SMALL).unwrap());
        assert_eq!(make(), make());
    }
}
