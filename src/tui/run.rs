//! The loop: one task owns the console. Signals come before keys, keys before pictures, pictures
//! before the clock; then one frame is drawn if anything happened.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::Event;
use futures_util::FutureExt as _;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clipboard::{self, Multiplexer};
use super::config::TuiConfig;
use super::exit::{Exit, TuiError};
use super::jobs::{Done, Jobs};
use super::pane::{Order, Pane};
use super::signals::{SignalEvent, Signals};
use super::terminal::Terminal;
use super::theme::depth::{Depth, background_is_light, locale_is_utf8};
use super::theme::watch::Themes;
use super::ui::Ui;
use super::{input, leave};
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, Snapshot};
use crate::engine::handle::Handle;

/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// The same over SSH.
const FRAME_SSH: Duration = Duration::from_millis(33);
/// Least time between two sizes: a dragged window sends sixty a second.
const RESIZE: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);

/// Runs the console on the terminal of standard output until it ends; the terminal is given back on
/// every way out, a panic included. Does not end the engine.
///
/// The future is not `Send`: await it on the main thread.
///
/// # Errors
/// [`TuiError`] for keys that clash, no terminal, or a panic of the console.
pub async fn run(handle: Handle, config: TuiConfig, panes: Vec<Box<dyn Pane>>) -> Result<Exit, TuiError> {
    let outcome = AssertUnwindSafe(Console::run(handle, config, panes)).catch_unwind().await;
    outcome.unwrap_or_else(|panic| {
        let words = leave::take_panic().unwrap_or_else(|| words(&*panic));
        Err(TuiError::Panicked(words))
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}

/// Now, in milliseconds since 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What the loop holds beside its sources of events.
struct Console {
    ui: Ui,
    terminal: Terminal,
    jobs: Jobs,
    themes: Themes,
    multiplexer: Multiplexer,
    /// File of the saved searches.
    searches: PathBuf,
    /// Something happened since the last frame.
    dirty: bool,
    next_frame: Instant,
    pause: Duration,
    exit: Option<Exit>,
    /// Ctrl-Z was pressed.
    suspend: bool,
}

impl Console {
    async fn run(handle: Handle, config: TuiConfig, panes: Vec<Box<dyn Pane>>) -> Result<Exit, TuiError> {
        let mut signals =
            Signals::listen().map_err(|source| TuiError::Terminal { what: "listen to signals", source })?;
        let gone = CancellationToken::new();
        let mut console = Self::open(&handle, &config, panes, gone.clone())?;
        console.frame();
        let mut keys = input::start().map_err(|source| TuiError::Terminal { what: "read keys", source })?;
        let orders = console.ui.refresh();
        console.carry_out(orders);
        let mut snapshots = handle.snapshots();
        let mut clock = interval_at(Instant::now() + SECOND, SECOND);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = async {
            tokio::select! {
                () = gone.cancelled() => Exit::TerminalGone,
                () = handle.stopping() => Exit::EngineEnded,
            }
        };
        tokio::pin!(ended);
        let exit = loop {
            tokio::select! {
                biased;
                signal = signals.next() => console.signal(signal)?,
                exit = &mut ended => break exit,
                key = keys.recv() => match key {
                    Some(event) => console.events(event, &mut keys),
                    None => break Exit::TerminalGone,
                },
                written = console.terminal.written() => if written.is_err() { break Exit::TerminalGone },
                changed = snapshots.changed() => match changed {
                    Ok(()) => {
                        let snapshot = snapshots.borrow_and_update().clone();
                        console.snapshot(snapshot);
                    }
                    Err(_) => break Exit::EngineEnded,
                },
                done = console.jobs.next() => console.done(done),
                () = tick(&mut clock) => console.tick(),
                () = sleep_until(console.next_frame), if console.dirty && console.terminal.is_ready() => {}
            }
            console.suspend_if_asked(&mut signals).await?;
            if let Some(exit) = console.exit {
                break exit;
            }
            console.frame_if_due();
        };
        console.terminal.leave().await;
        Ok(exit)
    }

    fn open(
        handle: &Handle,
        config: &TuiConfig,
        panes: Vec<Box<dyn Pane>>,
        gone: CancellationToken,
    ) -> Result<Self, TuiError> {
        let ascii = config.ascii.unwrap_or_else(|| !locale_is_utf8(variable));
        let default = if background_is_light(variable) { "light" } else { "default" };
        let name = config.theme.as_deref().unwrap_or(default);
        let mut themes = Themes::new(&config.themes_dir, name, Depth::detect(variable), ascii);
        let (styles, problem) = match themes.load() {
            Ok(styles) => (styles, None),
            Err(error) => (themes.fallback(), Some(error)),
        };
        let mut ui = Ui::new(config, panes, styles, handle.snapshot(), now())?;
        if let Some(error) = problem {
            ui.report(Level::Error, format!("{error}; the default theme is used"));
        }
        let over_ssh = ["SSH_TTY", "SSH_CONNECTION"].into_iter().any(|name| variable(name).is_some());
        Ok(Self {
            ui,
            terminal: Terminal::enter(config.mouse, gone)?,
            jobs: Jobs::new(handle.clone()),
            themes,
            multiplexer: Multiplexer::detect(variable),
            searches: config.searches.clone(),
            dirty: true,
            next_frame: Instant::now(),
            pause: if over_ssh { FRAME_SSH } else { FRAME },
            exit: None,
            suspend: false,
        })
    }

    async fn suspend_if_asked(&mut self, signals: &mut Signals) -> Result<(), TuiError> {
        if std::mem::take(&mut self.suspend) {
            self.dirty = true;
            self.terminal.suspend(signals).await?;
        }
        Ok(())
    }

    fn frame_if_due(&mut self) {
        if self.dirty && self.terminal.is_ready() && Instant::now() >= self.next_frame {
            self.frame();
        }
    }

    fn frame(&mut self) {
        let size = self.terminal.size();
        let ui = &self.ui;
        self.terminal.draw(size, |area, buffer| ui.draw(area, buffer));
        self.dirty = false;
        self.next_frame = Instant::now() + self.pause;
    }

    /// Ends come at once; everything else waits for its turn.
    fn signal(&mut self, signal: SignalEvent) -> Result<(), TuiError> {
        self.dirty = true;
        match signal {
            SignalEvent::Interrupt => self.exit = Some(Exit::Interrupted),
            SignalEvent::Terminate => self.exit = Some(Exit::Terminated),
            SignalEvent::HangUp => self.exit = Some(Exit::HungUp),
            SignalEvent::Suspend => self.suspend = true,
            // After a stop the terminal may be in any state.
            SignalEvent::Continue => self.terminal.resume()?,
            SignalEvent::Resize => self.next_frame = self.next_frame.max(Instant::now() + RESIZE),
        }
        Ok(())
    }

    /// The key that came and all that wait behind it: one frame for all of them.
    fn events(&mut self, first: Event, keys: &mut mpsc::Receiver<Event>) {
        self.event(first);
        while self.exit.is_none()
            && let Ok(event) = keys.try_recv()
        {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        self.ui.set_now(now());
        self.ui.set_jobs(self.jobs.under_way());
        let orders = match event {
            Event::Key(key) => self.ui.key(key),
            Event::Paste(text) => self.ui.paste(&text),
            Event::Mouse(mouse) => {
                let size = self.terminal.size();
                self.ui.mouse(mouse, Rect::new(0, 0, size.width, size.height))
            }
            // The size comes by its signal.
            Event::Resize(..) | Event::FocusGained | Event::FocusLost => return,
        };
        self.dirty = true;
        self.carry_out(orders);
    }

    fn snapshot(&mut self, snapshot: std::sync::Arc<Snapshot>) {
        let orders = self.ui.take_snapshot(snapshot, now());
        self.dirty = true;
        self.carry_out(orders);
    }

    fn tick(&mut self) {
        let orders = self.ui.tick(now());
        self.dirty = true;
        self.jobs.look_at_theme(&self.themes);
        self.carry_out(orders);
    }

    fn done(&mut self, done: Done) {
        self.ui.set_now(now());
        match done {
            Done::Theme(_, None) => return,
            Done::Said(level, text) => self.ui.report(level, text),
            Done::Answered => {
                let orders = self.ui.take_answers();
                self.carry_out(orders);
            }
            Done::Theme(themes, Some(outcome)) => {
                // Another theme may have been chosen while this one was looked at.
                if themes.name() == self.themes.name() {
                    self.themes = themes;
                    match outcome {
                        Ok(styles) => self.ui.set_styles(*styles),
                        Err(error) => self.ui.report(Level::Error, format!("{error}; the last good theme stays")),
                    }
                }
            }
        }
        self.dirty = true;
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            let started = match order {
                Order::Quit => {
                    self.exit = Some(Exit::Quit);
                    Ok(())
                }
                Order::Suspend => {
                    self.suspend = true;
                    Ok(())
                }
                Order::Redraw => {
                    self.terminal.redraw();
                    Ok(())
                }
                Order::Mouse(on) => {
                    self.terminal.set_mouse(on);
                    Ok(())
                }
                Order::Theme(name) => self.choose_theme(&name),
                Order::Copy(text) => self.copy(&text),
                Order::Send(command) => self.jobs.send(vec![command]),
                Order::Batch(commands) => self.jobs.send(commands),
                Order::Upload { path, node } => self.jobs.upload(path, node),
                Order::Download { file, path } => self.jobs.download(file, path),
                Order::Fetch(fetch) => {
                    self.jobs.fetch(fetch);
                    Ok(())
                }
                Order::ExportLogs { search, path } => self.jobs.export_logs(search, path),
                Order::Searches(fetch) => self.jobs.searches(self.searches.clone(), fetch),
            };
            if let Err(why) = started {
                self.ui.report(Level::Error, why);
            }
        }
    }

    fn choose_theme(&mut self, name: &str) -> Result<(), String> {
        let mut themes = self.themes.named(name);
        let styles = themes.load().map_err(|error| format!("{error}; the theme stays {}", self.themes.name()))?;
        self.ui.set_styles(styles);
        self.themes = themes;
        Ok(())
    }

    fn copy(&mut self, text: &str) -> Result<(), String> {
        let bytes = clipboard::sequence(text, self.multiplexer).map_err(|error| error.to_string())?;
        self.terminal.put(&bytes);
        self.ui.report(Level::Info, format!("copied {} bytes", text.len()));
        Ok(())
    }
}

async fn tick(clock: &mut Interval) {
    clock.tick().await;
}
