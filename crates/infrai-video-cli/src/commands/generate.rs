use std::path::{Path, PathBuf};

use infrai_video::types::{GenerateRequest, VideoJob};
use infrai_video::{ErrorKind, Generate, IdempotencyKey, Job, JobState, Response, Submission, WaitError};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::leave::{Left, leave};
use super::prompt;
use crate::app::App;
use crate::args::GenerateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, check_key_first, describe, has_code};
use crate::failure_line::Facts;
use crate::follow::{Clip, fetch, link_timeout, until_over};
use crate::interrupt::Signals;
use crate::ledger::Item;
use crate::progress::JobLine;
use crate::record::{Record, Records};
use crate::session::Session;
use crate::target::{Target, clip_name};
use crate::text::{clock, quote, size, usd};
use crate::wish::Wish;
use crate::work::is_clip;

/// A job, and what became of it here.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Outcome<'a> {
    job: &'a VideoJob,
    /// Where the clip is. Left out where it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The size of the clip. Left out where it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The checksum of the clip, in hexadecimal digits. Left out where it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    /// The key that the job was asked for under.
    #[schemars(with = "String")]
    idempotency_key: &'a IdempotencyKey,
    /// What was charged, in US dollars; null where the service did not say.
    cost_usd: Option<f64>,
}

/// A job that was started by this command.
struct Started {
    job: Response<Job>,
    key: IdempotencyKey,
    at: Instant,
    accepted_at: Instant,
}

pub(super) async fn run(app: &App, args: &GenerateArgs) -> Result<(), Failure> {
    let wish = wish(args)?;
    if let Some((item, path)) = made_before(app, args, &wish).await {
        return say_made_before(app, args, &item, &path);
    }
    let target = target(app, args)?;
    let session = app.session().await?;
    let mut request = wish.request(&session.client);
    if let Some(key) = &args.idempotency_key {
        let key = key.parse().map_err(|error| app.failed(&error))?;
        request = request.with_idempotency_key(key);
    }
    let mut submission = request.clone().prepare().map_err(|error| app.failed(&error))?;
    if !args.no_check {
        check(app, &request, &submission).await?;
    }
    if !args.dry_run {
        session.client.sync_time().await;
        // The age of the key counts by the service's clock, which is known now.
        submission = request.prepare().map_err(|error| app.failed(&error))?;
    }
    if args.dry_run {
        app.screen.say("dry run", "nothing was sent; this is the request");
        return app.screen.line(submission.body().trim_end());
    }
    let mut signals = app.signals()?;
    let (mut record, submission) = Record::open(app, args, &wish, &target, submission).await?;
    let done = Box::pin(make(app, args, &session, &submission, &target, &mut record, &mut signals)).await;
    record.close().await;
    done
}

/// Everything after the request is on the disk.
async fn make(
    app: &App,
    args: &GenerateArgs,
    session: &Session,
    submission: &Submission,
    target: &Target,
    record: &mut Record,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let asked = Facts::of_key(submission.idempotency_key());
    let started = submit(app, args, session, submission, record, signals)
        .await
        .map_err(|failure| failure.with_facts(asked.clone()))?;
    let known = |failure: Failure| failure.with_facts(Facts::of_job(started.job.id()).or(asked.clone()));
    if args.no_wait {
        return match app.screen.json {
            true => print(app, &started, started.job.snapshot(), None),
            false => app.screen.line(started.job.id()),
        };
    }
    let job = wait(app, args, session, &started, record, signals).await.map_err(known)?;
    let clip = save(app, args, &started, target, record, signals).await.map_err(known)?;
    report(app, &started, &job, &clip)
}

/// The output path is looked at before anything else, so that nothing is paid for a clip that cannot be kept.
fn target(app: &App, args: &GenerateArgs) -> Result<Target, Failure> {
    if app.screen.json && args.output.as_deref().is_some_and(|output| output.as_os_str() == "-") {
        return Err(Failure::new(Exit::Usage, "--json and -o - would both write to stdout").next(app.help()));
    }
    if args.no_wait {
        match args.output.as_deref() {
            None => return Ok(Target::Stdout),
            Some(output) if output.as_os_str() == "-" => {
                return Err(Failure::new(Exit::Usage, "--no-wait leaves before there is a clip for stdout")
                    .next("name a file with -o FILE; `resume` saves the clip there"));
            }
            Some(_) => {}
        }
    }
    Target::checked(args.output.as_deref(), args.force, app.screen.stdout_is_terminal)
}

/// The item of the same request under the same idempotency key, and its clip, where that is in its place already.
async fn made_before(app: &App, args: &GenerateArgs, wish: &Wish) -> Option<(Item, PathBuf)> {
    let key = args.idempotency_key.as_deref().filter(|_| !args.dry_run)?;
    let records = Records::open(app).await;
    let item = records.under_key(key).await;
    records.close().await;
    let item = item.filter(|item| item.request == wish.canonical() && item.account == app.account())?;
    let name = clip_name(item.job_id.as_deref()?);
    let path = match args.output.as_deref() {
        None => PathBuf::from(name),
        Some(output) if output.is_dir() => output.join(name),
        Some(output) => output.to_owned(),
    };
    is_clip(&item, &path).then_some((item, path))
}

