//! SHA-256.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(content: impl AsRef<[u8]>) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(content.as_ref()) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
