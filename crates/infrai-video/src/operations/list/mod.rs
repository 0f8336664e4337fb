//! The list of jobs.

mod pages;

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use infrai_video_client::types::{VideoJob, VideoJobPage};
use infrai_video_client::{JobState, options};

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::response::Response;

pub use pages::{Items, Pages};

impl Client {
    /// The account's jobs (`GET /v1/video/list`, `video_list`). Await it for one page, or use a stream.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// let mut jobs = client.list().items();
    /// while let Some(job) = jobs.next().await {
    ///     let job = job?;
    ///     println!("{} {}", job.job_id, job.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List {
        List { client: self.clone(), cursor: None, limit: None, state: None }
    }
}

/// A call that lists jobs.
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until it is awaited or a stream is polled"]
pub struct List {
    client: Client,
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<JobState>,
}

impl List {
    /// The maximum number of jobs on each page, at least 1. The service may return fewer.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where to continue: a `next_cursor` of an earlier page.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Only jobs in this state. The client filters each page, since the API has no such filter.
    pub fn with_state(mut self, state: JobState) -> Self {
        self.state = Some(state);
        self
    }

    /// A stream of pages. Each page is requested while the previous one is processed. Nothing is sent before the stream is
    /// polled.
    ///
    /// The stream ends after the last page, or with the first error. A repeated cursor is
    /// [`ErrorKind::Pagination`](crate::ErrorKind::Pagination), not an endless loop.
    pub fn pages(self) -> Pages {
        let cursor = self.cursor.clone();
        Pages::new(self, cursor)
    }

    /// A stream of jobs, page by page; see [`pages`](Self::pages).
    pub fn items(self) -> Items {
        let cursor = self.cursor.clone();
        Items::new(self.pages(), cursor)
    }

    pub(crate) fn page(&self, cursor: Option<String>) -> Call<VideoJobPage> {
        let plan = match (&cursor, self.limit) {
            (_, Some(limit)) if limit == 0 || i32::try_from(limit).is_err() => Err(Error::invalid(
                "limit",
                format!("`limit` must be a whole number of at least 1, not {limit}"),
            )),
            (Some(cursor), _) if cursor.is_empty() => Err(Error::invalid(
                "cursor",
                "`cursor` must be a next_cursor of an earlier page; omit it for the first page".into(),
            )),
            _ => Ok(self.client.plan("video_list")),
        };
        let limit = self.limit;
        Call::new(&self.client, plan, move |api, _| {
            let cursor = cursor.clone();
            Box::pin(async move {
                let mut options = options::VideoList::default().cursor(cursor.as_deref());
                options.limit = limit;
                api.video_list(options).await
            })
        })
    }

    fn keep(&self, job: &VideoJob) -> bool {
        self.state.as_ref().is_none_or(|state| job.state.as_str().eq_ignore_ascii_case(state.as_str()))
    }
}

impl IntoFuture for List {
    type Output = Result<Response<VideoJobPage>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// One page.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.page(self.cursor.clone()).await?.map(|page| self.filtered(page))) })
    }
}

impl List {
    pub(super) fn filtered(&self, mut page: VideoJobPage) -> VideoJobPage {
        if let Some(items) = &mut page.items {
            items.retain(|job| self.keep(job));
        }
        page
    }
}
