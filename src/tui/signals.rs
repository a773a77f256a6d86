//! Signals as events of the loop.

use std::io;

use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalEvent {
    Interrupt,
    Terminate,
    HangUp,
    /// Ctrl-Z from outside: give the terminal back and stop.
    Suspend,
    /// The process goes on after a stop.
    Continue,
    Resize,
}

/// The signals that the console handles.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    suspend: Signal,
    carry_on: Signal,
    resize: Signal,
}

/// SIGTSTP and SIGCONT; tokio has no names for them.
const SUSPEND: i32 = rustix::process::Signal::TSTP.as_raw();
const CONTINUE: i32 = rustix::process::Signal::CONT.as_raw();

impl Signals {
    /// Takes the signals over from now on.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            suspend: signal(SignalKind::from_raw(SUSPEND))?,
            carry_on: signal(SignalKind::from_raw(CONTINUE))?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Stops this process, and only this one: servers that it has started go on. Returns when it goes
    /// on itself. A stop reaches the other threads first, so the signal to go on is waited for.
    pub async fn stop_here(&mut self) {
        while self.carry_on.recv().now_or_never().is_some() {}
        if rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP).is_ok() {
            self.carry_on.recv().await;
        }
    }

    /// The next signal; ends come before everything else. May be dropped.
    pub async fn next(&mut self) -> SignalEvent {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => SignalEvent::Terminate,
            _ = self.hang_up.recv() => SignalEvent::HangUp,
            _ = self.interrupt.recv() => SignalEvent::Interrupt,
            _ = self.suspend.recv() => SignalEvent::Suspend,
            _ = self.carry_on.recv() => SignalEvent::Continue,
            _ = self.resize.recv() => SignalEvent::Resize,
        }
    }
}
