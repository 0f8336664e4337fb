use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Run the API on this machine, for tests and without a key
///
/// Prints the base URL once it listens on 127.0.0.1, and runs until it is stopped. It keeps nothing, unless --persist says where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video sandbox --clock x60
  export INFRAI_BASE_URL=http://127.0.0.1:8787 INFRAI_API_KEY=ifr_pk_sandbox
  infrai-video generate \"a lighthouse in a storm\"")]
pub(crate) struct SandboxArgs {
    /// The port of the API; 0 lets the system choose
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub(crate) port: u16,
    /// The port that the clips are served on; 0 lets the system choose
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) file_port: u16,
    /// What ids, links and pictures follow from [default: 7, or the one that the directory has]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Keep jobs, money, keys and clips in this directory, and go on with those that it has
    #[arg(long, value_name = "DIR")]
    pub(crate) persist: Option<PathBuf>,
    /// How time passes: real, x60 (a minute in a second; any number will do) or manual
    #[arg(long, value_name = "PACE", default_value = "real")]
    pub(crate) clock: Pace,
    /// The credit that each key starts with, in US dollars
    #[arg(long, value_name = "USD", default_value_t = 2.0)]
    pub(crate) balance: f64,
}

/// How time passes in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    Real,
    Times(f64),
    Manual,
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "manual" => Ok(Self::Manual),
            _ => text
                .strip_prefix('x')
                .and_then(|factor| factor.parse().ok())
                .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
                .map(Self::Times)
                .ok_or_else(|| format!("{text:?} is no pace: use real, x60 or manual")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_real_a_factor_or_manual() {
        assert_eq!("x60".parse(), Ok(Pace::Times(60.0)));
        assert_eq!("x0.5".parse(), Ok(Pace::Times(0.5)));
        for text in ["", "x", "x0", "x-1", "xNaN", "xinf", "60", "fast"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }
}
