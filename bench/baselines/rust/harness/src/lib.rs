//! Measures one client, in the same way for all clients in Rust, and reports in one line of JSON.

use std::error::Error;
use std::str::FromStr;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

/// The allocator of the programs that count. It is too slow for the timed programs.
pub use dhat::Alloc as Counting;

/// Any error.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The counter of allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// None: the program uses the default allocator.
    Nobody,
    /// [`Counting`], the program's allocator.
    Dhat,
}

/// The arguments of the command line.
#[derive(Debug)]
pub struct Arguments(std::vec::IntoIter<String>);

impl Arguments {
    /// All arguments, without the program's name.
    pub fn new() -> Self {
        Self(std::env::args().skip(1).collect::<Vec<_>>().into_iter())
    }

    /// The next argument, called `what` in errors.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not parse.
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

/// The numbers of calls.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    /// Calls before the measurement, for connections and caches.
    pub warm_up: usize,
    /// Measured calls.
    pub measured: usize,
    /// Concurrent calls.
    pub in_flight: usize,
}

impl Calls {
    /// Parses them in this order.
    ///
    /// # Errors
    ///
    /// If one is missing or not a number.
    pub fn read(arguments: &mut Arguments) -> Result<Self, Failure> {
        Ok(Self {
            warm_up: arguments.next("how many calls come before")?,
            measured: arguments.next("how many calls are measured")?,
            in_flight: arguments.next("how many calls are under way at a time")?,
        })
    }
}

/// Makes the calls and reports their cost. `show` converts the result of the last one.
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
    report["result"] = show(&last)?;
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

/// Wall-clock time and processor time.
#[derive(Debug)]
pub struct Clocks {
    wall: Instant,
    processor: ProcessTime,
}

impl Clocks {
    /// Starts both clocks.
    pub fn start() -> Self {
        Self { wall: Instant::now(), processor: ProcessTime::now() }
    }

    /// The elapsed times and the peak of resident memory, as the start of a report.
    pub fn stop(&self) -> Value {
        let seconds = |time: Duration| time.as_secs_f64();
        json!({
            "wall_s": seconds(self.wall.elapsed()),
            "cpu_s": seconds(self.processor.elapsed()),
            "peak_kib": peak_kib(),
        })
    }
}

/// The peak of this program. The kernel's figure for a child includes its parent.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Runs a client on one thread and prints its report.
pub fn main<F>(client: F) -> std::process::ExitCode
where
    F: Future<Output = Result<Value, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(client));
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
