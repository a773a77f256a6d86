//! What is amiss now and everything that was reported, newest first: a row each, and one of them whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::asked::AskedRow;
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::{LIST_KEYS, Scroll};
use crate::console::action::Action;
use crate::console::frame::popup;
use crate::console::frame::toasts::{Message, OWN_KEPT, glyph, style, word};
use crate::console::input::{Key, KeyCode};
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::ListWindow;
use crate::console::widgets::paint;
use crate::console::{sanitise, time};
use crate::domain::explain::{Explanation, Fact, StateWord, Topic};
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, NOTICES_KEPT, SessionState, Snapshot, Standing};

/// Lines of one event that are shown.
const LINES_MAX: usize = 500;

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EventRow {
    /// `None` for what stands now.
    at: Option<Timestamp>,
    level: Level,
    text: String,
    /// What it says that can cease to be so.
    standing: Option<Standing>,
}

/// The list, and the event that is read whole.
#[derive(Clone, Debug, Default)]
pub struct EventsList {
    cursor: ListWindow,
    /// The row that the cursor was put on: it stays there while newer ones come. `None` at the newest.
    held: Option<EventRow>,
    filter: Filter,
    open: Option<(EventRow, Scroll)>,
    /// What was asked about an event.
    asked: AskedRow,
}

impl EventsList {
    /// Moves, narrows down, opens, copies, closes.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        if let Some(outcome) = self.asked.key(key, scene) {
            return outcome;
        }
        if self.filter.is_open() {
            if self.filter.key(key) {
                self.held = None;
                self.cursor = ListWindow::default();
            }
            return OverlayOutcome::Stays;
        }
        let rows = self.rows(scene);
        self.cursor.at = self.at(&rows);
        match scene.keymap.action(key, &LIST_KEYS) {
            Some(Action::Back) if self.open.is_some() => self.open = None,
            Some(Action::Back) if !self.filter.is_empty() => self.filter.clear(),
            Some(Action::Back | Action::Quit | Action::Events) => return OverlayOutcome::Closed,
            Some(Action::Copy) => return self.copied(&rows),
            Some(Action::Help) => {
                let about = self.in_hand(&rows).map(|row| topics(row, scene.view.snapshot));
                self.asked.ask(about);
            }
            Some(action) => self.act(action, &rows, scene.height),
            None if key.code == KeyCode::Esc => return OverlayOutcome::Closed,
            None => {}
        }
        OverlayOutcome::Stays
    }

    fn act(&mut self, action: Action, rows: &[EventRow], height: usize) {
        if let Some((_, scroll)) = &self.open {
            scroll.act(action, height);
        } else if action == Action::Filter {
            self.filter.open();
        } else if action == Action::Open {
            self.open = rows.get(self.cursor.at).map(|row| (row.clone(), Scroll::default()));
        } else if self.cursor.act(action, rows.len(), height) {
            self.held = rows.get(self.cursor.at).filter(|_| self.cursor.at > 0).cloned();
        }
    }

    fn in_hand<'a>(&'a self, rows: &'a [EventRow]) -> Option<&'a EventRow> {
        self.open.as_ref().map(|(row, _)| row).or_else(|| rows.get(self.cursor.at))
    }

    fn copied(&self, rows: &[EventRow]) -> OverlayOutcome {
        self.in_hand(rows).map_or(OverlayOutcome::Stays, |row| OverlayOutcome::Copied(row.text.clone()))
    }

    /// The keys of what was asked about an event, while it is shown.
    #[must_use]
    pub fn why_keys(&self, view: &View<'_>) -> Option<Vec<(String, &'static str)>> {
        self.asked.keys(view)
    }

    pub fn paste(&mut self, text: &str) {
        if !self.asked.paste(text) && self.filter.is_open() && self.filter.paste(text) {
            self.held = None;
            self.cursor = ListWindow::default();
        }
    }

    /// Where the cursor is among the rows of now.
    fn at(&self, rows: &[EventRow]) -> usize {
        let held = self.held.as_ref().and_then(|held| rows.iter().position(|row| row == held));
        held.unwrap_or(self.cursor.at).min(rows.len().saturating_sub(1))
    }

    /// What stands now, then what was reported; of both what the filter takes.
    fn rows(&self, scene: &OverlayScene<'_>) -> Vec<EventRow> {
        let wanted = self.filter.text().to_lowercase();
        let told = scene.messages.iter();
        let told = told.map(|message: &Message| EventRow {
            at: Some(message.at),
            level: message.level,
            text: message.text.clone(),
            standing: message.standing.clone(),
        });
        let taken = |row: &EventRow| row.text.to_lowercase().contains(&wanted) || word(row.level).contains(&wanted);
        standing(scene).into_iter().chain(told).filter(taken).collect()
    }

    /// Paints the list, or one event, over the whole of `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        if self.asked.draw(area, scene, buffer) {
            return;
        }
        let styles = scene.view.styles;
        let hint = |action, does| scene.view.hint(action, does).map_or_else(String::new, |hint| format!("{hint}, "));
        if let Some((row, scroll)) = &self.open {
            let title = format!("Event   {}Esc goes back to the list", hint(Action::Copy, "copies"));
            let inside = popup::framed(area, &title, styles.border, styles, buffer);
            draw_whole(row, scroll, inside, buffer, styles);
            return;
        }
        let (count, kept) = (scene.messages.len(), OWN_KEPT + NOTICES_KEPT);
        let (open, filter) = (hint(Action::Open, "opens"), hint(Action::Filter, "filters"));
        let then = scene.view.snapshot.as_of().map(|at| format!(" up to {}", time::of_date(at))).unwrap_or_default();
        let title = format!("Events{then}: {count} of at most {kept}   {open}{filter}Esc closes");
        let inside = popup::framed(area, &title, styles.border, styles, buffer);
        let list = self.filter.draw_below(inside, buffer, styles);
        self.draw_rows(list, scene, buffer);
    }

    fn draw_rows(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        let styles = scene.view.styles;
        let rows = self.rows(scene);
        if rows.is_empty() {
            let none = match (self.filter.is_empty(), scene.view.snapshot.past.is_some()) {
                (false, _) => "No event matches.",
                (true, true) => "No event of that time is kept any more.",
                (true, false) => "Nothing was reported yet.",
            };
            paint::text(area, buffer, 0, none, styles.dim);
        }
        let (at, height) = (self.at(&rows), usize::from(area.height));
        let first = self.cursor.moved_to(at).first(rows.len(), height);
        let dated = spans_days(&rows);
        for (row, y) in rows.iter().enumerate().skip(first).zip(0..area.height) {
            let (place, event) = row;
            paint::line(area, buffer, y, &line(event, place == at, dated, usize::from(area.width), styles));
        }
    }
}

