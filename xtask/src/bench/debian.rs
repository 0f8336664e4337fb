//! Programs of the system, from Debian where they are missing.

use std::process::{Command, Stdio};

use crate::tools::carry_out;

/// Sees to it that `program` runs, which is in Debian's `package`.
pub(super) fn installed(program: &str, package: &str) -> Result<(), String> {
    let runs = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if runs(program) {
        return Ok(());
    }
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "--no-install-recommends", package]);
    carry_out(&mut apt, &format!("{program} is missing, and {package} could not be installed"))?;
    runs(program).then_some(()).ok_or_else(|| format!("{program} does not run though {package} is installed"))
}
