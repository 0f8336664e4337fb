//! What a command works with: its options, the output, the API client, and the ledger.

mod session;

use std::env::VarError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use infrai_video::{API_KEY_VARIABLE, BASE_URL_VARIABLE};

pub(crate) use self::session::{LONGEST_INTERVAL, SHORTEST_INTERVAL, Session, batch_poll_backoff};
use crate::args::credentials::{self, may_contain_secret};
use crate::args::{Command, Global, set};
use crate::config::{Config, ConfigError};
use crate::exit_code::Exit;
use crate::failure::{Failure, Invocation, advice};
use crate::ledger::{InvalidLocation, LEDGER_VARIABLE, Ledger, LedgerError, Location};
use crate::signals::Signals;
use crate::text::operand;
use crate::ui::Output;

/// What a command works with.
pub(crate) struct Context {
    pub(crate) options: Global,
    pub(crate) config: Config,
    pub(crate) invocation: Invocation,
    pub(crate) output: Output,
    /// Whether the user was told that the ledger is locked.
    reported_wait: Arc<AtomicBool>,
}

impl Context {
    /// Reads the configuration, and gives options of the command that were not set its values.
    pub(crate) fn new(options: Global, output: Output, command: &mut Command) -> Result<Self, Failure> {
        let config = match command.is_configured() {
            true => Config::load(&options).map_err(|error| unusable(&error, Exit::Refused))?,
            false => Config::default(),
        };
        let filled = config.fill(command);
        if command.calls_the_api() {
            for (variable, what) in config.overridden() {
                output
                    .status("note", &format!("{variable} is set and overrides {what} of the configuration"));
            }
        }
        let invocation = Invocation::new(&options, command.name(), &config, filled);
        Ok(Self { options, config, invocation, output, reported_wait: Arc::default() })
    }

    /// Reads the API key of the profile, if the command needs one and the environment has none.
    pub(crate) async fn load_api_key(&self, command: &Command) -> Result<(), Failure> {
        let source = self.config.key_source().filter(|_| command.uses_api_key());
        let Some(source) = source.filter(|_| set(API_KEY_VARIABLE).is_none()) else { return Ok(()) };
        let on_wait = || self.output.status("waiting", &format!("for key_command ({})", source.place));
        let key = source.read(on_wait).await.map_err(|error| unusable(&error, Exit::Authentication))?;
        credentials::set_key_of_profile(key);
        Ok(())
    }

