use infrai_video::JobId;

use super::for_each;
use crate::app::App;
use crate::args::{DeleteAllArgs, DeleteArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::record::Records;
use crate::session::Session;
use crate::text::count;

pub(super) async fn some(app: &App, args: &DeleteArgs) -> Result<(), Failure> {
    let ids = app.ids(&args.ids)?;
    let session = app.session().await?;
    if !args.yes {
        let what = if ids.len() == 1 { "job and its clip" } else { "jobs and their clips" };
        confirm(app, &format!("delete {} {what}, for good?", ids.len()))?;
    }
    let records = Records::open(app).await;
    let done = for_each(app, &ids, |id| one(app, &session, &records, id)).await;
    records.close().await;
    done
}

async fn one(app: &App, session: &Session, records: &Records, id: JobId) -> Result<(), Failure> {
    let answer = session.client.delete(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    records.job(id.as_str()).await.deleted().await;
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
    if !args.yes {
        confirm(app, "delete every job of the account with its clip, for good?")?;
    }
    let answer = session.client.delete_all().await.map_err(|error| app.failed(&error))?;
    if app.screen.json {
        return app.screen.json(&*answer);
    }
    let deleted = answer.deleted.unwrap_or_default();
    app.screen.say("deleted", &count(usize::try_from(deleted).unwrap_or(usize::MAX), "job"));
    app.screen.line(&deleted.to_string())
}

fn confirm(app: &App, question: &str) -> Result<(), Failure> {
    if !app.screen.can_ask {
        return Err(Failure::new(
            Exit::Usage,
            "nothing was deleted: nobody can be asked here, and --yes was not given",
        )
        .next(format!("{} --yes", app.same_command())));
    }
    match app.screen.ask(&format!("{question} [y/N]")) {
        Ok(answer) if matches!(answer.as_str(), "y" | "yes") => Ok(()),
        _ => Err(Failure::new(Exit::Other, "nothing was deleted")
            .with_word("kept")
            .next(format!("{} --yes", app.same_command()))),
    }
}
