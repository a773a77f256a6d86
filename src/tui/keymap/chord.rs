//! One key with its modifiers, as people write it: `q`, `P`, `Ctrl-c`, `Tab`, `F5`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key that an action is bound to. Shift is part of a character (`P`), and of Tab (`BackTab`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub struct Chord {
    pub code: KeyCode,
    pub control: bool,
    pub alt: bool,
}

/// Names of keys that are no characters.
const NAMED: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("BackTab", KeyCode::BackTab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
];

impl Chord {
    /// Reads `Ctrl-c`, `Alt-x`, `F5`, a name, or one character.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (mut rest, mut control, mut alt) = (text, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("Ctrl-").filter(|r| !r.is_empty()) {
                (rest, control) = (after, true);
            } else if let Some(after) = rest.strip_prefix("Alt-").filter(|r| !r.is_empty()) {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let code = parse_code(rest)?;
        let code = match code {
            KeyCode::Char(c) if control => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Ok(Self { code, control, alt })
    }

    /// The chord that a key press is.
    #[must_use]
    pub const fn of(key: &KeyEvent) -> Self {
        let code = match key.code {
            KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        Self { code, control, alt: key.modifiers.contains(KeyModifiers::ALT) }
    }
}

fn parse_code(text: &str) -> Result<KeyCode, &'static str> {
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(*code);
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() => return Ok(KeyCode::Char(c)),
        (None, _) => return Err("it is empty"),
        _ => {}
    }
    if let Some(number) = text.strip_prefix(['F', 'f']).and_then(|n| n.parse().ok()).filter(|n| (1..=24).contains(n)) {
        return Ok(KeyCode::F(number));
    }
    Err("write one character, Ctrl-c, Alt-x, F1 to F24, or a name such as Enter, Esc, Tab, Space, Up, PageDown")
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            _ => f.write_str("?"),
        }
    }
}

/// Key presses from words separated by spaces, for tests: `: d r a i n Enter`.
#[cfg(test)]
pub(in crate::tui) fn parse_keys(text: &str) -> Vec<KeyEvent> {
    text.split_whitespace()
        .map(|word| {
            let chord = Chord::parse(word).unwrap_or_else(|why| panic!("{word}: {why}"));
            let mut modifiers = KeyModifiers::NONE;
            modifiers.set(KeyModifiers::CONTROL, chord.control);
            modifiers.set(KeyModifiers::ALT, chord.alt);
            KeyEvent::new(chord.code, modifiers)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_read_back_what_they_print() {
        for text in ["q", "P", "Ctrl-c", "Alt-x", "Ctrl-Alt-d", "Tab", "BackTab", "Space", "F12", "PageUp", "-", ":"] {
            assert_eq!(Chord::parse(text).map(|c| c.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "qq", "F25", "F0", "Ctrl-", "Hyper-x"] {
            assert!(Chord::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn presses_are_the_chords_that_people_write() {
        let press = |code, modifiers| Chord::of(&KeyEvent::new(code, modifiers)).to_string();
        assert_eq!(press(KeyCode::Char('P'), KeyModifiers::SHIFT), "P");
        assert_eq!(press(KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT), "Ctrl-c");
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT), "BackTab");
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), "BackTab");
    }
}