fn say_made_before(app: &App, args: &GenerateArgs, item: &Item, path: &Path) -> Result<(), Failure> {
    let (id, shown) = (item.job_id.as_deref().unwrap_or_default(), path.display().to_string());
    app.screen.say("done", &format!("saved before  {shown}  job {id}; nothing was sent"));
    if app.screen.json {
        let job = serde_json::json!({"job_id": id, "state": JobState::Succeeded.as_str()});
        let key = args.idempotency_key.as_deref().unwrap_or_default();
        return app.screen.json(&Outcome {
            job: &serde_json::from_value(job)
                .map_err(|error| Failure::new(Exit::Other, error.to_string()))?,
            path: Some(shown),
            bytes: item.bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            sha256: item.sha256.as_deref(),
            idempotency_key: &key.parse().map_err(|error| app.failed(&error))?,
            cost_usd: item.cost_usd,
        });
    }
    app.screen.line(if args.no_wait { id } else { &shown })
}

fn wish(args: &GenerateArgs) -> Result<Wish, Failure> {
    Ok(Wish {
        prompt: prompt::read(args)?,
        duration_seconds: args.duration,
        resolution: args.resolution.clone(),
        aspect_ratio: args.aspect_ratio,
        prefer: args.prefer,
        reference_image_url: args.reference_image_url.clone(),
    })
}

/// Compares the request with what the vendors list, before anything is paid.
async fn check(app: &App, request: &Generate, submission: &Submission) -> Result<(), Failure> {
    let fit = request.check().await.map_err(|error| app.failed(&error))?;
    for warning in &fit.warnings {
        app.screen.say("note", warning);
    }
    if !fit.vendors.is_empty() {
        let make = if fit.vendors.len() == 1 { "makes" } else { "make" };
        let sent = submission.request().map_err(|error| app.failed(&error))?;
        let line = format!("{} of {} vendors {make} {}", fit.vendors.len(), fit.of, kind(&sent));
        app.screen.say("checked", &line);
    }
    Ok(())
}

/// The clips that a request asks for, as in `1080p clips of 5 s`.
fn kind(request: &GenerateRequest) -> String {
    match (&request.resolution, request.duration_seconds) {
        (Some(size), Some(seconds)) => format!("{size} clips of {seconds} s"),
        (Some(size), None) => format!("{size} clips"),
        (None, Some(seconds)) => format!("clips of {seconds} s"),
        (None, None) => "such clips".to_owned(),
    }
}

async fn submit(
    app: &App,
    args: &GenerateArgs,
    session: &Session,
    submission: &Submission,
    record: &mut Record,
    signals: &mut Signals,
) -> Result<Started, Failure> {
    let at = Instant::now();
    let key = submission.idempotency_key().clone();
    let job = tokio::select! {
        job = session.client.submit(submission) => job,
        signal = signals.next() => {
            let message = format!("interrupted while the request was on its way: the job may exist, under the idempotency key {key}");
            return Err(Failure::new(signal.exit(), message).instead(repeat(app, args, record, &key)));
        }
    };
    let job = match job {
        Ok(job) => job,
        Err(error) => {
            record.not_submitted(&error).await;
            return Err(not_submitted(app, args, record, &key, &error));
        }
    };
    record.accepted(&job).await;
    let cost = match (job.metadata().cache_hit, job.metadata().cost_usd) {
        (Some(true), _) => ", the one of this idempotency key: nothing is charged again".to_owned(),
        (_, Some(cost)) if app.global.sandbox() => format!(", {} USD of play money", usd(cost)),
        (_, Some(cost)) => format!(", {} USD", usd(cost)),
        _ => String::new(),
    };
    let resume = match app.global.sandbox() {
        true => String::new(),
        false => format!("  (resume with: {})", record.go_on(app, job.id())),
    };
    let line = format!("job {}{cost}{resume}", job.id());
    // Also where quiet is wanted: whoever kills this command while it waits still needs the id of what was paid.
    match args.no_wait {
        true => app.screen.say("submitted", &line),
        false => app.screen.tell("submitted", &line),
    }
    Ok(Started { job, key, at, accepted_at: Instant::now() })
}

