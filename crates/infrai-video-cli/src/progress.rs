//! How a wait and a download look: lines that change on a terminal, plain lines elsewhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use infrai_video::{JobState, JobUpdate, Progress};
use tokio::time::Instant;

use crate::layout::{fit_end, roomiest};
use crate::live::{Changing, Place, TICK};
use crate::output::{Screen, WORD};
use crate::text::{clean, clock, size};

/// How often a plain line says that there is nothing new.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);

const SPINNER: [char; 4] = ['|', '/', '-', '\\'];
const BAR: usize = 24;

/// The line of one job that is waited for.
pub(crate) struct JobLine {
    screen: Screen,
    seen: Arc<SeenJob>,
    place: Option<Place>,
}

/// What is known of a job.
struct SeenJob {
    /// Names the job where several are waited for.
    id: Option<String>,
    started: Instant,
    read: Mutex<(Option<JobState>, u32)>,
}

impl JobLine {
    /// `job_id` is shown where several jobs are waited for.
    pub(crate) fn new(screen: &Screen, job_id: Option<&str>) -> Self {
        let id = job_id.map(|id| clean(id).into_owned());
        let seen = Arc::new(SeenJob { id, started: Instant::now(), read: Mutex::default() });
        let place = screen.live.then(|| screen.foot.add(seen.clone()));
        Self { screen: screen.clone(), seen, place }
    }

    /// A state was read.
    pub(crate) fn update(&mut self, update: &JobUpdate) {
        let state = Some(update.job.state.clone());
        let before = std::mem::replace(&mut *lock(&self.seen.read), (state.clone(), update.polls)).0;
        // The end has a line of its own.
        if self.place.is_none() && before != state && !update.job.state.is_final() {
            self.say();
        }
    }

    /// Nothing new for a while.
    pub(crate) fn heartbeat(&self) {
        if self.place.is_none() {
            self.say();
        }
    }

    fn say(&self) {
        let id = self.seen.id.as_ref().map(|id| format!("  job {id}")).unwrap_or_default();
        self.screen.say(&self.seen.word(), &format!("{}{id}", self.seen.so_far()));
    }
}

impl SeenJob {
    /// `00:42  poll 9`.
    fn so_far(&self) -> String {
        let elapsed = clock(self.started.elapsed());
        match lock(&self.read).1 {
            0 => elapsed,
            polls => format!("{elapsed}  poll {polls}"),
        }
    }
}

impl Changing for SeenJob {
    fn word(&self) -> String {
        let read = lock(&self.read);
        clean(read.0.as_ref().map_or("waiting", JobState::as_str)).into_owned()
    }

    fn line(&self, columns: usize) -> String {
        let word = format!("{:WORD$}", self.word());
        let elapsed = self.started.elapsed();
        let turn = SPINNER[(elapsed.as_millis() / TICK.as_millis()) as usize % SPINNER.len()];
        let (so_far, elapsed) = (self.so_far(), clock(elapsed));
        let Some(id) = &self.id else {
            let lines =
                [format!("{word}{so_far} {turn}"), format!("{word}{so_far}"), format!("{word}{elapsed}")];
            return roomiest(lines, columns);
        };
        let beside = |before: String, least: usize| {
            let room = columns.saturating_sub(before.len()).max(least);
            before + &fit_end(id, room)
        };
        let lines = [
            format!("{word}{so_far}  job {id} {turn}"),
            format!("{word}{elapsed}  {id}"),
            beside(format!("{word}{elapsed}  "), 12),
            beside(format!("{} ", self.word()), 9),
        ];
        roomiest(lines, columns)
    }
}

/// The line of a download.
pub(crate) struct ClipLine {
    screen: Screen,
    arrived: Arc<Mutex<Arrived>>,
    place: Option<Place>,
}

impl ClipLine {
    pub(crate) fn new(screen: &Screen) -> Self {
        let arrived = Arc::new(Mutex::new(Arrived::default()));
        let place = screen.live.then(|| screen.foot.add(arrived.clone()));
        Self { screen: screen.clone(), arrived, place }
    }

    /// What a download reports to.
    pub(crate) fn reporter(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let arrived = Arc::clone(&self.arrived);
        move |progress| lock(&arrived).count(progress.bytes, progress.total, Instant::now())
    }

    /// Says how far it is, where no changing line does.
    pub(crate) fn heartbeat(&self) {
        if self.place.is_none() {
            self.screen.say("saving", &lock(&self.arrived).amount(Instant::now()).join("  "));
        }
    }
}

/// How much of a clip is there, and since when.
#[derive(Default)]
pub(crate) struct Arrived {
    bytes: u64,
    total: Option<u64>,
    /// What was there at some moments of the last seconds.
    moments: VecDeque<(Instant, u64)>,
}

impl Arrived {
    /// The time that a rate is taken over.
    const WINDOW: Duration = Duration::from_secs(5);
    const MOMENT: Duration = Duration::from_millis(250);

    pub(crate) fn count(&mut self, bytes: u64, total: Option<u64>, now: Instant) {
        (self.bytes, self.total) = (bytes, total.or(self.total));
        if self.moments.back().is_none_or(|(at, _)| now - *at >= Self::MOMENT) {
            self.moments.push_back((now, bytes));
        }
        while self.moments.get(1).is_some_and(|(at, _)| now - *at >= Self::WINDOW) {
            self.moments.pop_front();
        }
    }

