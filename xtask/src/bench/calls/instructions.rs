//! The instructions of a call, by callgrind: the difference of a short and a long run, so that the start falls out.

use std::process::Command;

use super::super::debian::installed;
use super::contestants::{Contestant, Contestants, Plan};

const SHORT: Plan = Plan { warm_up: 64, measured: 256, in_flight: 1 };
const LONG: Plan = Plan { measured: 1280, ..SHORT };

/// How many instructions one call takes in the program itself, without the kernel.
pub(super) fn of_a_call(contestants: &Contestants<'_>, who: Contestant) -> Result<f64, String> {
    installed("valgrind", "valgrind")?;
    let (short, long) = (count(contestants, who, SHORT)?, count(contestants, who, LONG)?);
    Ok((long - short) / (LONG.measured - SHORT.measured) as f64)
}

fn count(contestants: &Contestants<'_>, who: Contestant, plan: Plan) -> Result<f64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(contestants.line(who, plan, false))
        .output()
        .map_err(|error| format!("valgrind cannot be started: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let report = told.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let complaint = String::from_utf8_lossy(&output.stderr);
    let (Some(report), Some(count)) = (report, read(&complaint)) else {
        return Err(format!("{who:?} failed under valgrind: {}", complaint.trim()));
    };
    contestants.check(who, plan, &report)?;
    Ok(count)
}

/// What callgrind says in the end.
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
