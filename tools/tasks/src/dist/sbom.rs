//! The list of all packages in the binary, in CycloneDX's format. Without a serial number and a time, it is always the same.

use serde_json::{Value, json};

use super::NAME;
use super::dependencies::{Dependencies, Package};
use crate::checksum::sha256;

pub(super) fn json(dependencies: &Dependencies, binary: &[u8]) -> String {
    let root = dependencies.root();
    let others = dependencies.packages.values().filter(|package| *package != root);
    let edges = dependencies.edges.iter().map(|(user, used)| {
        let used: Vec<_> = used.iter().map(|key| purl(&dependencies.packages[key])).collect();
        json!({"ref": purl(&dependencies.packages[user]), "dependsOn": used})
    });
    let mut command = component(root, "application");
    command["name"] = json!(NAME);
    command["hashes"] = json!([{"alg": "SHA-256", "content": sha256(binary)}]);
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": command},
        "components": others.map(|package| component(package, "library")).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "licenses": [{"expression": package.license}],
        "purl": purl(package),
    });
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// An address of a package: `pkg:cargo/serde@1.0.0`.
fn purl(package: &Package) -> String {
    // A `+` separates the metadata of a version, and means a space elsewhere.
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_package_has_its_address_and_the_command_its_checksum() {
        let package = |name: &str, version: &str| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: "MIT".to_owned(),
            ..Package::default()
        };
        let packages = [("a", package("a", "0.1.0")), ("b", package("b", "1.0.0+8.5"))];
        let packages: BTreeMap<_, _> = packages.map(|(key, package)| (key.to_owned(), package)).into();
        let document: Value = serde_json::from_str(&json(&Dependencies::test(packages), b"binary")).unwrap();
        assert_eq!(document["metadata"]["component"]["name"], "infrai-video");
        assert_eq!(document["metadata"]["component"]["hashes"][0]["content"], sha256(b"binary"));
        assert_eq!(document["components"][0]["purl"], "pkg:cargo/b@1.0.0%2B8.5");
        assert_eq!(document["components"].as_array().unwrap().len(), 1);
    }
}
