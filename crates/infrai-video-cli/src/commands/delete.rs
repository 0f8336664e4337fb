use futures_util::TryStreamExt as _;
use infrai_video::types::DeleteAllResult;
use infrai_video::{API_KEY_VARIABLE, Error, ErrorKind, JobId};

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
        let question = format!("delete {} {what}, for good? [y/N]", ids.len());
        confirm(app, &question, &["y", "yes"], &mut signals).await?;
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
        refuse_unless_asked(app)?;
        let number = tokio::select! {
            number = count_jobs(&session) => number.map_err(|error| app.failed(&error))?,
            signal = signals.next() => return Err(kept(app, signal.exit())),
        };
        if number == 0 {
            app.screen.say("note", "the account has no job");
            return match app.screen.json {
                true => app.screen.json(&DeleteAllResult { deleted: Some(0) }),
                false => app.screen.line("0"),
            };
        }
        confirm(app, &question(app, number), &[&number.to_string()], &mut signals).await?;
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

/// How many jobs the account has.
async fn count_jobs(session: &Session) -> Result<usize, Error> {
    session.client.list().items().try_fold(0, |number, _| std::future::ready(Ok(number + 1))).await
}

/// Everything that tells one account from another, and a number that nobody types unread.
fn question(app: &App, number: usize) -> String {
    let key = match app.end_of_key() {
        Some(end) => format!("the API key that ends in {end}"),
        None => format!("the API key in {API_KEY_VARIABLE}"),
    };
    format!(
        "delete all {} of {key} at {}, with their clips, for good? type {number} to delete them:",
        count(number, "job"),
        app.base_url()
    )
}

fn refuse_unless_asked(app: &App) -> Result<(), Failure> {
    if app.screen.can_ask {
        return Ok(());
    }
    let message = "nothing was deleted: nobody can be asked here, and --yes was not given";
    Err(Failure::new(Exit::Usage, message).next(format!("{} --yes", app.same_command())))
}

async fn confirm(app: &App, question: &str, yes: &[&str], signals: &mut Signals) -> Result<(), Failure> {
    refuse_unless_asked(app)?;
    match app.screen.question(question, signals).await {
        Answer::Given(answer) if yes.contains(&answer.as_str()) => Ok(()),
        Answer::Given(_) => Err(kept(app, Exit::Other)),
        Answer::Interrupted(signal) => Err(kept(app, signal.exit())),
    }
}

fn kept(app: &App, exit: Exit) -> Failure {
    Failure::new(exit, "nothing was deleted").with_word("kept").next(format!("{} --yes", app.same_command()))
}
