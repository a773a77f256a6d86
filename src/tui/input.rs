//! Keys, clicks and pastes, read by a thread of their own.
//!
//! crossterm's `EventStream` reads the terminal inside the task that polls it: half an escape
//! sequence, or a terminal that has vanished, would hold the loop. A thread may be held.

use std::io;
use std::thread;

use crossterm::event::{self, Event};
use tokio::sync::mpsc;

/// Events that may wait for the loop.
const EVENTS_MAX: usize = 256;
/// Errors in a row after which the terminal is given up.
const ERRORS_MAX: u32 = 16;

/// Starts the thread. The channel closes when the terminal cannot be read any more. The thread ends
/// with the process: a read cannot be called back.
///
/// # Errors
/// When the system has no thread left.
pub fn start() -> io::Result<mpsc::Receiver<Event>> {
    let (events, incoming) = mpsc::channel(EVENTS_MAX);
    thread::Builder::new().name("zkdeck-keys".into()).spawn(move || {
        let mut errors = 0;
        while errors < ERRORS_MAX {
            match event::read() {
                Ok(event) => {
                    errors = 0;
                    if events.blocking_send(event).is_err() {
                        return;
                    }
                }
                Err(_) => errors += 1,
            }
        }
    })?;
    Ok(incoming)
}