    /// Rejects a password or an API key in `--ledger` and in the base URL, before either is printed or stored, and an invalid
    /// base URL. The base URL of the environment counts only if the command uses it.
    pub(crate) fn check_locations(&self, command: &Command) -> Result<(), Failure> {
        if let Some(value) = &self.options.ledger {
            Location::of_option(value).map_err(invalid_ledger)?;
        }
        let uses_environment = command.calls_the_api() && !self.options.sandbox();
        let from_environment = match std::env::var(BASE_URL_VARIABLE) {
            _ if !uses_environment || self.options.base_url.is_some() => None,
            Ok(url) => Some(url).filter(|url| !url.trim().is_empty()),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                let message = format!("{BASE_URL_VARIABLE} is not UTF-8");
                return Err(
                    Failure::new(Exit::Refused, message).next(advice::set_base_url(BASE_URL_VARIABLE))
                );
            }
        };
        let (name, url) = match (&self.options.base_url, &from_environment) {
            (Some(url), _) => ("--base-url", url),
            (None, Some(url)) => (BASE_URL_VARIABLE, url),
            (None, None) => return Ok(()),
        };
        if may_contain_secret(url.trim()) {
            let message = format!("{name} must not contain an API key, a user or a password");
            return Err(Failure::new(Exit::Refused, message).next(advice::set_base_url(name)));
        }
        match infrai_video::base_url(url) {
            Ok(_) => Ok(()),
            Err(error) => {
                // A variable may contain what was meant for another one, such as an API key.
                let value =
                    if from_environment.is_some() { String::new() } else { format!(" {:?}", url.trim()) };
                let named = format!("{name}{value}");
                let message = error.message().replace("`base_url`", &named);
                Err(Failure::new(Exit::Refused, message).next(advice::set_base_url(name)))
            }
        }
    }

    /// Sets up the API client, and starts the sandbox inside this process if there is one. Nothing is sent.
    pub(crate) async fn connect(&self) -> Result<Session, Failure> {
        Session::start(&self.invocation, &self.output).await
    }

    /// Catches signals from now on.
    pub(crate) fn signals(&self) -> Result<Signals, Failure> {
        Signals::new().map_err(|error| {
            Failure::new(Exit::Other, format!("signals cannot be caught: {error}"))
                .next(self.invocation.repeat())
        })
    }

    /// How the ledger identifies the API.
    pub(crate) fn service(&self) -> String {
        self.invocation.base_url()
    }

    /// Where the ledger is. Jobs of a sandbox inside this process are not recorded, since they end with it.
    pub(crate) fn ledger_location(&self) -> Result<Location, Failure> {
        match self.options.sandbox() {
            true => Ok(Location::None),
            false => {
                let option = self.options.ledger.as_deref();
                Location::find(option, self.config.ledger()).map_err(invalid_ledger)
            }
        }
    }

    /// Opens the ledger. `None` if nothing is to be recorded.
    pub(crate) async fn open_ledger(&self) -> Result<Option<Arc<Ledger>>, Failure> {
        let location = self.ledger_location()?;
        if location == Location::None {
            return Ok(None);
        }
        if let Some(directory) = location.missing_directory() {
            let message = format!(
                "the ledger {location} cannot be used: there is no directory {}",
                directory.display()
            );
            return Err(Failure::new(Exit::Refused, message)
                .next(format!("mkdir -p {}", operand(&directory.to_string_lossy()))));
        }
        let output = self.output.clone();
        let waiting = location.clone();
        let reported = Arc::clone(&self.reported_wait);
        let on_wait = move || {
            if !reported.swap(true, Ordering::Relaxed) {
                let text = format!("for another process that keeps the ledger {waiting} locked");
                output.status("waiting", &text);
            }
        };
        let ledger = Ledger::open(&location, on_wait).await;
        let ledger = ledger.map_err(|error| self.ledger_failed(&error).with_exit(Exit::Refused))?;
        Ok(Some(Arc::new(ledger)))
    }

    /// Opens the ledger for a command that needs one.
    pub(crate) async fn require_ledger(&self) -> Result<Arc<Ledger>, Failure> {
        self.open_ledger().await?.ok_or_else(|| {
            let (message, next) = match (self.options.sandbox(), &self.options.ledger) {
                (true, _) => (
                    "this command needs a ledger, and the jobs of --sandbox are not recorded",
                    advice::SANDBOX_ENDS,
                ),
                (_, Some(_)) => ("this command needs a ledger", "leave out --ledger none"),
                _ => (
                    "this command needs a ledger, and INFRAI_LEDGER or the configuration says none",
                    "name one with --ledger FILE",
                ),
            };
            Failure::new(Exit::Usage, message).next(next)
        })
    }

    /// A ledger that cannot be read or written.
    pub(crate) fn ledger_failed(&self, error: &LedgerError) -> Failure {
        let location = self.ledger_location().unwrap_or(Location::None);
        Failure::of_ledger(&self.invocation, &location, error)
    }
}

/// A configuration that cannot be used. Nothing was sent.
pub(crate) fn unusable(error: &ConfigError, exit: Exit) -> Failure {
    Failure::new(exit, error.to_string()).with_next(error.steps().to_vec())
}

fn invalid_ledger(error: InvalidLocation) -> Failure {
    let failure = Failure::new(Exit::Refused, error.to_string());
    if !cfg!(feature = "postgres") {
        return failure.next("--ledger FILE or --ledger none");
    }
    failure.next("--ledger FILE, --ledger postgres://HOST/NAME or --ledger none").next(format!(
        "export {LEDGER_VARIABLE}=postgres://USER:PASSWORD@HOST/NAME  (if it needs a password)"
    ))
}
