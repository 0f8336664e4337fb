use infrai_video_sandbox::{Clock, Sandbox, StartError};

use crate::app::App;
use crate::args::{Pace, SandboxArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Signals;

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
            format!("`balance` must be from 0 to 1000000000, not {}", args.balance),
        )
        .next(app.help()));
    }
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Other, format!("signals cannot be caught: {error}")))?;
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
    let sandbox = builder.start().await.map_err(|error| not_started(app, &error))?;
    let url = sandbox.base_url();
    let keeps = args.persist.as_ref().map_or_else(
        || "keeps nothing".to_owned(),
        |directory| format!("keeps its state in {}", directory.display()),
    );
    app.screen.say("sandbox", &format!("listens on {url} until it is stopped, and {keeps}"));
    app.screen.say("use", &format!("export INFRAI_BASE_URL={url} INFRAI_API_KEY=ifr_pk_sandbox"));
    if args.clock == Pace::Manual {
        app.screen.say(
            "clock",
            &format!("curl {url}/__sandbox/clock -H 'content-type: application/json' -d '{{\"advance_seconds\": 60}}'"),
        );
    }
    match app.screen.json {
        true => app
            .screen
            .json(&serde_json::json!({"base_url": url, "file_base_url": sandbox.file_base_url()}))?,
        false => app.screen.line(url)?,
    }
    let signal = signals.next().await;
    Err(Failure::shown(signal.exit()))
}

fn not_started(app: &App, error: &StartError) -> Failure {
    let failure = Failure::new(Exit::Other, format!("the sandbox cannot be started: {error}"));
    match error {
        StartError::Listen { .. } => failure.next("infrai-video sandbox --port 0  (takes a free one)"),
        _ => failure.next(app.help()),
    }
}
