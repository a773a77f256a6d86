//! Every setting in force: its value, where that comes from, and what holds without what was set.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::filtered::{FilteredText, section};
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use crate::console::action::Action;
use crate::console::frame::{Pieces, popup};
use crate::console::input::Key;
use crate::console::settings::{in_force, may_be_set};
use crate::console::{sanitise, time};
use crate::domain::setting::{Origin, SettingView};

/// Columns of a value, on a narrow screen and on one that has room.
const VALUE_WIDTH: usize = 18;
const VALUE_WIDE: usize = 32;
/// The width from which on there is room.
const WIDE_FROM: u16 = 110;

/// The settings, and what of them is looked for.
#[derive(Clone, Debug, Default)]
pub struct SettingsList(FilteredText);

impl SettingsList {
    /// Scrolls, narrows down, closes.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        self.0.key(key, scene, None)
    }

    pub fn paste(&mut self, text: &str) {
        self.0.paste(text);
    }

    /// Paints the list over the whole of `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        let styles = scene.view.styles;
        let filter = scene.view.hint(Action::Filter, "filters, ").unwrap_or_default();
        let title = format!("Settings   :set NAME VALUE, :unset NAME, :save   {filter}Esc closes");
        let inside = popup::framed(area, &title, styles.border, styles, buffer);
        let is_kept = !scene.view.snapshot.settings.is_empty();
        let none = if is_kept { "No setting matches." } else { "What was set then was not kept." };
        self.0.draw(lines(&self.0.wanted(), inside.width, scene), none, inside, buffer, styles);
    }
}

/// A heading, and which settings stand below it.
type SettingSection = (&'static str, fn(&SettingView) -> bool);

/// First what may be changed for all instances, then what may in this console, then what holds from the start.
fn lines(wanted: &str, screen: u16, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let all = in_force(scene.view.snapshot, scene.own);
    let values = if screen >= WIDE_FROM { VALUE_WIDE } else { VALUE_WIDTH };
    let width = all.iter().map(|one| sanitise::width(&one.name)).max().unwrap_or_default();
    let sections: [SettingSection; 3] = [
        ("Changed by :set for all instances", |one| one.setting.is_some()),
        ("Changed by :set for this console", |one| one.setting.is_none() && may_be_set(one)),
        ("Hold from the start", |one| !may_be_set(one)),
    ];
    let mut out: Vec<Pieces> = Vec::new();
    for (heading, belongs) in sections {
        let here = all.iter().filter(|one| belongs(one)).map(|one| rows(one, (width, values), scene));
        let rows: Vec<Pieces> = here.filter(|rows| rows.iter().any(|row| holds(row, wanted))).flatten().collect();
        section(heading, rows, styles, &mut out);
    }
    out
}

fn holds(row: &Pieces, wanted: &str) -> bool {
    let text: String = row.iter().map(|(text, _)| text.as_str()).collect();
    text.to_lowercase().contains(wanted)
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
