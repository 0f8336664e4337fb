//! The subcommands, grouped by subject.

mod batch;
mod capabilities;
mod config;
mod documents;
mod generate;
mod jobs;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
mod usage;

use crate::args::Command;
use crate::context::Context;
use crate::failure::Failure;

/// Runs a command.
pub(crate) async fn run(ctx: &Context, command: Command) -> Result<(), Failure> {
    ctx.check_locations(&command)?;
    ctx.load_api_key(&command).await?;
    match command {
        Command::Generate(args) => Box::pin(generate::run(ctx, &args)).await,
        Command::Wait(args) => jobs::wait::run(ctx, &args).await,
        Command::Status(args) => jobs::show::status(ctx, &args.id).await,
        Command::Get(args) => jobs::show::get(ctx, &args.id).await,
        Command::List(args) => jobs::list::run(ctx, &args).await,
        Command::Cancel(args) => jobs::cancel::run(ctx, &args).await,
        Command::Delete(args) => jobs::delete::some(ctx, &args).await,
        Command::DeleteAll(args) => jobs::delete::all(ctx, &args).await,
        Command::Download(args) => Box::pin(jobs::download::run(ctx, &args)).await,
        Command::DownloadUrl(args) => jobs::download_url::run(ctx, &args.id).await,
        Command::SetRetention(args) => jobs::set_retention::run(ctx, &args).await,
        Command::Resume(args) => Box::pin(resume::run(ctx, &args)).await,
        Command::Batch(args) => Box::pin(batch::run(ctx, &args.command)).await,
        Command::Usage(args) => usage::run(ctx, &args).await,
        Command::Capabilities => capabilities::run(ctx).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(ctx, &args).await,
        Command::Config(args) => config::run(ctx, &args.command),
        Command::Schema(args) => documents::schema::run(ctx, args.name.as_deref()),
        Command::Man(args) => documents::man::run(ctx, &args),
        Command::Completions(args) => documents::completions::run(ctx, args.shell),
    }
}
