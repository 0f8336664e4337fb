//! Runs a sandbox in this process.

mod files;
mod parent;
mod server_log;

use std::io;

use infrai_video_sandbox::{Clock, Sandbox, SandboxBuilder, Shutdown, StartError};

use self::server_log::{Addresses, ServerLog};
use crate::args::{LogFormat, Pace, SandboxArgs, TOKEN_VARIABLE};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::schema::Listening;
use crate::signals::Signals;

pub(super) async fn run(ctx: &Context, args: &SandboxArgs) -> Result<(), Failure> {
    match serve(ctx, args).await {
        Err(failure) if args.log_format == LogFormat::Json && !failure.message().is_empty() => {
            ctx.output.failure_line(&failure);
            Err(Failure::printed(failure.exit()))
        }
        result => result,
    }
}

async fn serve(ctx: &Context, args: &SandboxArgs) -> Result<(), Failure> {
    // Before anything that takes time: a parent that has exited by then would not be noticed.
    let parent_gone = match args.exit_with_parent {
        Some(parent) => parent::watch(parent).map_err(|error| {
            Failure::new(Exit::Other, format!("standard input cannot be read: {error}"))
                .next("start the sandbox with a pipe as standard input, or without --exit-with-parent")
        })?,
        None => Box::pin(std::future::pending()),
    };
    if ctx.options.sandbox || ctx.options.base_url.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "the command sandbox starts a server, and takes neither --sandbox nor --base-url",
        )
        .next(ctx.invocation.help()));
    }
    let signals = ctx.signals()?;
    let clock = match args.clock {
        Pace::Real => Clock::real(),
        Pace::Times(factor) => Clock::scaled(factor),
        Pace::Manual => Clock::manual(),
    };
    let mut builder = Sandbox::builder()
        .port(args.port)
        .file_port(args.file_port)
        .clock(clock)
        .starting_balance(args.balance);
    for quirk in &args.quirk {
        builder = builder.quirk(*quirk);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    if let Some(directory) = &args.persist {
        builder = builder.persist(directory);
    }
    let (mut builder, new_token) = with_network(with_files(ctx, builder, args)?, args)?;
    let log = ServerLog::start(&ctx.output, args.log_format)
        .map_err(|error| Failure::new(Exit::Other, format!("the log cannot be started: {error}")))?;
    if !log.is_quiet() {
        let observer = log.clone();
        builder = builder.on_request(move |seen| observer.request(seen));
    }
    let sandbox = builder.start().await.map_err(|error| not_started(ctx, &error))?;
    let url = sandbox.base_url();
    log.started(&Addresses {
        base_url: url.to_owned(),
        file_base_url: sandbox.file_base_url().to_owned(),
        listens_on: format!("http://{}", sandbox.api_address()),
        page: format!("{url}/"),
        reference: format!("{url}/docs"),
        admin_api: format!("{url}/__sandbox/"),
        directory: args.persist.as_ref().map(|directory| directory.display().to_string()),
    });
    if let Some(token) = &new_token {
        log.admin_token(token);
    }
    if args.clock == Pace::Manual {
        let token = match new_token.is_some() || args.admin_token.is_some() {
            true => format!(" -H \"authorization: Bearer ${TOKEN_VARIABLE}\""),
            false => String::new(),
        };
        log.message(
            "clock",
            format!("curl {url}/__sandbox/clock{token} -H 'content-type: application/json' -d '{{\"advance_seconds\": 60}}'"),
        );
    }
    match ctx.output.json {
        true => ctx.output.json(&Listening { base_url: url, file_base_url: sandbox.file_base_url() })?,
        false => ctx.output.line(url)?,
    }
    let result = until_stopped(sandbox, signals, parent_gone, &log).await;
    log.finish();
    result
}

/// Serves until a signal, or until the parent has exited.
async fn until_stopped(
    sandbox: Sandbox,
    mut signals: Signals,
    mut parent_gone: parent::Gone,
    log: &ServerLog,
) -> Result<(), Failure> {
    let first = tokio::select! {
        signal = signals.next() => signal,
        reason = &mut parent_gone => {
            log.message("stopped", reason);
            // Nobody waits for the requests in progress.
            return Ok(());
        }
    };
    log.message("stopping", "after the requests in progress; a second signal stops it at once");
    let last = tokio::select! {
        shutdown = sandbox.shutdown() => {
            if shutdown == Shutdown::Cut {
                log.message("note", "requests in progress were aborted");
            }
            first
        }
        second = signals.next() => second,
        _ = parent_gone => first,
    };
    Err(Failure::printed(last.exit()))
}

fn with_files(
    ctx: &Context,
    mut builder: SandboxBuilder,
    args: &SandboxArgs,
) -> Result<SandboxBuilder, Failure> {
    if let Some(name) = &args.scenario {
        builder = builder.scenario(files::scenario(ctx, name)?);
    }
    if let Some(path) = &args.faults {
        builder = builder.faults(files::faults(ctx, path)?);
    }
    if let Some(path) = &args.catalogue {
        builder = builder.catalogue(files::catalogue(ctx, path)?);
    }
    Ok(builder)
}

/// Sets the addresses and URLs. Returns a new admin token if one is required and none is set.
fn with_network(
    mut builder: SandboxBuilder,
    args: &SandboxArgs,
) -> Result<(SandboxBuilder, Option<String>), Failure> {
    builder = builder.host(args.host.0);
    for origin in &args.cors {
        builder = builder.cors_origin(origin);
    }
    if let Some(url) = &args.public_url {
        builder = builder.public_url(url);
    }
    if let Some(url) = &args.public_files_url {
        builder = builder.public_files_url(url);
    }
    if let Some(token) = &args.admin_token {
        builder = builder.admin_token(&token.0);
    }
    if !builder.needs_admin_token() {
        return Ok((builder, None));
    }
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::new(Exit::Other, format!("no random token could be generated: {error}"))
            .next(format!("export {TOKEN_VARIABLE}=...  (one of your own)"))
    })?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((builder.admin_token(&token), Some(token)))
}

fn not_started(ctx: &Context, error: &StartError) -> Failure {
    match error {
        StartError::Listen { setting, source, .. } => {
            let next = match source.kind() {
                io::ErrorKind::AddrNotAvailable => "infrai-video sandbox --host 127.0.0.1".to_owned(),
                _ => format!("infrai-video sandbox --{} 0  (uses a free port)", setting.replace('_', "-")),
            };
            Failure::new(Exit::Other, error.to_string()).next(next)
        }
        StartError::Persist(_) => {
            Failure::new(Exit::Other, format!("the sandbox cannot be started: {error}"))
                .next(ctx.invocation.help())
        }
        _ => Failure::new(Exit::Refused, error.to_string()).next(ctx.invocation.help()),
    }
}
