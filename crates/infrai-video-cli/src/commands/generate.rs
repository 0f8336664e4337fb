use infrai_video::types::VideoJob;
use infrai_video::{Client, ErrorKind, Generate, IdempotencyKey, Job, Response, Submission, WaitError};
use serde::Serialize;
use tokio::time::Instant;

use super::leave::{Left, leave};
use super::prompt;
use crate::app::App;
use crate::args::GenerateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::follow::{Clip, fetch, until_over};
use crate::interrupt::Signals;
use crate::progress::JobLine;
use crate::session::Session;
use crate::target::Target;
use crate::text::{clock, quote, size};

/// What `--json` prints: the job, and what became of it here.
#[derive(Serialize)]
struct Outcome<'a> {
    job: &'a VideoJob,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    idempotency_key: &'a IdempotencyKey,
    cost_usd: Option<f64>,
}

/// A job that was started by this command.
struct Started {
    job: Response<Job>,
    key: IdempotencyKey,
    at: Instant,
}

pub(super) async fn run(app: &App, args: &GenerateArgs) -> Result<(), Failure> {
    let target = target(app, args)?;
    let prompt = prompt::read(args)?;
    let session = app.session().await?;
    let request = request(app, &session.client, args, prompt)?;
    if !args.no_check {
        check(app, args, &request).await?;
    }
    let submission = request.prepare().map_err(|error| app.failed(&error))?;
    if args.dry_run {
        app.screen.say("dry run", "nothing was sent; this is the request");
        return app.screen.line(submission.body().trim_end());
    }
    let mut signals = app.signals()?;
    let started = submit(app, args, &session, &submission, &mut signals).await?;
    if args.no_wait {
        return match app.screen.json {
            true => print(app, &started, started.job.snapshot(), None),
            false => app.screen.line(started.job.id()),
        };
    }
    let job = wait(app, args, &session, &started, &mut signals).await?;
    let clip = save(app, args, &started, &target, &mut signals).await?;
    report(app, &started, &job, &clip)
}

/// The output path is looked at before anything else, so that nothing is paid for a clip that cannot be kept.
fn target(app: &App, args: &GenerateArgs) -> Result<Target, Failure> {
    if app.screen.json && args.output.as_deref().is_some_and(|output| output.as_os_str() == "-") {
        return Err(Failure::new(Exit::Usage, "--json and -o - would both write to stdout").next(app.help()));
    }
    if args.no_wait {
        return Ok(Target::Stdout);
    }
    Target::checked(args.output.as_deref(), args.force, app.screen.stdout_is_terminal)
}

fn request(app: &App, client: &Client, args: &GenerateArgs, prompt: String) -> Result<Generate, Failure> {
    let mut request = client.generate(prompt);
    if let Some(seconds) = args.duration {
        request = request.duration_seconds(seconds);
    }
    if let Some(resolution) = &args.resolution {
        request = request.resolution(resolution.clone());
    }
    if let Some(ratio) = args.aspect_ratio {
        request = request.aspect_ratio(ratio);
    }
    if let Some(preference) = args.prefer {
        request = request.prefer(preference);
    }
    if let Some(url) = &args.reference_image_url {
        request = request.reference_image_url(url);
    }
    if let Some(key) = &args.idempotency_key {
        let key = key.parse().map_err(|error| app.failed(&error))?;
        request = request.with_idempotency_key(key);
    }
    Ok(request)
}

/// Asks what the vendors can do, before anything is paid.
async fn check(app: &App, args: &GenerateArgs, request: &Generate) -> Result<(), Failure> {
    let fit = request.check().await.map_err(|error| app.failed(&error))?;
    for warning in &fit.warnings {
        app.screen.say("note", warning);
    }
    if fit.of > 0 {
        let what = match (&args.resolution, args.duration) {
            (Some(size), Some(seconds)) => format!("{size} clips of {seconds} s"),
            (Some(size), None) => format!("{size} clips"),
            (None, Some(seconds)) => format!("clips of {seconds} s"),
            (None, None) => "such clips".to_owned(),
        };
        let make = if fit.vendors.len() == 1 { "makes" } else { "make" };
        app.screen.say("checked", &format!("{} of {} vendors {make} {what}", fit.vendors.len(), fit.of));
    }
    Ok(())
}

async fn submit(
    app: &App,
    args: &GenerateArgs,
    session: &Session,
    submission: &Submission,
    signals: &mut Signals,
) -> Result<Started, Failure> {
    let at = Instant::now();
    let key = submission.idempotency_key().clone();
    let job = tokio::select! {
        job = session.client.submit(submission) => job.map_err(|error| not_submitted(app, args, &key, &error))?,
        signal = signals.next() => {
            let message = format!("interrupted while the request was on its way: the job may exist, under the idempotency key {key}");
            return Err(Failure::new(signal.exit(), message).instead(repeat(app, args, &key)));
        }
    };
    let cost = match (job.metadata().cache_hit, job.metadata().cost_usd) {
        (Some(true), _) => ", the one of this idempotency key: nothing is charged again".to_owned(),
        (_, Some(cost)) if app.global.sandbox() => format!(", {} USD of play money", usd(cost)),
        (_, Some(cost)) => format!(", {} USD", usd(cost)),
        _ => String::new(),
    };
    let resume = match app.global.sandbox() {
        true => String::new(),
        false => format!("  (resume with: {})", app.command(&format!("wait {}", quote(job.id())))),
    };
    let line = format!("job {}{cost}{resume}", job.id());
    // Also where quiet is wanted: whoever kills this command while it waits still needs the id of what was paid.
    match args.no_wait {
        true => app.screen.say("submitted", &line),
        false => app.screen.tell("submitted", &line),
    }
    Ok(Started { job, key, at })
}

