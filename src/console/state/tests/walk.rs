//! Whatever a person does in whatever state: nothing panics, nothing is painted outside, nothing of outside reaches
//! the terminal, nothing destructive is agreed to by accident, and who only watches changes nothing.
//!
//! `ZKDECK_STEPS` sets how long the walk is, `ZKDECK_SEED` where it begins; a failure names both.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ratatui::buffer::Buffer;

use super::scenes::{HOSTILE, SCENES, answer};
use super::*;
use crate::console::keymap::table::TABLE;
use crate::console::overlay::confirm::ConfirmBox;
use crate::console::panes;
use crate::console::place::Completions;
use crate::console::theme::built_in::{BUILT_IN, built_in, fallback};
use crate::console::theme::depth::Depth;
use crate::console::theme::file::Theme;
use crate::domain::command::ServerAction;

/// Steps of a walk that nobody asked to be longer.
const STEPS: u64 = 2_000;
/// A console lives for so many steps; then another begins.
const LIFE: u64 = 250;
const TYPED: [&str; 22] = [
    "drain zk1",
    "pause zk3",
    "stop zk2",
    "restart zk1",
    "delete report-0400.bin",
    "migrate report-0401.bin zk1",
    "stress zk1 50 4",
    "weight zk1 0",
    "upload /tmp/x zk2",
    "theme light",
    "run workload",
    "zk3",
    "at -5m",
    "at 13:59:02",
    "at yesterday 10:12",
    "play 2026-11-23T14:00 60x",
    "now",
    "set scheduler.threshold 8 because",
    "unset scheduler.settle",
    "set console.glyphs ascii",
    "settings",
    "save",
];
const DEPTHS: [Depth; 5] = [Depth::None, Depth::Ansi8, Depth::Ansi16, Depth::Ansi256, Depth::True];

/// The same numbers for the same seed: splitmix64.
struct Dice(u64);

impl Dice {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    const fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    const fn side(&mut self, most: u64) -> u16 {
        (self.below(most) + 1) as u16
    }

