//! The two lines above: verdict, leader, this instance's role; tabs and the scheduler.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Pieces, paint, paint_pair, width_of};
use crate::console::action::Action;
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::words;
use crate::console::{sanitise, time};
use crate::domain::ensemble::{EnsembleState, EnsembleView};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::past::PastPart;
use crate::domain::snapshot::{ApiView, SessionState, Snapshot};

/// Cells between what stands still in the first line.
const GAP: usize = 3;
/// Most cells of the label and of the leader's name.
const LABEL_MAX: usize = 24;
const NODE_MAX: usize = 20;
/// Cells that must be left for the label to stand there, and for the epoch.
const BESIDE_LABEL: usize = 24;
const BESIDE_EPOCH: usize = 44;
/// Cells that what is the matter keeps beside alerts.
const MATTER_LEAST: usize = 24;

/// What the header shows beside the snapshot.
pub struct Header<'a> {
    pub view: &'a View<'a>,
    pub label: &'a str,
    pub read_only: bool,
    /// The engine is another process's.
    pub attached: bool,
    /// Titles of the panes.
    pub tabs: &'a [&'static str],
    pub active: usize,
    /// From where the shown pane was come to: `Health: zk3`; Esc leads back.
    pub trail: &'a [(usize, String)],
}

/// Columns that the tab's text takes, and where it begins: clicks go by the same numbers.
#[must_use]
pub fn tab_columns(tabs: &[&str]) -> Vec<(u16, u16)> {
    let mut x = 1;
    let place = |(i, title): (usize, &&str)| {
        let width = format!("{} {title}", i + 1).len() as u16;
        let start = x;
        x += width + 2;
        (start, start + width)
    };
    tabs.iter().enumerate().map(place).collect()
}

