use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

const MAX_JOB_ID_CHARS: usize = 256;
const MAX_KEY_CHARS: usize = 255;

/// Names a job within the account.
///
/// Checked where it is made: 1 to 256 of the letters, digits and `. _ ~ : + = @ -`, and no dot first (the contract's
/// `JobId`). Nothing else can become part of a path, so `..` or a slash never reaches another route.
///
/// ```
/// use infrai_video::JobId;
///
/// assert!("vj_01kaq3v8zn5w4x7r2m9t6h0c1d".parse::<JobId>().is_ok());
/// assert!("../list".parse::<JobId>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// The id as the wire spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._~:+=@-".contains(c);
        let fits =
            id.len() <= MAX_JOB_ID_CHARS && !id.is_empty() && !id.starts_with('.') && id.chars().all(allowed);
        if fits {
            return Ok(Self(id.to_owned()));
        }
        Err(Error::invalid(
            "job_id",
            format!(
                "`job_id` {id:?} must be 1 to 256 letters, digits or . _ ~ : + = @ - without a dot first; pass the job_id as \
                 generate answered it"
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
    fn an_id_that_could_leave_its_route_is_refused() {
        for id in [
            "",
            " ",
            ".",
            "..",
            "../list",
            "..\\list",
            "a/b",
            "a b",
            "a\\b",
            "ä",
            "a\n",
            "a%2f",
            &"a".repeat(257),
        ] {
            assert!(id.parse::<JobId>().is_err(), "{id:?}");
        }
        for id in ["vj_1", "a", "0", "_x", "-", "ab+c=", "a..b", "x:y~z.-", &"a".repeat(256)] {
            assert!(id.parse::<JobId>().is_ok(), "{id:?}");
        }
    }

    #[test]
    fn a_retention_of_0_or_91_days_is_refused() {
        assert!(RetentionDays::try_from(0).is_err());
        assert!(RetentionDays::try_from(91).is_err());
        assert_eq!(RetentionDays::try_from(90).unwrap().get(), 90);
        assert!(serde_json::from_str::<RetentionDays>("91").is_err());
    }
}
