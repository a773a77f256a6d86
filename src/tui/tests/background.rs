//! The background that the terminal tells chooses the theme, once, and soon or never.

use super::*;

const LIGHT: &str = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

fn asked(console: &Console) -> bool {
    console.bytes.windows(QUESTION.len()).any(|bytes| bytes == QUESTION)
}

/// The colour of the ground below the pane: dark themes leave it to the terminal.
fn ground(console: &Console) -> vt100::Color {
    console.screen().cell(10, 60).map_or(vt100::Color::Default, vt100::Cell::bgcolor)
}

fn leave(mut console: Console) {
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn a_light_background_brings_the_light_theme_however_its_answer_is_cut() {
    for pieces in [&[LIGHT][..], &["\x1b]11;rgb:ff", "ff/ffff", "/ffff\x1b", "\\"], &["\x1b]11;rgb:f/f/f\x07"]] {
        let mut console = start(false);
        assert!(asked(&console));
        assert_eq!(ground(&console), vt100::Color::Default);
        for piece in pieces {
            console.type_keys(piece);
            console.watch(Duration::from_millis(10));
        }
        console.until("the light theme", |c| ground(c) != vt100::Color::Default);
        leave(console);
    }
}

#[test]
fn what_is_no_answer_in_time_changes_nothing_and_is_no_key() {
    for (answer, wait) in [
        ("\x1b]11;rgb:0000/0000/0000\x1b\\", Duration::ZERO),
        ("\x1b]11;nonsense d f\x07", Duration::ZERO),
        ("\x1b]11;rgb:ffff/ffff/ffff/ffff/ffff\x1b\\", Duration::ZERO),
        (LIGHT, BACKGROUND_LATE),
    ] {
        let mut console = start(false);
        console.watch(wait);
        let before = console.text();
        console.type_keys(answer);
        // What is asked for after it has been taken.
        console.type_keys(":");
        console.until("the command line", |c| c.text() != before);
        assert_eq!(ground(&console), vt100::Color::Default, "{answer:?}");
        assert!(console.text().contains("(the pane)"), "{answer:?} was no key");
        console.type_keys("\x1b");
        console.watch(Duration::from_millis(100));
        leave(console);
    }
}

#[test]
fn a_terminal_that_prints_what_it_does_not_know_is_not_asked() {
    for (term, wanted) in [("linux", false), ("screen", false), ("xterm-256color", true)] {
        let console = start_sized(80, 24, false, &[("TERM", term), ("TMUX", ""), ("STY", "")]);
        assert_eq!(asked(&console), wanted, "{term}");
        leave(console);
    }
}

/// GNU screen keeps what was drawn when the console leaves, and so do consoles without a second screen.
#[test]
fn the_picture_does_not_stay_where_there_is_no_other_screen() {
    let mut console = start_sized(80, 24, false, &[("TERM", "screen")]);
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    let mut one_screen = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    let text = String::from_utf8_lossy(&console.bytes).replace("\x1b[?1049h", "").replace("\x1b[?1049l", "");
    one_screen.process(text.as_bytes());
    assert!(!one_screen.screen().contents().contains("(the pane)"), "{}", one_screen.screen().contents());
    assert_eq!(one_screen.screen().cursor_position().0, 0);
}

/// GNU screen holds an Esc back while the mouse is taken.
#[test]
fn the_mouse_is_left_alone_in_gnu_screen_until_it_is_asked_for() {
    for (session, wanted) in [("1.pts-0.host", false), ("", true)] {
        let console = start_sized(80, 24, false, &[("STY", session), ("TMUX", "")]);
        assert_eq!(console.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None, wanted, "{session:?}");
        leave(console);
    }
}

/// Longer than an answer is waited for.
const BACKGROUND_LATE: Duration = Duration::from_millis(1_200);
