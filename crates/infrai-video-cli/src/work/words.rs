//! What is said when all items have to wait, or cannot go on.

use super::Outage;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{CHECK_KEY, Failure};
use crate::ledger::{LEDGER_VARIABLE, LedgerError, Location, STATE_VARIABLE};

impl App {
    /// What is said when the items begin to wait: the word of each line, and the line.
    pub(super) fn paused(&self, outage: Outage, why: &str) -> Vec<(&'static str, String)> {
        let mut lines = vec![("paused", why.to_owned())];
        lines.push((
            "next",
            match outage {
                Outage::Credit => format!("{}  (open the checkout_url that it answers)", self.top_up()),
                Outage::Unreachable => format!("check the network and {}", self.base_url()),
                Outage::RateLimited => "nothing to be done: the service asks for patience".to_owned(),
            },
        ));
        lines.push(("", "it goes on by itself; Ctrl-C leaves, and nothing is lost".to_owned()));
        lines
    }

    /// The outage lasted longer than was to be waited for.
    pub(super) fn paused_too_long(&self, outage: Outage, why: &str) -> Failure {
        let failure = Failure::new(outage.exit(), format!("{why}; waited as long as --max-pause says"));
        match outage {
            Outage::Credit => failure.next(self.top_up()).next(format!("then: {}", self.same_command())),
            _ => failure.next(self.same_command()),
        }
    }

    /// Nothing more can be begun: the service refuses the API key, or no connection can be made with these settings.
    pub(super) fn stopped(&self, exit: Exit, cause: Exit, why: &str) -> Failure {
        let check_key = (cause == Exit::Authentication).then_some(CHECK_KEY);
        check_key
            .into_iter()
            .fold(Failure::new(exit, why), Failure::next)
            .next(format!("then: {}  (goes on where it was)", self.same_command()))
    }

    /// The ledger cannot be read or written.
    pub(crate) fn ledger_failed(&self, error: &LedgerError) -> Failure {
        let location = Location::find(self.global.ledger.as_deref()).unwrap_or(Location::None);
        let explained = error.explained(&location);
        let error = explained.as_ref().unwrap_or(error);
        let failure = Failure::new(Exit::Other, format!("the ledger {location} fails: {error}"));
        match &location {
            Location::Postgres(_) if matches!(error, LedgerError::Denied(_)) => failure
                .next(format!("{} in {LEDGER_VARIABLE}, PGPASSWORD or ~/.pgpass", error.remedy()))
                .next(format!("then: {}  (nothing is lost or charged twice)", self.same_command())),
            Location::Postgres(_) => failure
                .next(format!("check {LEDGER_VARIABLE} and that the database answers, such as with psql"))
                .next(format!("then: {}  (nothing is lost or charged twice)", self.same_command())),
            // Nothing is in it that could be lost.
            location if !location.is_there() && error.is_of_the_place() => failure
                .next(format!("export {STATE_VARIABLE}=DIR  (a directory that can be written)"))
                .next(format!("then: {}", self.same_command()))
                .next("or leave the ledger out with --ledger none: then a crash forgets what was asked for"),
            _ => failure.next(error.remedy()).next(format!("then: {}", self.same_command())),
        }
    }

    /// Tells of outages of the ledger that are waited for.
    pub(crate) fn teller_of_outages(&self) -> impl Fn(Option<&str>) + Send + Sync + 'static {
        let screen = self.screen.clone();
        let location = Location::find(self.global.ledger.as_deref()).unwrap_or(Location::None);
        move |why| match why {
            Some(why) => {
                screen.say("paused", &format!("the ledger {location} fails: {why}"));
                screen.say("next", "check that the database answers, such as with psql");
                screen.say("", "it goes on by itself; Ctrl-C leaves, and nothing is lost");
            }
            None => screen.say("goes on", "the ledger answers again"),
        }
    }
}
