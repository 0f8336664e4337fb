//! What is said when all items have to wait, or cannot go on.

use super::Outage;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
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

    /// Nothing more can be begun until somebody changes something.
    pub(super) fn stopped(&self, exit: Exit, why: &str) -> Failure {
        let failure = Failure::new(exit, why);
        match exit {
            Exit::Authentication => failure
                .next("export INFRAI_API_KEY=ifr_pk_proj_...")
                .next(format!("then: {}  (goes on where it was)", self.same_command())),
            _ => failure.next(self.same_command()),
        }
    }

    /// The ledger cannot be read or written.
    pub(crate) fn ledger_failed(&self, error: &LedgerError) -> Failure {
        let location = Location::find(self.global.ledger.as_deref()).unwrap_or(Location::None);
        let failure = Failure::new(Exit::Other, format!("the ledger {location} fails: {error}"));
        match location {
            Location::Postgres(_) => failure
                .next(format!("check {LEDGER_VARIABLE} and that the database answers, such as with psql"))
                .next(format!("then: {}  (nothing is lost or charged twice)", self.same_command())),
            _ => failure
                .next(format!("export {STATE_VARIABLE}=DIR  (a directory that can be written)"))
                .next(format!("then: {}", self.same_command())),
        }
    }
}
