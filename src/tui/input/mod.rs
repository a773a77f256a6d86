//! Keys, clicks, pastes and answers of the terminal, read by a thread of their own: half an escape sequence, or a
//! terminal that has vanished, must not hold the loop.

mod control;
mod decoder;
mod received;
mod sequence;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

use self::decoder::Decoder;
pub use self::received::{Received, Reply};

/// Reads whose content may wait for the loop.
const READS_MAX: usize = 64;
/// Bytes of one read: more than a terminal holds back.
const READ_BYTES: usize = 64 * 1024;
/// Errors in a row after which the terminal is given up.
const ERRORS_MAX: u32 = 16;
/// How long an escape byte waits for what may follow it: an arrow is three bytes, and they may come apart.
const ESCAPE: Duration = Duration::from_millis(50);
/// The same over SSH.
const ESCAPE_SSH: Duration = Duration::from_millis(200);

/// What comes in. Dropping it ends the thread, so that what is typed later is the shell's.
#[derive(Debug)]
pub struct Incoming {
    reads: mpsc::Receiver<Vec<Received>>,
    _alive: io::PipeWriter,
}

impl Incoming {
    /// Starts the thread that reads the terminal of standard input.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(over_ssh: bool) -> io::Result<Self> {
        let tty = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Self::of(tty, if over_ssh { ESCAPE_SSH } else { ESCAPE })
    }

    fn of(tty: File, escape: Duration) -> io::Result<Self> {
        let (sender, reads) = mpsc::channel(READS_MAX);
        let (ended, alive) = io::pipe()?;
        thread::Builder::new().name("zkdeck-keys".into()).spawn(move || listen(tty, &ended, escape, &sender))?;
        Ok(Self { reads, _alive: alive })
    }

    /// All that came in one read; `None` when the terminal cannot be read any more. May be dropped.
    pub async fn next(&mut self) -> Option<Vec<Received>> {
        self.reads.recv().await
    }

    /// What waits already.
    pub fn waiting(&mut self) -> Option<Vec<Received>> {
        self.reads.try_recv().ok()
    }
}

fn listen(mut tty: File, ended: &io::PipeReader, escape: Duration, received: &mpsc::Sender<Vec<Received>>) {
    let mut decoder = Decoder::new(escape);
    let mut buffer = vec![0; READ_BYTES];
    let mut errors = 0;
    while errors < ERRORS_MAX {
        let mut out = Vec::new();
        match wait(&tty, ended, decoder.deadline()) {
            Ok(Woken::Ended) => return,
            Ok(Woken::Late) => decoder.expire(Instant::now(), &mut out),
            Ok(Woken::Bytes) => match tty.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => {
                    errors = 0;
                    decoder.feed(&buffer[..read], Instant::now(), &mut out);
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(_) => errors += 1,
            },
            Err(_) => errors += 1,
        }
        if !out.is_empty() && received.blocking_send(out).is_err() {
            return;
        }
    }
}

/// Why a wait has ended.
enum Woken {
    Bytes,
    /// Nothing came until the deadline.
    Late,
    /// Nobody listens any more.
    Ended,
}

fn wait(tty: &File, ended: &io::PipeReader, deadline: Option<Instant>) -> io::Result<Woken> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    let mut from = [PollFd::new(tty, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
    let ready = match poll(&mut from, left.as_ref()) {
        Err(rustix::io::Errno::INTR) => return Ok(Woken::Late),
        ready => ready?,
    };
    Ok(match ready {
        _ if !from[1].revents().is_empty() => Woken::Ended,
        0 => Woken::Late,
        _ => Woken::Bytes,
    })
}
