//! The user's configuration: a file with values for all profiles and for each one, and which of them count.
//!
//! A value is that of the option, else of the environment, else of the profile, else of all profiles, else the default.

mod error;
mod file;
mod fill;
mod key_command;
mod location;
mod settings;

use std::path::PathBuf;

use infrai_video::API_KEY_VARIABLE;
use toml::Spanned;

pub(crate) use self::error::ConfigError;
pub(crate) use self::file::ConfigFile;
pub(crate) use self::fill::Filled;
pub(crate) use self::location::{CONFIG_VARIABLE, Place};
pub(crate) use self::settings::Settings;
use crate::args::{Global, set};
use crate::ledger::Location;
use crate::text::{closest, quote};

/// The name of the profile, if `--profile` is not set.
pub(crate) const PROFILE_VARIABLE: &str = "INFRAI_PROFILE";

const PROFILE_OPTION: &str = "--profile";

/// The configuration of one command.
#[derive(Debug, Default)]
pub(crate) struct Config {
    file: Option<ConfigFile>,
    profile: Option<Profile>,
    /// Whether base URL, ledger and API key are ignored, because calls go to a sandbox inside this process.
    uses_sandbox: bool,
}

/// The profile in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// What chose it: an option, a variable or a setting.
    pub(crate) chosen_by: &'static str,
}

/// Where the API key of a profile comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySource {
    pub(crate) kind: KeyKind,
    /// The place in the file.
    pub(crate) place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// An environment variable with this name.
    Variable(String),
    /// The output of this command, which may contain secrets.
    Command(String),
}

impl Config {
    /// Reads the file if it exists, and chooses the profile.
    pub(crate) fn load(options: &Global) -> Result<Self, ConfigError> {
        let place = Place::find();
        let file = ConfigFile::read(&place)?;
        let named = |name: String, chosen_by| Profile { name, chosen_by };
        let option = options.profile.clone().map(|name| named(name, PROFILE_OPTION));
        let variable =
            || set(PROFILE_VARIABLE).map(|name| named(name.to_string_lossy().into_owned(), PROFILE_VARIABLE));
        let default = || {
            let default = file.as_ref()?.default_profile.as_ref()?;
            Some(named(default.get_ref().clone(), "default_profile"))
        };
        let profile = option.or_else(variable).or_else(default);
        if let Some(profile) = &profile {
            check_profile(file.as_ref(), &place, profile)?;
        }
        Ok(Self { file, profile, uses_sandbox: options.sandbox() })
    }

    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.file.as_ref().map(|file| &file.path)
    }

    pub(crate) fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// The settings of the profile, then those of all profiles.
    fn levels(&self) -> impl Iterator<Item = &Settings> {
        let of_profile = || self.file.as_ref()?.profiles.get(&self.profile.as_ref()?.name);
        of_profile().into_iter().chain(self.file.as_ref().map(|file| &file.all))
    }

    /// The names of the profiles in the file.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        self.file.iter().flat_map(|file| file.profiles.keys().cloned()).collect()
    }

    /// A value of the file.
    pub(crate) fn get<T>(&self, of: impl Fn(&Settings) -> &Option<Spanned<T>>) -> Option<&T> {
        self.find(of).map(Spanned::get_ref)
    }

    /// A value of the file and its place, such as `profile work, line 7`.
    pub(crate) fn with_place<T>(
        &self,
        of: impl Fn(&Settings) -> &Option<Spanned<T>>,
    ) -> Option<(&T, String)> {
        self.find(of).map(|value| (value.get_ref(), self.place(value)))
    }

    fn find<T>(&self, of: impl Fn(&Settings) -> &Option<Spanned<T>>) -> Option<&Spanned<T>> {
        self.levels().find_map(|level| of(level).as_ref())
    }

    fn place<T>(&self, value: &Spanned<T>) -> String {
        self.file.as_ref().map(|file| file.place(value.span().start)).unwrap_or_default()
    }

    /// The base URL of the file.
    pub(crate) fn base_url(&self) -> Option<&str> {
        self.get(|settings| &settings.base_url).filter(|_| !self.uses_sandbox).map(String::as_str)
    }

    /// The ledger of the file. A relative path begins at the directory of the file.
    pub(crate) fn ledger(&self) -> Option<Location> {
        let text = self.get(|settings| &settings.ledger).filter(|_| !self.uses_sandbox)?;
        // It was checked when the file was read.
        let location = Location::of_setting(&location::expanded(text)).ok()?;
        Some(match (location, self.path()?.parent()) {
            (Location::File(path), Some(directory)) => Location::File(directory.join(path)),
            (location, _) => location,
        })
    }

    /// Where the API key comes from if the environment has none.
    pub(crate) fn key_source(&self) -> Option<KeySource> {
        self.levels().filter(|_| !self.uses_sandbox).find_map(|level| {
            let variable = level.api_key_env.as_ref().map(|name| (name, KeyKind::Variable as fn(_) -> _));
            let command = level.key_command.as_ref().map(|text| (text, KeyKind::Command as fn(_) -> _));
            let (value, kind) = variable.or(command)?;
            Some(KeySource { kind: kind(value.get_ref().clone()), place: self.place(value) })
        })
    }

    /// The variables that override values of the profile in use, with what they override. The base URL and the ledger count only if
    /// an option chose the profile; the API key always does, since it says who pays.
    pub(crate) fn overridden(&self) -> Vec<(&'static str, &'static str)> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let is_chosen = profile.chosen_by == PROFILE_OPTION;
        let has = |variable: &str| set(variable).is_some();
        let has_other_key = || match self.key_source().map(|source| source.kind) {
            Some(KeyKind::Variable(name)) => set(&name) != set(API_KEY_VARIABLE),
            Some(KeyKind::Command(_)) => true,
            None => false,
        };
        let all = [
            (API_KEY_VARIABLE, "the API key", has_other_key()),
            (infrai_video::BASE_URL_VARIABLE, "base_url", is_chosen && self.base_url().is_some()),
            (crate::ledger::LEDGER_VARIABLE, "ledger", is_chosen && self.ledger().is_some()),
        ];
        let overridden =
            all.into_iter().filter(|(variable, _, is_overridden)| *is_overridden && has(variable));
        overridden.map(|(variable, what, _)| (variable, what)).collect()
    }
}

