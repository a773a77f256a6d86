//! Why the words of a row stand there, then those of the header, and the keys of the pane; `?` again shows all keys.

use std::mem::discriminant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::help::{self, HelpList};
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::{LIST_KEYS, Scroll};
use crate::console::action::Action;
use crate::console::commands;
use crate::console::frame::{Pieces, paint, popup};
use crate::console::input::{Key, KeyCode};
use crate::console::view::View;
use crate::console::widgets::words;
use crate::console::{sanitise, settings, time};
use crate::domain::explain::{Explanation, HEADER, Topic};

/// Most columns of the box, and columns of a part's name.
const WIDTH: u16 = 110;
const NAME_WIDTH: usize = 15;
/// Lines of one part.
const LINES_MAX: usize = 12;

/// What was asked about, and how far it is read.
#[derive(Clone, Debug)]
pub struct WhyBox {
    topics: Vec<Topic>,
    /// Whether the header and the keys of the pane belong to it: they do to a row's.
    of_row: bool,
    scroll: Scroll,
    /// All keys, while they are shown instead.
    keys: Option<HelpList>,
}

impl WhyBox {
    /// Of the row in hand.
    #[must_use]
    pub fn of_row(topics: Vec<Topic>) -> Self {
        Self { topics, of_row: true, scroll: Scroll::default(), keys: None }
    }

    /// Of what was asked by name.
    #[must_use]
    pub fn named(topics: Vec<Topic>) -> Self {
        Self { of_row: false, ..Self::of_row(topics) }
    }

    /// Scrolls, copies, closes; `?` and Tab show all keys, and Tab comes back.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        if let Some(keys) = &mut self.keys {
            if key.code == KeyCode::Tab {
                self.keys = None;
                return OverlayOutcome::Stays;
            }
            return keys.key(key, scene);
        }
        match scene.keymap.action(key, &LIST_KEYS) {
            _ if key.code == KeyCode::Tab => self.keys = Some(HelpList::default()),
            Some(Action::Help) => self.keys = Some(HelpList::default()),
            Some(Action::Back | Action::Quit) => return OverlayOutcome::Closed,
            Some(Action::Copy) => return OverlayOutcome::Copied(self.text(scene.view)),
            Some(action) => _ = self.scroll.act(action, scene.height),
            None if key.code == KeyCode::Esc => return OverlayOutcome::Closed,
            None => {}
        }
        OverlayOutcome::Stays
    }

    pub fn paste(&mut self, text: &str) {
        self.keys.iter_mut().for_each(|keys| keys.paste(text));
    }

    /// The keys that it takes.
    #[must_use]
    pub fn keys(&self, view: &View<'_>) -> Vec<(String, &'static str)> {
        let tab = if self.keys.is_some() { "back to why" } else { "all keys" };
        let own = if self.keys.is_some() { (Action::Filter, "filter") } else { (Action::Copy, "copy") };
        let own = view.key(own.0).map(|key| (key, own.1));
        [Some(("Tab".to_owned(), tab)), own, Some(("Esc".to_owned(), "close"))].into_iter().flatten().collect()
    }

    /// Paints the answer over `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        if let Some(keys) = &self.keys {
            keys.draw(area, scene, buffer);
            return;
        }
        let styles = scene.view.styles;
        let width = WIDTH.min(area.width);
        let lines = self.lines(usize::from(width.saturating_sub(4)), scene);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
        let place = popup::centred(area, width, height);
        let inside = popup::framed(place, "Why   Tab all keys, Esc closes", styles.border, styles, buffer);
        let rows = self.scroll.window(lines.len(), usize::from(inside.height));
        for (line, y) in lines[rows].iter().zip(inside.top()..) {
            paint(line, inside.x, y, inside.right(), buffer);
        }
    }

    fn lines(&self, width: usize, scene: &OverlayScene<'_>) -> Vec<Pieces> {
        let styles = scene.view.styles;
        // A setting is asked about as it is in this console.
        let snapshot = settings::as_here(scene.view.snapshot, scene.own);
        let view = &View { snapshot: &snapshot, ..*scene.view };
        let mut lines = apart(self.topics.iter().flat_map(|topic| blocks(topic, width, view)));
        if lines.is_empty() {
            lines.push(vec![("Nothing is the matter.".to_owned(), styles.text)]);
        }
        if self.of_row {
            lines.extend([Pieces::new(), vec![("IN THE HEADER".to_owned(), styles.heading)]]);
            let told = |topic: &&Topic| !self.topics.iter().any(|own| discriminant(own) == discriminant(*topic));
            lines.extend(apart(HEADER.iter().filter(told).flat_map(|topic| blocks(topic, width, view))));
            lines.push(Pieces::new());
            lines.extend(help::here("", scene));
        }
        lines
    }

    /// All of what was asked about, for the clipboard.
    fn text(&self, view: &View<'_>) -> String {
        let explained = self.topics.iter().flat_map(|topic| topic.explained(view.snapshot));
        let blocks = explained.map(|one| {
            let parts = parts(&one, view).into_iter().map(|(name, value)| format!("{name}: {value}"));
            std::iter::once(heading(&one)).chain(parts).collect::<Vec<_>>().join("\n")
        });
        sanitise_lines(&blocks.collect::<Vec<_>>().join("\n\n"))
    }
}