/// Why there is no job, or perhaps is one.
fn not_submitted(
    app: &App,
    args: &GenerateArgs,
    record: &Record,
    key: &IdempotencyKey,
    error: &infrai_video::Error,
) -> Failure {
    let failure = app.failed(error);
    let list = || format!("{}  (finds the job of the first request)", app.command("list"));
    let unknown = |exit: Exit, steps: Vec<String>| {
        let message = format!("{}; the job may exist, under the idempotency key {key}", describe(error));
        Failure::new(exit, message).with_facts(Facts::from(error)).instead(steps)
    };
    match failure.exit() {
        exit if has_code(error, "IDEMPOTENCY_CONFLICT") => unknown(exit, vec![list()]),
        exit if error.kind() == ErrorKind::AcceptedEarlier => {
            let mut steps = repeat(app, args, record, key);
            steps.push(list());
            unknown(exit, steps)
        }
        _ if error.kind() == ErrorKind::Expired && record.was_over() => {
            failure.with_exit(Exit::Refused).instead(vec![
                "use another --idempotency-key, or none, for a new clip, which is charged".to_owned(),
            ])
        }
        exit if error.kind() == ErrorKind::Expired => {
            let again = app.command(&format!("resume {} --again", quote(key.as_str())));
            unknown(exit, vec![list(), format!("{again}  (asks anew, and may be charged on top)")])
        }
        Exit::OutcomeUnknown => {
            let mut steps = check_key_first(error);
            steps.extend(repeat(app, args, record, key));
            unknown(Exit::OutcomeUnknown, steps)
        }
        Exit::Credit => {
            let mut steps = vec![
                app.top_up(),
                "open the checkout_url that it answers, then repeat; it is charged at most once:".to_owned(),
            ];
            steps.extend(repeat(app, args, record, key));
            failure.instead(steps)
        }
        _ => failure,
    }
}

/// The command that asks for the same once more, and is charged at most once.
fn repeat(app: &App, args: &GenerateArgs, record: &Record, key: &IdempotencyKey) -> Vec<String> {
    if record.is_kept() {
        return vec![app.command(&format!("resume {}", quote(key.as_str())))];
    }
    let stdin = if args.prompt.as_deref() == Some("-") { "  (with the same prompt on stdin)" } else { "" };
    vec![format!("{}{stdin}", app.command(&args.repeated_with(key.as_str())))]
}

async fn wait(
    app: &App,
    args: &GenerateArgs,
    session: &Session,
    started: &Started,
    record: &mut Record,
    signals: &mut Signals,
) -> Result<VideoJob, Failure> {
    let wait = session.wait(&started.job).with_max_wait(args.timeout.0);
    let waited = tokio::select! {
        over = until_over(wait, JobLine::new(&app.screen, None), record) => Ok(over),
        signal = signals.next() => Err(signal),
    };
    let waited = match waited {
        Ok(over) => over,
        Err(signal) => {
            return match leave(app, session, &started.job, args.on_interrupt, record, signal, signals).await {
                Left::Finished(job) => Ok(job),
                Left::Gone(failure, Some(job)) if app.screen.json => {
                    print(app, started, Some(&job), None).and(Err(failure))
                }
                Left::Gone(failure, _) => Err(failure),
            };
        }
    };
    waited.map_err(|error| ended(app, started, record, &error))
}

/// Why there is no clip to download. With `--json` the job is shown all the same.
fn ended(app: &App, started: &Started, record: &Record, error: &WaitError) -> Failure {
    if app.screen.json
        && let Err(failure) = print(app, started, error.last_job(), None)
    {
        return failure;
    }
    let failure = app.not_waited_for(error);
    match failure.exit() {
        // The ledger knows where the clip is to go.
        Exit::StillRunning | Exit::Unreachable if record.is_kept() => {
            failure.instead(vec![record.go_on(app, started.job.id())])
        }
        _ => failure,
    }
}

async fn save(
    app: &App,
    args: &GenerateArgs,
    started: &Started,
    target: &Target,
    record: &mut Record,
    signals: &mut Signals,
) -> Result<Clip, Failure> {
    let id = started.job.id();
    let output = args
        .output
        .as_ref()
        .map(|output| format!(" -o {}", quote(&output.to_string_lossy())))
        .unwrap_or_default();
    let is_kept = record.is_kept();
    let go_on = || {
        let commands = match is_kept {
            true => vec![app.command(&format!("resume {}", quote(id)))],
            false => app.about_job("download", id),
        };
        commands.into_iter().map(|command| match app.global.sandbox() || is_kept {
            true => command,
            false => command + &output,
        })
    };
    let link_timeout = link_timeout(args.timeout.0, started.accepted_at);
    let download = started.job.download().with_link_timeout(link_timeout);
    let saved = tokio::select! {
        saved = fetch(download, id, target, args.force, &app.screen, record) => saved,
        signal = signals.next() => {
            let message = format!("interrupted while the clip of job {id} was being saved; nothing is lost");
            return Err(Failure::new(signal.exit(), message).instead(go_on().collect()));
        }
    };
    saved.map_err(|error| {
        if error.kind() == ErrorKind::JobFailed {
            return app.failed_on(id, &error);
        }
        let message = format!("job {id} is fine, its clip is not saved: {}", describe(&error));
        Failure::new(Exit::Download, message).with_facts(Facts::from(&error)).instead(go_on().collect())
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
