//! Commands of the user, run by the system's shell.

use std::process::Command;

/// A command line for `sh -c`, or `cmd /C` on Windows.
pub(crate) fn shell(line: &str) -> Command {
    #[cfg(not(windows))]
    {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;

        let mut command = Command::new("cmd");
        // The shell removes the outer quotes and reads the rest as it is.
        command.args(["/D", "/S", "/C"]).raw_arg(format!("\"{line}\""));
        command
    }
}