/// Each line made harmless.
fn sanitise_lines(text: &str) -> String {
    text.lines().map(sanitise::clean).collect::<Vec<_>>().join("\n")
}

/// Blocks of lines with an empty one between each two.
fn apart(blocks: impl Iterator<Item = Vec<Pieces>>) -> Vec<Pieces> {
    blocks.enumerate().flat_map(|(at, block)| (at > 0).then(Pieces::new).into_iter().chain(block)).collect()
}

/// The lines of each answer.
fn blocks(topic: &Topic, width: usize, view: &View<'_>) -> Vec<Vec<Pieces>> {
    topic.explained(view.snapshot).iter().map(|one| block(one, look(topic, view), width, view)).collect()
}

fn block(one: &Explanation, (glyph, style): (String, Style), width: usize, view: &View<'_>) -> Vec<Pieces> {
    let styles = view.styles;
    let of = format!("   {}", sanitise::clean(&one.of));
    let mut lines = vec![vec![(format!("{glyph}{}", sanitise::clean(&one.word)), style), (of, styles.dim)]];
    for (name, value) in parts(one, view) {
        let room = width.saturating_sub(NAME_WIDTH + 2).max(1);
        let (name, style) = if name == COMMAND { (String::new(), styles.key) } else { (name, styles.text) };
        let name = sanitise::fit_with(&sanitise::clean(&name), NAME_WIDTH, styles.glyphs.ellipsis);
        for (at, part) in sanitise::wrap(&sanitise::clean(&value), room, LINES_MAX).into_iter().enumerate() {
            let name = if at == 0 { name.as_str() } else { "" };
            let gap = " ".repeat((NAME_WIDTH + 2).saturating_sub(sanitise::width(name)));
            lines.push(vec![(format!("{name}{gap}"), styles.dim), (part, style)]);
        }
    }
    lines
}

/// The name of the part that is a command to type: it is not written.
const COMMAND: &str = "type";

fn heading(one: &Explanation) -> String {
    format!("{}   {}", one.word, one.of)
}

/// Each part with its name. Of a state all are there, `-` for what is not known.
fn parts(one: &Explanation, view: &View<'_>) -> Vec<(String, String)> {
    let since = one.since.map(|at| format!("{}, {} ago", time::of_date(at), view.now.since(at)));
    let mut parts = Vec::new();
    if !one.meaning.is_empty() {
        parts.push(("means".to_owned(), one.meaning.clone()));
    }
    if one.has_rule() {
        let of_rule = [
            ("rule", one.rule.clone()),
            ("bound", one.bound.clone()),
            ("measured", one.measured.clone()),
            ("source", one.source.clone()),
            ("since", since),
            ("what to do", one.todo.clone()),
        ];
        parts.extend(of_rule.map(|(name, value)| (name.to_owned(), words::or_dash(value))));
        let command = one.remedy.as_ref().and_then(|command| commands::typed_as(command, view));
        parts.extend(command.map(|command| (COMMAND.to_owned(), format!(":{command}"))));
    }
    parts.extend(one.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())));
    parts
}

/// The glyph and style that its word has elsewhere.
fn look(topic: &Topic, view: &View<'_>) -> (String, Style) {
    let (snapshot, styles) = (view.snapshot, view.styles);
    let glyphed = |(glyph, style): (&str, Style)| (format!("{glyph} "), style);
    match topic {
        Topic::Server(id) => match snapshot.server(id) {
            Some(server) => glyphed(words::of_server(server.verdict.state, styles)),
            None => (String::new(), styles.warning),
        },
        Topic::Node(id) => match snapshot.node(id) {
            Some(node) => (String::new(), words::of_node(node.condition, styles)),
            None => (String::new(), styles.warning),
        },
        Topic::Ensemble => glyphed(words::of_ensemble(snapshot.ensemble.state, styles)),
        Topic::Operation(row) => {
            let row = snapshot.operation(row.id).map_or(&**row, |newer| newer);
            glyphed(words::of_operation(row.status, styles))
        }
        Topic::Alerts => (String::new(), styles.bad),
        _ if topic.is_amiss(snapshot) => (String::new(), styles.bad),
        _ => (String::new(), styles.heading),
    }
}
