//! The documents as the sandbox serves them: as YAML and as JSON.

use std::path::Path;

use anyhow::{Context as _, Result};
use openapi_tools::value::pretty;
use openapi_tools::{Document, SANDBOX_DOCUMENT};

use crate::{GeneratedFile, SANDBOX_CONTRACT};

/// The files `NAME.yaml` and `NAME.json` for the document with this text. They are in the sandbox's crate, so that it can
/// be published.
pub(crate) fn files(name: &str, text: &str, document: &Document) -> [GeneratedFile; 2] {
    let file = |extension: &str, content| GeneratedFile {
        path: Path::new(SANDBOX_CONTRACT).join(name).with_extension(extension),
        content,
    };
    [file("yaml", text.to_owned()), file("json", pretty(&document.value))]
}

/// The files for the document of the admin API of the workspace at `root`.
pub(crate) fn admin_files(root: &Path) -> Result<[GeneratedFile; 2]> {
    let text = std::fs::read_to_string(root.join(SANDBOX_DOCUMENT)).context(SANDBOX_DOCUMENT)?;
    let document = Document::parse(&text).context(SANDBOX_DOCUMENT)?;
    Ok(files("sandbox", &text, &document))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\n";

    #[test]
    fn the_yaml_is_the_document_and_the_json_is_equal_to_it() {
        let document = Document::parse(SMALL).unwrap();
        let [yaml, json] = files("video", SMALL, &document);
        assert_eq!(yaml.content, SMALL);
        let read: serde_json::Value = serde_json::from_str(&json.content).unwrap();
        assert_eq!(read, document.value);
        assert!(json.content.find("version") < json.content.find("title"), "in the order of the document");
    }

    #[test]
    fn the_same_document_gives_the_same_bytes() {
        let make = || files("video", SMALL, &Document::parse(SMALL).unwrap());
        assert_eq!(make(), make());
    }
}
