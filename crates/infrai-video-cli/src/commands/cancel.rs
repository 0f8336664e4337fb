use std::time::Duration;

use infrai_video::{JobId, RetryPolicy};

use super::for_each;
use crate::app::App;
use crate::args::CancelArgs;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::failure_line::Facts;
use crate::record::Records;
use crate::session::Session;

/// How long the state of a job may take to be read once its cancellation was accepted.
const READ_AGAIN: Duration = Duration::from_secs(15);

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
    let policy = RetryPolicy::default().with_max_elapsed(READ_AGAIN);
    let job = session.client.status(&id).with_retry_policy(policy).await.map_err(|error| {
        let message = format!(
            "cancellation of job {id} was requested, but its state could not be read: {}",
            describe(&error)
        );
        Failure::new(Exit::from(&error), message)
            .with_facts(Facts::from(&error))
            .instead(app.about_job("status", id.as_str()))
    })?;
    records.job(id.as_str()).await.read(&job).await;
    app.screen.say("cancelled", &format!("job {id} is now {}", job.state));
    match (app.screen.json, app.screen.quiet) {
        (true, _) => app.screen.json(&*job),
        (_, true) => app.screen.line(&job.job_id),
        _ => app.screen.row(&[&job.job_id, job.state.as_str()]),
    }
}
