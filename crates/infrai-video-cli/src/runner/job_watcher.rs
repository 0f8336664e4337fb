//! One wait for all jobs through pages of the list, and the events of each job.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use infrai_video::Client;
use infrai_video::types::VideoJob;
use infrai_video::wait::WaitError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::context::batch_poll_backoff;

/// An event of a job.
pub(super) enum JobEvent {
    State(VideoJob),
    /// The job succeeded, or the wait for it failed.
    Finished(Result<(), WaitError>),
}

type Senders = HashMap<String, mpsc::UnboundedSender<JobEvent>>;

/// Listeners by job id.
#[derive(Clone, Default)]
struct Listeners(Arc<Mutex<Senders>>);

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, Senders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for all jobs. Dropping it stops the wait; the jobs continue.
pub(super) struct JobWatcher {
    ids: mpsc::UnboundedSender<String>,
    listeners: Listeners,
    task: JoinHandle<()>,
}

/// The events of one job.
pub(super) struct JobEvents(mpsc::UnboundedReceiver<JobEvent>);

impl JobWatcher {
    pub(super) fn start(client: &Client, max_wait: Option<Duration>) -> Self {
        let (ids, more) = mpsc::unbounded_channel::<String>();
        let more = stream::unfold(more, |mut more| async { more.recv().await.map(|id| (id, more)) });
        let listeners = Listeners::default();
        let on_update = listeners.clone();
        let wait = client
            .wait_all(std::iter::empty::<String>())
            .with_max_wait(max_wait)
            .with_backoff(batch_poll_backoff())
            .with_on_update(move |job| {
                if let Some(listener) = on_update.lock().get(&job.job_id) {
                    let _not_listening = listener.send(JobEvent::State(job.clone()));
                }
            });
        let on_finish = listeners.clone();
        let task = tokio::spawn(async move {
            let mut results = wait.results_with(more);
            while let Some((id, result)) = results.next().await {
                let listener = on_finish.lock().remove(id.as_str());
                if let Some(listener) = listener {
                    let _not_listening = listener.send(JobEvent::Finished(result.map(drop)));
                }
            }
        });
        Self { ids, listeners, task }
    }

    /// Adds a job to the wait.
    pub(super) fn watch(&self, id: &str) -> JobEvents {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners.lock().insert(id.to_owned(), sender);
        // The task runs as long as this exists.
        let _running = self.ids.send(id.to_owned());
        JobEvents(receiver)
    }
}

impl Drop for JobWatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl JobEvents {
    pub(super) async fn next(&mut self) -> JobEvent {
        match self.0.recv().await {
            Some(event) => event,
            // A newer listener of the same job receives the events.
            None => std::future::pending().await,
        }
    }
}