impl Header<'_> {
    /// Paints both lines into the first two rows of `area`.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        self.draw_first(Rect { height: 1, ..area }, buffer);
        if area.height > 1 {
            paint_pair(&self.second_line(), Rect { y: area.y + 1, height: 1, ..area }, buffer);
        }
    }

    /// What stands still, then what is the matter, and at the right what has room beside it.
    fn draw_first(&self, area: Rect, buffer: &mut Buffer) {
        let fixed = self.fixed(usize::from(area.width));
        let room = usize::from(area.width).saturating_sub(width_of(&fixed));
        let (text, end, style) = self.matter();
        let wanted = sanitise::width(&text) + sanitise::width(&end);
        let rights = self.rights();
        let fits = |right: &&Pieces| wanted + 2 + width_of(right) <= room;
        let alarms = rights.last().filter(|right| width_of(right) + MATTER_LEAST <= room);
        let none = Pieces::new();
        let right = rights.iter().find(fits).or(alarms).unwrap_or(&none);
        let left = room.saturating_sub(width_of(right) + if right.is_empty() { 0 } else { 2 });
        let cut = left.saturating_sub(sanitise::width(&end));
        let text = sanitise::fit_with(&text, cut, self.view.styles.glyphs.ellipsis);
        let mut pieces = fixed;
        pieces.push((format!("{text}{end}"), style));
        paint(&pieces, area.x, area.y, area.right(), buffer);
        paint(right, area.right() - (width_of(right) as u16).min(area.width), area.y, area.right(), buffer);
    }

    /// Name, label, verdict and leader: their columns depend on the width of the screen only, never on the state.
    fn fixed(&self, width: usize) -> Pieces {
        let styles = self.view.styles;
        let label = format!("  {}", sanitise::fit(&sanitise::clean(self.label), LABEL_MAX));
        let least = 7 + GAP + self.verdict_width() + GAP + self.leader_width(false) + GAP;
        let with_label = least + sanitise::width(&label);
        let with_epoch = with_label - self.leader_width(false) + self.leader_width(true);
        let mut pieces = vec![(" zkdeck".to_owned(), styles.accent)];
        if with_label + BESIDE_LABEL <= width {
            pieces.push((label, styles.dim));
        }
        pieces.push((" ".repeat(GAP), styles.text));
        let (verdict, style) = verdict(&self.view.snapshot.ensemble, styles);
        pieces.push((padded(&verdict, self.verdict_width() + GAP), style));
        if least <= width {
            let epoch = with_epoch + BESIDE_EPOCH <= width;
            pieces.push((padded(&self.leader(epoch), self.leader_width(epoch) + GAP), styles.text));
        }
        pieces
    }

    /// Columns of the longest verdict.
    fn verdict_width(&self) -> usize {
        let voters = self.view.snapshot.ensemble.quorum.voters.to_string().len();
        "x CONNECTING ".len() + 2 * voters + 1
    }

    /// Columns of the leader, whichever server it is.
    fn leader_width(&self, epoch: bool) -> usize {
        let names = self.view.snapshot.servers.iter().map(|server| sanitise::width(server.node.as_str()));
        let name = names.max().unwrap_or(1).min(NODE_MAX);
        let epoch = if epoch { " (epoch )".len() + self.epoch().map_or(1, |epoch| epoch.to_string().len()) } else { 0 };
        2 + name + epoch
    }

    const fn epoch(&self) -> Option<u32> {
        self.view.snapshot.ensemble.epoch
    }

    /// `♛ zk2 (epoch 7)`.
    fn leader(&self, epoch: bool) -> String {
        let glyph = self.view.styles.glyphs.leader;
        let Some(node) = &self.view.snapshot.ensemble.leader else { return format!("{glyph} -") };
        let name = sanitise::fit(node.as_str(), NODE_MAX);
        match self.epoch().filter(|_| epoch) {
            Some(number) => format!("{glyph} {name} (epoch {number})"),
            None => format!("{glyph} {name}"),
        }
    }

    /// What is the matter, in words that may be cut, and an end that is not.
    fn matter(&self) -> (String, String, Style) {
        let (snapshot, styles) = (self.view.snapshot, self.view.styles);
        if !self.tells_session() {
            return (sanitise::clean(&matter_of_ensemble(self.view)).into_owned(), String::new(), styles.text);
        }
        let session = &snapshot.session;
        let age = self.view.now.since(session.since);
        let (glyph, word, style) = match session.state {
            SessionState::Connecting | SessionState::Connected => (styles.glyphs.unknown, "connecting", styles.warning),
            SessionState::Disconnected => (styles.glyphs.bad, "no session", styles.bad),
            SessionState::Expired => (styles.glyphs.bad, "no session (expired)", styles.bad),
        };
        let untold = session.cause.is_none() && snapshot.ensemble.cause.is_none();
        if snapshot.ensemble.state == EnsembleState::Unknown && untold {
            return (format!("for {age}"), String::new(), styles.text);
        }
        let Some(cause) = &session.cause else { return (format!("{glyph} {word} for {age}"), String::new(), style) };
        let details = self.view.key(Action::Events).map_or_else(String::new, |key| format!(" (details: {key})"));
        (format!("{glyph} {word} for {age}: {}", sanitise::clean(cause)), details, style)
    }

    /// Whether it is the session that is the matter: what the servers miss comes before it.
    const fn tells_session(&self) -> bool {
        !matches!(self.view.snapshot.session.state, SessionState::Connected)
            && !matches!(
                self.view.snapshot.ensemble.state,
                EnsembleState::NoLeader | EnsembleState::NoQuorum | EnsembleState::Starting
            )
    }

    /// What stands at the right, from all of it to the least.
    fn rights(&self) -> Vec<Pieces> {
        let dim = self.view.styles.dim;
        // What this process is and listens at is of now.
        if self.view.snapshot.past.is_some() {
            let zone = vec![(time::zone_name(self.view.now), dim)];
            return vec![joined(vec![self.alerts(true), zone], dim), joined(vec![self.alerts(false)], dim)];
        }
        let right = |words: bool, role: Pieces, api: bool, zone: bool| {
            let mut parts = vec![self.alerts(words), role];
            parts.extend(api.then(|| vec![(api_text(&self.view.snapshot.instance.api), dim)]));
            parts.extend(zone.then(|| vec![(time::zone_name(self.view.now), dim)]));
            joined(parts, dim)
        };
        vec![
            right(true, self.role(true), true, true),
            right(true, self.role(true), false, true),
            right(true, self.role(true), false, false),
            right(false, self.role(true), false, false),
            right(false, self.role(false), false, false),
            right(false, Pieces::new(), false, false),
        ]
    }

    /// What is sick: each in a few words, or how many. The whole sentence is a toast and in the events.
    fn alerts(&self, words: bool) -> Pieces {
        let alerts = &self.view.snapshot.alerts;
        let shorts: Vec<&str> =
            alerts.iter().map(|alert| alert.short.as_str()).filter(|short| !short.is_empty()).collect();
        let text = match (shorts.len(), words) {
            (0, _) => return Vec::new(),
            (_, true) => shorts.join(", "),
            (1, false) => "1 alert".to_owned(),
            (count, false) => format!("{count} alerts"),
        };
        let glyph = self.view.styles.glyphs.warning;
        vec![(format!("{glyph} {}", sanitise::clean(&text)), self.view.styles.bad)]
    }

    /// What this instance is, or since when it is nothing; `whole` names the one that leads, too.
    fn role(&self, whole: bool) -> Pieces {
        let (snapshot, styles) = (self.view.snapshot, self.view.styles);
        let session = &snapshot.session;
        let mut parts = vec![Pieces::new()];
        if self.read_only {
            parts.push(vec![("read-only".to_owned(), styles.warning)]);
        }
        if session.state == SessionState::Connected {
            parts.push(vec![self.leads(whole)]);
        } else if session.state == SessionState::Connecting && !self.tells_session() {
            parts.push(vec![("connecting".to_owned(), styles.warning)]);
        } else if !self.tells_session() {
            parts.push(vec![(format!("no session since {}", time::of_day(session.since)), styles.bad)]);
        }
        if let Some(refusal) = session.store.alarm(self.read_only) {
            parts.push(vec![(format!("{}: watching only", refusal.short), styles.bad)]);
        }
        between(parts, styles.dim)
    }

    fn leads(&self, whole: bool) -> (String, Style) {
        let (leadership, styles) = (&self.view.snapshot.leadership, self.view.styles);
        match &leadership.leader {
            _ if leadership.leads && whole => {
                (if self.attached { "its instance leads" } else { "this instance leads" }.to_owned(), styles.text)
            }
            _ if leadership.leads => ("leads".to_owned(), styles.text),
            Some(_) if !whole => ("standby".to_owned(), styles.text),
            Some(leader) => (format!("standby of {}", sanitise::clean(&leader.name())), styles.text),
            None => ("no instance leads".to_owned(), styles.warning),
        }
    }

    fn second_line(&self) -> Vec<(Pieces, Pieces)> {
        let styles = self.view.styles;
        let mut tabs: Pieces = vec![(" ".to_owned(), styles.text)];
        for (i, title) in self.tabs.iter().enumerate() {
            let style = if i == self.active { styles.in_row(true, styles.text) } else { styles.dim };
            tabs.push((format!("{} {title}", i + 1), style));
            tabs.push(("  ".to_owned(), styles.text));
        }
        let crumbs = |(pane, of): &(usize, String)| Some(format!("{} {}", self.tabs.get(*pane)?, sanitise::clean(of)));
        let crumbs: Vec<String> = self.trail.iter().filter_map(crumbs).collect();
        if let Some(last) = crumbs.last() {
            let back = self.view.hint(Action::Back, "back").unwrap_or_default();
            let whole = vec![(format!(" from {}   {back} ", crumbs.join(", ")), styles.accent)];
            let short = vec![(format!(" from {last}   {back} "), styles.accent)];
            return vec![
                (tabs.clone(), whole),
                (tabs.clone(), short),
                (tabs, vec![(format!(" {back} "), styles.accent)]),
            ];
        }
        let moving = (moving(self.view.snapshot), styles.dim);
        let with = |text: String| vec![(text, self.scheduler_style()), moving.clone()];
        vec![
            (tabs.clone(), with(scheduler(self.view.snapshot, self.view.now, false))),
            (tabs.clone(), with(scheduler(self.view.snapshot, self.view.now, true))),
            (tabs.clone(), vec![moving.clone()]),
            (tabs, Vec::new()),
        ]
    }

    const fn scheduler_style(&self) -> Style {
        let scheduler = &self.view.snapshot.scheduler;
        if scheduler.paused && scheduler.running.is_none() { self.view.styles.warning } else { self.view.styles.text }
    }
}

