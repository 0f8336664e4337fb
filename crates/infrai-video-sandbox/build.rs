//! Takes the two files of Swagger UI that `/docs` needs out of the archive of its release, compressed as they are there.

use std::path::Path;
use std::{env, fs};

const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let directory = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for name in FILES {
        let gzip = gzip_of(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED, &format!("/dist/{name}"));
        fs::write(Path::new(&directory).join(format!("{name}.gz")), gzip).expect("OUT_DIR can be written");
    }
}

/// A file of a zip archive as gzip. Both formats hold the same compressed bytes, followed by a checksum and a length.
fn gzip_of(zip: &[u8], end_of_name: &str) -> Vec<u8> {
    let number = |at: usize, bytes: usize| {
        zip[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = zip.windows(4).rposition(|four| four == b"PK\x05\x06").expect("the archive has a directory");
    let mut entry = number(end + 16, 4);
    for _ in 0..number(end + 10, 2) {
        assert_eq!(&zip[entry..entry + 4], b"PK\x01\x02", "the archive's directory has another form");
        let name_length = number(entry + 28, 2);
        if zip[entry + 46..entry + 46 + name_length].ends_with(end_of_name.as_bytes()) {
            assert_eq!(number(entry + 10, 2), 8, "{end_of_name} is not deflated");
            let file = number(entry + 42, 4);
            let start = file + 30 + number(file + 26, 2) + number(file + 28, 2);
            // No name and no time, on an unknown system.
            let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
            gzip.extend(&zip[start..start + number(entry + 20, 4)]);
            gzip.extend(&zip[entry + 16..entry + 20]);
            gzip.extend(&zip[entry + 24..entry + 28]);
            return gzip;
        }
        entry += 46 + name_length + number(entry + 30, 2) + number(entry + 32, 2);
    }
    panic!("the archive of Swagger UI has no file {end_of_name}");
}
