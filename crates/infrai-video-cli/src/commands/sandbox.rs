use infrai_video_sandbox::{Clock, Sandbox, SandboxBuilder, Shutdown, StartError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::args::{Pace, SandboxArgs, TOKEN_VARIABLE};
use crate::exit::Exit;
use crate::failure::Failure;

use super::sandbox_files;

/// A sandbox that listens.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Listening<'a> {
    /// Where the API is.
    base_url: &'a str,
    /// Where links to clips lead.
    file_base_url: &'a str,
}

pub(super) async fn run(app: &App, args: &SandboxArgs) -> Result<(), Failure> {
    if app.global.sandbox || app.global.base_url.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "this command starts a sandbox and takes neither --sandbox nor --base-url",
        )
        .next(app.help()));
    }
    if !(0.0..=1e9).contains(&args.balance) {
        return Err(Failure::new(
            Exit::Refused,
            format!("`--balance` must be from 0 to 1000000000, not {}", args.balance),
        )
        .next(app.help()));
    }
    let mut signals = app.signals()?;
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
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    if let Some(directory) = &args.persist {
        builder = builder.persist(directory);
    }
    let (builder, minted) = with_reach(with_files(app, builder, args)?, args)?;
    let sandbox = builder.start().await.map_err(|error| not_started(app, &error))?;
    let url = sandbox.base_url();
    let at = match format!("http://{}", sandbox.api_address()) {
        at if at == url => at,
        at => format!("{at} for {url}"),
    };
    let keeps = args.persist.as_ref().map_or_else(
        || "keeps nothing".to_owned(),
        |directory| format!("keeps its state in {}", directory.display()),
    );
    app.screen.say("sandbox", &format!("listens on {at} until it is stopped, and {keeps}"));
    app.screen.say("use", &format!("export INFRAI_BASE_URL={url} INFRAI_API_KEY=ifr_pk_sandbox"));
    if let Some(token) = &minted {
        // The only place where it is told.
        app.screen.tell("admin", &format!("export {TOKEN_VARIABLE}={token}"));
    }
    if args.clock == Pace::Manual {
        let token = match minted.is_some() || args.admin_token.is_some() {
            true => format!(" -H \"authorization: Bearer ${TOKEN_VARIABLE}\""),
            false => String::new(),
        };
        app.screen.say(
            "clock",
            &format!("curl {url}/__sandbox/clock{token} -H 'content-type: application/json' -d '{{\"advance_seconds\": 60}}'"),
        );
    }
    match app.screen.json {
        true => app.screen.json(&Listening { base_url: url, file_base_url: sandbox.file_base_url() })?,
        false => app.screen.line(url)?,
    }
    let first = signals.next().await;
    app.screen.say("stopping", "once the requests under way are answered; a second signal stops it at once");
    let last = tokio::select! {
        shutdown = sandbox.shutdown() => {
            if shutdown == Shutdown::Cut {
                app.screen.say("note", "requests that were still under way were cut off");
            }
            first
        }
        second = signals.next() => second,
    };
    Err(Failure::shown(last.exit()))
}

fn with_files(app: &App, mut builder: SandboxBuilder, args: &SandboxArgs) -> Result<SandboxBuilder, Failure> {
    if let Some(name) = &args.scenario {
        builder = builder.scenario(sandbox_files::scenario(app, name)?);
    }
    if let Some(path) = &args.faults {
        builder = builder.faults(sandbox_files::faults(app, path)?);
    }
    if let Some(path) = &args.catalogue {
        builder = builder.catalogue(sandbox_files::catalogue(app, path)?);
    }
    Ok(builder)
}

/// Says where the sandbox is reached. Answers a new token too, where one is needed and none is given.
fn with_reach(
    mut builder: SandboxBuilder,
    args: &SandboxArgs,
) -> Result<(SandboxBuilder, Option<String>), Failure> {
    builder = builder.host(args.host.0);
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
        Failure::new(Exit::Other, format!("the system gives no random token: {error}"))
            .next(format!("export {TOKEN_VARIABLE}=...  (one of your own)"))
    })?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((builder.admin_token(&token), Some(token)))
}

fn not_started(app: &App, error: &StartError) -> Failure {
    match error {
        StartError::Listen { .. } => Failure::new(Exit::Other, error.to_string())
            .next("infrai-video sandbox --port 0  (takes a free one)"),
        StartError::Persist(_) => {
            Failure::new(Exit::Other, format!("the sandbox cannot be started: {error}")).next(app.help())
        }
        _ => Failure::new(Exit::Refused, error.to_string()).next(app.help()),
    }
}
