//! The whole console on a pseudo-terminal: this test binary starts itself there.

mod background;
mod list;
#[path = "../../../tests/support/pty.rs"]
mod pty;

use std::sync::Arc;
use std::time::Duration;

use pty::{Console, ways_out};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{TuiConfig, run};
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::order::Outside;
use crate::console::pane::Pane;
use crate::console::view::View;
use crate::domain::fixtures;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, Snapshot};
use crate::engine::handle::Handle;

/// Panics on demand: `f` here, `d` in a thread of its own, as a loop of the engine may.
struct Moody {
    broken: bool,
}

impl Pane for Moody {
    fn title(&self) -> &'static str {
        "Health"
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::Follow, Action::Drain, Action::Copy]
    }

    fn act(&mut self, action: Action, _: &Snapshot) -> Vec<Effect> {
        match action {
            Action::Follow => self.broken = true,
            Action::Drain => {
                let thread = std::thread::spawn(|| panic!("a loop broke"));
                assert!(thread.join().is_err());
                return vec![Effect::Toast { level: Level::Error, text: "the loop broke".into() }];
            }
            Action::Copy => return vec![Effect::Outside(Outside::Copy("zk1".into()))],
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, _: &View<'_>) {
        assert!(!self.broken, "the pane broke");
        buffer.set_stringn(area.x, area.y, "(the pane)", usize::from(area.width), Style::new());
    }
}

/// Not a test: the console that the tests below start.
#[test]
#[ignore = "the console that the tests beside it start"]
#[expect(clippy::exit, reason = "the status of this process is what the other tests look at")]
fn child() {
    let mut snapshot = fixtures::snapshot();
    // It holds nothing up, and nothing counts down.
    snapshot.instance.local = None;
    snapshot.scheduler.next_run = None;
    snapshot.ensemble.since = Timestamp(0);
    let (handle, _end) = Handle::pair(Arc::new(snapshot));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let panes: Vec<Box<dyn Pane>> = vec![Box::new(Moody { broken: false })];
    let outcome = runtime.block_on(run(handle, TuiConfig::default(), panes));
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => std::process::exit(exit.code().into()),
        Err(error) => {
            // Past the capture of the test harness.
            std::fs::write("/dev/tty", format!("error: {error}\r\n")).expect("terminal");
            std::process::exit(70);
        }
    }
}

fn start(deaf: bool) -> Console {
    start_sized(120, 40, deaf, &[])
}

fn start_sized(columns: u16, rows: u16, deaf: bool, env: &[(&str, &str)]) -> Console {
    let binary = std::env::current_exe().expect("this binary").display().to_string();
    let command = [binary, "tui::tests::child".into(), "--exact".into(), "--ignored".into(), "--nocapture".into()];
    let mut console = Console::start(&command, columns, rows, deaf, env);
    console.until("the first frame", |c| c.text().contains("HEALTHY 3/3") && c.text().contains("(the pane)"));
    console
}

#[test]
fn keys_end_it() {
    ways_out::by_keys(start);
}

#[test]
fn signals_end_it() {
    ways_out::by_signals(start);
}

#[test]
fn a_closed_terminal_ends_it() {
    ways_out::by_a_closed_terminal(start);
}

#[test]
fn it_can_be_stopped_and_continued() {
    ways_out::and_back(start);
}

#[test]
fn a_panic_of_the_console_gives_the_terminal_back_and_is_told() {
    let mut console = start(false);
    console.type_keys("f");
    let (status, took) = console.end();
    console.assert_given_back();
    assert!(status == 70 && took < Duration::from_secs(1), "{status} after {took:?}");
    assert!(
        console.text().contains("error: the console failed inside: the pane broke at src/tui"),
        "{}",
        console.text()
    );
}

