//! An HTTP service that makes clips for its callers. The API has no webhooks, so the service waits for its jobs itself.
//!
//! ```sh
//! cargo run -p infrai-video --example axum_service
//! curl -i http://127.0.0.1:3000/clips -H "Idempotency-Key: order-17" -d "a lighthouse in a storm"
//! curl http://127.0.0.1:3000/clips/vj_...
//! ```
//!
//! - `POST /clips` submits the prompt in its body, and returns 202 with the job's id.
//! - `GET /clips/ID` returns the job's state, and the path of the clip once it is saved.
//! - One task waits for all jobs together, and saves their clips in the directory `clips`.
//! - On ctrl-c or SIGTERM the service finishes the requests in progress, waits a little for running jobs, and exits. The next
//!   start finds what is left in the list of jobs.
//!
//! `LISTEN` sets the address. `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `axum`
//! with the features `http1` and `tokio`, `futures-util`, and `tokio` with the features `macros`, `rt-multi-thread`, `signal`
//! and `sync`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::{self, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use infrai_video::wait::{Finished, WaitError};
use infrai_video::{Client, Error, ErrorKind, IdempotencyKey, JobId, JobState};
use tokio::sync::mpsc;

/// Where the clips are saved.
const CLIPS: &str = "clips";

/// How long a shutdown waits for jobs.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// State shared by all requests.
#[derive(Clone)]
struct App {
    client: Client,
    /// The ids of accepted jobs, for the task that waits for them.
    accepted: mpsc::Sender<JobId>,
}

/// Runs the service until ctrl-c or SIGTERM.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    std::fs::create_dir_all(CLIPS)?;

    let unsaved = unsaved_jobs(&client).await?;
    if !unsaved.is_empty() {
        println!("continuing with {} jobs", unsaved.len());
    }
    let (accepted, receiver) = mpsc::channel(100);
    let follower = tokio::spawn(follow(client.clone(), unsaved, receiver));

    let router = Router::new()
        .route("/clips", post(submit))
        .route("/clips/{id}", get(status))
        .with_state(App { client, accepted });
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).with_graceful_shutdown(shutdown()).await?;

    // The router is gone, and with it the last sender of ids: the task ends after the job that finishes last.
    println!("shutting down");
    match tokio::time::timeout(SHUTDOWN_TIMEOUT, follower).await {
        Ok(followed) => followed?,
        Err(_) => println!("some jobs are still running; the next start continues with them"),
    }
    Ok(())
}

/// Submits a prompt. Every caller names its order with an `Idempotency-Key`, and sends the same request again if it gets no
/// response: it starts one job. A real service puts the caller's account in front of the key, so that two callers never share one.
async fn submit(State(app): State<App>, headers: HeaderMap, prompt: String) -> Result<Response, Failure> {
    let key = headers.get("idempotency-key").ok_or_else(Failure::without_key)?;
    let key: IdempotencyKey = String::from_utf8_lossy(key.as_bytes()).parse()?;
    let clip = app.client.generate(prompt).duration_seconds(2).with_idempotency_key(key);
    // If the caller disconnects, axum drops this function at its next await. A task of its own finishes what it began.
    let submitted = tokio::spawn(async move {
        let job = clip.submit().await?;
        // This fails only if the follower has stopped. The next start finds the job in the list.
        let _stopped = app.accepted.send(job.id().clone()).await;
        Ok::<_, Error>(job.id().clone())
    });
    let id = submitted.await.map_err(|_| Failure::stopped())??;
    let location = [("location", format!("/clips/{id}"))];
    Ok((StatusCode::ACCEPTED, location, format!("{id}\n")).into_response())
}

/// The state of a job. A real service also checks that the job is the caller's.
async fn status(State(app): State<App>, extract::Path(id): extract::Path<String>) -> Result<String, Failure> {
    let id: JobId = id.parse()?;
    // The name is safe for every id: special characters are percent-encoded.
    let clip = Path::new(CLIPS).join(id.clip_name());
    if clip.exists() {
        return Ok(format!("saved {}\n", clip.display()));
    }
    let job = app.client.status(&id).await?;
    Ok(match &job.error {
        Some(error) => format!("{}: {error}\n", job.state),
        None => format!("{}\n", job.state),
    })
}

/// Waits for all jobs together, and saves each clip, four at a time.
async fn follow(client: Client, unsaved: Vec<JobId>, mut accepted: mpsc::Receiver<JobId>) {
    let more = stream::poll_fn(move |context| accepted.poll_recv(context));
    client.wait_all(unsaved).results_with(more).for_each_concurrent(4, save).await;
}

/// Saves a clip, or reports why there is none. A real service records it for its caller.
async fn save((id, result): (JobId, Result<Finished, WaitError>)) {
    let saved = match result {
        Ok(finished) => finished.download().to_path(CLIPS).await,
        Err(error) => Err(error.into()),
    };
    match saved {
        Ok(saved) => println!("saved {}", saved.path.display()),
        Err(error) => println!("no clip of {id}: {error}"),
    }
}

/// The jobs that have a clip, or may still get one, that is not saved. A service with many jobs stores their ids instead of
/// reading the whole list.
async fn unsaved_jobs(client: &Client) -> Result<Vec<JobId>, Error> {
    let mut unsaved = Vec::new();
    let mut jobs = client.list().items();
    while let Some(job) = jobs.next().await {
        let job = job?;
        let Ok(id) = job.job_id.parse::<JobId>() else {
            println!("no request can name the job {:?}", job.job_id);
            continue;
        };
        let has_clip = job.state == JobState::Succeeded || !job.state.is_final();
        if has_clip && !Path::new(CLIPS).join(id.clip_name()).exists() {
            unsaved.push(id);
        }
    }
    Ok(unsaved)
}

/// Completes on ctrl-c, or on SIGTERM where there is one.
async fn shutdown() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// A response that reports an error.
struct Failure(StatusCode, String);

impl Failure {
    /// Without a key, a repeated request would start a second job, and a second charge.
    fn without_key() -> Self {
        Self(StatusCode::PRECONDITION_REQUIRED, "send an Idempotency-Key, such as order-17\n".to_owned())
    }

    fn stopped() -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, "the request was stopped".to_owned())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Rejected | ErrorKind::Unsupported => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::AcceptedEarlier | ErrorKind::Conflict => StatusCode::CONFLICT,
            // The caller can do nothing about these, except send the same request again later.
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        println!("{error}");
        Self(status, format!("{}\n", error.message()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}
