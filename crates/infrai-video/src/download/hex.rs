//! Hexadecimal digits.

use bytes::Bytes;

/// The bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    format!("{:x}", Bytes::copy_from_slice(bytes))
}
