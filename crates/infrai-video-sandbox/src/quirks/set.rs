//! A set of quirks.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::Quirk;

/// One bit for each quirk.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Quirks(u64);

const _: () = assert!(Quirk::ALL.len() <= u64::BITS as usize);

impl Quirks {
    /// Whether the server is as the contract says.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn has(self, quirk: Quirk) -> bool {
        self.0 & bit(quirk) != 0
    }

    /// Whether any of these quirks is set.
    pub(crate) fn has_any(self, quirks: &[Quirk]) -> bool {
        quirks.iter().any(|quirk| self.has(*quirk))
    }

    /// Switches a quirk on or off.
    pub(crate) fn set(&mut self, quirk: Quirk, on: bool) {
        if on {
            self.0 |= bit(quirk);
        } else {
            self.0 &= !bit(quirk);
        }
    }
}

fn bit(quirk: Quirk) -> u64 {
    1 << quirk as u32
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        quirks.into_iter().fold(Self::default(), |set, quirk| Self(set.0 | bit(quirk)))
    }
}

impl<'de> Deserialize<'de> for Quirks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::<Quirk>::deserialize(from).map(Self::from_iter)
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Quirk::ALL.iter().filter(|quirk| self.has(**quirk)).map(|quirk| quirk.name());
        f.debug_set().entries(names).finish()
    }
}
