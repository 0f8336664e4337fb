use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::future::IntoFuture;
use std::hash::{Hash as _, Hasher as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use infrai_video_client::types::{VideoJob, VideoJobPage};
use infrai_video_client::{JobState, options};
use tokio_util::task::AbortOnDropHandle;

use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::response::Response;

impl Client {
    /// The account's jobs (`GET /v1/video/list`, `video_list`). Await it for one page, or take a stream.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// use futures_util::TryStreamExt as _;
    ///
    /// let mut jobs = client.list().items();
    /// while let Some(job) = jobs.try_next().await? {
    ///     println!("{} {}", job.job_id, job.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List {
        List { client: self.clone(), cursor: None, limit: None, state: None }
    }
}

/// A list of jobs to be read.
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until a page or a stream is asked for"]
pub struct List {
    client: Client,
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<JobState>,
}

impl List {
    /// The most jobs in one page, at least 1. The service may answer with fewer. Kept for every page.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where to go on: a `next_cursor` of an earlier page.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Only jobs in this state. Sorted out here, after each page, since the API has no such filter.
    pub fn with_state(mut self, state: JobState) -> Self {
        self.state = Some(state);
        self
    }

    /// Page after page, each asked for while the one before is being used. Nothing is sent before the stream is polled.
    ///
    /// The stream ends after the last page, or with the first error. A cursor that comes twice is
    /// [`ErrorKind::Pagination`], not an endless loop.
    pub fn pages(self) -> Pages {
        let cursor = self.cursor.clone();
        Pages { next: Next::Start(cursor.clone()), list: self, seen: HashSet::new(), upcoming: cursor }
    }

    /// Job after job, page after page; see [`pages`](Self::pages).
    pub fn items(self) -> Items {
        let page_cursor = self.cursor.clone();
        Items { pages: self.pages(), page: Vec::new().into_iter(), page_cursor }
    }

    pub(crate) fn page(&self, cursor: Option<String>) -> Call<VideoJobPage> {
        let plan = match (&cursor, self.limit) {
            (_, Some(limit)) if limit == 0 || i32::try_from(limit).is_err() => Err(Error::invalid(
                "limit",
                format!("`limit` must be a whole number of at least 1, not {limit}"),
            )),
            (Some(cursor), _) if cursor.is_empty() => Err(Error::invalid(
                "cursor",
                "`cursor` must be a next_cursor of an earlier page; leave it out for the first page".into(),
            )),
            _ => Ok(self.client.plan("video_list")),
        };
        let limit = self.limit;
        Call::new(&self.client, plan, move |api, _| {
            let cursor = cursor.clone();
            Box::pin(async move {
                let options = options::VideoList { cursor: cursor.as_deref(), limit, ..Default::default() };
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
        Box::pin(async move { Ok(self.page(self.cursor.clone()).await?.map(|page| self.sorted_out(page))) })
    }
}

impl List {
    fn sorted_out(&self, mut page: VideoJobPage) -> VideoJobPage {
        if let Some(items) = &mut page.items {
            items.retain(|job| self.keep(job));
        }
        page
    }
}

/// A stream of pages.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages {
    list: List,
    next: Next,
    /// What stands for each cursor seen so far: eight bytes a page.
    seen: HashSet<u64>,
    upcoming: Option<String>,
}

enum Next {
    Start(Option<String>),
    Loading(AbortOnDropHandle<Result<Response<VideoJobPage>, Error>>),
    Circle,
    Ended,
}

impl Pages {
    /// The cursor of the page that comes next, to go on later, also in another process. `None` at the start of the list and
    /// after its end.
    pub fn cursor(&self) -> Option<&str> {
        self.upcoming.as_deref()
    }

    fn load(&self, cursor: Option<String>) -> Next {
        let page = self.list.page(cursor).into_future();
        Next::Loading(AbortOnDropHandle::new(tokio::spawn(page)))
    }

    fn after(&mut self, page: &VideoJobPage) -> Next {
        self.upcoming = page.next_cursor.clone().filter(|cursor| !cursor.is_empty());
        let Some(cursor) = self.upcoming.clone() else { return Next::Ended };
        if self.remember(&cursor) { self.load(Some(cursor)) } else { Next::Circle }
    }

    /// Whether the cursor is new.
    fn remember(&mut self, cursor: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        cursor.hash(&mut hasher);
        self.seen.insert(hasher.finish())
    }
}

impl Stream for Pages {
    type Item = Result<Response<VideoJobPage>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.next {
                Next::Start(cursor) => {
                    let cursor = cursor.take();
                    if let Some(cursor) = &cursor {
                        self.remember(cursor);
                    }
                    self.next = self.load(cursor);
                }
                Next::Loading(page) => {
                    let page = ready!(Pin::new(page).poll(context)).unwrap_or_else(|_| {
                        Err(Error::new(ErrorKind::Pagination, "the task that read the page was stopped"))
                    });
                    self.next = match &page {
                        Ok(page) => self.after(page),
                        Err(_) => Next::Ended,
                    };
                    return Poll::Ready(Some(page.map(|page| page.map(|page| self.list.sorted_out(page)))));
                }
                Next::Circle => {
                    self.next = Next::Ended;
                    let error =
                        Error::new(ErrorKind::Pagination, "the list goes in a circle: a cursor came twice");
                    return Poll::Ready(Some(Err(error.with_operation("video_list"))));
                }
                Next::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("list", &self.list)
            .field("cursor", &self.upcoming)
            .finish_non_exhaustive()
    }
}

/// A stream of jobs.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct Items {
    pages: Pages,
    page: std::vec::IntoIter<VideoJob>,
    page_cursor: Option<String>,
}

impl Items {
    /// The cursor of the page that the last job came from, to go on later without missing one: the jobs of that page come
    /// again. `None` on the first page.
    pub fn cursor(&self) -> Option<&str> {
        self.page_cursor.as_deref()
    }
}

impl Stream for Items {
    type Item = Result<VideoJob, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(job) = self.page.next() {
                return Poll::Ready(Some(Ok(job)));
            }
            let upcoming = self.pages.upcoming.clone().or_else(|| self.page_cursor.clone());
            match ready!(Pin::new(&mut self.pages).poll_next(context)) {
                Some(Ok(page)) => {
                    self.page_cursor = upcoming;
                    self.page = page.into_inner().items.unwrap_or_default().into_iter();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
