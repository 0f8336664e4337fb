//! The archive, the list of its parts, and the checksums.

use std::fs;

use contract_tests::root;
use external_tools::Process;

use crate::{names, pack, packages};

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn packing_again_gives_the_same_bytes() {
    let Some(packages) = packages() else { return };
    let again = pack("second").unwrap();
    let files = names(&packages.directory);
    assert_eq!(files, names(&again));
    assert_eq!(files.len(), 7, "{files:?}");
    for file in files {
        let same = fs::read(packages.directory.join(&file)).unwrap() == fs::read(again.join(&file)).unwrap();
        assert!(same, "{file} differs");
    }
    Process::new("sha256sum", &again).args("--check --strict SHA256SUMS").run().unwrap();
    assert_eq!(fs::read_to_string(again.join("SHA256SUMS")).unwrap().lines().count(), 6);
}

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn the_archive_has_the_command_with_its_documents_and_licences() {
    let Some(packages) = packages() else { return };
    let work = packages.work("archive");
    Process::new("tar", &work).args("--extract --gzip --file").arg(packages.file(".tar.gz")).run().unwrap();
    let top = names(&work).remove(0);
    assert!(top.starts_with("infrai-video-0."), "{top}");
    let top = work.join(top);
    assert_eq!(
        names(&top),
        ["LICENCES.txt", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "completions", "infrai-video", "man"]
    );
    let version = Process::new(top.join("infrai-video"), &work).args("--version").read().unwrap();
    assert!(version.starts_with("infrai-video "), "{version}");
    assert_eq!(names(&top.join("completions")), ["_infrai-video", "infrai-video.bash", "infrai-video.fish"]);
    let pages = names(&top.join("man"));
    assert!(pages.contains(&"infrai-video-sandbox.1".to_owned()), "{pages:?}");

    let licences = fs::read_to_string(top.join("LICENCES.txt")).unwrap();
    // Parts with terms of their own: the font, the encoders, the TLS library and the reference's page.
    for text in [
        "Bitstream Vera",
        "Cisco Systems",
        "Independent JPEG Group",
        "\nring 0.",
        "\nutoipa-swagger-ui-vendored ",
    ] {
        assert!(licences.contains(text), "{text:?} is missing");
    }
    // Generators of code are not in the command.
    assert!(!licences.contains("\nserde_derive "));
}

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn the_sbom_is_valid_and_lists_what_the_licences_list() {
    let Some(packages) = packages() else { return };
    let script = "import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(repr(error) if error else 0)";
    let file = packages.file(".cdx.json");
    let validator = Process::new(packages.tools.join("bin/python"), &root()).named("cyclonedx");
    validator.arg("-c").arg(script).arg(&file).run().unwrap();
    let sbom: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let components = sbom["components"].as_array().unwrap();
    assert!(components.len() > 100, "{}", components.len());
    let tokio = components.iter().find(|component| component["name"] == "tokio").unwrap();
    assert_eq!(tokio["licenses"][0]["expression"], "MIT");
}
