//! The document as the sandbox serves it: as YAML and as JSON.

use std::path::Path;

use super::{GeneratedFile, SANDBOX_CONTRACT};
use crate::contract::Contract;
use crate::publish::pretty;

/// The files for the document with this text. They are in the sandbox's crate, so that it can be published.
pub(super) fn files(text: &str, contract: &Contract) -> [GeneratedFile; 2] {
    let file = |name: &str, content| GeneratedFile { path: Path::new(SANDBOX_CONTRACT).join(name), content };
    [file("video.yaml", text.to_owned()), file("video.json", pretty(&contract.value))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\n";

    #[test]
    fn the_yaml_is_the_document_itself_and_the_json_says_the_same() {
        let contract = Contract::parse(SMALL).unwrap();
        let [yaml, json] = files(SMALL, &contract);
        assert_eq!(yaml.content, SMALL);
        let read: serde_json::Value = serde_json::from_str(&json.content).unwrap();
        assert_eq!(read, contract.value);
        assert!(json.content.find("version") < json.content.find("title"), "in the order of the document");
    }

    #[test]
    fn the_same_document_gives_the_same_bytes() {
        let make = || files(SMALL, &Contract::parse(SMALL).unwrap());
        assert_eq!(make(), make());
    }
}
