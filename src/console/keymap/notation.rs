//! One key with its modifiers, as people write it: `q`, `P`, `Ctrl-c`, `Tab`, `F5`.

use std::fmt;

use crate::console::input::{Key, KeyCode};

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

impl Key {
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
}

impl Key {
    /// Why no terminal could send it so that it does something of its own; `None` for a key that comes.
    #[must_use]
    pub fn never_comes(self) -> Option<&'static str> {
        if !self.control {
            return None;
        }
        match self.code {
            KeyCode::Char('c') if !self.alt => Some("Ctrl-c always leaves the console"),
            KeyCode::Char('z') if !self.alt => Some("Ctrl-z always stops the console"),
            KeyCode::Char('i') => Some("terminals send the same for Tab; bind Tab"),
            KeyCode::Char('m') => Some("terminals send the same for Enter; bind Enter"),
            KeyCode::Char('[') => Some("terminals send the same for Esc; bind Esc"),
            KeyCode::Enter | KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab | KeyCode::Backspace => {
                Some("terminals send the same for this key with Ctrl and without")
            }
            KeyCode::Char('a'..='z' | ' ' | '\\' | ']' | '^' | '_') => None,
            KeyCode::Char(_) => Some("terminals send Ctrl only with letters, Space, and \\ ] ^ _"),
            _ => None,
        }
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

impl fmt::Display for Key {
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
            // Every other has a name.
            _ => Ok(()),
        }
    }
}

/// Key presses from words separated by spaces, for tests: `: d r a i n Enter`.
#[cfg(test)]
pub(in crate::console) fn parse_keys(text: &str) -> Vec<Key> {
    let key = |word| Key::parse(word).unwrap_or_else(|why| panic!("{word}: {why}"));
    text.split_whitespace().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_read_back_what_they_print() {
        for text in ["q", "P", "Ctrl-c", "Alt-x", "Ctrl-Alt-d", "Tab", "BackTab", "Space", "F12", "PageUp", "-", ":"] {
            assert_eq!(Key::parse(text).map(|c| c.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "qq", "F25", "F0", "Ctrl-", "Hyper-x"] {
            assert!(Key::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
