//! Keys that are one byte, and what is held beside a key: the same key is the same everywhere, whatever the terminal
//! sends for it.

use crate::console::input::{Key, KeyCode};

/// A key that writes this character.
pub(super) const fn plain_key(c: char) -> Option<Key> {
    Some(Key::plain(KeyCode::Char(c)))
}

/// The same key with Alt.
pub(super) fn with_alt(key: Option<Key>) -> Option<Key> {
    key.map(|key| Key { alt: true, ..key })
}

/// A control character. Terminals send the same for Tab and Ctrl-i, for Enter and Ctrl-m, for Esc and Ctrl-[.
pub(super) fn control_key(byte: u8) -> Key {
    match byte {
        0x7f => Key::plain(KeyCode::Backspace),
        0x00 => Key::control(' '),
        _ => held(char::from(byte | 0x40), true, false),
    }
}

/// A character with what is held beside it, as every terminal tells it.
pub(super) fn held(c: char, control: bool, alt: bool) -> Key {
    let code = match c {
        'i' | 'I' if control => KeyCode::Tab,
        'm' | 'M' if control => KeyCode::Enter,
        '[' | '{' if control => KeyCode::Esc,
        c if control => return Key { code: KeyCode::Char(c.to_ascii_lowercase()), control, alt },
        c => KeyCode::Char(c),
    };
    Key { code, control: false, alt }
}