/// `● HEALTHY 3/3`. While nothing was found out yet there is no count.
pub(super) fn verdict(ensemble: &EnsembleView, styles: &Styles) -> (String, Style) {
    let (glyph, style) = words::of_ensemble(ensemble.state, styles);
    let (word, quorum) = (ensemble.word(), ensemble.quorum);
    let text = match ensemble.state {
        EnsembleState::Unknown => format!("{glyph} {word}"),
        _ => format!("{glyph} {word} {}/{}", quorum.serving, quorum.voters),
    };
    (text, style)
}

/// What the state means now, and its cause.
fn matter_of_ensemble(view: &View<'_>) -> String {
    let ensemble = &view.snapshot.ensemble;
    let (age, cause) = (view.now.since(ensemble.since), ensemble.cause.as_deref());
    match ensemble.state {
        EnsembleState::Healthy => format!("can lose {}", ensemble.quorum.can_lose()),
        EnsembleState::Degraded => cause.map_or_else(|| format!("for {age}"), |cause| format!("{cause} for {age}")),
        EnsembleState::NoLeader => format!("for {age}: writes wait for an election"),
        EnsembleState::AtRisk => "one more loss stops writes".to_owned(),
        EnsembleState::NoQuorum => {
            let since = time::of_day(ensemble.since);
            let data = if view.snapshot.ever_read() { "data is from then" } else { "nothing is read yet" };
            format!("since {since} ({age}): writes wait, {data}")
        }
        EnsembleState::Starting => format!("for {age}"),
        EnsembleState::Unknown => cause.unwrap_or_default().to_owned(),
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(sanitise::width(text))))
}

