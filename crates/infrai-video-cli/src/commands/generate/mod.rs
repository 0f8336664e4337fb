//! Makes one clip: submits the request, waits for the job, downloads the clip.

mod cancel_or_detach;
mod existing_clip;
mod prompt;
mod run;

use std::collections::HashSet;
use std::path::absolute;

use infrai_video::types::GenerateRequest;
use infrai_video::{Generate, Submission};
use jiff::Timestamp;

use self::existing_clip::ExistingClip;
use self::run::Run;
use crate::args::{ClipRequest, GenerateArgs};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::file_name::{Field, Template, Use, Values};
use crate::ledger::Item;
use crate::runner::{
    LedgerSession, Order, OutputPath, Recorder, Reservation, WantedPath, not_writable,
    template as template_of,
};
use crate::spending::SingleCharge;

pub(super) async fn run(ctx: &Context, args: &GenerateArgs) -> Result<(), Failure> {
    let request = ClipRequest { prompt: prompt::read(args)?, ..args.request.clone() };
    let known = existing_clip::known_item(ctx, args, &request).await;
    if let Some(clip) = known.as_ref().and_then(|item| ExistingClip::find(args, item)) {
        return clip.print(ctx, args);
    }
    // Checked first, so that nothing is charged for a clip that cannot be saved.
    let output_path = output_path(ctx, args, &request, known.as_ref()).await?;
    let session = ctx.connect().await?;
    let failed = |error| Failure::of_call(&ctx.invocation, &error);
    let mut generate = request.to_generate(&session.client);
    if let Some(key) = &args.idempotency_key {
        generate = generate.with_idempotency_key(key.parse().map_err(failed)?);
    }
    let submission = generate.clone().prepare().map_err(failed)?;
    if !args.no_check {
        check(ctx, &generate, &submission).await?;
    }
    let charge = SingleCharge::of(ctx, args, &request).await;
    charge.show(ctx);
    charge.check_budget(args)?;
    if args.dry_run {
        ctx.output.status("dry run", "nothing was sent; the request would be:");
        return ctx.output.line(submission.body().trim_end());
    }
    charge.approve(ctx, args).await?;
    session.client.sync_time().await;
    // The age of the key counts by the service's clock, which is known now.
    let submission = generate.prepare().map_err(failed)?;
    let signals = ctx.signals()?;
    let (output_path, _reservation) =
        with_reservation(ctx, args, &request, known.as_ref(), output_path).await?;
    let order = Order { args, request: &request, output_path: &output_path };
    let (recorder, submission) = Recorder::open(ctx, &order, submission).await?;
    let mut run = Run {
        ctx,
        args,
        session: &session,
        output_path: &output_path,
        charge,
        submission,
        recorder,
        signals,
    };
    let result = Box::pin(run.make_clip()).await;
    run.recorder.close().await;
    result
}

/// `known` is the item that was requested under the same key before.
async fn output_path(
    ctx: &Context,
    args: &GenerateArgs,
    request: &ClipRequest,
    known: Option<&Item>,
) -> Result<OutputPath, Failure> {
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    let is_stdout = args.output.as_deref().is_some_and(|output| output.as_os_str() == "-");
    if ctx.output.json && is_stdout {
        return Err(
            usage("--json and -o - cannot be combined: both write to stdout").next(ctx.invocation.help())
        );
    }
    if args.no_wait && is_stdout {
        return Err(usage("--no-wait and -o - cannot be combined: there is no clip to write yet")
            .next("name a file with -o FILE; infrai-video resume saves the clip there"));
    }
    if !args.after_save.is_empty() && (args.no_wait || is_stdout) {
        return Err(
            usage("--open and --exec need a clip that is saved to a file").next(ctx.invocation.help())
        );
    }
    if args.no_wait && args.output.is_none() {
        return Ok(OutputPath::Stdout);
    }
    let template = template(args)?;
    // The date of a template, for instance, is that of the first attempt.
    let recorded = known.filter(|_| template.is_some());
    if let Some(path) = recorded.and_then(|item| OutputPath::of_destination(&item.destination, args.force)) {
        return Ok(path);
    }
    let taken = match template.is_some_and(|template| template.contains(Field::N)) {
        true => LedgerSession::open(ctx).await.into_destinations().await,
        false => HashSet::new(),
    };
    OutputPath::checked(&WantedPath {
        output: args.output.as_deref(),
        force: args.force,
        stdout_is_terminal: ctx.output.stdout_is_terminal,
        values: Values::of(request, Timestamp::now()),
        taken,
        creates_directories: !args.dry_run,
    })
    .map_err(|failure| failure.naming_settings(&ctx.invocation))
}

fn template(args: &GenerateArgs) -> Result<Option<Template>, Failure> {
    let output = args.output.as_deref().filter(|output| output.as_os_str() != "-");
    Ok(output.map(|output| template_of(output, Use::Clip)).transpose()?.and_then(Result::ok))
}

/// Reserves the number in the name, or another one if another process has taken it meanwhile. The reservation counts until the clip is
/// saved or the ledger has its path.
async fn with_reservation(
    ctx: &Context,
    args: &GenerateArgs,
    request: &ClipRequest,
    known: Option<&Item>,
    mut chosen: OutputPath,
) -> Result<(OutputPath, Option<Reservation>), Failure> {
    let recorded = known.and_then(|item| OutputPath::of_destination(&item.destination, args.force));
    let has_number = template(args)?.is_some_and(|template| template.contains(Field::N));
    if !has_number || recorded.is_some() {
        return Ok((chosen, None));
    }
    loop {
        let OutputPath::File(path) = &chosen else { return Ok((chosen, None)) };
        let failed = |error| not_writable(path, &error);
        if let Some(reservation) = Reservation::new(path).map_err(failed)? {
            // Its former owner has saved or recorded its clip before it gave up the reservation.
            let taken = LedgerSession::open(ctx).await.into_destinations().await;
            let is_taken =
                path.symlink_metadata().is_ok() || taken.contains(&absolute(path).map_err(failed)?);
            if !is_taken {
                return Ok((chosen, Some(reservation)));
            }
        }
        chosen = output_path(ctx, args, request, known).await?;
    }
}

/// Compares the request with the vendors' capabilities before anything is charged.
async fn check(ctx: &Context, generate: &Generate, submission: &Submission) -> Result<(), Failure> {
    let failed = |error| Failure::of_call(&ctx.invocation, &error);
    let matches = generate.preflight().await.map_err(failed)?;
    for warning in &matches.warnings {
        ctx.output.status("note", warning);
    }
    if !matches.vendors.is_empty() {
        let verb = if matches.vendors.len() == 1 { "makes" } else { "make" };
        let clips = clips(&submission.request().map_err(failed)?);
        let line = format!("{} of {} vendors {verb} {clips}", matches.vendors.len(), matches.of);
        ctx.output.status("checked", &line);
    }
    Ok(())
}

/// The clips of a request, such as `1080p clips of 5 s`.
fn clips(request: &GenerateRequest) -> String {
    match (&request.resolution, request.duration_seconds) {
        (Some(size), Some(seconds)) => format!("{size} clips of {seconds} s"),
        (Some(size), None) => format!("{size} clips"),
        (None, Some(seconds)) => format!("clips of {seconds} s"),
        (None, None) => "such clips".to_owned(),
    }
}
