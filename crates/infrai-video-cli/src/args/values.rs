use std::ffi::OsStr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use infrai_video::JobState;
use jiff::SignedDuration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a number of seconds such as 5 or 7.5")]
pub(crate) struct InvalidSeconds;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a whole number such as 7")]
pub(crate) struct InvalidNumber;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a whole number from {least} to {most}")]
pub(crate) struct OutOfRange {
    least: u64,
    most: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a time such as 90s, 15m or 1h30m, or none")]
pub(crate) struct InvalidTimeout;

/// A number, such as 5 or 7.5. The SDK validates it.
pub(crate) fn seconds(text: &str) -> Result<f64, InvalidSeconds> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number.parse().map_err(|_| InvalidSeconds)
}

/// A whole number. The SDK validates it.
pub(crate) fn whole(text: &str) -> Result<i64, InvalidNumber> {
    text.parse().map_err(|_| InvalidNumber)
}

/// A parser of whole numbers from `least` to `most`. The type of the number must have room for all of them.
pub(crate) fn whole_in<N: TryFrom<u64> + Clone + Send + Sync + 'static>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<N, OutOfRange> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or(OutOfRange { least, most })
    }
}

/// A known state of a job, also under its aliases and in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownState;

impl TypedValueParser for KnownState {
    type Value = JobState;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<JobState, clap::Error> {
        let state = value.to_str().map(JobState::from);
        match state.filter(|state| state.is_final() || !matches!(state, JobState::Unknown(_))) {
            Some(state) => Ok(state),
            None => PossibleValuesParser::new(JobState::KNOWN)
                .parse_ref(command, arg, value)
                .map(|state| JobState::from(state.as_str())),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(JobState::KNOWN.iter().map(PossibleValue::new)))
    }
}

/// A duration, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl FromStr for Timeout {
    type Err = InvalidTimeout;

    fn from_str(text: &str) -> Result<Self, InvalidTimeout> {
        if text == "none" {
            return Ok(Self(None));
        }
        if let Ok(seconds) = text.parse::<u32>() {
            return Ok(Self(Some(Duration::from_secs(seconds.into()))));
        }
        let duration: SignedDuration = text.parse().map_err(|_| InvalidTimeout)?;
        Duration::try_from(duration).map(|duration| Self(Some(duration))).map_err(|_| InvalidTimeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_accepted() {
        assert_eq!((seconds("7.5"), seconds("5s"), whole("-1")), (Ok(7.5), Ok(5.0), Ok(-1)));
        assert_eq!(seconds("five"), Err(InvalidSeconds));
        for text in ["", "seven", "1.5", "99999999999999999999"] {
            assert_eq!(whole(text), Err(InvalidNumber), "{text}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        let seconds = |seconds| Ok(Timeout(Some(Duration::from_secs(seconds))));
        assert_eq!("15m".parse(), seconds(900));
        assert_eq!("1h30m".parse(), seconds(5400));
        assert_eq!("90".parse(), seconds(90));
        assert_eq!("0s".parse(), seconds(0));
        assert_eq!("none".parse(), Ok(Timeout(None)));
        for text in ["", "soon", "-5s", "-5", "5 parsecs", "1e9"] {
            assert_eq!(text.parse::<Timeout>(), Err(InvalidTimeout));
        }
    }
}
