//! Streams of pages and of jobs.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::future::IntoFuture as _;
use std::hash::{Hash as _, Hasher as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};
use infrai_video_client::types::{VideoJob, VideoJobPage};
use tokio::task::JoinSet;

use super::List;
use crate::error::{Error, ErrorKind};
use crate::response::Response;

/// The pages of a list. Also a [`Stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages {
    list: List,
    next: Next,
    /// A hash of each cursor so far: eight bytes per page.
    seen: HashSet<u64>,
    upcoming: Option<String>,
}

enum Next {
    Start(Option<String>),
    /// One task, which is aborted if the stream is dropped.
    Loading(JoinSet<Result<Response<VideoJobPage>, Error>>),
    Cycle,
    Ended,
}

impl Pages {
    pub(super) fn new(list: List, cursor: Option<String>) -> Self {
        Self { next: Next::Start(cursor.clone()), list, seen: HashSet::new(), upcoming: cursor }
    }

    /// The cursor of the next page, to continue later or in another process. `None` at the start of the list and after its end.
    pub fn cursor(&self) -> Option<&str> {
        self.upcoming.as_deref()
    }

    /// The next page; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Response<VideoJobPage>, Error>> {
        StreamExt::next(self).await
    }

    fn load(&self, cursor: Option<String>) -> Next {
        let mut task = JoinSet::new();
        task.spawn(self.list.page(cursor).into_future());
        Next::Loading(task)
    }

    fn after(&mut self, page: &VideoJobPage) -> Next {
        self.upcoming = page.next_cursor.clone().filter(|cursor| !cursor.is_empty());
        let Some(cursor) = self.upcoming.clone() else { return Next::Ended };
        if self.remember(&cursor) { self.load(Some(cursor)) } else { Next::Cycle }
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
                Next::Loading(task) => {
                    let page = match ready!(task.poll_join_next(context)) {
                        Some(Ok(page)) => page,
                        _ => {
                            Err(Error::new(ErrorKind::Pagination, "the task that read the page was stopped"))
                        }
                    };
                    self.next = match &page {
                        Ok(page) => self.after(page),
                        Err(_) => Next::Ended,
                    };
                    return Poll::Ready(Some(page.map(|page| page.map(|page| self.list.filtered(page)))));
                }
                Next::Cycle => {
                    self.next = Next::Ended;
                    let error =
                        Error::new(ErrorKind::Pagination, "the list has a cycle: a cursor was repeated");
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

/// The jobs of a list. Also a [`Stream`].
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct Items {
    pages: Pages,
    page: std::vec::IntoIter<VideoJob>,
    page_cursor: Option<String>,
}

impl Items {
    pub(super) fn new(pages: Pages, page_cursor: Option<String>) -> Self {
        Self { pages, page: Vec::new().into_iter(), page_cursor }
    }

    /// The cursor of the last job's page, to continue later without missing a job: the jobs of that page are repeated. `None`
    /// on the first page.
    pub fn cursor(&self) -> Option<&str> {
        self.page_cursor.as_deref()
    }

    /// The next job; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<VideoJob, Error>> {
        StreamExt::next(self).await
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