impl KeySource {
    /// Reads the API key. `on_wait` is called if that takes long.
    pub(crate) async fn read(&self, on_wait: impl FnOnce()) -> Result<String, ConfigError> {
        let place = &self.place;
        match &self.kind {
            KeyKind::Variable(name) => set(name).and_then(|key| key.into_string().ok()).ok_or_else(|| {
                ConfigError::new(format!("{name} is not set, which api_key_env names ({place})"))
                    .next(format!("export {name}=ifr_pk_proj_..."))
            }),
            KeyKind::Command(command) => key_command::run(command, on_wait).await.map_err(|error| {
                ConfigError::new(format!("key_command gives no API key ({place}): {error}"))
                    .next("run that command in a shell and correct it: infrai-video config edit")
            }),
        }
    }
}

/// Rejects a profile that the file does not have.
fn check_profile(file: Option<&ConfigFile>, place: &Place, profile: &Profile) -> Result<(), ConfigError> {
    let Profile { name, chosen_by } = profile;
    let Some(file) = file else {
        let why = match place.path() {
            Some(path) => format!("{} does not exist", path.display()),
            None => "no configuration is in use".to_owned(),
        };
        return Err(ConfigError::new(format!("there is no profile {name:?} ({chosen_by}): {why}"))
            .next("infrai-video config edit"));
    };
    if file.profiles.contains_key(name) {
        return Ok(());
    }
    let known: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
    let hint = match closest(name, &known) {
        Some(meant) => format!("; did you mean {meant:?}?"),
        None if known.is_empty() => "; it has no profiles".to_owned(),
        None => format!("; use {}", known.into_iter().map(quote).collect::<Vec<_>>().join(", ")),
    };
    let place = match &file.default_profile {
        Some(default) if *chosen_by == "default_profile" => file.position(default.span().start),
        _ => file.path.display().to_string(),
    };
    Err(ConfigError::new(format!("{place}: there is no profile {name:?} ({chosen_by}){hint}"))
        .next("infrai-video config edit"))
}
