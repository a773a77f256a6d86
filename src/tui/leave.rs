//! The terminal is given back on every way out: return, error, panic, signal.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crate::domain::panic;

/// Alternate screen, cursor hidden, pastes marked.
pub(super) const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// Clicks and the wheel with SGR coordinates; no motion, which would be a flood.
pub(super) const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
pub(super) const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Whether it has the keyboard protocol of kitty, which tells Esc from the beginning of a sequence; the answer is heard
/// with the keys. Then it is used, and given up on every way out.
pub(super) const KEYBOARD_ASK: &[u8] = b"\x1b[?u";
pub(super) const KEYBOARD_ON: &[u8] = b"\x1b[>1u";
pub(super) const KEYBOARD_OFF: &[u8] = b"\x1b[<u";
/// What colour the background has; the answer is heard with the keys.
pub(super) const BACKGROUND_ASK: &[u8] = b"\x1b]11;?\x1b\\";
/// Everything off again, whatever was on; a synchronized update is ended first. The picture goes with its screen, and by
/// itself where there is no other screen to go back to: GNU screen without `altscreen on`, the Linux console.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[H\x1b[J\x1b[?1049l\x1b[?25h";

static IN_USE: AtomicBool = AtomicBool::new(false);
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// While it lives the terminal is ours; its end gives the terminal back.
#[derive(Debug)]
pub struct Guard {
    tty: File,
    inside: bool,
    /// The terminal uses the keyboard protocol of kitty.
    keyboard: bool,
}

/// Tries for the last words, before the terminal is left as it is.
const TRIES: usize = 3;

impl Guard {
    /// `tty` does not block: a terminal that takes nothing must not hold the end.
    pub(super) fn new(tty: File) -> Self {
        HOOK.call_once(install_hook);
        Self { tty, inside: false, keyboard: false }
    }

    /// Raw mode on. The bytes of [`ENTER`] are the caller's to send.
    pub(super) fn enter(&mut self) -> std::io::Result<()> {
        // After a stop the shell may have changed the terminal: read its modes anew.
        _ = crossterm::terminal::disable_raw_mode();
        crossterm::terminal::enable_raw_mode()?;
        self.inside = true;
        IN_USE.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// The keyboard protocol of kitty is used from now on; `false` when it is already.
    pub(super) const fn use_keyboard(&mut self) -> bool {
        !std::mem::replace(&mut self.keyboard, true)
    }

    /// Whether it was used until now; from now on it is not.
    pub(super) const fn give_up_keyboard(&mut self) -> bool {
        std::mem::replace(&mut self.keyboard, false)
    }

    /// Gives the terminal back; a second call does nothing.
    pub(super) fn leave(&mut self) {
        if !std::mem::take(&mut self.inside) {
            return;
        }
        let keyboard = if self.give_up_keyboard() { KEYBOARD_OFF } else { &[] };
        let last = [keyboard, LEAVE].concat();
        for _ in 0..TRIES {
            match self.tty.write_all(&last) {
                // What waits unread is not worth waiting for.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.drop_unread(),
                _ => break,
            }
        }
        _ = crossterm::terminal::disable_raw_mode();
        IN_USE.store(false, Ordering::SeqCst);
    }

    /// Throws away what the terminal has not taken yet.
    pub(super) fn drop_unread(&self) {
        _ = rustix::termios::tcflush(&self.tty, rustix::termios::QueueSelector::OFlush);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The words of the last panic while the terminal was ours.
pub(super) fn take_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A panic's words go to the log while the screen is ours: loops of the engine outlive their panics
/// and must not write over it. A panic of the console itself unwinds through [`Guard`] and is told
/// after the terminal has been given back.
fn install_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if IN_USE.load(Ordering::SeqCst) {
            let words = words(info);
            tracing::error!(thread = std::thread::current().name(), "panic: {words}");
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
        } else {
            before(info);
        }
    }));
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let text = panic::words(info.payload());
    match info.location() {
        Some(place) => format!("{text} at {}:{}", place.file(), place.line()),
        None => text,
    }
}