    const fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

#[derive(Clone, Debug)]
enum Step {
    Key(Key),
    Type(&'static str),
    Paste(String),
    Mouse(Mouse),
    Resize(u16, u16),
    Snapshot(usize),
    Tick(u64),
    Answers { refused: bool },
    GiveUp,
    Report,
    Styles { theme: usize, depth: usize, ascii: bool },
}

fn key(dice: &mut Dice) -> Key {
    const CODES: [KeyCode; 19] = [
        KeyCode::Enter,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Insert,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::F(1),
        KeyCode::F(12),
        KeyCode::Char(' '),
    ];
    let code = match dice.below(10) {
        0..=2 => *dice.of(&CODES),
        3 => KeyCode::Char(*dice.of(&['y', 'n', 'Y', '/', ':', '?', 'e'])),
        4 => {
            KeyCode::Char(*dice.of(&['ü', '文', '\u{202e}', '\u{200b}', '\u{7}', '\u{1b}', '\u{301}', '👩', '"', '(']))
        }
        5..=7 => return bound(dice),
        _ => KeyCode::Char((b' ' + dice.below(95) as u8) as char),
    };
    Key { code, control: dice.below(12) == 0, alt: dice.below(20) == 0 }
}

/// A key that does something somewhere.
fn bound(dice: &mut Dice) -> Key {
    let keys: Vec<Key> =
        TABLE.iter().flat_map(|entry| entry.keys.iter().filter_map(|key| Key::parse(key).ok())).collect();
    *dice.of(&keys)
}

fn step(dice: &mut Dice) -> Step {
    match dice.below(100) {
        0..=50 => Step::Key(key(dice)),
        // Who asks for something now and then means it.
        51..=54 => Step::Key(Key::plain(KeyCode::Char('y'))),
        55..=59 => Step::Type(dice.of::<&str>(&TYPED)),
        60..=64 => {
            let text = *dice.of(&[HOSTILE, "zk1", "y\n", "Enter\r\n", "level:warn AND (", ""]);
            Step::Paste(text.repeat(1 + dice.below(3) as usize * 40))
        }
        65..=74 => {
            let does = *dice.of(&[MouseAct::Press, MouseAct::WheelUp, MouseAct::WheelDown]);
            Step::Mouse(Mouse { does, column: dice.side(230) - 1, row: dice.side(75) - 1 })
        }
        75..=80 => match dice.below(4) {
            0 => Step::Resize(dice.side(220), dice.side(70)),
            1 => Step::Resize(dice.side(70), dice.side(16)),
            _ => {
                let (width, height) = *dice.of(&[(80, 24), (120, 40), (60, 15), (61, 15), (1, 1), (200, 60)]);
                Step::Resize(width, height)
            }
        },
        81..=84 => Step::Snapshot(dice.below(SCENES.len() as u64) as usize),
        85..=88 => Step::Tick(dice.below(120_000)),
        89..=94 => Step::Answers { refused: dice.below(4) == 0 },
        95 => Step::GiveUp,
        96 => Step::Report,
        _ => Step::Styles {
            theme: dice.below(BUILT_IN.len() as u64) as usize,
            depth: dice.below(DEPTHS.len() as u64) as usize,
            ascii: dice.below(3) == 0,
        },
    }
}

/// A console, what it has asked and what was typed into the question that is open.
struct Walker {
    ui: Console,
    screen: Rect,
    asked: Vec<Work>,
    typed: String,
}

impl Walker {
    fn new(dice: &mut Dice) -> Self {
        let snapshot = dice.of(&SCENES).1();
        let config = ConsoleConfig { read_only: dice.below(3) == 0, ..ConsoleConfig::default() };
        let styles = fallback(Depth::True, false);
        let mut ui = Console::new(&config, panes::all(), styles, Arc::new(snapshot), NOW).expect("default keys");
        let screen = Rect::new(0, 0, 120, 40);
        ui.resize(screen);
        let orders = ui.begin();
        let mut walker = Self { ui, screen, asked: Vec::new(), typed: String::new() };
        walker.take(orders, &Step::GiveUp, None);
        walker
    }

    /// How many destructive commands were sent, all of them agreed to.
    fn go(&mut self, step: &Step) -> usize {
        if let Step::Type(text) = step {
            let keys = [':'].into_iter().chain(text.chars()).map(|c| Key::plain(KeyCode::Char(c)));
            return keys.chain([Key::plain(KeyCode::Enter)]).map(|key| self.go(&Step::Key(key))).sum();
        }
        let question = match &self.ui.overlay {
            Some(Overlay::Confirm(question)) => Some(question.clone()),
            _ => None,
        };
        let orders = self.act(step);
        if let (Some(_), Step::Key(Key { code: KeyCode::Char(c), .. })) = (&question, step) {
            self.typed.push(*c);
        }
        let agreed = self.take(orders, step, question.as_ref());
        if question.is_none() {
            self.typed.clear();
        }
        self.paint();
        agreed
    }

    fn act(&mut self, step: &Step) -> Vec<Order> {
        let ui = &mut self.ui;
        match step {
            Step::Key(key) => ui.key(*key),
            Step::Paste(text) => ui.paste(text),
            Step::Mouse(mouse) => ui.mouse(*mouse),
            Step::Resize(width, height) => {
                self.screen = Rect::new(0, 0, *width, *height);
                ui.resize(self.screen);
                ui.refresh()
            }
            Step::Snapshot(scene) => ui.take_snapshot(Arc::new(SCENES[*scene].1()), NOW),
            Step::Tick(later) => ui.tick(Timestamp(NOW.0 - 60_000 + later)),
            Step::Answers { refused } => {
                for work in std::mem::take(&mut self.asked) {
                    answered(work, &ui.snapshot, *refused);
                }
                ui.take_answers()
            }
            Step::GiveUp => {
                self.asked.clear();
                ui.take_answers()
            }
            Step::Report => {
                ui.report(Level::Warning, HOSTILE.repeat(3));
                Vec::new()
            }
            Step::Styles { theme, depth, ascii } => {
                let read = |name: &str| built_in(name).ok_or_else(String::new);
                let theme = Theme::load(BUILT_IN[*theme].0, &read).expect("built in");
                ui.set_styles(theme.styles(DEPTHS[*depth], *ascii).expect("built in"));
                Vec::new()
            }
            Step::Type(_) => Vec::new(),
        }
    }

