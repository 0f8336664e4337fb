//! The settings that a profile may have, and their checks.

use infrai_video::{AspectRatio, Preference};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use crate::args::credentials::{contains_api_key, may_contain_secret};
use crate::file_name::{Template, Use};
use crate::ledger::Location;
use crate::money::Usd;

/// Values of one profile, or of all. They are valid.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default, deserialize_with = "base_url")]
    pub(crate) base_url: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "ledger")]
    pub(crate) ledger: Option<Spanned<String>>,
    /// The name of the environment variable with the API key.
    #[serde(default, deserialize_with = "api_key_env")]
    pub(crate) api_key_env: Option<Spanned<String>>,
    /// A command that prints the API key.
    #[serde(default, deserialize_with = "key_command")]
    pub(crate) key_command: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) resolution: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "duration")]
    pub(crate) duration: Option<Spanned<f64>>,
    #[serde(default, deserialize_with = "aspect_ratio")]
    pub(crate) aspect_ratio: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "prefer")]
    pub(crate) prefer: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "output")]
    pub(crate) output: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "max_usd")]
    pub(crate) max_usd: Option<Spanned<f64>>,
    #[serde(default, deserialize_with = "ask_above_usd")]
    pub(crate) ask_above_usd: Option<Spanned<f64>>,
}

/// Reads a value and checks it. The error gets the place of the value from the caller.
fn checked<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    check: impl FnOnce(&T) -> Result<(), String>,
) -> Result<Option<Spanned<T>>, D::Error> {
    let value = Spanned::<T>::deserialize(deserializer)?;
    check(value.get_ref()).map_err(D::Error::custom)?;
    Ok(Some(value))
}

type Text<E> = Result<Option<Spanned<String>>, E>;
type Number<E> = Result<Option<Spanned<f64>>, E>;

fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |url: &String| {
        if may_contain_secret(url.trim()) {
            return Err("it contains an API key, a user or a password, which is not allowed".to_owned());
        }
        infrai_video::base_url(url).map(drop).map_err(|error| error.message().replace('`', ""))
    })
}

fn ledger<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |text: &String| {
        Location::of_setting(text).map(drop).map_err(|error| error.to_string())
    })
}

fn api_key_env<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |name: &String| {
        let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match !name.is_empty() && is_name && !contains_api_key(name) {
            true => Ok(()),
            false => Err("it must be the name of an environment variable, such as WORK_API_KEY; the API key itself is never in \
                          this file"
                .to_owned()),
        }
    })
}

fn key_command<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |command: &String| not_empty(command))
}

/// A text that is shown, sent or stored, and so must not be an API key.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |text: &String| match contains_api_key(text) {
        true => Err("it contains an API key, which is never in this file".to_owned()),
        false => not_empty(text),
    })
}

/// A path with fields.
fn output<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |path: &String| match contains_api_key(path) {
        true => Err("it contains an API key, which is never in this file".to_owned()),
        false if path == "-" => {
            Err("it names a file or a directory; only the option -o - writes a clip to stdout".to_owned())
        }
        false => {
            Template::parse(path, Use::Clip).map_err(|error| error.to_string()).and_then(|_| not_empty(path))
        }
    })
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("it is empty; leave it out".to_owned()) } else { Ok(()) }
}

fn aspect_ratio<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |text: &String| {
        text.parse::<AspectRatio>()
            .map(drop)
            .map_err(|_| format!("use one of {}", AspectRatio::KNOWN.join(", ")))
    })
}

fn prefer<'de, D: Deserializer<'de>>(deserializer: D) -> Text<D::Error> {
    checked(deserializer, |text: &String| {
        text.parse::<Preference>()
            .map(drop)
            .map_err(|_| format!("use one of {}", Preference::KNOWN.join(", ")))
    })
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Number<D::Error> {
    checked(deserializer, |seconds: &f64| match seconds.is_finite() && *seconds > 0.0 {
        true => Ok(()),
        false => Err("it must be a number of seconds above 0, such as 5 or 7.5".to_owned()),
    })
}

fn max_usd<'de, D: Deserializer<'de>>(deserializer: D) -> Number<D::Error> {
    checked(deserializer, |dollars: &f64| match Usd::from_dollars(*dollars) {
        Some(amount) if amount > Usd::ZERO => Ok(()),
        _ => Err("it must be an amount in US dollars above 0, such as 10 or 2.5".to_owned()),
    })
}

fn ask_above_usd<'de, D: Deserializer<'de>>(deserializer: D) -> Number<D::Error> {
    checked(deserializer, |dollars: &f64| match Usd::from_dollars(*dollars) {
        Some(_) => Ok(()),
        None => {
            Err("it must be an amount in US dollars, such as 10 or 2.5; 0 asks before every charge"
                .to_owned())
        }
    })
}
