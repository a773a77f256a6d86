//! Commands by name: typed, narrowed down, completed by Tab, with their arguments; and those that were typed before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span};

use super::completion::Completing;
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::window;
use crate::console::commands::Argument;
use crate::console::frame::popup;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::paths;
use crate::console::place::Completions;
use crate::console::sanitise;
use crate::console::suggest::{Suggestion, Suggestions, suggest};
use crate::console::theme::Styles;
use crate::console::widgets::paint;

const WIDTH: u16 = 84;
/// Rows of suggestions.
const ROWS: usize = 10;
/// Columns of a command with its arguments, and of an argument, before what is said of it.
const COMMAND_WIDTH: usize = 34;
const ARGUMENT_WIDTH: usize = 60;
/// Columns between the two.
const GAP: usize = 3;

/// The command line with its suggestions.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    line: Line,
    /// The row that the cursor was put on.
    selected: Option<usize>,
    /// Which of the earlier commands the line shows, and what had been typed before.
    past: Option<(usize, String)>,
    /// What could follow a path.
    completing: Completing,
}

impl Palette {
    /// Enter runs, Tab completes or goes on in the list, Up and Down go through the list and the commands of before,
    /// Esc closes.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        let found = suggest(self.line.before(), scene);
        match key.code {
            KeyCode::Esc => return OverlayOutcome::Closed,
            KeyCode::Backspace if self.line.is_empty() => return OverlayOutcome::Closed,
            KeyCode::Enter => return self.enter(&found),
            KeyCode::Tab => return self.tab(&found),
            KeyCode::BackTab => self.step(&found, false),
            KeyCode::Up => self.up(scene.past),
            KeyCode::Down => self.down(&found, scene.past),
            _ => {
                if self.line.key(key) {
                    (self.selected, self.past) = (None, None);
                }
            }
        }
        OverlayOutcome::Stays
    }

    pub fn paste(&mut self, text: &str) {
        self.line.insert(text);
        (self.selected, self.past) = (None, None);
    }

    /// What could follow the path, by the place; where nothing could, what else may stand there is completed.
    pub(super) fn take_completions(&mut self, found: Result<Completions, String>, scene: &OverlayScene<'_>) {
        let before = self.line.before().len();
        let knows_nothing = self.completing.answer(&mut self.line, found);
        if self.line.before().len() != before {
            (self.selected, self.past) = (None, None);
        }
        let found = suggest(self.line.before(), scene);
        if knows_nothing && !found.rows.is_empty() {
            self.completing = Completing::default();
            self.tab_rows(&found);
        }
    }

    /// The theme that the cursor is on, or whose whole name is typed.
    #[must_use]
    pub fn theme(&self, scene: &OverlayScene<'_>) -> Option<String> {
        let found = suggest(self.line.before(), scene);
        if found.argument != Some(Argument::Theme) {
            return None;
        }
        let on = self.selected.and_then(|at| found.rows.get(at)).map(|row| row.text.clone());
        on.or_else(|| scene.themes.iter().any(|theme| theme.name == found.typed).then_some(found.typed))
    }

    fn enter(&mut self, found: &Suggestions) -> OverlayOutcome {
        if let Some(row) = self.selected.and_then(|at| found.rows.get(at)) {
            let done = found.is_last || (found.argument.is_none() && row.usage.is_empty());
            self.take(row, found);
            return if done { self.run() } else { OverlayOutcome::Stays };
        }
        let exact = |row: &&Suggestion| row.text == found.typed;
        match found.rows.first().filter(|_| found.argument.is_none() && !found.typed.is_empty()) {
            // A name in part: the best row is meant. What fits by its description only is shown before it runs.
            Some(best) if !found.rows.iter().any(|row| exact(&row)) => {
                let done = best.by_name && best.usage.is_empty();
                self.take(best, found);
                if done { self.run() } else { OverlayOutcome::Stays }
            }
            _ => self.run(),
        }
    }

    fn run(&self) -> OverlayOutcome {
        // A blank at the end of a path may be the name's.
        match self.line.text().trim_start() {
            "" => OverlayOutcome::Closed,
            text => OverlayOutcome::Typed(text.to_owned()),
        }
    }

    /// Asks for what could follow a path, and completes all else by the rows.
    fn tab(&mut self, found: &Suggestions) -> OverlayOutcome {
        match &found.path {
            Some(path) if self.selected.is_none_or(|at| at >= found.rows.len()) => {
                self.selected = None;
                self.completing.ask(&self.line);
                OverlayOutcome::Asks(path.clone())
            }
            _ => {
                self.tab_rows(found);
                OverlayOutcome::Stays
            }
        }
    }

    /// Writes what is certain; when that is nothing, goes to the next row.
    fn tab_rows(&mut self, found: &Suggestions) {
        let begins = |row: &&Suggestion| !found.typed.is_empty() && row.text.starts_with(&found.typed);
        let beginning: Vec<&Suggestion> = found.rows.iter().filter(begins).collect();
        match (&beginning[..], &found.rows[..]) {
            _ if self.selected.is_some() => self.step(found, true),
            ([only], _) => self.take(only, found),
            ([], [only]) => self.take(only, found),
            ([first, rest @ ..], _) => {
                let common = rest.iter().fold(first.text.as_str(), |common, row| paths::shared(common, &row.text));
                match common.get(found.typed.len()..) {
                    Some(more) if !more.is_empty() => self.line.insert(more),
                    _ => self.step(found, true),
                }
            }
            ([], _) => self.step(found, true),
        }
    }

    /// The next row or the one before, in a circle.
    fn step(&mut self, found: &Suggestions, forward: bool) {
        let Some(last) = found.rows.len().checked_sub(1) else { return };
        self.selected = Some(match (self.selected, forward) {
            (None, true) => 0,
            (Some(at), true) if at < last => at + 1,
            (Some(_), true) => 0,
            (None | Some(0), false) => last,
            (Some(at), false) => at - 1,
        });
    }

    /// Puts the row where what was typed of it stands, and what has to follow it.
    fn take(&mut self, row: &Suggestion, found: &Suggestions) {
        match row.text.strip_prefix(&found.typed) {
            Some(rest) => self.line.insert(rest),
            None => {
                let start = self.line.before().len().saturating_sub(found.typed.len());
                while self.line.before().len() > start {
                    self.line.key(Key::plain(KeyCode::Backspace));
                }
                self.line.insert(&row.text);
            }
        }
        let more = if found.argument.is_none() { !row.usage.is_empty() } else { !found.is_last };
        if more {
            self.line.insert(" ");
        }
        (self.selected, self.past) = (None, None);
    }

    /// Up in the list; from its upper end on to the commands of before that begin as the line does.
    fn up(&mut self, past: &[String]) {
        if let Some(at) = self.selected {
            self.selected = at.checked_sub(1);
            return;
        }
        let (next, typed) = match &self.past {
            Some((at, typed)) => (at + 1, typed.clone()),
            None => (0, self.line.text()),
        };
        if let Some(command) = past.iter().filter(|own| own.starts_with(&typed)).nth(next) {
            self.line = Line::new(command);
            self.past = Some((next, typed));
        }
    }

    /// Back to what was typed, then down in the list.
    fn down(&mut self, found: &Suggestions, past: &[String]) {
        match self.past.take() {
            None => self.selected = Some(self.selected.map_or(0, |at| at + 1).min(found.rows.len().saturating_sub(1))),
            Some((0, typed)) => self.line = Line::new(&typed),
            Some((at, typed)) => {
                if let Some(command) = past.iter().filter(|own| own.starts_with(&typed)).nth(at - 1) {
                    self.line = Line::new(command);
                }
                self.past = Some((at - 1, typed));
            }
        }
    }

    /// Paints the palette at the top of `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        let styles = scene.view.styles;
        let found = suggest(self.line.before(), scene);
        let below = self.below(&found, usize::from(WIDTH.min(area.width).saturating_sub(4)), styles);
        let height = (found.rows.len().min(ROWS) as u16 + below.len() as u16).max(1) + 3;
        let place = Rect { height: height.min(area.height), ..popup::centred(area, WIDTH, area.height) };
        let earlier = if scene.past.is_empty() { "" } else { ", Up earlier ones" };
        let title = format!("Command   Tab completes, Enter runs{earlier}");
        let inside = popup::framed(place, &title, styles.accent, styles, buffer);
        if inside.height == 0 {
            return;
        }
        let (x, _) = buffer.set_stringn(inside.x, inside.y, ":", usize::from(inside.width), styles.key);
        let line = Rect::new(x, inside.y, inside.right().saturating_sub(x), 1);
        self.line.draw(line, buffer, styles);
        let list = paint::below(inside, 1);
        let rows = usize::from(list.height).saturating_sub(below.len());
        let first = self.selected.unwrap_or(0).saturating_sub(rows.saturating_sub(1));
        let widest = found.rows.iter().map(|row| sanitise::width(&row.text)).max().unwrap_or(0);
        let width = if found.argument.is_none() { COMMAND_WIDTH } else { widest.min(ARGUMENT_WIDTH) + GAP };
        for (at, y) in window(first, found.rows.len(), rows).zip(0..) {
            let (row, selected) = (&found.rows[at], self.selected == Some(at));
            let name = format!("{} {} {}", if selected { ">" } else { " " }, sanitise::clean(&row.text), row.usage);
            let name = sanitise::fit(name.trim_end(), usize::from(list.width));
            let gap = " ".repeat((width + 2).saturating_sub(sanitise::width(&name)).max(1));
            let spans = [(name, styles.text), (gap, styles.text), (row.about.clone(), styles.dim)];
            let spans = spans.map(|(text, style)| Span::styled(text, styles.in_row(selected, style)));
            paint::line(list, buffer, y, &TextLine::from(spans.to_vec()).style(styles.row(selected)));
        }
        for ((text, style), y) in below.iter().zip(rows as u16..list.height) {
            paint::text(list, buffer, y, text, *style);
        }
    }

    /// What is said below the rows: what could follow a path, and what is asked for.
    fn below(&self, found: &Suggestions, width: usize, styles: &Styles) -> Vec<(String, Style)> {
        let tone = if found.rows.is_empty() && found.argument.is_none() { styles.warning } else { styles.dim };
        let hint = (!found.hint.is_empty()).then(|| (format!("  {}", found.hint), tone));
        self.completing.rows(&self.line, width, styles).into_iter().chain(hint).collect()
    }
}
