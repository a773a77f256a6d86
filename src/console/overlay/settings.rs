//! Every setting in force: its value, where that comes from, and what holds without what was set.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::asked::AskedRow;
use super::filtered::{holds, section};
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::LIST_KEYS;
use crate::console::action::Action;
use crate::console::frame::{Pieces, paint as paint_pieces, popup};
use crate::console::input::{Key, KeyCode};
use crate::console::settings::{in_force, may_be_set};
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::ListWindow;
use crate::console::widgets::paint;
use crate::console::{sanitise, time};
use crate::domain::explain::Topic;
use crate::domain::setting::{Origin, SettingView};

/// Columns of a value, on a narrow screen and on one that has room.
const VALUE_WIDTH: usize = 18;
const VALUE_WIDE: usize = 32;
/// The width from which on there is room.
const WIDE_FROM: u16 = 110;

/// The settings, which of them is in hand, what of them is looked for, and what was asked about one.
#[derive(Clone, Debug, Default)]
pub struct SettingsList {
    cursor: ListWindow,
    filter: Filter,
    asked: AskedRow,
}

impl SettingsList {
    /// Moves, narrows down, asks about the setting in hand, closes.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        if let Some(outcome) = self.asked.key(key, scene) {
            return outcome;
        }
        if self.filter.is_open() {
            if self.filter.key(key) {
                self.cursor = ListWindow::default();
            }
            return OverlayOutcome::Stays;
        }
        let names = self.names(scene);
        self.cursor.at = self.cursor.at.min(names.len().saturating_sub(1));
        match scene.keymap.action(key, &LIST_KEYS) {
            Some(Action::Filter) => self.filter.open(),
            Some(Action::Back) if !self.filter.is_empty() => self.filter.clear(),
            Some(Action::Back | Action::Quit) => return OverlayOutcome::Closed,
            Some(Action::Help | Action::Open) => {
                self.asked.ask(names.get(self.cursor.at).map(|name| vec![Topic::Setting(name.clone())]));
            }
            Some(action) => _ = self.cursor.act(action, names.len(), scene.height),
            None if key.code == KeyCode::Esc => return OverlayOutcome::Closed,
            None => {}
        }
        OverlayOutcome::Stays
    }

    pub fn paste(&mut self, text: &str) {
        if !self.asked.paste(text) && self.filter.is_open() && self.filter.paste(text) {
            self.cursor = ListWindow::default();
        }
    }

    /// The keys of what was asked about a setting, while it is shown.
    #[must_use]
    pub fn why_keys(&self, view: &View<'_>) -> Option<Vec<(String, &'static str)>> {
        self.asked.keys(view)
    }

    /// The settings that the filter has left, as they are listed.
    fn names(&self, scene: &OverlayScene<'_>) -> Vec<String> {
        let listed = listed(&self.filter.text().to_lowercase(), 0, scene);
        listed.into_iter().flat_map(|(_, settings)| settings.into_iter().map(|(name, _)| name)).collect()
    }

    /// Paints the list over the whole of `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        if self.asked.draw(area, scene, buffer) {
            return;
        }
        let styles = scene.view.styles;
        let filter = scene.view.hint(Action::Filter, "filters, ").unwrap_or_default();
        let title = format!("Settings   :set NAME VALUE, :unset NAME, :save   {filter}Esc closes");
        let inside = popup::framed(area, &title, styles.border, styles, buffer);
        let list = self.filter.draw_below(inside, buffer, styles);
        let (lines, held) = self.lines(inside.width, scene);
        let height = usize::from(list.height);
        // The heading of the first section is seen with its first row.
        let at = if self.cursor.at == 0 { 0 } else { held };
        let first = self.cursor.moved_to(at).first(lines.len(), height);
        if lines.is_empty() {
            let is_kept = !scene.view.snapshot.settings.is_empty();
            let none = if is_kept { "No setting matches." } else { "What was set then was not kept." };
            paint::text(list, buffer, 0, none, styles.dim);
        }
        for ((at, line), y) in lines.iter().enumerate().skip(first).zip(list.top()..list.bottom()) {
            draw_row(line, at == held, Rect { y, height: 1, ..list }, buffer, styles);
        }
    }

    /// All lines, and which of them is the row in hand.
    fn lines(&self, width: u16, scene: &OverlayScene<'_>) -> (Vec<Pieces>, usize) {
        let (mut lines, mut held, mut settings) = (Vec::new(), 0, 0);
        for (heading, here) in listed(&self.filter.text().to_lowercase(), width, scene) {
            let mut rows: Vec<Pieces> = Vec::new();
            let mut before = None;
            for (_, row) in here {
                if settings == self.cursor.at {
                    before = Some(rows.len());
                }
                settings += 1;
                rows.extend(row);
            }
            let count = rows.len();
            section(heading, rows, scene.view.styles, &mut lines);
            if let Some(before) = before {
                held = lines.len() - count + before;
            }
        }
        (lines, held)
    }
}

