//! Ids and other values that look random. All follow from the seed.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// The seed of a sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// 32 bytes for the `number`th use of `purpose`. Equal seeds give equal bytes.
    pub(crate) fn bytes(self, purpose: &str, number: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(number.to_be_bytes());
        hash.finalize().into()
    }

    /// A number from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn fraction(self, purpose: &str, number: u64) -> f64 {
        let bytes = self.bytes(purpose, number);
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        // An f64 represents 53 bits exactly.
        (u64::from_be_bytes(first) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An id that sorts by time: `prefix`, 10 characters of milliseconds and 16 from the seed.
    pub(crate) fn id(self, prefix: &str, at: Timestamp, number: u64) -> String {
        let drawn = self.bytes(prefix, number);
        let millis = at.as_millisecond().max(0) as u128 & 0xffff_ffff_ffff;
        let low = drawn[..10].iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        let value = millis << 80 | low;
        let mut id = String::with_capacity(prefix.len() + LENGTH);
        id.push_str(prefix);
        for position in (0..LENGTH).rev() {
            id.push(char::from(ALPHABET[(value >> (position * 5)) as usize & 31]));
        }
        id
    }
}

/// The SHA-256 of some bytes in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_time_and_number_give_the_same_id() {
        let at = Timestamp::constant(1_767_225_600, 0);
        let id = Seed(7).id("vj_", at, 1);
        assert_eq!(id, Seed(7).id("vj_", at, 1));
        assert_ne!(id, Seed(7).id("vj_", at, 2));
        assert_ne!(id, Seed(8).id("vj_", at, 1));
        assert_eq!(id.len(), 29);
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<_> =
            (0..9).map(|n| Seed(7).id("vj_", Timestamp::constant(1_767_225_600 + n, 0), n as u64)).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_fraction_lies_between_zero_and_one() {
        let sum: f64 =
            (0..1000).map(|n| Seed(1).fraction("test", n)).inspect(|f| assert!((0.0..1.0).contains(f))).sum();
        assert!((400.0..600.0).contains(&sum));
    }
}
