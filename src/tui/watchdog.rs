//! Notices that the terminal has vanished when no signal tells: SIGHUP is ignored under `nohup`, `sudo` and some
//! multiplexers, and nothing may be on its way that would fail.

use std::fs::File;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Time between two looks: the end has to come within a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The thread looks until this is dropped.
#[derive(Debug)]
pub struct Watchdog {
    _stop: SyncSender<()>,
}

impl Watchdog {
    /// Starts the thread; `gone` is cancelled when `tty` does not answer any more.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(tty: File, gone: CancellationToken) -> io::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        thread::Builder::new().name("zkdeck-watchdog".into()).spawn(move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                // A hung-up terminal answers every request with EIO.
                if rustix::termios::tcgetattr(&tty).is_err() {
                    gone.cancel();
                    return;
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use portable_pty::{PtySize, native_pty_system};

    use super::*;

    #[tokio::test]
    async fn a_vanished_terminal_is_noticed() {
        let pair = native_pty_system().openpty(PtySize::default()).expect("pty");
        let name = pair.master.tty_name().expect("name");
        let tty = File::options().read(true).write(true).open(name).expect("open");
        let gone = CancellationToken::new();
        let _watchdog = Watchdog::start(tty, gone.clone()).expect("thread");
        let early = tokio::time::timeout(LOOK_EVERY * 2, gone.cancelled()).await;
        assert!(early.is_err(), "a living terminal is not given up");
        drop(pair);
        tokio::time::timeout(Duration::from_secs(5), gone.cancelled()).await.expect("noticed");
    }
}
