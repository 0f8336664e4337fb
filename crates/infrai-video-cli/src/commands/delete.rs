use infrai_video::{ErrorKind, JobId};

use super::for_each;
use crate::app::App;
use crate::args::{DeleteAllArgs, DeleteArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::question::Answer;
use crate::record::Records;
use crate::session::Session;
use crate::text::count;

pub(super) async fn some(app: &App, args: &DeleteArgs) -> Result<(), Failure> {
    let ids = app.ids(&args.ids)?;
    let session = app.session().await?;
    let mut signals = app.signals()?;
    if !args.yes {
        let what = if ids.len() == 1 { "job and its clip" } else { "jobs and their clips" };
        confirm(app, &format!("delete {} {what}, for good?", ids.len()), &mut signals).await?;
    }
    let records = Records::open(app).await;
    let done = tokio::select! {
        done = for_each(app, &ids, |id| one(app, &session, &records, id)) => done,
        signal = signals.next() => Err(broken_off(app, signal)),
    };
    records.close().await;
    done
}

async fn one(app: &App, session: &Session, records: &Records, id: JobId) -> Result<(), Failure> {
    let answer = session.client.delete(&id).await;
    if answer.as_ref().map_or_else(|error| error.kind() == ErrorKind::NotFound, |_| true) {
        records.job(id.as_str()).await.deleted().await;
    }
    let answer = answer.map_err(|error| app.failed_on(id.as_str(), &error))?;
    match app.screen.json {
        true => app.screen.json(&*answer),
        false => {
            app.screen.say("deleted", &format!("job {id} and its clip"));
            app.screen.line(id.as_str())
        }
    }
}

pub(super) async fn all(app: &App, args: &DeleteAllArgs) -> Result<(), Failure> {
    let session = app.session().await?;
    let mut signals = app.signals()?;
    if !args.yes {
        confirm(app, "delete every job of the account with its clip, for good?", &mut signals).await?;
    }
    let records = Records::open(app).await;
    // What another process begins from here on may be newer than the deletion.
    let items = records.without_clips(app).await;
    let answer = tokio::select! {
        answer = session.client.delete_all() => answer.map_err(|error| app.failed(&error))?,
        signal = signals.next() => return Err(broken_off(app, signal)),
    };
    records.all_deleted(items).await;
    records.close().await;
    if app.screen.json {
        return app.screen.json(&*answer);
    }
    let deleted = answer.deleted.unwrap_or_default();
    app.screen.say("deleted", &count(usize::try_from(deleted).unwrap_or(usize::MAX), "job"));
    app.screen.line(&deleted.to_string())
}

fn broken_off(app: &App, signal: Signal) -> Failure {
    Failure::new(signal.exit(), "interrupted while deleting; some jobs may be gone already")
        .next(app.command("list"))
}

async fn confirm(app: &App, question: &str, signals: &mut Signals) -> Result<(), Failure> {
    let again = format!("{} --yes", app.same_command());
    if !app.screen.can_ask {
        let message = "nothing was deleted: nobody can be asked here, and --yes was not given";
        return Err(Failure::new(Exit::Usage, message).next(again));
    }
    let exit = match app.screen.question(&format!("{question} [y/N]"), signals).await {
        Answer::Given(answer) if matches!(answer.as_str(), "y" | "yes") => return Ok(()),
        Answer::Given(_) => Exit::Other,
        Answer::Interrupted(signal) => signal.exit(),
    };
    Err(Failure::new(exit, "nothing was deleted").with_word("kept").next(again))
}