/// What is amiss at this moment, the most urgent first.
fn standing(scene: &OverlayScene<'_>) -> Vec<EventRow> {
    let snapshot = scene.view.snapshot;
    let session = &snapshot.session;
    let lost = session.cause.as_ref().filter(|_| session.state != SessionState::Connected);
    let lost = lost.map(|cause| {
        (format!("no session since {}: {cause}", time::of_day(session.since)), Standing::Session(session.state))
    });
    let alerts = snapshot.alerts.iter().map(|alert| (alert.text.clone(), Standing::Alert(alert.code)));
    let row = |(text, standing)| EventRow { at: None, level: Level::Error, text, standing: Some(standing) };
    lost.into_iter().chain(alerts).map(row).collect()
}

/// What an event is about: itself, what it says that may be so still, and the servers that it names.
fn topics(row: &EventRow, snapshot: &Snapshot) -> Vec<Topic> {
    let when = row.at.map_or_else(|| "it stands now".to_owned(), time::of_date);
    let told = Explanation {
        of: "event".to_owned(),
        word: word(row.level).to_owned(),
        meaning: row.text.clone(),
        facts: vec![Fact { name: "reported".to_owned(), value: when }],
        ..Explanation::default()
    };
    let of_standing = row.standing.as_ref().map(|standing| match standing {
        Standing::Ensemble(_) => Topic::Ensemble,
        Standing::Session(state) => Topic::Word(StateWord::Session(*state)),
        Standing::Alert(code) => Topic::Word(StateWord::Alert(*code)),
        Standing::Damaged(file) => Topic::File(*file),
        Standing::Ended(node, _) => Topic::Server(node.clone()),
    });
    let named: Vec<&str> = row.text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').collect();
    let servers = snapshot.servers.iter().map(|server| &server.node);
    let servers = servers.filter(|node| named.contains(&node.as_str()));
    let servers = servers.filter(|node| !matches!(&of_standing, Some(Topic::Server(own)) if own == *node));
    let servers: Vec<Topic> = servers.map(|node| Topic::Server(node.clone())).collect();
    std::iter::once(Topic::Told(Box::new(told))).chain(of_standing).chain(servers).collect()
}

/// Whether the times of the list are of more than one day.
fn spans_days(rows: &[EventRow]) -> bool {
    let mut days = rows.iter().filter_map(|row| row.at).map(time::day);
    days.next().is_some_and(|first| days.any(|day| day != first))
}

fn when(row: &EventRow, dated: bool) -> String {
    match row.at {
        None => format!("{:<width$}", "now", width = if dated { 19 } else { 8 }),
        Some(at) if dated => time::of_date(at),
        Some(at) => time::of_day(at),
    }
}

fn line(row: &EventRow, selected: bool, dated: bool, width: usize, styles: &Styles) -> Line<'static> {
    let mark = if selected { "> " } else { "  " };
    let when = format!("{}  ", when(row, dated));
    let state = format!("{} {:<8}", glyph(row.level, styles), word(row.level));
    let used = 2 + sanitise::width(&when) + sanitise::width(&state);
    let text = sanitise::fit_with(&sanitise::clean(&row.text), width.saturating_sub(used), styles.glyphs.ellipsis);
    let pieces =
        [(mark.to_owned(), styles.accent), (when, styles.dim), (state, style(row.level, styles)), (text, styles.text)];
    let spans = pieces.into_iter().map(|(text, style)| Span::styled(text, styles.in_row(selected, style)));
    Line::from(spans.collect::<Vec<_>>()).style(styles.row(selected))
}

/// One event, line for line as far as it goes.
fn draw_whole(row: &EventRow, scroll: &Scroll, area: Rect, buffer: &mut Buffer, styles: &Styles) {
    let when = row.at.map_or_else(|| "now".to_owned(), time::of_date);
    let head = format!("{when}  {} {}", glyph(row.level, styles), word(row.level));
    paint::text(area, buffer, 0, &head, style(row.level, styles));
    let list = paint::below(area, 2);
    let lines = sanitise::wrap(&sanitise::clean(&row.text), usize::from(list.width), LINES_MAX);
    let rows = scroll.window(lines.len(), usize::from(list.height));
    for (line, y) in lines[rows].iter().zip(0..) {
        paint::text(list, buffer, y, line, styles.text);
    }
}
