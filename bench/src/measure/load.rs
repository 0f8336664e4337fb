//! Load, by wrk.

use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

/// The measured load of a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests_per_second: f64,
    pub(crate) p99_ms: f64,
}

/// The request that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Get,
    /// A submission for a short clip, with another prompt each time.
    Generate,
}

/// Requests `url` over this many connections for this time. Every response must be a 2xx.
pub(crate) fn measure(
    url: &str,
    key: &str,
    call: Call,
    connections: u32,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--latency", "-t", "1", "-c", &connections.to_string()]);
    wrk.args(["-d", &format!("{}s", time.as_secs()), "-H", &format!("Authorization: Bearer {key}")]);
    let script = tempfile::NamedTempFile::new()?;
    if call == Call::Generate {
        std::fs::write(script.path(), generator())?;
        wrk.arg("-s").arg(script.path());
    }
    let output = wrk.arg(url).output().context("wrk cannot be started")?;
    read(&String::from_utf8_lossy(&output.stdout)).with_context(|| {
        format!("wrk could not measure {url}: {}", String::from_utf8_lossy(&output.stdout).trim())
    })
}

/// A script for wrk. Equal requests would be one job, so each run has its own prompts.
fn generator() -> String {
    let run = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|since| since.as_nanos())
        .unwrap_or_default();
    format!(
        "local n = 0\nwrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nrequest = function()\n  n = n + 1\n  \
         return wrk.format(nil, nil, nil, '{{\"prompt\":\"clip {run} ' .. n .. '\",\"duration_seconds\":0.1}}')\nend\n"
    )
}

/// `None` after an error response, or if the output has another format.
fn read(report: &str) -> Option<Load> {
    let after = |name: &str| {
        let line = report.lines().find(|line| line.trim_start().starts_with(name))?;
        line.trim_start().strip_prefix(name).map(str::trim)
    };
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return None;
    }
    Some(Load {
        requests_per_second: after("Requests/sec:")?.parse().ok()?,
        p99_ms: milliseconds(after("99%")?)?,
    })
}

fn milliseconds(time: &str) -> Option<f64> {
    let (number, factor) = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)]
        .iter()
        .find_map(|(unit, factor)| Some((time.strip_suffix(unit)?, factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 2s test\n  Latency Distribution\n     50%  120.00us\n     99%    1.50ms\n  \
                          100 requests in 2.00s, 1MB read\nRequests/sec:  12345.67\nTransfer/sec:  1MB\n";

    #[test]
    fn a_report_is_read() {
        assert_eq!(read(REPORT), Some(Load { requests_per_second: 12345.67, p99_ms: 1.5 }));
    }

    #[test]
    fn a_run_with_errors_is_no_measurement() {
        assert_eq!(read(&format!("{REPORT}  Non-2xx or 3xx responses: 3\n")), None);
        assert_eq!(read("no such host"), None);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(["250.00us", "1.50ms", "2.00s"].map(milliseconds), [Some(0.25), Some(1.5), Some(2000.0)]);
    }
}