    fn take(&mut self, orders: Vec<Order>, step: &Step, question: Option<&ConfirmBox>) -> usize {
        let mut agreed = 0;
        for order in orders {
            let Order::Work(work) = order else { continue };
            let commands = match &work {
                Work::Send(command) => std::slice::from_ref(command),
                Work::Batch(commands) => commands.as_slice(),
                _ => &[],
            };
            assert!(commands.is_empty() || !self.ui.is_unseen(), "{work:?} on a screen that shows nothing");
            let changes = !commands.is_empty() || matches!(work, Work::Upload { .. });
            assert!(!(self.ui.read_only && changes), "who only watches sends {work:?}");
            assert!(!(self.ui.past().is_some() && changes), "who looks at the past sends {work:?}");
            for command in commands.iter().filter(|command| is_destructive(command)) {
                assert!(self.agreed(command, step, question), "{command:?} was not agreed to: {question:?}");
                agreed += 1;
            }
            self.asked.push(work);
        }
        agreed
    }

    /// Whether a person has said yes: by `y`, or by Enter behind the node's name.
    fn agreed(&self, command: &Command, step: &Step, question: Option<&ConfirmBox>) -> bool {
        let Step::Key(key) = step else { return false };
        let Some(question) = question else { return false };
        let stakes = match command {
            Command::Server { node, action, .. } => {
                crate::console::confirms::server(&self.ui.snapshot, node, *action).type_text
            }
            _ => None,
        };
        if stakes.is_some() != question.asks_for_text() {
            return false;
        }
        match stakes {
            None => matches!(key.code, KeyCode::Char('y' | 'Y')) && !key.control && !key.alt,
            Some(name) => key.code == KeyCode::Enter && has_all(&self.typed, &name),
        }
    }

