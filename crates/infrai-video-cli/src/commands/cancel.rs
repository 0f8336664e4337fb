use infrai_video::JobId;

use super::for_each;
use crate::app::App;
use crate::args::CancelArgs;
use crate::failure::Failure;
use crate::record::Records;
use crate::session::Session;

pub(super) async fn run(app: &App, args: &CancelArgs) -> Result<(), Failure> {
    let ids = app.ids(&args.ids)?;
    let session = app.session().await?;
    let records = Records::open(app).await;
    let done = for_each(app, &ids, |id| one(app, &session, &records, id)).await;
    records.close().await;
    done
}

async fn one(app: &App, session: &Session, records: &Records, id: JobId) -> Result<(), Failure> {
    let failed = |error| app.failed_on(id.as_str(), &error);
    session.client.cancel(&id).await.map_err(failed)?;
    // Read once more, since the job may have been quicker.
    let job = session.client.status(&id).await.map_err(failed)?;
    records.job(id.as_str()).await.read(&job).await;
    app.screen.say("cancelled", &format!("job {id} is now {}", job.state));
    match (app.screen.json, app.screen.quiet) {
        (true, _) => app.screen.json(&*job),
        (_, true) => app.screen.line(&job.job_id),
        _ => app.screen.row(&[&job.job_id, job.state.as_str()]),
    }
}
