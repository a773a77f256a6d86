//! Who is attached to the ensemble: every instance, who runs it, and where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::filtered::{FilteredText, holds, section};
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use crate::console::action::Action;
use crate::console::frame::{Pieces, popup};
use crate::console::input::Key;
use crate::console::{sanitise, time};
use crate::domain::snapshot::{InstanceInfo, SessionState, Snapshot};

/// The instances, and what of them is looked for.
#[derive(Clone, Debug, Default)]
pub struct WhoList(FilteredText);

impl WhoList {
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
        let title = format!("Who is attached   {filter}Esc closes");
        let inside = popup::framed(area, &title, styles.border, styles, buffer);
        let none = match &scene.view.snapshot.instances[..] {
            [] => "Not known: this instance has no session with the ensemble.",
            _ => "Nobody matches.",
        };
        self.0.draw(lines(&self.0.wanted(), scene), none, inside, buffer, styles);
    }
}

fn lines(wanted: &str, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let (snapshot, styles) = (scene.view.snapshot, scene.view.styles);
    let width = snapshot.instances.iter().map(|one| sanitise::width(&sanitise::clean(&one.name()))).max();
    let found = snapshot.instances.iter().map(|one| rows(one, width.unwrap_or_default(), scene));
    let rows: Vec<Pieces> = found.filter(|rows| rows.iter().any(|row| holds(row, wanted))).flatten().collect();
    let heading = match snapshot.session.state {
        SessionState::Connected => "Instances with a session, the oldest first".to_owned(),
        _ => format!("Instances as they were at {}, before the session was lost", time::of_day(snapshot.session.since)),
    };
    let mut out = Vec::new();
    section(&heading, rows, styles, &mut out);
    out
}

/// Which process on which host, what it does, whose it is; below it where and since when.
fn rows(one: &InstanceInfo, width: usize, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let (snapshot, styles) = (scene.view.snapshot, scene.view.styles);
    let name = sanitise::clean(&one.name()).into_owned();
    let pad = " ".repeat(width.saturating_sub(sanitise::width(&name)));
    let seat = one.seat.as_ref();
    let person = seat.map_or_else(|| "-".to_owned(), |seat| sanitise::clean(&seat.person).into_owned());
    let front = seat.map_or("-", |seat| seat.front.word());
    let row = vec![
        (format!("  {name}{pad}  "), styles.key),
        (format!("{front:<9}{:<11}", role(one, snapshot)), styles.text),
        (person, styles.text),
        (if one.id == snapshot.instance.id { "   this console's" } else { "" }.to_owned(), styles.accent),
    ];
    let folder = seat.map_or_else(|| "-".to_owned(), |seat| sanitise::clean(&seat.folder).into_owned());
    let below = format!("    since {}   in {folder}", time::of_date(one.since_ms));
    vec![row, vec![(below, styles.dim)]]
}

fn role(one: &InstanceInfo, snapshot: &Snapshot) -> &'static str {
    match &snapshot.leadership.leader {
        Some(leader) if leader.id == one.id => "leads",
        _ if one.id == snapshot.instance.id && snapshot.leadership.leads => "leads",
        _ if one.seat.as_ref().is_some_and(|seat| seat.read_only) => "read-only",
        _ => "standby",
    }
}
