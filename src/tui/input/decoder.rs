//! The terminal's bytes to what they mean, however they are cut into reads. Nothing that is not understood becomes a
//! key: a sequence is swallowed whole, and one that does not end is given up after a time.

use std::time::{Duration, Instant};

use super::control::{control_key, plain_key, with_alt};
use super::received::Received;
use super::sequence::{self, SEQUENCE_MAX};
use crate::console::input::{Input, Key, KeyCode};

/// How long a sequence that has begun may pause.
const PAUSE: Duration = Duration::from_millis(500);
/// The same for a string, such as a colour that the terminal tells, and for a paste.
const PAUSE_STRING: Duration = Duration::from_secs(1);
/// How long a string may take in all: its end may have been lost.
const STRING: Duration = Duration::from_secs(3);
/// Bytes of a paste that are kept.
const PASTE_MAX: usize = 4 * 1024 * 1024;
const PASTE_END: &[u8] = b"\x1b[201~";

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const INTERRUPT: u8 = 0x03;

/// What has begun and is not at its end.
#[derive(Debug, Default)]
enum DecoderState {
    #[default]
    Ground,
    /// ESC: a key of its own, or the beginning of something.
    Escape,
    /// The first bytes of a character; after ESC it is one with Alt.
    Character {
        bytes: Vec<u8>,
        needs: usize,
        alt: bool,
    },
    /// `ESC [` and what followed.
    Control(Vec<u8>),
    /// `ESC O` and what followed.
    Single(Vec<u8>),
    /// `CSI M` and its three bytes: a mouse of the old kind.
    OldMouse(Vec<u8>),
    Text(TerminalText),
    Paste(Vec<u8>),
}

/// After `ESC ]`, `ESC P`, `ESC X`, `ESC ^` or `ESC _`, up to ST or BEL.
#[derive(Debug)]
struct TerminalText {
    opened_by: u8,
    /// What it says, as far as it may be an answer that is waited for.
    bytes: Vec<u8>,
    /// An ESC came, which may begin its end.
    escape: bool,
    since: Instant,
}

/// Reads the terminal.
#[derive(Debug)]
pub(super) struct Decoder {
    state: DecoderState,
    /// When the last byte came.
    last: Option<Instant>,
    escape: Duration,
}

type Out = Vec<Received>;

fn press(out: &mut Out, key: Option<Key>) {
    out.extend(key.map(|key| Received::Input(Input::Key(key))));
}

impl Decoder {
    /// `escape`: how long an ESC waits for what may follow it.
    pub(super) fn new(escape: Duration) -> Self {
        Self { state: DecoderState::Ground, last: None, escape }
    }

    /// When [`Decoder::expire`] is due, unless something comes before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let last = self.last?;
        match &self.state {
            DecoderState::Ground => None,
            DecoderState::Escape => Some(last + self.escape),
            DecoderState::Text(text) if text.bytes.is_empty() || text.escape => Some(last + self.escape),
            DecoderState::Character { .. }
            | DecoderState::Control(_)
            | DecoderState::Single(_)
            | DecoderState::OldMouse(_) => Some(last + PAUSE.max(self.escape)),
            DecoderState::Text(text) => Some((last + PAUSE_STRING).min(text.since + STRING)),
            DecoderState::Paste(_) => Some(last + PAUSE_STRING),
        }
    }

    /// The deadline has passed: what has begun is a key, or comes to nothing.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Out) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match std::mem::take(&mut self.state) {
            DecoderState::Escape => press(out, Some(Key::plain(KeyCode::Esc))),
            DecoderState::Text(text) => {
                text.press_if_empty(out);
                if text.escape {
                    press(out, Some(Key::plain(KeyCode::Esc)));
                }
            }
            DecoderState::Control(bytes) if bytes.is_empty() => press(out, with_alt(plain_key('['))),
            DecoderState::Single(bytes) if bytes.is_empty() => press(out, with_alt(plain_key('O'))),
            DecoderState::Paste(bytes) => paste(&bytes, out),
            _ => {}
        }
    }

    /// Takes bytes that came at `now`.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Instant, out: &mut Out) {
        match &self.state {
            // Its end was lost long ago: what comes is typed.
            DecoderState::Text(text) if now.saturating_duration_since(text.since) >= STRING => {
                self.state = DecoderState::Ground;
            }
            // A paste ends in its own sequence; Ctrl-C alone is somebody who waits for that.
            DecoderState::Paste(_) if bytes == [INTERRUPT] => {
                if let DecoderState::Paste(text) = std::mem::take(&mut self.state) {
                    paste(&text, out);
                }
            }
            _ => {}
        }
        self.last = Some(now);
        for byte in bytes {
            self.byte(*byte, now, out);
        }
    }

    fn byte(&mut self, byte: u8, now: Instant, out: &mut Out) {
        self.state = match std::mem::take(&mut self.state) {
            DecoderState::Ground => ground(byte, false, out),
            DecoderState::Escape => escaped(byte, now, out),
            DecoderState::Character { bytes, needs, alt } => character(bytes, needs, alt, byte, out),
            DecoderState::Control(bytes) => control(bytes, byte, out),
            DecoderState::Single(bytes) => single(bytes, byte, out),
            DecoderState::OldMouse(mut bytes) => {
                bytes.push(byte);
                if bytes.len() < 3 {
                    DecoderState::OldMouse(bytes)
                } else {
                    out.extend(sequence::old_mouse(&bytes).map(|mouse| Received::Input(Input::Mouse(mouse))));
                    DecoderState::Ground
                }
            }
            DecoderState::Text(text) => text.byte(byte, now, out),
            DecoderState::Paste(mut bytes) => {
                bytes.push(byte);
                if bytes.ends_with(PASTE_END) {
                    paste(&bytes[..bytes.len() - PASTE_END.len()], out);
                    DecoderState::Ground
                } else {
                    // Beyond the limit only its end is looked for.
                    if bytes.len() > PASTE_MAX {
                        bytes.drain(PASTE_MAX - PASTE_END.len()..PASTE_MAX - PASTE_END.len() + 1);
                    }
                    DecoderState::Paste(bytes)
                }
            }
        };
    }
}

