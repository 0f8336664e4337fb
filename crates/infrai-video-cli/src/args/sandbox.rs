use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use infrai_video_sandbox::Quirk;

use super::headings::RUN;
use super::values::whole_in;

/// The headings of the help.
const STATE: &str = "State and time";
const FAULTS: &str = "Faults";
const NETWORK: &str = "Network";

/// Sets the admin token without showing it in the list of processes.
pub(crate) const TOKEN_VARIABLE: &str = "INFRAI_SANDBOX_ADMIN_TOKEN";

/// Run the API on this machine, without a key
///
/// For tests and first steps. Prints the base URL once it listens, and runs until it is stopped. Its state is lost unless --persist
/// names a directory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video sandbox --clock x60
  infrai-video sandbox --scenario lost-response
  export INFRAI_BASE_URL=http://127.0.0.1:8787
  export INFRAI_API_KEY=ifr_pk_sandbox
  infrai-video generate \"a lighthouse in a storm\"")]
pub(crate) struct SandboxArgs {
    /// The port of the API; 0 is any free one
    #[arg(long, value_name = "N", default_value_t = 8787, allow_negative_numbers = true, value_parser = whole_in::<u16>(0, 65535), help_heading = NETWORK)]
    pub(crate) port: u16,
    /// The port of the clips; 0 is any free one
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = whole_in::<u16>(0, 65535), help_heading = NETWORK, hide_short_help = true)]
    pub(crate) file_port: u16,
    /// Determines ids, links and pictures
    ///
    /// Without it, 7, or the seed of the directory.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole_in::<u64>(0, u64::MAX), help_heading = STATE)]
    pub(crate) seed: Option<u64>,
    /// Keep the state in this directory
    ///
    /// Jobs, balances, keys and clips. An existing state is loaded.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = STATE)]
    pub(crate) persist: Option<PathBuf>,
    /// The pace: real, x60 or manual
    ///
    /// x60 is a minute per second; any other factor is possible. A manual clock is advanced by calls of the admin API.
    #[arg(long, value_name = "PACE", default_value = "real", help_heading = STATE)]
    pub(crate) clock: Pace,
    /// The first credit of each key
    ///
    /// In US dollars, from 0 to 1000000000.
    #[arg(long, value_name = "USD", default_value_t = 2.0, allow_negative_numbers = true, value_parser = balance, help_heading = STATE)]
    pub(crate) balance: f64,
    /// Start with a scenario
    ///
    /// A TOML or JSON file, or one of lost-response, poll-storm, expiring-url, credit-runs-out, cancel-race and crash-restart. Its
    /// settings take precedence over other options.
    #[arg(long, value_name = "NAME|FILE", help_heading = FAULTS)]
    pub(crate) scenario: Option<PathBuf>,
    /// Apply the fault rules of a file
    ///
    /// A TOML or JSON file. Its rules come before those of the scenario.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = FAULTS)]
    pub(crate) faults: Option<PathBuf>,
    /// Differ from the contract in this way
    #[arg(
        long,
        help_heading = FAULTS,
        value_name = "NAME",
        value_parser = quirk(),
        hide_possible_values = true,
        long_help = quirk_help()
    )]
    pub(crate) quirk: Vec<Quirk>,
    /// Offer the vendors of a TOML or JSON file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = STATE)]
    pub(crate) catalogue: Option<PathBuf>,
    /// The address to listen on
    ///
    /// 0.0.0.0 or :: for all addresses of this machine. Anyone who can connect can use it. There is no encryption, and anyone who
    /// knows the seed can forge links.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", help_heading = NETWORK)]
    pub(crate) host: Host,
    /// The bearer token of the admin API
    ///
    /// Calls to /__sandbox/ must send it. It has at least 16 characters. Without it, only calls from this machine are accepted. If
    /// other machines can reach the sandbox, a token is required, and generated and shown if not set.
    #[arg(
        long,
        value_name = "TOKEN",
        env = TOKEN_VARIABLE,
        hide_env_values = true,
        help_heading = NETWORK,
        hide_short_help = true
    )]
    pub(crate) admin_token: Option<AdminToken>,
    /// The URL under which clients reach the API, if not the address that it listens on
    ///
    /// Links to clips have the same host, unless --public-files-url is set. Requests that name a host which is neither in these URLs
    /// nor this machine are rejected.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = NETWORK, hide_short_help = true)]
    pub(crate) public_url: Option<String>,
    /// The URL under which clients reach the clips, if not the address that they are served on
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = NETWORK, hide_short_help = true)]
    pub(crate) public_files_url: Option<String>,
    /// Allow web pages of this origin, such as https://app.example, to call the API from a browser; may be given several times
    ///
    /// Pages on this machine (http://localhost:3000) are always allowed, and no page may call /__sandbox/. The origin null belongs
    /// to pages that were opened as files, but any website can make such a page too. Never put the API key of a real account
    /// into a page.
    #[arg(long, value_name = "ORIGIN", help_heading = NETWORK, hide_short_help = true)]
    pub(crate) cors: Vec<String>,
    /// The log on stderr: text or json
    ///
    /// One line for each request; --quiet turns them off.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, help_heading = RUN)]
    pub(crate) log_format: LogFormat,
    /// Stop when the parent process exits
    ///
    /// Or when standard input ends; for test fixtures. A parent may exit before this process can look at it: PID, its process id,
    /// closes this gap.
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true, value_parser = whole_in::<u32>(1, u32::MAX.into()), help_heading = RUN)]
    pub(crate) exit_with_parent: Option<Option<u32>>,
}

