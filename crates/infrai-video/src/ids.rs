use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind};

/// Percent-encoded it is three times as long at most, which still fits into a URL.
const MAX_JOB_ID_BYTES: usize = 2048;
const MAX_KEY_CHARS: usize = 255;

/// The longest stem of a file's name that is made of an id, which leaves room for the names of helpers beside it.
const LONGEST_STEM: usize = 180;

/// Names a job within the account: whatever text the service gave out.
///
/// In a path it is percent-encoded as one segment, so a slash or `..` in it never reaches another route. Three kinds of text
/// cannot be one segment, and are refused: the empty one, `.` and `..`, and one of more than 2048 bytes.
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
pub struct JobId(String);

impl JobId {
    /// The id as the wire spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the job's clip where a directory is all that is known of its place: the id and `.mp4`.
    ///
    /// What could be more than a part of a file's name is percent-encoded, and a long id is cut and told apart by a checksum.
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
        if name.len() > LONGEST_STEM {
            name.truncate(LONGEST_STEM);
            let digest = Sha256::digest(self.0.as_bytes());
            name.push('-');
            for byte in &digest[..8] {
                let _infallible = write!(name, "{byte:02x}");
            }
        }
        name + ".mp4"
    }
}

impl FromStr for JobId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        if (1..=MAX_JOB_ID_BYTES).contains(&id.len()) && !matches!(id, "." | "..") {
            return Ok(Self(id.to_owned()));
        }
        let shown: String = id.chars().take(40).collect();
        Err(Error::invalid(
            "job_id",
            format!(
                "`job_id` {shown:?} cannot be one segment of a path: it must be neither empty nor . or .., and have at most \
                 {MAX_JOB_ID_BYTES} bytes; pass the job_id as generate answered it"
            ),
        ))
    }
}

/// Names one intent, so that a request sent twice is carried out once (the contract's `IdempotencyKey`).
///
/// 1 to 255 visible ASCII characters. The service remembers a key for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as the wire spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self, Error> {
        if (1..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(key.to_owned()));
        }
        Err(Error::invalid(
            "idempotency_key",
            format!(
                "`idempotency_key` must be 1 to {MAX_KEY_CHARS} visible ASCII characters without spaces; use a UUID or a name such \
                 as skyline-1"
            ),
        ))
    }
}

/// A retention window: 1 to 90 whole days (the contract's `days` of `video_set_retention`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(u32);

impl RetentionDays {
    /// The shortest window in days.
    pub const MIN: u32 = 1;
    /// The longest window in days.
    pub const MAX: u32 = 90;

    /// The number of days.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = Error;

    fn try_from(days: u32) -> Result<Self, Error> {
        if (Self::MIN..=Self::MAX).contains(&days) {
            return Ok(Self(days));
        }
        Err(Error::invalid("days", format!("`days` must be a whole number from 1 to 90, not {days}")))
    }
}

impl From<RetentionDays> for u32 {
    fn from(days: RetentionDays) -> Self {
        days.0
    }
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

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(value: String) -> Result<Self, Error> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text_conversions!(JobId);
text_conversions!(IdempotencyKey);

impl Error {
    /// A value that is refused before anything is sent.
    pub(crate) fn invalid(field: &'static str, message: String) -> Self {
        Self::new(ErrorKind::InvalidInput, message).with_field(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_any_text_that_can_be_one_segment() {
        for id in ["", ".", "..", &"a".repeat(2049)] {
            assert!(id.parse::<JobId>().is_err(), "{id:?}");
        }
        for id in [
            "vj_1",
            "operations/abc",
            "a b",
            "a%2f",
            "ä",
            "a\n",
            "../list",
            "...",
            "\u{202e}",
            &"a".repeat(2048),
        ] {
            assert!(id.parse::<JobId>().is_ok(), "{id:?}");
        }
    }

    #[test]
    fn a_clip_is_named_by_its_id_and_stays_in_its_directory() {
        let name = |id: &str| id.parse::<JobId>().unwrap().clip_name();
        assert_eq!(name("vj_1.a~:+=@-"), "vj_1.a~:+=@-.mp4");
        assert_eq!(name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd.mp4");
        assert_eq!(name("a\\b\0\n ä"), "a%5Cb%00%0A%20%C3%A4.mp4");
        let (long, longer) = (name(&"ä".repeat(300)), name(&"ä".repeat(301)));
        assert!(long.len() <= 210 && long != longer, "{long}");
    }

    #[test]
    fn a_retention_of_0_or_91_days_is_refused() {
        assert!(RetentionDays::try_from(0).is_err());
        assert!(RetentionDays::try_from(91).is_err());
        assert_eq!(RetentionDays::try_from(90).unwrap().get(), 90);
        assert!(serde_json::from_str::<RetentionDays>("91").is_err());
    }
}