/// Why there is no job, or perhaps is one.
fn not_submitted(
    app: &App,
    args: &GenerateArgs,
    key: &IdempotencyKey,
    error: &infrai_video::Error,
) -> Failure {
    let failure = app.failed(error);
    let list = || vec![format!("{}  (finds the job of the first request)", app.command("list"))];
    match failure.exit() {
        _ if error.kind() == ErrorKind::AcceptedEarlier => failure.instead(list()),
        _ if error.code() == Some("IDEMPOTENCY_CONFLICT") => failure.instead(list()),
        Exit::OutcomeUnknown => {
            let message = format!("{}; the job may exist, under the idempotency key {key}", describe(error));
            Failure::new(Exit::OutcomeUnknown, message).instead(repeat(app, args, key))
        }
        Exit::Credit => {
            let mut steps = vec![
                app.top_up(),
                "open the checkout_url that it answers, then repeat; it is charged at most once:".to_owned(),
            ];
            steps.extend(repeat(app, args, key));
            failure.instead(steps)
        }
        _ => failure,
    }
}

/// The command that asks for the same once more, and is charged at most once.
fn repeat(app: &App, args: &GenerateArgs, key: &IdempotencyKey) -> Vec<String> {
    let stdin = if args.prompt.as_deref() == Some("-") { "  (with the same prompt on stdin)" } else { "" };
    vec![format!("{}{stdin}", app.command(&args.repeated_with(key.as_str())))]
}

async fn wait(
    app: &App,
    args: &GenerateArgs,
    session: &Session,
    started: &Started,
    signals: &mut Signals,
) -> Result<VideoJob, Failure> {
    let wait = session.wait(&started.job).with_max_wait(args.timeout.0);
    let over = until_over(wait, JobLine::new(&app.screen, None));
    let waited = tokio::select! {
        over = over => over,
        signal = signals.next() => {
            return match leave(app, session, &started.job, args.on_interrupt, signal, signals).await {
                Left::Finished(job) => Ok(job),
                Left::Gone(failure, Some(job)) if app.screen.json => {
                    print(app, started, Some(&job), None).and(Err(failure))
                }
                Left::Gone(failure, _) => Err(failure),
            };
        }
    };
    waited.map_err(|error| ended(app, started, &error))
}

/// Why there is no clip to download. With `--json` the job is shown all the same.
fn ended(app: &App, started: &Started, error: &WaitError) -> Failure {
    if app.screen.json
        && let Err(failure) = print(app, started, error.last_job(), None)
    {
        return failure;
    }
    app.not_waited_for(error)
}

async fn save(
    app: &App,
    args: &GenerateArgs,
    started: &Started,
    target: &Target,
    signals: &mut Signals,
) -> Result<Clip, Failure> {
    let id = started.job.id();
    let output = args
        .output
        .as_ref()
        .map(|output| format!(" -o {}", quote(&output.to_string_lossy())))
        .unwrap_or_default();
    let go_on = || {
        app.about_job("download", id).into_iter().map(|command| match app.global.sandbox() {
            true => command,
            false => command + &output,
        })
    };
    let saved = tokio::select! {
        saved = fetch(started.job.download(), id, target, args.force, &app.screen) => saved,
        signal = signals.next() => {
            let message = format!("interrupted while the clip of job {id} was being saved; nothing is lost");
            return Err(Failure::new(signal.exit(), message).instead(go_on().collect()));
        }
    };
    saved.map_err(|error| {
        let message = format!("job {id} is fine, its clip is not saved: {}", describe(&error));
        Failure::new(Exit::Download, message).instead(go_on().collect())
    })
}

fn report(app: &App, started: &Started, job: &VideoJob, clip: &Clip) -> Result<(), Failure> {
    let elapsed = clock(started.at.elapsed());
    let place = match &clip.path {
        Some(path) => format!("saved {}", path.display()),
        None => "written to stdout".to_owned(),
    };
    app.screen.say("done", &format!("{elapsed}  {place}  {}  sha256 {}", size(clip.bytes), clip.sha256));
    match &clip.path {
        _ if app.screen.json => print(app, started, Some(job), Some(clip)),
        Some(path) => app.screen.line(&path.display().to_string()),
        None => Ok(()),
    }
}

fn print(app: &App, started: &Started, job: Option<&VideoJob>, clip: Option<&Clip>) -> Result<(), Failure> {
    let Some(job) = job.or(started.job.snapshot()) else { return Ok(()) };
    app.screen.json(&Outcome {
        job,
        path: clip.and_then(|clip| clip.path.as_ref()).map(|path| path.display().to_string()),
        bytes: clip.map(|clip| clip.bytes),
        sha256: clip.map(|clip| clip.sha256.as_str()),
        idempotency_key: &started.key,
        cost_usd: started.job.metadata().cost_usd,
    })
}

/// `0.20`, or more digits where they matter.
fn usd(amount: f64) -> String {
    let cents = amount * 100.0;
    let decimals = if (cents - cents.round()).abs() < 1e-6 { 2 } else { 4 };
    format!("{amount:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::usd;

    #[test]
    fn money_has_cents_or_more() {
        assert_eq!(usd(0.2), "0.20");
        assert_eq!(usd(0.0), "0.00");
        assert_eq!(usd(0.0125), "0.0125");
    }
}
