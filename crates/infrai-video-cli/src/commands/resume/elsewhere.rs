//! What is left where this run of `resume` does not look: at other services, and in the default ledger where another is in use.

use crate::app::App;
use crate::failure::Failure;
use crate::ledger::{Ledger, Location};
use crate::text::{count, quote};

/// Names what is left elsewhere, and the command for it. Says whether there is something.
pub(super) async fn tell(app: &App, ledger: &Ledger) -> Result<bool, Failure> {
    let left = ledger.left_elsewhere(&app.service()).await.map_err(|error| app.ledger_failed(&error))?;
    for (service, number) in &left {
        let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
        app.screen.say("note", &format!("{number} left at {service}: {}", command(app, service, "resume")));
    }
    Ok(in_default_ledger(app).await || !left.is_empty())
}

/// Where something was asked for that this service does not know.
pub(super) async fn of(app: &App, ledger: &Ledger, name: &str) -> Result<Option<String>, Failure> {
    ledger.service_of(name).await.map_err(|error| app.ledger_failed(&error))
}

/// A command that talks to another service, with the same ledger.
pub(super) fn command(app: &App, service: &str, rest: &str) -> String {
    let ledger = app.global.ledger.as_ref().map(|ledger| format!("--ledger {} ", quote(ledger)));
    format!("infrai-video --base-url {} {}{rest}", quote(service), ledger.unwrap_or_default())
}

/// A ledger that is of no use is passed over: nobody has asked for it.
async fn in_default_ledger(app: &App) -> bool {
    let in_use = Location::find(app.global.ledger.as_deref());
    let Ok(default) = Location::default_file() else { return false };
    if !default.is_there() || in_use.as_ref() == Ok(&default) {
        return false;
    }
    let Ok(ledger) = Ledger::open(&default).await else { return false };
    // No service has an empty name.
    let left = ledger.left_elsewhere("").await.unwrap_or_default();
    ledger.close().await;
    for (service, number) in &left {
        let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
        let resume = format!(
            "infrai-video --base-url {} --ledger {} resume",
            quote(service),
            quote(&default.to_string())
        );
        app.screen.say("note", &format!("{number} left in the ledger {default}: {resume}"));
    }
    !left.is_empty()
}
