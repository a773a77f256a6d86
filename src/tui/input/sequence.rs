//! Control sequences that are at their end: what they say, by xterm's, rxvt's, the Linux console's and kitty's tables.

use super::control::held;
use super::received::{Received, Reply};
use crate::console::input::{Input, Key, KeyCode, Mouse, MouseAct};

/// Bytes of a sequence that are looked at.
pub(super) const SEQUENCE_MAX: usize = 64;

/// What is held beside a key: one more than the sum of these.
const SHIFT: u32 = 1;
const ALT: u32 = 2;
const CONTROL: u32 = 4;
/// Super, hyper, meta: keys of the window manager.
const OTHERS: u32 = 8 | 16 | 32;

/// The parameters of a sequence: numbers, of which each may have sub-parameters after colons.
struct Parameters<'a>(&'a str);

impl Parameters<'_> {
    /// A number; `None` where there is none or it is left out.
    fn number(&self, at: usize) -> Option<u32> {
        self.part(at, 0)
    }

    fn part(&self, at: usize, part: usize) -> Option<u32> {
        self.0.split(';').nth(at)?.split(':').nth(part)?.parse().ok()
    }

    fn count(&self) -> usize {
        self.0.split(';').count()
    }

    /// What is held, by the parameter that tells it.
    fn held(&self, at: usize) -> u32 {
        self.number(at).unwrap_or(1).saturating_sub(1)
    }
}

/// `CSI`, its parameters and intermediates, its final byte. What is no key and no answer that is waited for is nothing.
pub(super) fn control(bytes: &[u8], last: u8) -> Option<Received> {
    let text = std::str::from_utf8(bytes).ok()?;
    if let Some(rest) = text.strip_prefix('<') {
        return mouse(&Parameters(rest), last).map(|mouse| Received::Input(Input::Mouse(mouse)));
    }
    match (text, last) {
        ("0" | "", b'n') => return Some(Reply::TakenIn.into()),
        _ if text.starts_with('?') && last == b'u' => return Some(Reply::Keyboard.into()),
        _ => {}
    }
    if let Some(rest) = text.strip_prefix('[') {
        let code = rest.is_empty().then(|| of_linux(last)).flatten();
        return code.map(|code| Received::Input(Input::Key(Key::plain(code))));
    }
    // What begins with another mark than a number, or has something between, is an answer.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) {
        return None;
    }
    let key = key(&Parameters(text), last)?;
    Some(Received::Input(Input::Key(key)))
}

/// `OSC`, what it says: the background's colour, `11;rgb:1e1e/1e1e/2e2e`, is the one answer that is waited for.
pub(super) fn system(bytes: &[u8]) -> Option<Received> {
    let colour = std::str::from_utf8(bytes).ok()?.strip_prefix("11;")?;
    let (parts, alpha) = match colour.strip_prefix("rgba:") {
        Some(rest) => (rest, 1),
        None => (colour.strip_prefix("rgb:")?, 0),
    };
    let parts: Vec<f64> = parts.split('/').map(share).collect::<Option<_>>()?;
    if parts.len() != 3 + alpha {
        return None;
    }
    // How bright an eye finds it, ITU-R BT.601.
    let bright = 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2];
    Some(Reply::Background { light: bright > 0.5 }.into())
}

/// One to four hexadecimal digits, as a share of the most that they can say.
fn share(digits: &str) -> Option<f64> {
    if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let most = (1_u32 << (4 * digits.len())) - 1;
    Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(most))
}

fn key(parameters: &Parameters<'_>, last: u8) -> Option<Key> {
    // By kitty's protocol, a key that is let go.
    const RELEASE: u32 = 3;
    if parameters.part(1, 1) == Some(RELEASE) {
        return None;
    }
    let first = parameters.number(0);
    match last {
        b'u' => of_kitty(parameters),
        // xterm's `modifyOtherKeys`.
        b'~' if first == Some(27) && parameters.count() == 3 => {
            character(parameters.number(2)?, parameters.held(1), parameters.number(2))
        }
        b'~' => chord(numbered(first?)?, parameters.held(1)),
        // rxvt's, with Shift, with Ctrl, with both.
        b'$' => chord(numbered(first?)?, SHIFT),
        b'^' | b'@' => chord(numbered(first?)?, CONTROL),
        // A cursor's place, which is asked for by nobody; F3 is `SS3 R`.
        b'R' => None,
        _ => chord(lettered(last)?, parameters.held(1)),
    }
}

/// A key that is no character, with what is held. Shift is part of Tab and of nothing else.
fn chord(code: KeyCode, modifiers: u32) -> Option<Key> {
    if modifiers & OTHERS != 0 {
        return None;
    }
    let code = if code == KeyCode::Tab && modifiers & SHIFT != 0 { KeyCode::BackTab } else { code };
    Some(Key { code, control: modifiers & CONTROL != 0, alt: modifiers & ALT != 0 })
}

