//! The command `infrai-video`.

use std::process::ExitCode;

fn main() -> ExitCode {
    infrai_video_cli::run()
}
