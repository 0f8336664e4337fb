//! The date-times of the API.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::SignedDuration;
use jiff::civil::{self, DateTime};
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text::one_line;

const NANOSECONDS: u32 = 1_000_000_000;

/// 1970-01-01T00:00:00 in UTC.
const EPOCH: DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// A moment in UTC, to the nanosecond, in the years 0 to 9999.
///
/// Its text, which [`Display`](fmt::Display) and serde write, is RFC 3339 in UTC with as many digits of a second as
/// necessary. A precision sets their number: `{:.0}` writes whole seconds. [`FromStr`] and serde read RFC 3339 with any
/// offset.
///
/// ```
/// use infrai_video_client::Timestamp;
/// use std::time::{Duration, SystemTime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let expires_at: Timestamp = "2026-11-20T18:55:00+01:00".parse()?;
/// assert_eq!(expires_at.to_string(), "2026-11-20T17:55:00Z");
/// assert_eq!(expires_at.unix_seconds(), 1_795_197_300);
///
/// let now = Timestamp::try_from(SystemTime::now())?;
/// let left = expires_at.checked_duration_since(now).unwrap_or(Duration::ZERO);
/// # let _ = left;
/// # Ok(())
/// # }
/// ```
///
/// It converts to and from [`SystemTime`]. With the feature `jiff` it also converts to and from `jiff::Timestamp` of jiff
/// 1, and with the feature `chrono` to `chrono::DateTime<Utc>` and from any `chrono::DateTime` of chrono 0.4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Since the epoch, rounded down.
    seconds: i64,
    /// Less than a second.
    nanoseconds: u32,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z, which is also the default.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanoseconds: 0 };

    /// The earliest moment: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self { seconds: -62_167_219_200, nanoseconds: 0 };

    /// The latest moment: 9999-12-31T23:59:59.999999999Z.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanoseconds: NANOSECONDS - 1 };

    /// The whole seconds since [`UNIX_EPOCH`](Self::UNIX_EPOCH), rounded down: negative before it.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds since the last whole second, from 0 to 999,999,999.
    pub const fn subsec_nanos(self) -> u32 {
        self.nanoseconds
    }

    /// The moment `by` later. `None` after [`MAX`](Self::MAX).
    pub fn checked_add(self, by: Duration) -> Option<Self> {
        Self::new(self.seconds.checked_add_unsigned(by.as_secs())?, self.nanoseconds + by.subsec_nanos())
    }

    /// The moment `by` earlier. `None` before [`MIN`](Self::MIN).
    pub fn checked_sub(self, by: Duration) -> Option<Self> {
        let seconds = self.seconds.checked_sub_unsigned(by.as_secs())?.checked_sub(1)?;
        Self::new(seconds, NANOSECONDS - by.subsec_nanos() + self.nanoseconds)
    }

    /// The time from `earlier` to this moment. `None` if `earlier` is later.
    pub fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        let seconds = u64::try_from(self.seconds - earlier.seconds).ok()?;
        Duration::new(seconds, self.nanoseconds).checked_sub(Duration::new(0, earlier.nanoseconds))
    }

    /// The nanoseconds may be more than a second.
    fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        let seconds = seconds.checked_add((nanoseconds / NANOSECONDS).into())?;
        let new = Self { seconds, nanoseconds: nanoseconds % NANOSECONDS };
        (Self::MIN..=Self::MAX).contains(&new).then_some(new)
    }

    fn since_epoch(since: SignedDuration) -> Option<Self> {
        match since.is_negative() {
            true => Self::UNIX_EPOCH.checked_sub(since.unsigned_abs()),
            false => Self::UNIX_EPOCH.checked_add(since.unsigned_abs()),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = SignedDuration::new(self.seconds, self.nanoseconds as i32);
        fmt::Display::fmt(&EPOCH.saturating_add(since), f)?;
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads a date-time of RFC 3339. A leap second is read as the second before it, and digits after the ninth of a second
    /// are dropped. Other forms of ISO 8601 with an offset may be read too.
    ///
    /// # Errors
    ///
    /// If the text is no date-time, has no offset, or is outside the range in UTC.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let unreadable = |why: &str| {
            let (text, why) = (one_line(text), one_line(why));
            TimestampError(format!("`{text}` is not a date-time of RFC 3339: {why}").into())
        };
        let short = nine_digits(text);
        let pieces = Pieces::parse(&*short).map_err(|error| unreadable(&error.to_string()))?;
        let time = pieces.time().ok_or_else(|| unreadable("it has no time of day"))?;
        let offset = pieces.to_numeric_offset().ok_or_else(|| unreadable("it has no offset such as `Z`"))?;
        let since = pieces.date().to_datetime(time).duration_since(EPOCH);
        let offset = SignedDuration::from_secs(offset.seconds().into());
        let this = since.checked_sub(offset).and_then(Self::since_epoch);
        this.ok_or_else(|| TimestampError::out_of_range(&one_line(text)))
    }
}