/// A byte where nothing has begun; `alt` after an ESC that came just before it.
fn ground(byte: u8, alt: bool, out: &mut Out) -> DecoderState {
    let needs = match byte {
        ESC => return DecoderState::Escape,
        0x00..=0x1f | 0x7f => {
            let key = Some(control_key(byte));
            press(out, if alt { with_alt(key) } else { key });
            return DecoderState::Ground;
        }
        0x20..=0x7e => {
            let key = plain_key(char::from(byte));
            press(out, if alt { with_alt(key) } else { key });
            return DecoderState::Ground;
        }
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        // No character of UTF-8 begins so.
        _ => return DecoderState::Ground,
    };
    DecoderState::Character { bytes: vec![byte], needs, alt }
}

fn escaped(byte: u8, now: Instant, out: &mut Out) -> DecoderState {
    match byte {
        b'[' => DecoderState::Control(Vec::new()),
        b'O' => DecoderState::Single(Vec::new()),
        b']' | b'P' | b'X' | b'^' | b'_' => {
            DecoderState::Text(TerminalText { opened_by: byte, bytes: Vec::new(), escape: false, since: now })
        }
        // Two of them are two keys.
        ESC => {
            press(out, Some(Key::plain(KeyCode::Esc)));
            DecoderState::Escape
        }
        byte => ground(byte, true, out),
    }
}

fn character(mut bytes: Vec<u8>, needs: usize, alt: bool, byte: u8, out: &mut Out) -> DecoderState {
    if !(0x80..=0xbf).contains(&byte) {
        return ground(byte, false, out);
    }
    bytes.push(byte);
    if bytes.len() < needs {
        return DecoderState::Character { bytes, needs, alt };
    }
    let found = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()).filter(|c| !c.is_control());
    let key = found.and_then(plain_key);
    press(out, if alt { with_alt(key) } else { key });
    DecoderState::Ground
}

/// `CSI`, ECMA-48 5.4: parameters, intermediates, one final byte.
fn control(mut bytes: Vec<u8>, byte: u8, out: &mut Out) -> DecoderState {
    match byte {
        // The Linux console's F1 to F5 are `CSI [ A` to `CSI [ E`.
        b'[' if bytes.is_empty() => {
            bytes.push(byte);
            DecoderState::Control(bytes)
        }
        b'M' if bytes.is_empty() => DecoderState::OldMouse(Vec::new()),
        // rxvt's, with Shift; what is asked of a mode is answered with more before the `$`.
        b'$' if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit) => {
            out.extend(sequence::control(&bytes, byte));
            DecoderState::Ground
        }
        0x20..=0x3f => {
            // A longer one is none that is known: its end is all that counts.
            if bytes.len() < SEQUENCE_MAX {
                bytes.push(byte);
            }
            DecoderState::Control(bytes)
        }
        0x40..=0x7e if bytes == b"200" && byte == b'~' => DecoderState::Paste(Vec::new()),
        0x40..=0x7e => {
            out.extend(sequence::control(&bytes, byte));
            DecoderState::Ground
        }
        // Broken off.
        _ => ground(byte, false, out),
    }
}

/// `SS3`: one byte, before which old terminals put what is held.
fn single(mut bytes: Vec<u8>, byte: u8, out: &mut Out) -> DecoderState {
    match byte {
        b'0'..=b'9' | b';' if bytes.len() < SEQUENCE_MAX => {
            bytes.push(byte);
            DecoderState::Single(bytes)
        }
        0x20..=0x7e => {
            press(out, sequence::single(&bytes, byte));
            DecoderState::Ground
        }
        _ => ground(byte, false, out),
    }
}

impl TerminalText {
    /// The next byte. No control character is part of it: where another than its end comes, the end was lost.
    fn byte(mut self, byte: u8, now: Instant, out: &mut Out) -> DecoderState {
        match byte {
            b'\\' if self.escape => self.end(out),
            // What has nothing in it was the key with Alt.
            _ if self.escape => {
                self.press_if_empty(out);
                escaped(byte, now, out)
            }
            ESC => DecoderState::Text(Self { escape: true, ..self }),
            BEL => self.end(out),
            0x00..=0x1f | 0x7f => {
                self.press_if_empty(out);
                ground(byte, false, out)
            }
            _ => {
                if self.bytes.len() < SEQUENCE_MAX {
                    self.bytes.push(byte);
                }
                DecoderState::Text(self)
            }
        }
    }

    fn end(self, out: &mut Out) -> DecoderState {
        if self.opened_by == b']' {
            out.extend(sequence::system(&self.bytes));
        }
        DecoderState::Ground
    }

    fn press_if_empty(&self, out: &mut Out) {
        if self.bytes.is_empty() {
            press(out, with_alt(plain_key(char::from(self.opened_by))));
        }
    }
}

fn paste(bytes: &[u8], out: &mut Out) {
    if !bytes.is_empty() {
        out.push(Received::Input(Input::Paste(String::from_utf8_lossy(bytes).into_owned())));
    }
}
