//! Identifiers that are checked when they are created: see `validation.rs`.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The maximum length of a file stem that is derived from an id. It leaves room for the suffixes of part files.
const MAX_STEM: usize = 180;

/// The identifier of a job: any text that the service returned.
///
/// In a path it is percent-encoded as one segment, so that a slash cannot change the route. Texts that cannot be a segment are
/// rejected: an empty text, `.`, `..`, and a text of more than 2048 bytes. An id that the service returned is kept as it is, and
/// is checked when a call is made with it. Deserialization checks too.
///
/// ```
/// use infrai_video::JobId;
///
/// assert!("vj_01kaq3v8zn5w4x7r2m9t6h0c1d".parse::<JobId>().is_ok());
/// assert!("operations/abc 123?".parse::<JobId>().is_ok());
/// assert!("..".parse::<JobId>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(pub(crate) String);

impl JobId {
    /// The id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file name of the job's clip in a directory: the id and `.mp4`.
    ///
    /// Characters that are special in file names are percent-encoded, and a long id is shortened and made unique by a hash.
    ///
    /// ```
    /// let id: infrai_video::JobId = "operations/abc".parse()?;
    /// assert_eq!(id.clip_name(), "operations%2Fabc.mp4");
    /// # Ok::<(), infrai_video::Error>(())
    /// ```
    pub fn clip_name(&self) -> String {
        let mut name = String::new();
        for (index, byte) in self.0.bytes().enumerate() {
            let is_plain =
                byte.is_ascii_alphanumeric() || b"_~:+=@-".contains(&byte) || byte == b'.' && index > 0;
            let _infallible = match is_plain {
                true => name.write_char(char::from(byte)),
                false => write!(name, "%{byte:02X}"),
            };
        }
        if name.len() > MAX_STEM {
            name.truncate(MAX_STEM);
            let digest = Sha256::digest(self.0.as_bytes());
            name.push('-');
            for byte in &digest[..8] {
                let _infallible = write!(name, "{byte:02x}");
            }
        }
        name + ".mp4"
    }
}

/// The key of a write: requests with the same key are executed once (the contract's `IdempotencyKey`).
///
/// 1 to 255 visible ASCII characters. The service remembers a key for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(pub(crate) String);

impl IdempotencyKey {
    /// The key as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A retention window: 1 to 90 whole days (the contract's `days` of `video_set_retention`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(pub(crate) u32);

impl RetentionDays {
    /// The minimum in days.
    pub const MIN: u32 = 1;
    /// The maximum in days.
    pub const MAX: u32 = 90;

    /// The number of days.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl From<RetentionDays> for u32 {
    fn from(days: RetentionDays) -> Self {
        days.0
    }
}

/// Comparisons with texts, in both directions.
macro_rules! text_comparisons {
    ($name:ident: $($text:ty),+) => {
        $(
            impl PartialEq<$text> for $name {
                fn eq(&self, text: &$text) -> bool {
                    let text: &str = text;
                    self.0 == text
                }
            }

            impl PartialEq<$name> for $text {
                fn eq(&self, id: &$name) -> bool {
                    id == self
                }
            }
        )+
    };
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        text_comparisons!($name: str, &str, String);

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::error::Error;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// A job's id can be passed wherever a text is expected.
impl std::ops::Deref for JobId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

text_conversions!(JobId);
text_conversions!(IdempotencyKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_named_by_its_id_and_stays_in_its_directory() {
        let name = |id: &str| id.parse::<JobId>().unwrap().clip_name();
        assert_eq!(name("vj_1.a~:+=@-"), "vj_1.a~:+=@-.mp4");
        assert_eq!(name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd.mp4");
        assert_eq!(name("a\\b\0\n ä"), "a%5Cb%00%0A%20%C3%A4.mp4");
        let (long, longer) = (name(&"ä".repeat(300)), name(&"ä".repeat(301)));
        assert!(long.len() <= 210 && long != longer, "{long}");
        let longest = "a".repeat(MAX_STEM);
        assert_eq!(name(&longest), format!("{longest}.mp4"), "it needs no hash");
    }

    #[test]
    fn a_retention_window_is_stored_as_its_number_of_days() {
        let week = RetentionDays::try_from(7).unwrap();
        assert_eq!(serde_json::to_string(&week).unwrap(), "7");
        assert_eq!(serde_json::from_str::<RetentionDays>("7").unwrap(), week);
    }
}
