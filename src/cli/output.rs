//! What is said to the person who started the program, and the standard output of the one-shot commands: what they print
//! arrives, or they say that it did not.

use std::io::{self, ErrorKind, Write};

/// A line for the person who started the program; a closed stderr is no reason to fail.
pub(super) fn say(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum PrintResult {
    Whole,
    /// The reader has closed the pipe, as `head` does: it has seen enough, and nothing more is of use.
    Closed,
}

/// Standard output could not be written: a full disk, say. What has arrived may end in the middle of a line.
#[derive(Debug, thiserror::Error)]
#[error(
    "the output was cut: standard output cannot be written: {0}; make room there or write elsewhere, and ask again"
)]
pub(super) struct PrintError(#[source] io::Error);

/// Writes a text and a line end, and sees them through to the system.
pub(super) fn print(text: &str) -> Result<PrintResult, PrintError> {
    print_to(&mut io::stdout().lock(), text)
}

fn print_to(out: &mut impl Write, text: &str) -> Result<PrintResult, PrintError> {
    // The flush tells of what the buffer still held.
    printed(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// What became of a text that was written and flushed.
pub(super) fn printed(result: io::Result<()>) -> Result<PrintResult, PrintError> {
    match result {
        Ok(()) => Ok(PrintResult::Whole),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(PrintResult::Closed),
        Err(error) => Err(PrintError(error)),
    }
}

/// The error and its causes, of which most are in its own words already.
pub(super) fn words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.is_empty() {
        true => cause,
        false if text.contains(&cause) => text,
        false => format!("{text}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Fails as a pipe or a disk does: at the write, or not before the flush.
    struct Sink {
        at_write: Option<ErrorKind>,
        at_flush: Option<ErrorKind>,
    }

    impl Write for Sink {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.at_write.map_or(Ok(text.len()), |kind| Err(kind.into()))
        }

        fn flush(&mut self) -> io::Result<()> {
            self.at_flush.map_or(Ok(()), |kind| Err(kind.into()))
        }
    }

    #[test]
    fn only_a_closed_pipe_is_quiet() {
        let told = |at_write, at_flush| print_to(&mut Sink { at_write, at_flush }, "x").map_err(|e| e.to_string());
        assert_eq!(told(None, None), Ok(PrintResult::Whole));
        assert_eq!(told(Some(ErrorKind::BrokenPipe), None), Ok(PrintResult::Closed));
        assert_eq!(told(None, Some(ErrorKind::BrokenPipe)), Ok(PrintResult::Closed));
        for full in [told(Some(ErrorKind::StorageFull), None), told(None, Some(ErrorKind::StorageFull))] {
            assert!(full.unwrap_err().starts_with("the output was cut"));
        }
    }

    #[test]
    fn every_command_prints_by_this_function() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("cli/output.rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let text = text.split("#[cfg(test)]").next().unwrap();
                    let prints =
                        ["println!", "print!(", "stdout().lock", "stdout(),"].iter().find(|p| text.contains(*p));
                    assert_eq!(prints, None, "{} writes to standard output itself", path.display());
                }
            }
        }
    }
}
