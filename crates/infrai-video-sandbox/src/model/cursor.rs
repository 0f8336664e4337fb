//! Cursors of `list`: the number of the last job of a page, signed for one account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::ids::Seed;

const TAG: usize = 12;

/// Issues and verifies cursors. A cursor contains the number of a job, so that it stays valid when jobs are added or
/// deleted.
#[derive(Clone)]
pub(crate) struct Cursors {
    key: [u8; 32],
}

impl Cursors {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { key: seed.bytes("cursors", 0) }
    }

    /// The cursor of the page after the job with this number.
    pub(crate) fn seal(&self, account: &str, after: u64) -> String {
        let mut bytes = after.to_be_bytes().to_vec();
        let tag = self.mac(account, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The number in a cursor, if it was issued to this account.
    pub(crate) fn open(&self, account: &str, cursor: &str) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (number, tag) = bytes.split_first_chunk::<8>()?;
        if tag.len() != TAG {
            return None;
        }
        self.mac(account, number).verify_truncated_left(tag).ok()?;
        Some(u64::from_be_bytes(*number))
    }

    fn mac(&self, account: &str, number: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(account.as_bytes());
        mac.update(&[0]);
        mac.update(number);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_unchanged_and_for_its_account() {
        let cursors = Cursors::new(Seed(7));
        let cursor = cursors.seal("acct_a", 42);
        assert_eq!(cursors.open("acct_a", &cursor), Some(42));
        assert_eq!(cursors.open("acct_b", &cursor), None);
        assert_eq!(Cursors::new(Seed(8)).open("acct_a", &cursor), None);
        for place in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(cursors.open("acct_a", &changed), None, "{changed}");
        }
    }

    #[test]
    fn an_invalid_cursor_does_not_open() {
        let cursors = Cursors::new(Seed(7));
        for text in ["", "abc", "====", "AAAAAAAAAAA", "ä"] {
            assert_eq!(cursors.open("acct_a", text), None, "{text}");
        }
    }
}