/// A character with what is held; `shifted` is what Shift makes of it, where the terminal tells.
fn character(code: u32, modifiers: u32, shifted: Option<u32>) -> Option<Key> {
    if modifiers & OTHERS != 0 {
        return None;
    }
    let code = match code {
        9 => return chord(KeyCode::Tab, modifiers),
        10 | 13 => return chord(KeyCode::Enter, modifiers),
        27 => return chord(KeyCode::Esc, modifiers),
        8 | 127 => return chord(KeyCode::Backspace, modifiers),
        code => char::from_u32(code).filter(|c| !c.is_control())?,
    };
    let code = if modifiers & SHIFT == 0 {
        code
    } else {
        let shifted = shifted.and_then(char::from_u32).filter(|c| *c != code && !c.is_control());
        // One that is written with more than one character has no key.
        shifted.unwrap_or_else(|| {
            Some(code.to_uppercase()).filter(|all| all.len() == 1).and_then(|mut all| all.next()).unwrap_or(code)
        })
    };
    Some(held(code, modifiers & CONTROL != 0, modifiers & ALT != 0))
}

/// kitty's `CSI code:shifted ; modifiers:event u`.
fn of_kitty(parameters: &Parameters<'_>) -> Option<Key> {
    let (code, modifiers) = (parameters.number(0)?, parameters.held(1));
    if (57344..=63743).contains(&code) {
        return match pad(code) {
            Some(KeyCode::Char(c)) => character(c.into(), modifiers, None),
            Some(code) => chord(code, modifiers),
            None => None,
        };
    }
    character(code, modifiers, parameters.part(0, 1))
}

/// The keys of the number pad, and F13 and on: kitty has numbers of its own for them.
fn pad(code: u32) -> Option<KeyCode> {
    Some(match code {
        57376..=57387 => KeyCode::F((code - 57376 + 13) as u8),
        57399..=57408 => KeyCode::Char(char::from(b'0' + (code - 57399) as u8)),
        57409 => KeyCode::Char('.'),
        57410 => KeyCode::Char('/'),
        57411 => KeyCode::Char('*'),
        57412 => KeyCode::Char('-'),
        57413 => KeyCode::Char('+'),
        57414 => KeyCode::Enter,
        57415 => KeyCode::Char('='),
        57416 => KeyCode::Char(','),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57425 => KeyCode::Insert,
        57426 => KeyCode::Delete,
        _ => return None,
    })
}

/// `CSI number ~`.
const fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23..=26 => KeyCode::F((number - 12) as u8),
        28 | 29 => KeyCode::F((number - 13) as u8),
        31..=34 => KeyCode::F((number - 14) as u8),
        _ => return None,
    })
}

/// `CSI letter` and `SS3 letter`.
const fn lettered(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        b'Z' => KeyCode::BackTab,
        _ => return None,
    })
}

const fn of_linux(letter: u8) -> Option<KeyCode> {
    match letter {
        b'A'..=b'E' => Some(KeyCode::F(letter - b'A' + 1)),
        _ => None,
    }
}

/// `SS3`: the letters, and the number pad where it is one of its own.
pub(super) fn single(before: &[u8], last: u8) -> Option<Key> {
    let text = std::str::from_utf8(before).ok()?;
    let modifiers = text.rsplit(';').next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(1);
    let code = match last {
        b'M' => KeyCode::Enter,
        b'I' => KeyCode::Tab,
        b'a'..=b'd' => return chord(lettered(last.to_ascii_uppercase())?, CONTROL),
        b'j'..=b'y' => KeyCode::Char(char::from(last - b'j' + b'*')),
        b'X' => KeyCode::Char('='),
        _ => lettered(last)?,
    };
    chord(code, modifiers.saturating_sub(1))
}

/// SGR's: `CSI < button ; column ; row M`, and `m` when a button is let go.
fn mouse(parameters: &Parameters<'_>, last: u8) -> Option<Mouse> {
    let does = (last == b'M').then(|| act(parameters.number(0)?)).flatten()?;
    let place = |at| u16::try_from(parameters.number(at)?.checked_sub(1)?).ok();
    Some(Mouse { does, column: place(1)?, row: place(2)? })
}

/// X10's: button, column and row, 32 more than they are; columns and rows begin at 1.
pub(super) fn old_mouse(bytes: &[u8]) -> Option<Mouse> {
    let [button, column, row] = bytes else { return None };
    let does = act(u32::from(button.checked_sub(32)?))?;
    Some(Mouse { does, column: u16::from(column.checked_sub(33)?), row: u16::from(row.checked_sub(33)?) })
}

/// What a button does: the two lowest bits and the wheel's; what is held beside it means nothing.
const fn act(button: u32) -> Option<MouseAct> {
    const HELD: u32 = 4 | 8 | 16;
    match button & !HELD {
        0..=2 => Some(MouseAct::Press),
        64 => Some(MouseAct::WheelUp),
        65 => Some(MouseAct::WheelDown),
        // Let go, moved, a wheel to the side.
        _ => None,
    }
}
