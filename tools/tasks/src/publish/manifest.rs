//! The manifest of a release: its version, and each file with its size and its SHA-256.

use serde_json::{Value, json};

use super::File;
use crate::checksum::sha256;

/// The file name of the manifest.
pub(super) const NAME: &str = "manifest.json";

/// The manifest of these files.
pub(super) fn manifest(document: &Value, version: &str, files: &[File]) -> String {
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({
                "name": file.name,
                "description": file.description,
                "media_type": file.media_type,
                "bytes": file.content.len(),
                "sha256": sha256(&file.content),
            })
        })
        .collect();
    let manifest = json!({
        "title": document.pointer("/info/title"),
        "version": version,
        "files": files,
    });
    format!("{manifest:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_size_and_its_checksum() {
        let file =
            File { name: "a.txt", description: "A", media_type: "text/plain", content: "abc".to_owned() };
        let text = manifest(&json!({"info": {"title": "T"}}), "1.2.3", &[file]);
        let manifest: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(manifest["version"], "1.2.3");
        assert_eq!(manifest["files"][0]["bytes"], 3);
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(manifest["files"][0]["sha256"], known);
    }
}