fn draw_row(line: &Pieces, selected: bool, area: Rect, buffer: &mut Buffer, styles: &Styles) {
    let mut line = line.clone();
    if selected {
        buffer.set_style(area, styles.row(true));
        if let Some((text, _)) = line.first_mut().filter(|(text, _)| text.starts_with("  ")) {
            text.replace_range(..1, ">");
        }
        line.iter_mut().for_each(|(_, style)| *style = styles.in_row(true, *style));
    }
    paint_pieces(&line, area.x, area.y, area.right(), buffer);
}

/// A heading, and which settings stand below it.
type SettingSection = (&'static str, fn(&SettingView) -> bool);

/// Each section with its settings by name, and the lines of each.
type ListedSection = (&'static str, Vec<(String, Vec<Pieces>)>);

/// First what may be changed for all instances, then what may in this console, then what holds from the start.
fn listed(wanted: &str, screen: u16, scene: &OverlayScene<'_>) -> Vec<ListedSection> {
    let all = in_force(scene.view.snapshot, scene.own);
    let values = if screen >= WIDE_FROM { VALUE_WIDE } else { VALUE_WIDTH };
    let width = all.iter().map(|one| sanitise::width(&one.name)).max().unwrap_or_default();
    let sections: [SettingSection; 3] = [
        ("Changed by :set for all instances", |one| one.setting.is_some()),
        ("Changed by :set for this console", |one| one.setting.is_none() && may_be_set(one)),
        ("Hold from the start", |one| !may_be_set(one)),
    ];
    let here = |belongs: fn(&SettingView) -> bool| {
        let all =
            all.iter().filter(|one| belongs(one)).map(|one| (one.name.clone(), rows(one, (width, values), scene)));
        all.filter(|(_, rows)| rows.iter().any(|row| holds(row, wanted))).collect()
    };
    sections.into_iter().map(|(heading, belongs)| (heading, here(belongs))).collect()
}

/// Its row, and below it what was given as the reason and what holds without what was set.
fn rows(one: &SettingView, (width, values): (usize, usize), scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let value = sanitise::clean(&one.shown()).into_owned();
    let is_changed = one.origin != Origin::Default;
    let row = vec![
        (format!("  {:<width$}  ", one.name), styles.key),
        (format!("{value:<values$}  "), styles.text),
        (sanitise::clean(&one.origin.to_string()).into_owned(), if is_changed { styles.accent } else { styles.dim }),
    ];
    let below = |text: String| vec![(format!("    {}", sanitise::clean(&text)), styles.dim)];
    let set = match &one.origin {
        Origin::Ensemble { at, why: Some(why), .. } => Some(format!("{}: {why}", time::of_date(*at))),
        Origin::Ensemble { at, why: None, .. } => Some(time::of_date(*at)),
        _ => None,
    };
    let without = one.configured.as_ref().map(|own| {
        let shown = SettingView { value: own.value.clone(), ..one.clone() }.shown();
        format!("without it: {shown} ({})", own.origin)
    });
    [row].into_iter().chain(set.map(below)).chain(without.map(below)).collect()
}