/// Parts with a dot between those that are not empty.
fn between(parts: Vec<Pieces>, dim: Style) -> Pieces {
    let mut pieces = Pieces::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !pieces.is_empty() {
            pieces.push((" · ".to_owned(), dim));
        }
        pieces.extend(part);
    }
    pieces
}

/// The same with air at the end of the line.
fn joined(parts: Vec<Pieces>, dim: Style) -> Pieces {
    let mut pieces = between(parts, dim);
    if !pieces.is_empty() {
        pieces.push((" ".to_owned(), dim));
    }
    pieces
}

fn api_text(api: &ApiView) -> String {
    match api {
        ApiView::Off => "no api".to_owned(),
        ApiView::On(address) => format!("api {}", sanitise::clean(address)),
        // The whole cause is among the events.
        ApiView::Unavailable(_) => "no api: cannot listen".to_owned(),
    }
}

/// Moves under way. Those of another leader are not told of: then nothing is said.
fn moving(snapshot: &Snapshot) -> String {
    let told = match &snapshot.past {
        Some(past) => past.knows(PastPart::Servers),
        None => snapshot.leadership.leads,
    };
    match snapshot.moves.len() {
        0 if !told => " ".to_owned(),
        moves => format!("   {moves} moving "),
    }
}

fn scheduler(snapshot: &Snapshot, now: Timestamp, short: bool) -> String {
    let view = &snapshot.scheduler;
    // When the next run was due was not kept, nor whether anybody ran them.
    if snapshot.past.is_some() && view.running.is_none() && !view.paused {
        return String::new();
    }
    let next = view.next_run.map(|at| at.since(now).0.div_ceil(1000));
    match (&view.running, next) {
        (Some(run), _) => {
            let done = run.ended();
            format!("{} {done} of {}", if short { "running" } else { "scheduler runs," }, run.moves_planned)
        }
        _ if view.paused => if short { "paused" } else { "scheduler paused" }.to_owned(),
        (None, Some(seconds)) => {
            let left = words::seconds(Millis::from_secs(seconds));
            format!("{}next in {left}", if short { "" } else { "scheduler on, " })
        }
        (None, None) if snapshot.leadership.leads => "scheduler on, next -".to_owned(),
        (None, None) if short => String::new(),
        (None, None) if snapshot.leadership.leader.is_none() => "scheduler waits for a leader".to_owned(),
        (None, None) => "scheduler is the leader's".to_owned(),
    }
}
