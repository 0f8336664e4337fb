//! One wait for all jobs, through pages of the list, and news of each for whoever asked for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use infrai_video::types::VideoJob;
use infrai_video::{Client, PollBackoff, WaitError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How far apart the looks of this command are. One serves all jobs, and somebody may be watching.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);

/// What is heard of a job.
pub(super) enum News {
    State(VideoJob),
    /// It succeeded, or the wait for it ended otherwise.
    Over(Result<(), WaitError>),
}

type Listeners = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<News>>>>;

/// The wait. Dropped, it stops, and the jobs go on.
pub(super) struct Watch {
    ids: mpsc::UnboundedSender<String>,
    listeners: Listeners,
    task: JoinHandle<()>,
}

/// For one job or for many.
pub(crate) fn backoff() -> PollBackoff {
    PollBackoff::between(SHORTEST, LONGEST)
}

/// The news of one job.
pub(super) struct Updates(mpsc::UnboundedReceiver<News>);

impl Watch {
    pub(super) fn start(client: &Client, max_wait: Option<Duration>) -> Self {
        let (ids, more) = mpsc::unbounded_channel::<String>();
        let more = stream::unfold(more, |mut more| async { more.recv().await.map(|id| (id, more)) });
        let listeners = Listeners::default();
        let seen = Arc::clone(&listeners);
        let wait = client
            .wait_all(std::iter::empty::<String>())
            .with_max_wait(max_wait)
            .with_backoff(backoff())
            .with_on_update(move |job| tell(&seen, job));
        let over = Arc::clone(&listeners);
        let task = tokio::spawn(async move {
            let mut results = wait.results_with(more);
            while let Some((id, result)) = results.next().await {
                let listener = over.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                if let Some(listener) = listener {
                    let _nobody_listens = listener.send(News::Over(result.map(drop)));
                }
            }
        });
        Self { ids, listeners, task }
    }

    /// Waits for one job more.
    pub(super) fn job(&self, id: &str) -> Updates {
        let (tell, hear) = mpsc::unbounded_channel();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), tell);
        // The task lives as long as this.
        let _alive = self.ids.send(id.to_owned());
        Updates(hear)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Updates {
    pub(super) async fn next(&mut self) -> News {
        match self.0.recv().await {
            Some(news) => news,
            // Whoever took over the name hears the rest: the same job is not waited for twice.
            None => std::future::pending().await,
        }
    }
}

fn tell(listeners: &Listeners, job: &VideoJob) {
    if let Some(listener) = listeners.lock().unwrap_or_else(PoisonError::into_inner).get(&job.job_id) {
        let _nobody_listens = listener.send(News::State(job.clone()));
    }
}
