//! The progress of a download: a changing line on a terminal, plain lines elsewhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infrai_video::download::Progress;
use tokio::time::Instant;

use super::terminal_lines::{LineHandle, TerminalLine};
use super::{BAR_WIDTH, LABEL_WIDTH, Output, bar, lock};
use crate::text::{clock, first_that_fits, size};

/// The line of a download.
pub(crate) struct DownloadProgress {
    output: Output,
    meter: Arc<Mutex<TransferMeter>>,
    line: Option<LineHandle>,
}

impl DownloadProgress {
    pub(crate) fn new(output: &Output) -> Self {
        let meter = Arc::new(Mutex::new(TransferMeter {
            requested: Some(Instant::now()),
            ..TransferMeter::default()
        }));
        let line = output.is_live.then(|| output.lines.add(meter.clone()));
        Self { output: output.clone(), meter, line }
    }

    /// The callback for the download.
    pub(crate) fn callback(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let meter = Arc::clone(&self.meter);
        move |progress| lock(&meter).record(progress.bytes, progress.total, Instant::now())
    }

    /// Prints the progress where no changing line shows it.
    pub(crate) fn heartbeat(&self) {
        if self.line.is_none() {
            self.output.status("saving", &lock(&self.meter).amount(Instant::now()).join("  "));
        }
    }
}

/// Bytes transferred, and the rate of the last seconds.
#[derive(Default)]
pub(super) struct TransferMeter {
    /// When the clip was requested, for what shows the elapsed time.
    requested: Option<Instant>,
    bytes: u64,
    total: Option<u64>,
    /// Bytes at some moments of the last seconds.
    samples: VecDeque<(Instant, u64)>,
}

impl TransferMeter {
    /// The rate is the average over this time.
    const WINDOW: Duration = Duration::from_secs(5);
    const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);

    pub(super) fn record(&mut self, bytes: u64, total: Option<u64>, now: Instant) {
        (self.bytes, self.total) = (bytes, total.or(self.total));
        if self.samples.back().is_none_or(|(at, _)| now - *at >= Self::SAMPLE_INTERVAL) {
            self.samples.push_back((now, bytes));
        }
        while self.samples.get(1).is_some_and(|(at, _)| now - *at >= Self::WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes per second, once there are enough samples. Bytes that an earlier command downloaded do not count.
    fn rate(&self, now: Instant) -> Option<f64> {
        let (at, bytes) = self.samples.front()?;
        let seconds = (now - *at).as_secs_f64();
        let rate = self.bytes.saturating_sub(*bytes) as f64 / seconds;
        (seconds >= Self::SAMPLE_INTERVAL.as_secs_f64() && rate >= 1.0).then_some(rate)
    }

    /// Bytes, rate and remaining time, as far as they are known.
    pub(super) fn amount(&self, now: Instant) -> Vec<String> {
        let Some(total) = self.total else {
            if self.bytes > 0 {
                return vec![size(self.bytes)];
            }
            let elapsed = self.requested.map(|requested| format!("  {}", clock(now - requested)));
            return vec![format!("requesting the clip{}", elapsed.unwrap_or_default())];
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
        let label = format!("{:LABEL_WIDTH$}", "saving");
        let amount = self.amount(now);
        let (first, last) = (&amount[0], amount.last().filter(|_| amount.len() > 2));
        let Some(share) = self.share() else {
            return first_that_fits([format!("{label}{first}")], columns);
        };
        let bar = bar((share * BAR_WIDTH as f64) as usize);
        let percent = format!("{:.0}%", (share * 100.0).floor());
        let left = last.map(|left| format!("  {left}")).unwrap_or_default();
        let lines = [
            format!("{label}[{bar}]  {}", amount.join("  ")),
            format!("{label}{}", amount.join("  ")),
            format!("{label}{percent} of {}{left}", size(self.total.unwrap_or_default())),
            format!("{label}{percent}{left}"),
            format!("{label}{percent}"),
        ];
        first_that_fits(lines, columns)
    }

    fn share(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.bytes as f64 / total as f64).min(1.0))
    }
}

impl TerminalLine for Mutex<TransferMeter> {
    fn state(&self) -> String {
        "saving".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        lock(self).line_at(columns, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_shows_less_on_a_narrow_terminal() {
        let start = Instant::now();
        let mut meter = TransferMeter::default();
        assert_eq!(meter.line_at(79, start), "saving     requesting the clip");
        meter.requested = Some(start);
        let later = start + Duration::from_secs(7);
        assert_eq!(meter.line_at(79, later), "saving     requesting the clip  00:07");
        meter.record(1_000_000, Some(8_400_000), start);
        let now = start + Duration::from_secs(1);
        meter.record(3_100_000, Some(8_400_000), now);
        let bar = format!("{}{}", "=".repeat(8), " ".repeat(16));
        let amount = "3.1 MB of 8.4 MB  2.1 MB/s  00:02 left";
        assert_eq!(meter.line_at(79, now), format!("saving     [{bar}]  {amount}"));
        assert_eq!(meter.line_at(60, now), format!("saving     {amount}"));
        assert_eq!(meter.line_at(39, now), "saving     36% of 8.4 MB  00:02 left");
        assert_eq!(meter.line_at(30, now), "saving     36%  00:02 left");
        assert_eq!(meter.line_at(19, now), "saving     36%");
    }

    #[test]
    fn the_rate_covers_the_last_seconds_of_this_command() {
        let start = Instant::now();
        let mut meter = TransferMeter::default();
        assert_eq!(meter.rate(start), None);
        // Bytes of an earlier command, then ten seconds at 1000 bytes per second, then ten at 100.
        let mut bytes = 1_000_000;
        for second in 0..20 {
            meter.record(bytes, Some(2_000_000), start + Duration::from_secs(second));
            bytes += if second < 10 { 1000 } else { 100 };
        }
        let rate = meter.rate(start + Duration::from_secs(19)).expect("there are enough samples");
        assert!((99.0..=101.0).contains(&rate), "{rate}");
    }
}