    /// Bytes in a second, once there is something to take it from. What an earlier command had fetched does not count.
    fn rate(&self, now: Instant) -> Option<f64> {
        let (at, bytes) = self.moments.front()?;
        let seconds = (now - *at).as_secs_f64();
        let rate = self.bytes.saturating_sub(*bytes) as f64 / seconds;
        (seconds >= Self::MOMENT.as_secs_f64() && rate >= 1.0).then_some(rate)
    }

    /// How much is there, how fast it comes, and how long it will take, as far as it is known.
    pub(crate) fn amount(&self, now: Instant) -> Vec<String> {
        let Some(total) = self.total else {
            return vec![if self.bytes == 0 { "asking for the clip".to_owned() } else { size(self.bytes) }];
        };
        let mut amount = vec![format!("{} of {}", size(self.bytes), size(total))];
        if let Some(rate) = self.rate(now) {
            let left = Duration::try_from_secs_f64(total.saturating_sub(self.bytes) as f64 / rate);
            amount.push(format!("{}/s", size(rate as u64)));
            amount.extend(left.ok().map(|left| format!("{} left", clock(left))));
        }
        amount
    }

    fn line_at(&self, columns: usize, now: Instant) -> String {
        let word = format!("{:WORD$}", "saving");
        let amount = self.amount(now);
        let (first, last) = (&amount[0], amount.last().filter(|_| amount.len() > 2));
        let Some(share) = self.share() else {
            return roomiest([format!("{word}{first}")], columns);
        };
        let full = (share * BAR as f64) as usize;
        let bar = format!("{}{}", "=".repeat(full), " ".repeat(BAR - full));
        let percent = format!("{:.0}%", (share * 100.0).floor());
        let left = last.map(|left| format!("  {left}")).unwrap_or_default();
        let lines = [
            format!("{word}[{bar}]  {}", amount.join("  ")),
            format!("{word}{}", amount.join("  ")),
            format!("{word}{percent} of {}{left}", size(self.total.unwrap_or_default())),
            format!("{word}{percent}{left}"),
            format!("{word}{percent}"),
        ];
        roomiest(lines, columns)
    }

    fn share(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.bytes as f64 / total as f64).min(1.0))
    }
}

impl Changing for Mutex<Arrived> {
    fn word(&self) -> String {
        "saving".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        lock(self).line_at(columns, Instant::now())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

    fn job(id: Option<&str>, polls: u32) -> SeenJob {
        let read = Mutex::new((Some(JobState::Running), polls));
        SeenJob { id: id.map(str::to_owned), started: Instant::now(), read }
    }

    #[test]
    fn a_job_shows_less_where_there_is_less_room() {
        let job = job(None, 9);
        assert!(job.line(79).starts_with("running    00:00  poll 9 "));
        assert_eq!(job.line(24), "running    00:00  poll 9");
        assert_eq!(job.line(19), "running    00:00");
        assert_eq!(job.line(10), "running...");
    }

    #[test]
    fn several_jobs_can_be_told_apart_at_any_width() {
        let job = job(Some(ID), 9);
        assert!(job.line(79).starts_with(&format!("running    00:00  poll 9  job {ID} ")));
        assert_eq!(job.line(55), format!("running    00:00  {ID}"));
        assert_eq!(job.line(39), "running    00:00  ...zn5w4x7r2m9t6h0c1d");
        assert_eq!(job.line(19), "running ...9t6h0c1d");
    }

    #[test]
    fn a_download_shows_less_where_there_is_less_room() {
        let start = Instant::now();
        let mut arrived = Arrived::default();
        assert_eq!(arrived.line_at(79, start), "saving     asking for the clip");
        arrived.count(1_000_000, Some(8_400_000), start);
        let now = start + Duration::from_secs(1);
        arrived.count(3_100_000, Some(8_400_000), now);
        let bar = format!("{}{}", "=".repeat(8), " ".repeat(16));
        let amount = "3.1 MB of 8.4 MB  2.1 MB/s  00:02 left";
        assert_eq!(arrived.line_at(79, now), format!("saving     [{bar}]  {amount}"));
        assert_eq!(arrived.line_at(60, now), format!("saving     {amount}"));
        assert_eq!(arrived.line_at(39, now), "saving     36% of 8.4 MB  00:02 left");
        assert_eq!(arrived.line_at(30, now), "saving     36%  00:02 left");
        assert_eq!(arrived.line_at(19, now), "saving     36%");
    }

    #[test]
    fn a_rate_is_that_of_the_last_seconds_and_of_this_command() {
        let start = Instant::now();
        let mut arrived = Arrived::default();
        assert_eq!(arrived.rate(start), None);
        // Fetched by an earlier command, then ten seconds at a thousand bytes a second, then ten at a hundred.
        let mut bytes = 1_000_000;
        for second in 0..20 {
            arrived.count(bytes, Some(2_000_000), start + Duration::from_secs(second));
            bytes += if second < 10 { 1000 } else { 100 };
        }
        let rate = arrived.rate(start + Duration::from_secs(19)).expect("it is known");
        assert!((99.0..=101.0).contains(&rate), "{rate}");
    }
}
