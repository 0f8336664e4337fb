//! The instructions of a call, by callgrind: the difference of a short and a long run is free of the cost of the start.

use std::process::Command;

use anyhow::Context as _;

use super::clients::{Client, Clients, Plan};

const SHORT: Plan = Plan { warm_up: 64, measured: 256, in_flight: 1 };
const LONG: Plan = Plan { measured: 1280, ..SHORT };

/// The instructions of one call in the program itself, without the kernel.
pub(crate) fn of_a_call(clients: &Clients<'_>, who: Client) -> anyhow::Result<f64> {
    let (short, long) = (count(clients, who, SHORT)?, count(clients, who, LONG)?);
    Ok((long - short) / (LONG.measured - SHORT.measured) as f64)
}

fn count(clients: &Clients<'_>, who: Client, plan: Plan) -> anyhow::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(clients.line(who, plan, false))
        .output()
        .context("valgrind cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let complaint = String::from_utf8_lossy(&output.stderr);
    let (Some(report), Some(count)) = (report, read(&complaint)) else {
        anyhow::bail!("{who:?} failed under valgrind: {}", complaint.trim());
    };
    clients.check(who, plan, &report)?;
    Ok(count)
}

/// The count in callgrind's output.
fn read(report: &str) -> Option<f64> {
    let line = report.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read() {
        let report = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n==7== I   refs:      123,456\n";
        assert_eq!(read(report), Some(123_456.0));
        assert_eq!(read("==7== Killed\n"), None);
    }
}