    fn paint(&self) {
        let screen = painted(self.screen, |area, buffer| self.ui.draw(area, buffer));
        assert_clean(&screen);
        let view = self.ui.view();
        let pane = Rect { height: self.screen.height / 2, ..self.screen };
        assert_clean(&painted(pane, |area, buffer| self.ui.panes[self.ui.active].draw(area, buffer, &view)));
    }
}

const fn is_destructive(command: &Command) -> bool {
    match command {
        Command::Drain { .. } | Command::Migrate { .. } | Command::Delete { .. } => true,
        Command::Server { action, .. } => action.takes_away(),
        _ => false,
    }
}

/// Whether each character of `name` is there as often as the name has it.
fn has_all(typed: &str, name: &str) -> bool {
    let count = |text: &str, c: char| text.chars().filter(|other| *other == c).count();
    name.chars().all(|c| count(typed, c) >= count(name, c))
}

fn answered(work: Work, snapshot: &Snapshot, refused: bool) {
    let kept =
        |text: &str| if refused { Err(HOSTILE.to_owned()) } else { Ok(vec![text.to_owned(), HOSTILE.to_owned()]) };
    match work {
        Work::Fetch(fetch) => answer(fetch, snapshot, refused),
        Work::Lines(fetch) => {
            let text = if fetch.ask.of == KeptLines::PastCommands { "drain zk1" } else { "level:warn" };
            _ = fetch.reply.send(kept(text));
        }
        Work::Complete(fetch) => {
            let found =
                Completions {
                    append: "文".into(), names: vec![HOSTILE.into(), "a/".into()], ..Completions::default()
                };
            _ = fetch.reply.send(if refused { Err(HOSTILE.to_owned()) } else { Ok(found) });
        }
        _ => {}
    }
}

/// What nobody paints, and what is ASCII already.
const OUTSIDE: &str = "\u{1}";

/// The cells of an area that lies in a larger screen, whose own are left as they were.
fn painted(area: Rect, draw: impl FnOnce(Rect, &mut Buffer)) -> Vec<Cell> {
    let around = Rect::new(0, 0, area.width + 4, area.height + 4);
    let mut buffer = Buffer::filled(around, Cell::new(OUTSIDE));
    let inner = Rect { x: 2, y: 2, ..area };
    for at in inner.positions() {
        buffer[at].reset();
    }
    draw(inner, &mut buffer);
    let outside = around.positions().filter(|at| !inner.contains(*at));
    for at in outside {
        assert_eq!(buffer[at].symbol(), OUTSIDE, "painted at {at}, outside {inner:?}");
    }
    inner.positions().map(|at| buffer[at].clone()).collect()
}

/// Nothing that would steer a terminal, or could not be seen.
fn assert_clean(cells: &[Cell]) {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let bad = cells.iter().position(|cell| cell.symbol().chars().any(steers));
    let around = bad.map(|at| cells[at.saturating_sub(60)..].iter().take(90).map(Cell::symbol).collect::<String>());
    assert_eq!(around, None, "it would steer the terminal, or not be seen");
}

/// What the environment had when this was built, which is built anew when it changes.
fn setting(told: Option<&str>, default: u64) -> u64 {
    told.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Walks on for so many steps at most a life; how often something destructive was agreed to.
fn live(dice: &mut Dice, count: u64, steps: &mut Vec<Step>) -> usize {
    let mut walker = Walker::new(dice);
    let mut agreed = 0;
    for _ in 0..count {
        let step = step(dice);
        steps.push(step.clone());
        agreed += walker.go(&step);
    }
    agreed
}

#[test]
fn nothing_that_a_person_does_breaks_the_console() {
    let (seed, steps) = (setting(option_env!("ZKDECK_SEED"), 1), setting(option_env!("ZKDECK_STEPS"), STEPS));
    let mut dice = Dice(seed);
    let mut agreed = 0;
    for begun in (0..steps).step_by(LIFE as usize) {
        let mut life = Vec::new();
        let lived = catch_unwind(AssertUnwindSafe(|| live(&mut dice, LIFE.min(steps - begun), &mut life)));
        let last: Vec<String> = life.iter().rev().take(12).rev().map(|step| format!("  {step:?}")).collect();
        let at = begun + life.len() as u64;
        let Ok(count) = lived else {
            panic!("ZKDECK_SEED={seed} fails within ZKDECK_STEPS={at}, after\n{}", last.join("\n"))
        };
        agreed += count;
    }
    assert!(agreed > 0, "nobody agreed to anything: the walk proves nothing about it");
}

/// The judge itself can find something.
#[test]
fn what_paints_outside_or_lets_a_control_through_is_found() {
    let found =
        |draw: fn(Rect, &mut Buffer)| catch_unwind(|| assert_clean(&painted(Rect::new(0, 0, 4, 2), draw))).is_err();
    assert!(!found(|area, buffer| {
        buffer.set_string(area.x, area.y, "abcd", ratatui::style::Style::new());
    }));
    assert!(found(|area, buffer| {
        buffer.set_string(area.x, area.y, "abcde", ratatui::style::Style::new());
    }));
    assert!(found(|area, buffer| {
        buffer[(area.x, area.y)].set_symbol("\u{202e}");
    }));
    assert!(is_destructive(&Command::Server {
        node: fixtures::node_id("zk1"),
        action: ServerAction::Restart,
        confirmed: Confirmed::Read
    }));
    assert!(has_all("zk31", "zk3") && !has_all("zk1", "zk3"));
}