#[test]
fn a_panic_elsewhere_does_not_write_over_the_screen() {
    let mut console = start(false);
    console.type_keys("d");
    console.until("the toast", |c| c.text().contains("the loop broke"));
    console.assert_taken();
    assert!(!console.text().contains("panicked") && !console.text().contains("a loop broke"), "{}", console.text());
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn sizes_down_to_one_cell_are_survived() {
    let mut console = start_sized(80, 24, false, &[]);
    for (columns, rows) in [(40, 10), (1, 1), (200, 60), (80, 24)] {
        console.resize(columns, rows);
        console.watch(Duration::from_millis(150));
    }
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn a_storm_of_sizes_is_few_frames() {
    let mut console = start(false);
    console.watch(Duration::from_millis(300));
    let before = console.bytes.len();
    for i in 0..60 {
        console.resize(100 + i % 20, 40);
        console.watch(Duration::from_millis(16));
    }
    console.watch(Duration::from_millis(200));
    let frames = console.bytes[before..].windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    assert!((1..=30).contains(&frames), "{frames} frames");
    assert!(console.bytes.len() - before <= 150_000, "{} bytes", console.bytes.len() - before);
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_the_end() {
    ways_out::while_nothing_is_read(start);
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    let mut console = start(false);
    console.watch(Duration::from_millis(500));
    let before = console.bytes.len();
    console.watch(Duration::from_secs(3));
    assert_eq!(console.bytes.len() - before, 0, "{:?}", String::from_utf8_lossy(&console.bytes[before..]));
}

#[test]
fn colours_follow_the_environment() {
    // COLORTERM, TERM, NO_COLOR, then what is written and what is not.
    let cases = [
        ("truecolor", "xterm-256color", "", "38;2;95;215;135", "38;5;"),
        ("", "xterm-256color", "", "38;5;78", "38;2;"),
        ("", "xterm", "", "[32m", "38;"),
        ("truecolor", "xterm", "1", ";7m", "\x1b[3"),
    ];
    for (colorterm, term, no_color, wanted, unwanted) in cases {
        let env = [("COLORTERM", colorterm), ("TERM", term), ("NO_COLOR", no_color)];
        let console = start_sized(120, 40, false, &env);
        let holds = |text: &str| console.bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds(wanted) && !holds(unwanted), "{env:?}: {:?}", String::from_utf8_lossy(&console.bytes));
    }
}

#[test]
fn a_copy_reaches_the_terminal() {
    let mut console = start_sized(120, 40, false, &[("TMUX", ""), ("STY", "")]);
    console.type_keys("y");
    console.until("the copy", |c| c.bytes.windows(12).any(|bytes| bytes == b"\x1b]52;c;emsx\x07"));
    console.until("what is known of it", |c| c.text().contains("sent 3 bytes to the terminal's clipboard"));
}

fn holds(console: &Console, bytes: &[u8]) -> bool {
    console.bytes.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn replies_of_the_terminal_are_no_keys_and_are_swallowed_when_it_is_left() {
    let mut console = start(false);
    // Each holds letters that are keys here: `f` breaks the pane.
    console.type_keys("\x1b]11;rgb:ffff/ffff/ffff\x07\x1bP>|ffff(390)\x1b\\\x1b[?62;1c\x1b[12;40R\x1b]11;rgb:ff");
    console.watch(Duration::from_millis(100));
    console.type_keys("ff/ffff/ffff\x1b\\d");
    console.until("the key behind them", |c| c.text().contains("the loop broke"));
    console.type_keys("q\x1b[0n");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
    assert!(!console.text().contains("0n"), "{}", console.text());
}

#[test]
fn the_keyboard_protocol_is_used_where_it_is_offered_and_given_up_at_every_end() {
    for (keys, status) in [("\x1b[113u", 0), ("\x1b[99;5u", 0), ("f", 70)] {
        let mut console = start(false);
        assert!(holds(&console, b"\x1b[?u") && !holds(&console, b"\x1b[>1u"), "it is asked and not assumed");
        console.type_keys("\x1b[?0u");
        console.until("its use", |c| holds(c, b"\x1b[>1u"));
        console.type_keys(keys);
        assert_eq!(console.end().0, status, "{keys:?}");
        console.assert_given_back();
        assert!(holds(&console, b"\x1b[<u"), "{keys:?}");
    }
    let mut console = start(false);
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    assert!(!holds(&console, b"\x1b[<u"), "what was not begun is not ended");
}

#[test]
fn one_frame_is_under_way_to_a_terminal_that_says_when_it_has_it() {
    let mut console = start(false);
    let asked = |console: &Console| console.bytes.windows(4).filter(|bytes| bytes == b"\x1b[5n").count();
    assert_eq!(asked(&console), 1);
    console.type_keys("\x1b[0n?");
    console.until("help", |c| c.text().contains("Help") && asked(c) == 2);
    let before = console.bytes.len();
    console.type_keys("\x1b");
    console.watch(Duration::from_millis(500));
    assert_eq!(console.bytes.len(), before, "the answer to the last frame has not come");
    console.type_keys("\x1b[0n");
    console.until("the pane", |c| !c.text().contains("Help"));
    console.type_keys("q");
    // The last answer comes after the last frame.
    console.type_keys("\x1b[0n");
    assert_eq!(console.end().0, 0);
}

#[test]
fn a_terminal_of_any_size_is_drawn_on() {
    let mut console = start(false);
    for (columns, rows) in [(65_535, 1), (1, 65_535), (65_535, 65_535)] {
        console.resize(columns, rows);
        console.watch(Duration::from_millis(300));
    }
    console.resize(120, 40);
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn many_bytes_at_once_all_act_at_once() {
    let mut console = start(false);
    console.type_keys(&format!("{}d", "j".repeat(3600)));
    console.until("the key behind them", |c| c.text().contains("the loop broke"));
    console.type_keys(&format!("{}q", "\x1b[<65;10;10M".repeat(300)));
    assert_eq!(console.end().0, 0);
}

#[test]
fn the_keyboard_protocol_is_not_used_twice_after_a_stop_from_outside() {
    let mut console = start(false);
    let count = |console: &Console, bytes: &[u8]| console.bytes.windows(bytes.len()).filter(|w| *w == bytes).count();
    console.type_keys("\x1b[?0u");
    console.until("its use", |c| holds(c, b"\x1b[>1u"));
    console.signal("CONT");
    console.until("another question", |c| count(c, b"\x1b[?u") == 2);
    assert_eq!(count(&console, b"\x1b[<u"), 1);
    console.type_keys("\x1b[?0u");
    console.until("its use", |c| count(c, b"\x1b[>1u") == 2);
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    assert_eq!(count(&console, b"\x1b[<u"), 2, "as often as it was begun");
}
