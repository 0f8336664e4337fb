//! What every command has at hand: the global options, the screen, and how the command was called.

use std::sync::Arc;

use infrai_video::{API_KEY_VARIABLE, BASE_URL_VARIABLE, DEFAULT_BASE_URL, Error, JobId};
use sha2::{Digest as _, Sha256};

use crate::args::Global;
use crate::credentials;
use crate::exit::Exit;
use crate::failure::{Failure, SANDBOX_ENDS};
use crate::ledger::{LEDGER_VARIABLE, Ledger, Location};
use crate::output::Screen;
use crate::text::quote;

/// The length from which on the end of an API key can be shown.
const SHOWN_KEY: usize = 16;

pub(crate) struct App {
    pub(crate) global: Global,
    pub(crate) screen: Screen,
    /// The arguments as they were typed, to be shown in advice.
    typed: Vec<String>,
    /// The subcommand's name.
    pub(crate) name: std::cell::Cell<&'static str>,
}

impl App {
    pub(crate) fn new(global: Global, screen: Screen) -> Self {
        let typed = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        Self { global, screen, typed, name: std::cell::Cell::new("") }
    }

    /// A command line of this program that talks to the same API.
    pub(crate) fn command(&self, rest: &str) -> String {
        match &self.global.base_url {
            _ if self.global.sandbox() => format!("infrai-video --sandbox {rest}"),
            Some(url) => format!("infrai-video --base-url {} {}{rest}", quote(url), self.ledger_option()),
            None => format!("infrai-video {}{rest}", self.ledger_option()),
        }
    }

    fn ledger_option(&self) -> String {
        self.global.ledger.as_ref().map(|ledger| format!("--ledger {} ", quote(ledger))).unwrap_or_default()
    }

    /// The command as it was typed.
    pub(crate) fn same_command(&self) -> String {
        self.typed.iter().fold("infrai-video".to_owned(), |line, arg| line + " " + &quote(arg))
    }

    /// What has to be said of a repetition of the command where it reads stdin.
    pub(crate) fn with_stdin(&self) -> &'static str {
        let is_output = |index: usize| {
            index
                .checked_sub(1)
                .is_some_and(|before| ["-o", "--output"].contains(&self.typed[before].as_str()))
        };
        let mut typed = self.typed.iter().enumerate();
        match typed.any(|(index, arg)| arg == "-" && !is_output(index)) {
            true => "with the same on stdin, ",
            false => "",
        }
    }

    /// The last characters of the API key in use, which tell it from others. Of a short key nothing is told.
    pub(crate) fn end_of_key(&self) -> Option<String> {
        let key = std::env::var(API_KEY_VARIABLE).ok()?;
        let key: Vec<char> = key.trim().chars().collect();
        let end = key.len().checked_sub(4).filter(|_| key.len() >= SHOWN_KEY)?;
        Some(key[end..].iter().collect())
    }

    /// What shows the help of the command that was typed.
    pub(crate) fn help(&self) -> String {
        format!("infrai-video {} --help", self.name.get())
    }

    /// Advice to run a command on a job. A job of a sandbox inside this command is gone by then.
    pub(crate) fn about_job(&self, command: &str, job_id: &str) -> Vec<String> {
        if self.global.sandbox() {
            return vec![SANDBOX_ENDS.to_owned()];
        }
        // An id may look like an option.
        let dashes = if job_id.starts_with('-') { "-- " } else { "" };
        vec![self.command(&format!("{command} {dashes}{}", quote(job_id)))]
    }

    /// Where calls go, as far as it is known without a client.
    pub(crate) fn base_url(&self) -> String {
        let from_environment = || std::env::var(BASE_URL_VARIABLE).ok().filter(|url| !url.trim().is_empty());
        let url = self.global.base_url.clone().or_else(from_environment);
        let url = url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        // An invalid URL is shown as it was typed.
        infrai_video::base_url(&url).unwrap_or_else(|_| url.trim().trim_end_matches('/').to_owned())
    }

    /// What the ledger calls the API that is talked to.
    pub(crate) fn service(&self) -> String {
        self.base_url()
    }

    /// Tells the API key in use from others, and does not tell it.
    pub(crate) fn account(&self) -> Option<String> {
        let key = std::env::var(API_KEY_VARIABLE).ok()?;
        let digest = Sha256::new().chain_update("infrai-video ledger\n").chain_update(key.trim()).finalize();
        Some(digest[..6].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Refuses a password and an API key in `--ledger` and in the base URL, before either is shown or written down. The base
    /// URL of the environment counts where the command uses it.
    pub(crate) fn check_locations(&self, uses_environment: bool) -> Result<(), Failure> {
        if let Some(flag) = &self.global.ledger {
            Location::of_flag(flag).map_err(wrong_ledger)?;
        }
        let from_environment = std::env::var(BASE_URL_VARIABLE).ok().filter(|_| uses_environment);
        let (name, url) = match (&self.global.base_url, &from_environment) {
            (Some(url), _) => ("--base-url", url),
            (None, Some(url)) => (BASE_URL_VARIABLE, url),
            (None, None) => return Ok(()),
        };
        if credentials::may_hold(url.trim()) {
            let message = format!("`{name}` holds an API key, a user or a password, which it must not");
            return Err(Failure::new(Exit::Refused, message)
                .next("export INFRAI_BASE_URL=https://api.infrai.cc  (or leave it out)"));
        }
        Ok(())
    }

    /// The ledger, unless nothing is to be written down. Jobs of a sandbox inside this command end with it.
    pub(crate) async fn ledger(&self) -> Result<Option<Arc<Ledger>>, Failure> {
        if self.global.sandbox() {
            return Ok(None);
        }
        let location = Location::find(self.global.ledger.as_deref()).map_err(wrong_ledger)?;
        if location == Location::None {
            return Ok(None);
        }
        let ledger = Ledger::open(&location).await;
        let ledger = ledger.map_err(|error| self.ledger_failed(&error).with_exit(Exit::Refused))?;
        Ok(Some(Arc::new(ledger)))
    }

    /// The ledger, for a command that is nothing without it.
    pub(crate) async fn needed_ledger(&self) -> Result<Arc<Ledger>, Failure> {
        self.ledger().await?.ok_or_else(|| {
            Failure::new(Exit::Usage, "there is no ledger: --sandbox and --ledger none keep none")
                .next(self.help())
        })
    }

    /// Checks an id before anything is sent.
    pub(crate) fn id(&self, id: &str) -> Result<JobId, Failure> {
        if id != id.trim() {
            let message = format!("`job_id` {id:?} begins or ends with white space");
            return Err(Failure::new(Exit::Refused, message)
                .next("pass the id as `generate` or `list` printed it, without the space"));
        }
        id.parse().map_err(|error: Error| self.failed(&error))
    }

    /// Checks ids before anything is sent for the first of them.
    pub(crate) fn ids(&self, ids: &[String]) -> Result<Vec<JobId>, Failure> {
        ids.iter().map(|id| self.id(id)).collect()
    }
}

fn wrong_ledger(error: String) -> Failure {
    Failure::new(Exit::Refused, error)
        .next("--ledger FILE, --ledger postgres://HOST/NAME or --ledger none")
        .next(format!(
            "export {LEDGER_VARIABLE}=postgres://USER:PASSWORD@HOST/NAME  (where it needs a password)"
        ))
}
