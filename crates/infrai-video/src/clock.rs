//! Clocks: this machine's, and the service's as its responses show it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::AGE;
use infrai_video_client::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::retry::server_time;

/// Longer than any program runs.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The maximum drift of two clocks. Beyond it, one of them was set, or stopped while the machine slept.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The instant `delay` from now. A delay that overflows is 30 years.
pub(crate) fn after(delay: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(delay.min(FAR)).unwrap_or(now)
}

/// Reads this machine's wall clock.
pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The clocks of a client.
pub(crate) struct Clocks {
    wall: WallClock,
    seen: Mutex<Option<(Timestamp, Moment)>>,
    /// Set after the request of [`Client::sync_time`](crate::Client::sync_time).
    pub(crate) synced: OnceCell<()>,
}

/// A moment on both clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Instant,
    wall: Timestamp,
}

impl Clocks {
    pub(crate) fn new(wall: WallClock) -> Self {
        Self { wall, seen: Mutex::default(), synced: OnceCell::new() }
    }

    /// The time of the wall clock. A time that is not a timestamp is the latest timestamp.
    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp::try_from((self.wall)()).unwrap_or(Timestamp::MAX)
    }

    /// The current moment, for [`since`](Self::since).
    pub(crate) fn moment(&self) -> Moment {
        Moment { at: Instant::now(), wall: self.wall() }
    }

    /// The time since `moment`. `None` if the two clocks of this machine disagree, because the wall clock was set or the machine
    /// slept.
    pub(crate) fn since(&self, moment: Moment) -> Option<Duration> {
        let (passed, wall) = (moment.at.elapsed(), self.wall());
        let drift = match wall.checked_duration_since(moment.wall) {
            Some(by_wall) => by_wall.abs_diff(passed),
            None => moment.wall.checked_duration_since(wall)?.checked_add(passed)?,
        };
        (drift <= TOLERANCE).then_some(passed)
    }

    /// Records the `Date` of a response, plus the `Age` that a cache adds.
    pub(crate) fn record(&self, headers: &HeaderMap) {
        let Some(date) = server_time(headers).and_then(|date| Timestamp::try_from(date).ok()) else { return };
        let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or_default();
        let now = date.checked_add(Duration::from_secs(age)).unwrap_or(Timestamp::MAX);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, self.moment()));
    }

    fn seen(&self) -> Option<(Timestamp, Moment)> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service's time now, if a response has shown it and this machine's clocks agree about the time since.
    pub(crate) fn service(&self) -> Option<Timestamp> {
        let (shown, moment) = self.seen()?;
        shown.checked_add(self.since(moment)?)
    }

    /// The service's time now, if a response of the last `max_age` has shown it.
    pub(crate) fn service_shown_within(&self, max_age: Duration) -> Option<Timestamp> {
        let (_, moment) = self.seen()?;
        self.service().filter(|_| moment.at.elapsed() <= max_age)
    }

    /// The time for a submission that is prepared now: by the service's clock if a response has shown it, else by the wall clock.
    /// If the machine slept since that response, the time is too early, so that the submission looks older than it is, never
    /// younger.
    pub(crate) fn stamp(&self) -> Timestamp {
        let by_service = self.seen().and_then(|(shown, moment)| shown.checked_add(moment.at.elapsed()));
        by_service.unwrap_or_else(|| self.wall())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::DATE;

    const START: u64 = 1_767_225_600;

    /// Clocks whose wall clock shows `START`, the paused time that has passed, and these seconds on top.
    fn clocks() -> (Clocks, Arc<Mutex<i64>>) {
        let set_by = Arc::new(Mutex::new(0));
        let (offset, started) = (Arc::clone(&set_by), Instant::now());
        let wall = move || {
            let start = SystemTime::UNIX_EPOCH + Duration::from_secs(START) + started.elapsed();
            let offset: i64 = *offset.lock().unwrap();
            let by = Duration::from_secs(offset.unsigned_abs());
            if offset < 0 { start - by } else { start + by }
        };
        (Clocks::new(Arc::new(wall)), set_by)
    }

    fn headers(date: &'static str, age: &'static str) -> HeaderMap {
        [(DATE, HeaderValue::from_static(date)), (AGE, HeaderValue::from_static(age))].into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_services_time_continues_from_the_last_response() {
        let (clocks, _) = clocks();
        assert_eq!(clocks.service(), None);
        assert_eq!(clocks.stamp().unix_seconds(), START as i64);
        clocks.record(&headers("Fri, 20 Nov 2026 17:40:00 GMT", ""));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let shown: Timestamp = "2026-11-20T18:40:00Z".parse().unwrap();
        assert_eq!((clocks.service(), clocks.stamp()), (Some(shown), shown));
        clocks.record(&headers("invalid", ""));
        assert_eq!(clocks.service(), Some(shown));
        clocks.record(&headers("Fri, 20 Nov 2026 18:40:00 GMT", "60"));
        assert_eq!(
            clocks.service(),
            Some("2026-11-20T18:41:00Z".parse().unwrap()),
            "a cached response is a minute old"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_was_set_makes_the_services_time_unknown() {
        for set in [-86_400 * 400, -7200, -61, 61, 7200, 86_400] {
            let (clocks, set_by) = clocks();
            clocks.record(&headers("Fri, 20 Nov 2026 17:40:00 GMT", ""));
            let before = clocks.moment();
            *set_by.lock().unwrap() = set;
            assert_eq!((clocks.service(), clocks.since(before)), (None, None), "{set}");
            assert_eq!(clocks.stamp(), "2026-11-20T17:40:00Z".parse().unwrap(), "{set}");
        }
        let (clocks, set_by) = clocks();
        clocks.record(&headers("Fri, 20 Nov 2026 17:40:00 GMT", ""));
        *set_by.lock().unwrap() = 30;
        assert!(clocks.service().is_some(), "clocks drift a little");
    }
}