/// Drops the digits of a second after the ninth: RFC 3339 has no limit, jiff has.
fn nine_digits(text: &str) -> Cow<'_, str> {
    let Some((before, after)) = text.split_once('.') else { return Cow::Borrowed(text) };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        ..=9 => Cow::Borrowed(text),
        _ => Cow::Owned(format!("{before}.{}{}", &after[..9], &after[digits..])),
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date-time of RFC 3339")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn schema_id() -> Cow<'static, str> {
        "infrai_video_client::Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampError;

    /// # Errors
    ///
    /// If the time is outside the years 0 to 9999.
    fn try_from(time: SystemTime) -> Result<Self, TimestampError> {
        let this = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self::UNIX_EPOCH.checked_add(since),
            Err(before) => Self::UNIX_EPOCH.checked_sub(before.duration()),
        };
        this.ok_or_else(|| TimestampError::out_of_range("the system time"))
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = TimestampError;

    /// Rounds to the resolution of the system's time, which is 100 nanoseconds on Windows.
    ///
    /// # Errors
    ///
    /// If the platform has no such time. On Unix there is always one; on Windows times start in 1601.
    fn try_from(timestamp: Timestamp) -> Result<Self, TimestampError> {
        let time = match timestamp.checked_duration_since(Timestamp::UNIX_EPOCH) {
            Some(since) => Self::UNIX_EPOCH.checked_add(since),
            None => Timestamp::UNIX_EPOCH
                .checked_duration_since(timestamp)
                .and_then(|before| Self::UNIX_EPOCH.checked_sub(before)),
        };
        time.ok_or_else(|| TimestampError(format!("this system has no time for {timestamp}").into()))
    }
}

#[cfg(feature = "jiff")]
impl TryFrom<jiff::Timestamp> for Timestamp {
    type Error = TimestampError;

    /// # Errors
    ///
    /// If the moment is before the year 0.
    fn try_from(moment: jiff::Timestamp) -> Result<Self, TimestampError> {
        Self::since_epoch(moment.as_duration())
            .ok_or_else(|| TimestampError::out_of_range(&moment.to_string()))
    }
}

#[cfg(feature = "jiff")]
impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = TimestampError;

    /// # Errors
    ///
    /// If the moment is after [`jiff::Timestamp::MAX`], on the last two days of the year 9999.
    fn try_from(timestamp: Timestamp) -> Result<Self, TimestampError> {
        Self::new(timestamp.seconds, timestamp.nanoseconds as i32).map_err(|_| {
            TimestampError(format!("{timestamp} is outside the range of jiff::Timestamp").into())
        })
    }
}

#[cfg(feature = "chrono")]
impl<Zone: chrono::TimeZone> TryFrom<chrono::DateTime<Zone>> for Timestamp {
    type Error = TimestampError;

    /// A leap second is the second after it, as in Unix time.
    ///
    /// # Errors
    ///
    /// If the moment is outside the years 0 to 9999 in UTC.
    fn try_from(moment: chrono::DateTime<Zone>) -> Result<Self, TimestampError> {
        Self::new(moment.timestamp(), moment.timestamp_subsec_nanos())
            .ok_or_else(|| TimestampError::out_of_range("the time"))
    }
}

#[cfg(feature = "chrono")]
impl From<Timestamp> for chrono::DateTime<chrono::Utc> {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_timestamp(timestamp.seconds, timestamp.nanoseconds)
            .expect("the years of chrono are a superset of 0 to 9999")
    }
}

