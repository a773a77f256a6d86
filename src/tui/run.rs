//! The loop: one task owns the console. Signals come before keys, keys before pictures, pictures
//! before the clock; then one frame is drawn if anything happened.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clipboard::{self, Multiplexer};
use super::config::TuiConfig;
use super::environment::{self, background_is_light, locale_is_utf8};
use super::exit::{Exit, TuiError};
use super::input::{Incoming, Received, Reply};
use super::leave;
use super::pace::FramePace;
use super::place::Host;
use super::signals::{SignalEvent, Signals};
use super::terminal::Terminal;
use super::themes::{ThemeNews, ThemeWatch, Themes};
use crate::console::input::Input;
use crate::console::jobs::Done;
use crate::console::order::Outside;
use crate::console::own::GlyphSet;
use crate::console::pane::Pane;
use crate::console::picture::Size;
use crate::console::{Console, ConsoleSession};
use crate::domain::ids::Timestamp;
use crate::domain::panic;
use crate::domain::snapshot::{Level, Snapshot};
use crate::engine::handle::Handle;

/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// The same over SSH.
const FRAME_SSH: Duration = Duration::from_millis(33);
/// Least time between two sizes: a dragged window sends sixty a second.
const RESIZE: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
/// A second that is as good as over.
const NEARLY_SECOND: Duration = Duration::from_millis(800);
/// How long the terminal's last answer is waited for on the way out: later it would be the shell's.
const LAST_ANSWER: Duration = Duration::from_millis(300);

/// How long the terminal may take to tell its background; a later answer is nobody's.
const BACKGROUND: Duration = Duration::from_secs(1);
/// The same over SSH.
const BACKGROUND_SSH: Duration = Duration::from_secs(3);

/// Runs the console on the terminal of standard output until it ends; the terminal is given back on
/// every way out, a panic included. Does not end the engine.
///
/// # Errors
/// [`TuiError`] for keys that clash, no terminal, or a panic of the console.
pub async fn run(handle: Handle, config: TuiConfig, panes: Vec<Box<dyn Pane>>) -> Result<Exit, TuiError> {
    let outcome = AssertUnwindSafe(Shell::run(handle, config, panes)).catch_unwind().await;
    outcome.unwrap_or_else(|payload| {
        let words = leave::take_panic().unwrap_or_else(|| panic::words(&*payload));
        Err(TuiError::Panicked(words))
    })
}

/// Now, in milliseconds since 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A console on a terminal: what the loop holds beside its sources of events.
struct Shell {
    session: ConsoleSession,
    terminal: Terminal,
    themes: ThemeWatch,
    multiplexer: Multiplexer,
    /// The size of the screen that the console knows.
    told: Option<Size>,
    /// Something happened since the last frame.
    dirty: bool,
    /// When the last second was told.
    ticked: Instant,
    pace: FramePace,
    over_ssh: bool,
    /// Until when the terminal's background chooses the theme.
    background_by: Option<Instant>,
    exit: Option<Exit>,
    /// Ctrl-Z was pressed.
    suspend: bool,
}

