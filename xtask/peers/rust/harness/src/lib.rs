//! Measures one contestant, the same way for all that are written in Rust, and reports in one line of JSON.

use std::error::Error;
use std::str::FromStr;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

/// The allocator of the programs that count. It is too slow for those that are timed.
pub use dhat::Alloc as Counting;

/// Whatever went wrong.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Who counts what is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Nobody: the allocator is the usual one.
    Nobody,
    /// [`Counting`], which the program has made its allocator.
    Dhat,
}

/// What a program was told on its command line.
#[derive(Debug)]
pub struct Arguments(std::vec::IntoIter<String>);

impl Arguments {
    /// All of them, without the program's name.
    pub fn new() -> Self {
        Self(std::env::args().skip(1).collect::<Vec<_>>().into_iter())
    }

    /// The next one, which is a `what`.
    ///
    /// # Errors
    ///
    /// If there is none, or it is not of that type.
    pub fn next<T: FromStr>(&mut self, what: &str) -> Result<T, Failure> {
        let text = self.0.next().ok_or_else(|| format!("say {what}"))?;
        text.parse().map_err(|_| format!("`{text}` is not {what}").into())
    }
}

impl Default for Arguments {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    /// Calls that are made before, for connections and caches.
    pub warm_up: usize,
    /// Calls that are measured.
    pub measured: usize,
    /// How many are under way at a time.
    pub in_flight: usize,
}

impl Calls {
    /// Reads them in this order.
    ///
    /// # Errors
    ///
    /// If one is missing or no number.
    pub fn read(arguments: &mut Arguments) -> Result<Self, Failure> {
        Ok(Self {
            warm_up: arguments.next("how many calls come before")?,
            measured: arguments.next("how many calls are measured")?,
            in_flight: arguments.next("how many calls are under way at a time")?,
        })
    }
}

/// Makes the calls and says what they took. `show` gives what the last one brought.
///
/// # Errors
///
/// The first error of a call.
pub async fn calls<T, F>(
    calls: Calls,
    counter: Counter,
    call: impl Fn() -> F,
    show: impl Fn(&T) -> Result<Value, Failure>,
) -> Result<Value, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    several(calls.warm_up, calls.in_flight, &call).await?;
    let profiler = (counter == Counter::Dhat).then(|| dhat::Profiler::builder().testing().build());
    let clocks = Clocks::start();
    let last = several(calls.measured, calls.in_flight, &call).await?;
    let mut report = clocks.stop();
    if profiler.is_some() {
        let heap = dhat::HeapStats::get();
        report["blocks"] = json!(heap.total_blocks);
        report["bytes"] = json!(heap.total_bytes);
    }
    drop(profiler);
    let last = last.ok_or("there was no call")?;
    report["answer"] = show(&last)?;
    Ok(report)
}

async fn several<T, F>(count: usize, in_flight: usize, call: &impl Fn() -> F) -> Result<Option<T>, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    if in_flight == 1 {
        return one_after_another(count, call).await;
    }
    let lanes = (0..in_flight).map(|lane| {
        let share = count / in_flight + usize::from(lane < count % in_flight);
        one_after_another(share, call)
    });
    Ok(try_join_all(lanes).await?.into_iter().flatten().next_back())
}

async fn one_after_another<T, F>(count: usize, call: &impl Fn() -> F) -> Result<Option<T>, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut last = None;
    for _ in 0..count {
        last = Some(call().await?);
    }
    Ok(last)
}

/// The time that passes, and that of the processor.
#[derive(Debug)]
pub struct Clocks {
    wall: Instant,
    processor: ProcessTime,
}

impl Clocks {
    /// Starts both.
    pub fn start() -> Self {
        Self { wall: Instant::now(), processor: ProcessTime::now() }
    }

    /// What they show, as the start of a report, with the most memory that was resident.
    pub fn stop(&self) -> Value {
        let seconds = |time: Duration| time.as_secs_f64();
        json!({
            "wall_s": seconds(self.wall.elapsed()),
            "cpu_s": seconds(self.processor.elapsed()),
            "peak_kib": peak_kib(),
        })
    }
}

/// Of this program alone. What the kernel reports of a child counts its parent in.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Runs a contestant on one thread and prints its report.
pub fn main<F>(contestant: F) -> std::process::ExitCode
where
    F: Future<Output = Result<Value, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(contestant));
    match report {
        Ok(report) => {
            println!("{report}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