/// The error of a text that is not a [`Timestamp`], and of a time outside the range of the type that it is converted to.
///
/// Its message says what is wrong, and quotes the text without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampError(Box<str>);

impl TimestampError {
    fn out_of_range(what: &str) -> Self {
        Self(format!("{what} is outside the years 0 to 9999 in UTC").into())
    }
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimestampError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        text.parse::<Timestamp>().map_or_else(|error| error.to_string(), |at| at.to_string())
    }

    #[test]
    fn every_date_time_of_rfc_3339_is_read() {
        for (text, utc) in [
            ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z"),
            ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
            ("1990-12-31T23:59:60Z", "1990-12-31T23:59:59Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
            ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.87Z"),
            ("2026-11-20t17:55:00z", "2026-11-20T17:55:00Z"),
            ("2026-11-20 17:55:00Z", "2026-11-20T17:55:00Z"),
            ("2026-11-20T17:55:00-00:00", "2026-11-20T17:55:00Z"),
            ("2024-02-29T00:00:00+23:59", "2024-02-28T00:01:00Z"),
            ("2024-02-28T23:59:00-23:59", "2024-02-29T23:58:00Z"),
            ("2026-11-20T17:55:00.000000001Z", "2026-11-20T17:55:00.000000001Z"),
            ("2026-11-20T17:55:00.120000000Z", "2026-11-20T17:55:00.12Z"),
            ("2026-11-20T17:55:00.1234567899999Z", "2026-11-20T17:55:00.123456789Z"),
            ("1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.9Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(read(text), utc, "{text}");
        }
    }

    #[test]
    fn an_error_says_what_is_wrong_with_which_text() {
        for (text, error) in [
            ("", "`` is not a date-time of RFC 3339: expected four digit year"),
            (
                "tomorrow",
                "`tomorrow` is not a date-time of RFC 3339: failed to parse four digit integer as year",
            ),
            ("2026-11-20", "`2026-11-20` is not a date-time of RFC 3339: it has no time of day"),
            (
                "2026-11-20T17:55:00",
                "`2026-11-20T17:55:00` is not a date-time of RFC 3339: it has no offset such as `Z`",
            ),
            (
                "2026-11-31T17:55:00Z",
                "`2026-11-31T17:55:00Z` is not a date-time of RFC 3339: parsed date is not valid",
            ),
            (
                "2026-11-20T17:55:00Z\r\n",
                "`2026-11-20T17:55:00Z` is not a date-time of RFC 3339: parsed value",
            ),
            ("0000-01-01T00:00:00+00:01", "0000-01-01T00:00:00+00:01 is outside the years 0 to 9999 in UTC"),
            ("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-00:01 is outside the years 0 to 9999 in UTC"),
        ] {
            let read = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(read.starts_with(error) && !read.contains(char::is_control), "{text:?}: {read}");
        }
        let secret = "ifr_pk_proj_0123456789abcdef0123456789";
        assert!(!read(secret).contains("0123456789"), "{}", read(secret));
    }

    #[test]
    fn the_text_is_that_of_jiff() {
        let moments = [
            (0, 0),
            (-1, 1),
            (1_795_197_300, 120_000_000),
            (1_795_197_300, 1),
            (-62_167_219_200, 0),
            (253_402_207_200, 999_999_999),
        ];
        for (seconds, nanoseconds) in moments {
            let this = Timestamp::new(seconds, nanoseconds).unwrap();
            let jiff = jiff::Timestamp::new(seconds, nanoseconds as i32).unwrap();
            assert_eq!((this.to_string(), format!("{this:.0}")), (jiff.to_string(), format!("{jiff:.0}")));
            assert_eq!((format!("{this:?}"), this.to_string().parse()), (this.to_string(), Ok(this)));
        }
    }

    #[test]
    fn the_limits_are_the_years_0_and_9999() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00Z");
        let nanosecond = Duration::from_nanos(1);
        assert_eq!(Timestamp::MIN.checked_sub(nanosecond), None);
        assert_eq!(Timestamp::MAX.checked_add(nanosecond), None);
        assert_eq!(Timestamp::MIN.checked_add(Duration::MAX), None);
        assert_eq!(Timestamp::MAX.checked_sub(Duration::MAX), None);
    }

    #[test]
    fn durations_are_added_and_subtracted_to_the_nanosecond() {
        let [early, late]: [Timestamp; 2] =
            ["1969-12-31T23:59:58.9Z", "1970-01-01T00:00:01.000000001Z"].map(|text| text.parse().unwrap());
        let between = Duration::new(2, 100_000_001);
        assert!(early < Timestamp::UNIX_EPOCH && Timestamp::UNIX_EPOCH < late);
        assert_eq!(late.checked_duration_since(early), Some(between));
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(late.checked_duration_since(late), Some(Duration::ZERO));
        assert_eq!((early.checked_add(between), late.checked_sub(between)), (Some(late), Some(early)));
        assert_eq!(
            (early.checked_add(Duration::ZERO), early.checked_sub(Duration::ZERO)),
            (Some(early), Some(early))
        );
        assert_eq!((early.unix_seconds(), early.subsec_nanos()), (-2, 900_000_000));
        let whole = Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(1)).unwrap();
        assert_eq!(whole.checked_duration_since(late), None, "it is a nanosecond earlier");
    }

    #[test]
    fn a_system_time_and_back_is_the_same_moment() {
        for text in ["1969-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00Z", "2026-11-20T17:55:00.5Z"] {
            let timestamp: Timestamp = text.parse().unwrap();
            let time = SystemTime::try_from(timestamp).unwrap();
            assert_eq!(Timestamp::try_from(time), Ok(timestamp), "{text}");
        }
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
        let error = Timestamp::try_from(far).unwrap_err();
        assert_eq!(error.to_string(), "the system time is outside the years 0 to 9999 in UTC");
    }

    #[test]
    fn json_is_the_text() {
        let timestamp: Timestamp = "2026-11-20T18:55:00.250+01:00".parse().unwrap();
        assert_eq!(serde_json::to_string(&timestamp).unwrap(), "\"2026-11-20T17:55:00.25Z\"");
        let again: Timestamp = serde_json::from_str("\"2026-11-20T17:55:00.25Z\"").unwrap();
        assert_eq!(again, timestamp);
        let again: Timestamp = serde_json::from_slice(br#""2026-11-20T17:55:00.25\u005a""#).unwrap();
        assert_eq!(again, timestamp, "an escape makes a text that is not borrowed");
        let error = serde_json::from_str::<Timestamp>("1795197300").unwrap_err().to_string();
        assert!(error.contains("expected a date-time of RFC 3339"), "{error}");
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn the_json_schema_is_a_date_time() {
        let schema = schemars::schema_for!(Timestamp);
        assert_eq!(schema.get("type"), Some(&"string".into()));
        assert_eq!(schema.get("format"), Some(&"date-time".into()));
        assert_eq!(schema.get("pattern"), None);
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn jiff_and_back_is_the_same_moment() {
        for text in ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z", "2026-11-20T17:55:00.000000001Z"] {
            let timestamp: Timestamp = text.parse().unwrap();
            let moment = jiff::Timestamp::try_from(timestamp).unwrap();
            assert_eq!((moment.to_string().as_str(), Timestamp::try_from(moment)), (text, Ok(timestamp)));
        }
        assert!(Timestamp::try_from(jiff::Timestamp::MIN).is_err());
        assert!(jiff::Timestamp::try_from(Timestamp::MAX).is_err());
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono_and_back_is_the_same_moment() {
        use chrono::{DateTime, FixedOffset, Utc};
        for timestamp in [Timestamp::MIN, "1969-12-31T23:59:59.9Z".parse().unwrap(), Timestamp::MAX] {
            let moment = DateTime::<Utc>::from(timestamp);
            assert_eq!(moment.timestamp(), timestamp.unix_seconds());
            let east = moment.with_timezone(&FixedOffset::east_opt(3600).unwrap());
            assert_eq!(
                (Timestamp::try_from(moment), Timestamp::try_from(east)),
                (Ok(timestamp), Ok(timestamp))
            );
        }
        let leap = DateTime::from_timestamp(59, 1_500_000_000).unwrap();
        assert_eq!(Timestamp::try_from(leap).unwrap().to_string(), "1970-01-01T00:01:00.5Z");
        assert!(Timestamp::try_from(DateTime::<Utc>::MAX_UTC).is_err());
    }
}
