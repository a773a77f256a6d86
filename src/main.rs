//! The program: see [`zkdeck::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    zkdeck::cli::run()
}