impl Shell {
    async fn run(handle: Handle, config: TuiConfig, panes: Vec<Box<dyn Pane>>) -> Result<Exit, TuiError> {
        let mut signals =
            Signals::listen().map_err(|source| TuiError::Terminal { what: "listen to signals", source })?;
        let gone = CancellationToken::new();
        let config = TuiConfig { mouse: config.mouse && !environment::in_gnu_screen(variable), ..config };
        let mut console = Self::open(&handle, &config, panes, gone.clone())?;
        console.frame();
        let mut keys =
            Incoming::start(console.over_ssh).map_err(|source| TuiError::Terminal { what: "read keys", source })?;
        let size = console.terminal.size();
        console.told = Some(size);
        let orders = console.session.begin(size);
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
                read = keys.next() => match read {
                    Some(read) => console.received(read, &mut keys),
                    None => break Exit::TerminalGone,
                },
                written = console.terminal.written() => if written.is_err() { break Exit::TerminalGone },
                changed = snapshots.changed() => match changed {
                    Ok(()) => {
                        let snapshot = snapshots.borrow_and_update().clone();
                        console.snapshot(snapshot);
                        // One picture tells both, where a snapshot comes each second.
                        if console.ticked.elapsed() >= NEARLY_SECOND {
                            console.tick();
                            clock.reset();
                        }
                    }
                    Err(_) => break Exit::EngineEnded,
                },
                done = console.session.done() => console.done(done),
                news = console.themes.changed() => console.theme_news(news),
                () = tick(&mut clock) => console.tick(),
                () = sleep_until(console.pace.wake()), if console.dirty && console.terminal.is_ready() => {}
            }
            console.suspend_if_asked(&mut signals, &mut keys).await?;
            if let Some(exit) = console.exit {
                break exit;
            }
            console.frame_if_due();
        };
        if !matches!(exit, Exit::TerminalGone | Exit::HungUp) {
            console.last_answer(&mut keys).await;
        }
        console.terminal.leave().await;
        Ok(exit)
    }

    fn open(
        handle: &Handle,
        config: &TuiConfig,
        panes: Vec<Box<dyn Pane>>,
        gone: CancellationToken,
    ) -> Result<Self, TuiError> {
        let ascii = is_ascii(config.glyphs);
        let default = theme_for(background_is_light(variable));
        let name = config.theme.as_deref().unwrap_or(default);
        let mut themes = Themes::new(&config.themes_dir, name, environment::depth(variable), ascii);
        let (styles, problem) = match themes.load() {
            Ok(styles) => (styles, None),
            Err(error) => (themes.fallback(), Some(error)),
        };
        let console = Console::new(&config.console(), panes, styles, handle.snapshot(), now())?;
        let place =
            Arc::new(Host { user: config.user.clone(), settings: config.settings.clone(), kept: config.kept.clone() });
        let mut session = ConsoleSession::new(console, handle.clone(), place);
        if let Some(error) = problem {
            session.report(Level::Error, format!("{error}; the default theme is used"));
        }
        let over_ssh = environment::over_ssh(variable);
        let mut terminal = Terminal::enter(config.mouse, gone)?;
        let asks = config.theme.is_none() && environment::may_be_asked(variable);
        if asks {
            terminal.put(leave::BACKGROUND_ASK);
        }
        let background = if over_ssh { BACKGROUND_SSH } else { BACKGROUND };
        Ok(Self {
            session,
            terminal,
            themes: ThemeWatch::new(themes),
            multiplexer: Multiplexer::detect(variable),
            told: None,
            dirty: true,
            ticked: Instant::now(),
            pace: FramePace::new(if over_ssh { FRAME_SSH } else { FRAME }, Instant::now()),
            over_ssh,
            background_by: asks.then(|| Instant::now() + background),
            exit: None,
            suspend: false,
        })
    }

    async fn suspend_if_asked(&mut self, signals: &mut Signals, keys: &mut Incoming) -> Result<(), TuiError> {
        if std::mem::take(&mut self.suspend) {
            self.dirty = true;
            self.last_answer(keys).await;
            self.terminal.suspend(signals).await?;
            self.pace.forget();
        }
        Ok(())
    }

    /// Waits for the answer that the terminal owes, so that it is not typed into the shell. What is typed meanwhile is
    /// nobody's.
    async fn last_answer(&mut self, keys: &mut Incoming) {
        let answer = async {
            while self.pace.owes(Instant::now()) {
                let Some(read) = keys.next().await else { return };
                if read.contains(&Received::Reply(Reply::TakenIn)) {
                    self.pace.taken_in();
                }
            }
        };
        // At worst it comes to the shell.
        _ = tokio::time::timeout(LAST_ANSWER, answer).await;
    }

    fn frame_if_due(&mut self) {
        if self.dirty && self.terminal.is_ready() && self.pace.is_due(Instant::now()) {
            self.frame();
        }
    }

    /// Tells the console the size of its screen, when it is another one.
    fn resized(&mut self) {
        let size = self.terminal.size();
        if self.told.replace(size) != Some(size) {
            let orders = self.session.resize(size);
            self.carry_out(orders);
        }
    }

    fn frame(&mut self) {
        let (size, ask) = (self.terminal.size(), self.pace.asks());
        let session = &self.session;
        let written = self.terminal.paint(size, ask, |size, easel, picture| session.paint(size, easel, picture));
        self.dirty = false;
        self.pace.drawn(Instant::now(), ask && written);
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
            SignalEvent::Continue => {
                self.terminal.resume()?;
                self.pace.forget();
            }
            SignalEvent::Resize => {
                self.pace.hold(Instant::now(), RESIZE);
                self.resized();
            }
        }
        Ok(())
    }

    /// What came and all that waits behind it: one frame for all of them.
    fn received(&mut self, first: Vec<Received>, keys: &mut Incoming) {
        let mut next = Some(first);
        while let Some(read) = next {
            for one in read {
                match one {
                    // What was typed behind the key that leaves means nothing any more.
                    Received::Input(_) if self.exit.is_some() => {}
                    Received::Input(input) => self.input(input),
                    Received::Reply(Reply::TakenIn) => self.pace.taken_in(),
                    Received::Reply(Reply::Keyboard) => {
                        self.terminal.use_keyboard();
                        self.dirty = true;
                    }
                    Received::Reply(Reply::Background { light }) => self.background(light),
                }
            }
            next = keys.waiting();
        }
    }

    /// Takes the theme that suits the background, where nobody has chosen one.
    fn background(&mut self, light: bool) {
        let name = theme_for(light);
        let asked = self.background_by.take().is_some_and(|end| Instant::now() < end);
        if asked && self.themes.name() != name {
            match self.themes.choose(name) {
                Ok(styles) => self.session.set_styles(styles),
                Err(why) => self.session.report(Level::Error, why),
            }
            self.dirty = true;
        }
    }

    fn input(&mut self, input: Input) {
        let orders = self.session.take(input, self.terminal.size(), now());
        self.carry_out(orders);
    }

    fn snapshot(&mut self, snapshot: Arc<Snapshot>) {
        let orders = self.session.take_snapshot(snapshot, now());
        self.carry_out(orders);
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        self.themes.look();
        let orders = self.session.tick(now());
        self.carry_out(orders);
    }

    fn done(&mut self, done: Done) {
        let orders = self.session.take_done(done, now());
        self.carry_out(orders);
    }

    fn theme_news(&mut self, news: ThemeNews) {
        match news {
            ThemeNews::All(themes) => self.session.set_themes(themes),
            ThemeNews::Styles(Ok(styles)) => self.session.set_styles(*styles),
            ThemeNews::Styles(Err(error)) => {
                self.session.report(Level::Error, format!("{error}; the last good theme stays"));
            }
        }
        self.dirty = true;
    }

    fn carry_out(&mut self, orders: Vec<Outside>) {
        self.dirty = true;
        for order in orders {
            if matches!(order, Outside::Theme(_) | Outside::TryTheme(_)) {
                self.background_by = None;
            }
            let done = match order {
                Outside::Quit => {
                    self.exit = Some(Exit::Quit);
                    Ok(())
                }
                Outside::Suspend => {
                    self.suspend = true;
                    Ok(())
                }
                Outside::Redraw => {
                    self.terminal.redraw();
                    Ok(())
                }
                Outside::Mouse(on) => {
                    self.terminal.set_mouse(on);
                    Ok(())
                }
                Outside::Theme(name) => self.themes.choose(&name).map(|styles| self.session.chose_theme(name, styles)),
                Outside::Glyphs(glyphs) => {
                    self.themes.draw_with(is_ascii(glyphs)).map(|styles| self.session.chose_glyphs(glyphs, styles))
                }
                Outside::TryTheme(name) => {
                    self.themes.look_of(name.as_deref()).map(|styles| self.session.set_styles(styles))
                }
                Outside::ListThemes => {
                    self.themes.list();
                    Ok(())
                }
                Outside::Copy(text) => self.copy(&text),
            };
            if let Err(why) = done {
                self.session.report(Level::Error, why);
            }
        }
    }

    fn copy(&mut self, text: &str) -> Result<(), String> {
        let bytes = clipboard::sequence(text, self.multiplexer).map_err(|error| error.to_string())?;
        self.terminal.put(&bytes);
        let sent =
            format!("sent {} bytes to the terminal's clipboard; it does not say whether it takes them", text.len());
        self.session.report(Level::Info, sent);
        Ok(())
    }
}

/// The theme of who has chosen none.
const fn theme_for(light: bool) -> &'static str {
    if light { "light" } else { "default" }
}

/// Whether nothing but ASCII is drawn.
fn is_ascii(glyphs: GlyphSet) -> bool {
    match glyphs {
        GlyphSet::Auto => !locale_is_utf8(variable),
        GlyphSet::Unicode => false,
        GlyphSet::Ascii => true,
    }
}

async fn tick(clock: &mut Interval) {
    clock.tick().await;
}
