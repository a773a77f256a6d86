//! The hidden sub-command under which zkdeck starts itself to become one server's Java.
//!
//! A child dies with zkdeck only when it asks the kernel for it itself, before it becomes Java.
//! Without unsafe code nothing can run between fork and exec, so the binary runs itself first.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// `zkdeck __server --parent <pid> -- <program> <arguments>...`
pub const SERVER_COMMAND: &str = "__server";

/// Why the hidden sub-command did not become the server.
#[derive(Debug, thiserror::Error)]
pub enum HiddenError {
    #[error("{SERVER_COMMAND} is for zkdeck itself: use --parent PID -- PROGRAM ARGUMENTS...")]
    Usage,
    #[error("{SERVER_COMMAND}: the kernel does not tie this process to its parent: {0}")]
    Tie(io::Error),
    #[error("{SERVER_COMMAND}: process {told} has ended, so its server is not started")]
    Orphan { told: i32 },
    #[error("run {}: {source}", program.display())]
    Exec { program: OsString, source: io::Error },
}

/// Becomes the program in `args` (all after [`SERVER_COMMAND`]), to be killed by the kernel when
/// the thread that spawned this process ends. Returns only when that failed.
///
/// # Errors
/// [`HiddenError`]; the caller prints it to stderr and exits with a status that is not 0.
pub fn run_hidden_server(args: &[OsString]) -> Result<Infallible, HiddenError> {
    let (told, program, rest) = parse(args).ok_or(HiddenError::Usage)?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|errno| HiddenError::Tie(errno.into()))?;
    // A parent that ended before the line above sends nothing.
    if getppid().map(rustix::process::Pid::as_raw_pid) != Some(told) {
        return Err(HiddenError::Orphan { told });
    }
    let source = Command::new(program).args(rest).exec();
    Err(HiddenError::Exec { program: program.clone(), source })
}

fn parse(args: &[OsString]) -> Option<(i32, &OsString, &[OsString])> {
    let [flag, pid, dashes, program, rest @ ..] = args else { return None };
    let told = pid.to_str()?.parse().ok()?;
    (flag == OsStr::new("--parent") && dashes == OsStr::new("--")).then_some((told, program, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_arguments_are_told_apart() {
        let line = args("--parent 41 -- java -cp x Main");
        let (told, program, rest) = parse(&line).unwrap();
        assert_eq!((told, program.to_str(), rest.len()), (41, Some("java"), 3));
        for line in ["", "--parent 41 --", "--parent x -- java", "--child 41 -- java", "--parent 41 java -cp"] {
            assert!(parse(&args(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn a_server_of_another_parent_is_not_started() {
        // No process is its own parent. The tie is undone at once.
        let me = i32::try_from(std::process::id()).unwrap();
        let error = run_hidden_server(&args(&format!("--parent {me} -- /nonexistent"))).unwrap_err();
        set_parent_process_death_signal(None).unwrap();
        assert!(matches!(error, HiddenError::Orphan { told } if told == me), "{error}");
    }
}