/// The greatest credit of a key.
const MOST_USD: f64 = 1e9;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a number of US dollars from 0 to {MOST_USD}, such as 2 or 0.50")]
struct InvalidBalance;

fn balance(text: &str) -> Result<f64, InvalidBalance> {
    text.parse().ok().filter(|dollars| (0.0..=MOST_USD).contains(dollars)).ok_or(InvalidBalance)
}

fn quirk() -> impl TypedValueParser<Value = Quirk> {
    let names = PossibleValuesParser::new(Quirk::ALL.iter().map(|quirk| quirk.name()));
    names.try_map(|name| name.parse::<Quirk>())
}

fn quirk_help() -> String {
    let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    format!(
        "Differ from the contract in this way, as the real service might; may be given several times\n\n\
         The README of the crate infrai-video-sandbox describes them: {}",
        names.join(", ")
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use an IP address: 127.0.0.1, or 0.0.0.0 for access from other machines")]
pub(crate) struct InvalidHost;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use real, x60 or manual")]
pub(crate) struct InvalidPace;

/// The form of the log of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) IpAddr);

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        match text {
            "localhost" => Ok(Self(Ipv4Addr::LOCALHOST.into())),
            _ => text.parse().map(Self).map_err(|_| InvalidHost),
        }
    }
}

/// A token that is never shown.
#[derive(Clone)]
pub(crate) struct AdminToken(pub(crate) String);

impl FromStr for AdminToken {
    // It is validated later: clap's message for an invalid value would show it.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

/// The pace of the clock of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    Real,
    Times(f64),
    Manual,
}

impl FromStr for Pace {
    type Err = InvalidPace;

    fn from_str(text: &str) -> Result<Self, InvalidPace> {
        match text {
            "real" => Ok(Self::Real),
            "manual" => Ok(Self::Manual),
            _ => text
                .strip_prefix('x')
                .and_then(|factor| factor.parse().ok())
                .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
                .map(Self::Times)
                .ok_or(InvalidPace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address() {
        assert_eq!("localhost".parse(), "127.0.0.1".parse::<Host>());
        assert_eq!("::".parse(), Ok(Host(std::net::Ipv6Addr::UNSPECIFIED.into())));
        for text in ["", "example.com", "127.0.0.1:80"] {
            assert_eq!(text.parse::<Host>(), Err(InvalidHost));
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        assert_eq!(format!("{:?}", "0123456789abcdef".parse::<AdminToken>()), "Ok(AdminToken(..))");
    }

    #[test]
    fn a_pace_is_real_a_factor_or_manual() {
        assert_eq!("x60".parse(), Ok(Pace::Times(60.0)));
        assert_eq!("x0.5".parse(), Ok(Pace::Times(0.5)));
        for text in ["", "x", "x0", "x-1", "xNaN", "xinf", "60", "fast"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }
}
