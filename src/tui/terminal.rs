//! The terminal while the console has it.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::exit::TuiError;
use super::leave::{ENTER, Guard, KEYBOARD_ASK, KEYBOARD_OFF, KEYBOARD_ON, MOUSE_OFF, MOUSE_ON};
use super::output::FrameOutput;
use super::pace::ASK;
use super::screen::Screen;
use super::signals::Signals;
use super::terminfo;
use super::watchdog::Watchdog;
use crate::console::picture::{Easel, Picture, Size};

/// How long a stuck frame may hold the way out, twice.
const LEAVE_LIMIT: Duration = Duration::from_millis(150);
/// What is assumed of a terminal that does not know its size.
const SIZE_UNKNOWN: Size = Size { columns: 80, rows: 24 };
/// What is painted at most: a terminal may say that it has 65,535 of both, and every cell costs memory.
const SIZE_MAX: Size = Size { columns: 1200, rows: 600 };

/// Raw mode, alternate screen and the picture on it; dropping it gives the terminal back.
pub struct Terminal {
    // Fields drop in this order: the frame on its way goes out before the last words.
    output: FrameOutput,
    guard: Guard,
    screen: Screen,
    tty: File,
    mouse: bool,
    extra: Vec<u8>,
    _watchdog: Watchdog,
}

/// Whether there is a terminal that the console can be drawn on: before anything is begun.
///
/// # Errors
/// [`TuiError::NoTerminal`] and [`TuiError::NotDrawable`].
pub fn check() -> Result<(), TuiError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    terminfo::check(|name| std::env::var(name).ok())
}

impl Terminal {
    /// Takes the terminal of standard output. `gone` is cancelled when it vanishes.
    ///
    /// # Errors
    /// [`TuiError`] when there is none or the system refuses.
    pub fn enter(mouse: bool, gone: CancellationToken) -> Result<Self, TuiError> {
        if !io::stdout().is_terminal() {
            return Err(TuiError::NoTerminal);
        }
        let open = || io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let failed = |what| move |source| TuiError::Terminal { what, source };
        let tty = open().map_err(failed("open the terminal"))?;
        let output = open().and_then(FrameOutput::start).map_err(failed("start the thread that paints"))?;
        let watchdog = open().and_then(|tty| Watchdog::start(tty, gone)).map_err(failed("start the watchdog"))?;
        let mut guard = Guard::new(open_without_waiting().or_else(|_| open()).map_err(failed("open the terminal"))?);
        guard.enter().map_err(failed("set the terminal to raw mode"))?;
        let mut terminal =
            Self { guard, output, screen: Screen::new(), tty, mouse, extra: Vec::new(), _watchdog: watchdog };
        terminal.greet();
        Ok(terminal)
    }

    fn greet(&mut self) {
        // Stopped from outside, it was not left: what is on would be put on twice, and given up once.
        if self.guard.give_up_keyboard() {
            self.extra.extend_from_slice(KEYBOARD_OFF);
        }
        self.extra.extend_from_slice(ENTER);
        self.extra.extend_from_slice(KEYBOARD_ASK);
        if self.mouse {
            self.extra.extend_from_slice(MOUSE_ON);
        }
        self.screen.forget();
    }

    /// Columns and rows now.
    #[must_use]
    pub fn size(&self) -> Size {
        match rustix::termios::tcgetwinsize(&self.tty) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                Size { columns: size.ws_col.min(SIZE_MAX.columns), rows: size.ws_row.min(SIZE_MAX.rows) }
            }
            _ => SIZE_UNKNOWN,
        }
    }

    /// Whether the last frame is out, so that another can be drawn.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.output.is_ready()
    }

    /// Paints one frame of this size when the last one is out; whether anything is written for it. With `ask` the
    /// terminal is asked to say when it has taken it in.
    pub fn paint(&mut self, size: Size, ask: bool, paint: impl FnOnce(Size, &mut Easel, &mut Picture)) -> bool {
        let Some(mut frame) = self.output.take() else { return false };
        self.screen.frame(size, &self.extra, &mut frame, paint);
        self.extra.clear();
        let written = !frame.is_empty();
        if written && ask {
            frame.extend_from_slice(ASK);
        }
        self.output.send(frame);
        written
    }

    /// The terminal has the keyboard protocol of kitty: from now on it is used.
    pub fn use_keyboard(&mut self) {
        if self.guard.use_keyboard() {
            self.extra.extend_from_slice(KEYBOARD_ON);
        }
    }

    /// Bytes that go out before the next frame, unchanged.
    pub fn put(&mut self, bytes: &[u8]) {
        self.extra.extend_from_slice(bytes);
    }

    /// Paints everything anew at the next frame.
    pub const fn redraw(&mut self) {
        self.screen.forget();
    }

    /// Takes the mouse, or gives it to the terminal for selecting text.
    pub fn set_mouse(&mut self, on: bool) {
        self.mouse = on;
        self.extra.extend_from_slice(if on { MOUSE_ON } else { MOUSE_OFF });
    }

    /// Waits until the frame on its way is out; for ever when there is none. May be dropped.
    ///
    /// # Errors
    /// What the terminal answered.
    pub async fn written(&mut self) -> io::Result<()> {
        self.output.written().await
    }

    /// Gives the terminal back, after the frame on its way or twice the limit for leaving.
    pub async fn leave(&mut self) {
        for _ in 0..2 {
            if !self.output.is_ready() && tokio::time::timeout(LEAVE_LIMIT, self.output.written()).await.is_err() {
                self.guard.drop_unread();
            }
        }
        self.guard.leave();
    }

    /// Takes the terminal again after [`Terminal::leave`] or a stop from outside.
    ///
    /// # Errors
    /// When raw mode cannot be set.
    pub fn resume(&mut self) -> Result<(), TuiError> {
        let failed = |source| TuiError::Terminal { what: "take the terminal back", source };
        self.guard.enter().map_err(failed)?;
        self.greet();
        Ok(())
    }

    /// Ctrl-Z: gives the terminal back, stops the process, and takes the terminal when it goes on.
    ///
    /// # Errors
    /// When raw mode cannot be set again.
    pub async fn suspend(&mut self, signals: &mut Signals) -> Result<(), TuiError> {
        self.leave().await;
        signals.stop_here().await;
        self.resume()
    }
}

/// The terminal as a file of its own: a duplicate would share its blocking with the shell.
fn open_without_waiting() -> io::Result<File> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    File::options().write(true).custom_flags(flags.cast_signed()).open("/dev/tty")
}
