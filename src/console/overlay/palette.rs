//! Commands by name: typed, narrowed down, completed by Tab.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::window;
use crate::console::frame::{Pieces, paint, popup};
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::sanitise;

/// Rows of suggestions.
const ROWS: usize = 10;

/// One command that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: &'static str,
    /// `NODE WEIGHT`; empty when it takes none.
    pub usage: &'static str,
    pub help: &'static str,
}

/// The command line with its suggestions.
#[derive(Clone, Debug)]
pub struct Palette {
    candidates: Vec<Candidate>,
    line: Line,
    selected: usize,
}

impl Palette {
    /// A palette of these commands.
    #[must_use]
    pub fn new(candidates: Vec<Candidate>) -> Self {
        Self { candidates, line: Line::default(), selected: 0 }
    }

    /// Enter runs, Tab completes, Up and Down choose, Esc closes.
    pub fn key(&mut self, key: Key) -> OverlayOutcome {
        match key.code {
            KeyCode::Esc => return OverlayOutcome::Closed,
            KeyCode::Backspace if self.line.is_empty() => return OverlayOutcome::Closed,
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab => _ = self.complete(),
            KeyCode::Up | KeyCode::BackTab => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(self.matches().len().saturating_sub(1)),
            _ => {
                if self.line.key(key) {
                    self.selected = 0;
                }
            }
        }
        OverlayOutcome::Stays
    }

    pub fn paste(&mut self, text: &str) {
        self.line.insert(text);
        self.selected = 0;
    }

    fn enter(&mut self) -> OverlayOutcome {
        let text = self.line.text();
        let text = text.trim();
        let first = text.split_whitespace().next().unwrap_or("");
        let chosen = self.matches().get(self.selected).cloned();
        let exact = self.candidates.iter().any(|c| c.name == first);
        match chosen {
            // A name in part, or another row than the first: the row is meant.
            Some(candidate) if !text.contains(' ') && (!exact || self.selected > 0) => {
                if candidate.usage.is_empty() {
                    return OverlayOutcome::Typed(candidate.name.to_owned());
                }
                self.complete();
                OverlayOutcome::Stays
            }
            _ if text.is_empty() => OverlayOutcome::Closed,
            _ => OverlayOutcome::Typed(text.to_owned()),
        }
    }

    fn complete(&mut self) -> Option<()> {
        let candidate = self.matches().get(self.selected)?.clone();
        let gap = if candidate.usage.is_empty() { "" } else { " " };
        self.line = Line::new(&format!("{}{gap}", candidate.name));
        self.selected = 0;
        Some(())
    }

    /// Commands that fit what has been typed: beginning first, then inside, then letters in order.
    fn matches(&self) -> Vec<Candidate> {
        let text = self.line.text();
        let wanted = text.trim_start();
        let (wanted, has_arguments) = wanted.split_once(' ').map_or((wanted, false), |(name, _)| (name, true));
        let rank = |candidate: &Candidate| {
            let name = candidate.name;
            if has_arguments {
                (name == wanted).then_some(0)
            } else if name.starts_with(wanted) {
                Some(0)
            } else if name.contains(wanted) {
                Some(1)
            } else {
                in_order(wanted, name).then_some(2)
            }
        };
        let mut found: Vec<(u8, &Candidate)> = self.candidates.iter().filter_map(|c| Some((rank(c)?, c))).collect();
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, candidate)| candidate.clone()).collect()
    }

    /// Paints the palette at the top of `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        let styles = scene.view.styles;
        let matches = self.matches();
        let height = matches.len().clamp(1, ROWS) as u16 + 3;
        let place = Rect { height: height.min(area.height), ..popup::centred(area, 84, area.height) };
        let inside = popup::framed(place, "Command   Tab completes, Enter runs", styles.accent, styles, buffer);
        if inside.height == 0 {
            return;
        }
        let (x, _) = buffer.set_stringn(inside.x, inside.y, ":", usize::from(inside.width), styles.key);
        let line = Rect::new(x, inside.y, inside.right().saturating_sub(x), 1);
        self.line.draw(line, buffer, styles);
        let rows = usize::from(inside.height - 1);
        if matches.is_empty() && rows > 0 {
            let none = "no such command; Esc closes";
            buffer.set_stringn(inside.x, inside.y + 1, none, usize::from(inside.width), styles.warning);
        }
        let first = self.selected.saturating_sub(rows.saturating_sub(1));
        for (i, y) in window(first, matches.len(), rows).zip(inside.y + 1..) {
            let candidate = &matches[i];
            let marker = if i == self.selected { ">" } else { " " };
            let command = format!("{marker} {} {}", candidate.name, candidate.usage);
            let style = if i == self.selected { styles.selected } else { styles.text };
            let gap = 34usize.saturating_sub(sanitise::width(&command)).max(1);
            let pieces: Pieces =
                vec![(command, style), (" ".repeat(gap), styles.text), (candidate.help.to_owned(), styles.dim)];
            paint(&pieces, inside.x, y, inside.right(), buffer);
        }
    }
}

/// Whether the letters of `wanted` appear in `name` in their order.
fn in_order(wanted: &str, name: &str) -> bool {
    let mut letters = name.chars();
    wanted.chars().all(|w| letters.any(|l| l == w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::notation::parse_keys;

    fn run(keys: &str) -> (OverlayOutcome, String) {
        let candidate = |name, usage| Candidate { name, usage, help: "" };
        let mut palette = Palette::new(vec![
            candidate("drain", "NODE"),
            candidate("undrain", "NODE"),
            candidate("run-scheduler", ""),
            candidate("theme", "NAME"),
            candidate("quit", ""),
        ]);
        let mut last = OverlayOutcome::Stays;
        for key in parse_keys(keys) {
            last = palette.key(key);
        }
        (last, palette.line.text())
    }

    #[test]
    fn names_are_completed_and_run() {
        assert_eq!(run("q u i t Enter").0, OverlayOutcome::Typed("quit".into()));
        assert_eq!(run("q Enter").0, OverlayOutcome::Typed("quit".into()));
        assert_eq!(run("s c h e d Enter").0, OverlayOutcome::Typed("run-scheduler".into()), "inside a name");
        assert_eq!(run("r s c h Enter").0, OverlayOutcome::Typed("run-scheduler".into()), "letters in order");
        assert_eq!(run("d r Tab z k 1 Enter").0, OverlayOutcome::Typed("drain zk1".into()));
        assert_eq!(run("d r Enter"), (OverlayOutcome::Stays, "drain ".into()), "an argument is missing");
        assert_eq!(run("d r a i n Down Enter"), (OverlayOutcome::Stays, "undrain ".into()));
        assert_eq!(run("x y z Enter").0, OverlayOutcome::Typed("xyz".into()), "the loop says what is wrong");
        assert_eq!(run("Esc").0, OverlayOutcome::Closed);
        assert_eq!(run("a Backspace Backspace").0, OverlayOutcome::Closed);
    }
}
