//! What each command does, one file each.

mod batch;
mod cancel;
mod capabilities;
mod completions;
mod delete;
mod download;
mod download_url;
mod generate;
mod leave;
mod list;
mod man;
mod prompt;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "sandbox")]
mod sandbox_files;
mod schema;
mod set_retention;
mod show;
mod wait;

use std::future::Future;

use infrai_video::JobId;

use crate::app::App;
use crate::args::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::failure_line::Facts;

pub(crate) use download::Downloaded;
pub(crate) use generate::Outcome;
pub(crate) use resume::ResumeStep;
#[cfg(feature = "sandbox")]
pub(crate) use sandbox::Listening;

/// Runs one command.
pub(crate) async fn run(app: &App, command: Command) -> Result<(), Failure> {
    app.name.set(command.name());
    app.check_locations(command.calls_the_api() && !app.global.sandbox())?;
    match command {
        Command::Generate(args) => Box::pin(generate::run(app, &args)).await,
        Command::Wait(args) => wait::run(app, &args).await,
        Command::Status(args) => show::status(app, &args.id).await,
        Command::Get(args) => show::get(app, &args.id).await,
        Command::List(args) => list::run(app, &args).await,
        Command::Cancel(args) => cancel::run(app, &args).await,
        Command::Delete(args) => delete::some(app, &args).await,
        Command::DeleteAll(args) => delete::all(app, &args).await,
        Command::Download(args) => Box::pin(download::run(app, &args)).await,
        Command::DownloadUrl(args) => download_url::run(app, &args.id).await,
        Command::SetRetention(args) => set_retention::run(app, &args).await,
        Command::Resume(args) => Box::pin(resume::run(app, &args)).await,
        Command::Batch(args) => Box::pin(batch::run(app, &args.command)).await,
        Command::Capabilities => capabilities::run(app).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(app, &args).await,
        Command::Schema(args) => schema::run(app, args.name.as_deref()),
        Command::Man(args) => man::run(app, &args),
        Command::Completions(args) => completions::run(app, args.shell),
    }
}

/// Does something for one job after the other. One that fails does not stop the others.
async fn for_each<F>(app: &App, ids: &[JobId], mut act: impl FnMut(JobId) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    if let [id] = ids {
        return act(id.clone()).await.map_err(|failure| failure.with_facts(Facts::of_job(id.as_str())));
    }
    let mut exits = Vec::new();
    for id in ids {
        if let Err(failure) = act(id.clone()).await {
            let failure = failure.with_facts(Facts::of_job(id.as_str())).about(id.as_str());
            app.screen.failure(&failure);
            exits.push(failure.exit());
        }
    }
    Exit::of_all(exits).map_or(Ok(()), |exit| Err(Failure::shown(exit)))
}

/// A number that must be whole and small enough, or a value that the SDK refuses by name.
fn whole(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
