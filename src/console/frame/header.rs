//! The two lines above: verdict, leader, this instance's role; tabs and the scheduler.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pieces, paint_pair};
use crate::console::view::View;
use crate::console::{sanitise, time};
use crate::domain::ensemble::EnsembleState;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{ApiView, SessionState, Snapshot};

/// What the header shows beside the snapshot.
pub struct Header<'a> {
    pub view: &'a View<'a>,
    pub label: &'a str,
    pub read_only: bool,
    /// Titles of the panes.
    pub tabs: &'a [&'static str],
    pub active: usize,
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
        paint_pair(&self.first_line(), Rect { height: 1, ..area }, buffer);
        if area.height > 1 {
            paint_pair(&self.second_line(), Rect { y: area.y + 1, height: 1, ..area }, buffer);
        }
    }

    /// From the widest to the narrowest.
    fn first_line(&self) -> Vec<(Pieces, Pieces)> {
        let left = |label: bool, epoch: bool, leader: bool| {
            let mut pieces = vec![(" zkdeck".to_owned(), self.view.styles.accent)];
            if label {
                pieces.push((format!("  {}", sanitise::clean(self.label)), self.view.styles.dim));
            }
            pieces.push(("   ".to_owned(), self.view.styles.text));
            pieces.extend(verdict(self.view));
            if leader {
                pieces.extend(self.leader(epoch));
            }
            pieces
        };
        let right = |api: bool, alerts: bool| {
            let mut pieces = self.alerts(alerts);
            if !pieces.is_empty() {
                pieces.push((" · ".to_owned(), self.view.styles.bad));
            }
            pieces.extend(self.role());
            if api {
                pieces.push((api_text(&self.view.snapshot.instance.api), self.view.styles.dim));
            }
            pieces.push((" ".to_owned(), self.view.styles.text));
            pieces
        };
        let mut lines = vec![
            (left(true, true, true), right(true, true)),
            (left(true, true, true), right(false, true)),
            (left(true, false, true), right(false, true)),
            (left(false, false, true), right(false, true)),
            (left(false, false, true), right(false, false)),
            (left(false, false, false), right(false, false)),
        ];
        lines.extend(match self.lost() {
            Some(lost) => [(left(false, false, false), lost.clone()), (self.word_alone(), lost)],
            None => [(left(false, false, false), self.alerts_alone()), (left(false, false, false), Vec::new())],
        });
        lines
    }

    fn leader(&self, epoch: bool) -> Pieces {
        let ensemble = &self.view.snapshot.ensemble;
        let name = ensemble.leader.as_ref().map_or("-", |node| node.as_str());
        let text = match ensemble.epoch {
            Some(number) if epoch && ensemble.leader.is_some() => format!("   leader {name} (epoch {number})"),
            _ => format!("   leader {name}"),
        };
        vec![(text, self.view.styles.text)]
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

    /// That there is no session, in few words: the last thing that a narrow header gives up.
    fn lost(&self) -> Option<Pieces> {
        let session = &self.view.snapshot.session;
        let word = match session.state {
            SessionState::Connected => return None,
            SessionState::Connecting => "connecting",
            SessionState::Disconnected => "disconnected",
            SessionState::Expired => "session expired",
        };
        let style =
            if session.state == SessionState::Connecting { self.view.styles.warning } else { self.view.styles.bad };
        Some(vec![(format!("{word} {} ", self.view.now.since(session.since)), style)])
    }

    fn word_alone(&self) -> Pieces {
        verdict(self.view).into_iter().take(1).map(|(text, style)| (format!(" {text}"), style)).collect()
    }

    fn alerts_alone(&self) -> Pieces {
        let mut pieces = self.alerts(false);
        pieces.push((" ".to_owned(), self.view.styles.text));
        pieces
    }

    /// What this instance is, or why and since when it is nothing.
    fn role(&self) -> Pieces {
        let (snapshot, styles) = (self.view.snapshot, self.view.styles);
        let session = &snapshot.session;
        let since = || format!("{} ({})", time::of_day(session.since), self.view.now.since(session.since));
        let mut pieces = match session.state {
            SessionState::Connected => vec![self.leads()],
            SessionState::Connecting => {
                vec![(format!("connecting for {}", self.view.now.since(session.since)), styles.warning)]
            }
            SessionState::Disconnected => vec![(format!("disconnected since {}", since()), styles.bad)],
            SessionState::Expired => vec![(format!("session expired {}", since()), styles.bad)],
        };
        if self.read_only {
            pieces.insert(0, ("read-only · ".to_owned(), styles.warning));
        }
        if let Some(refusal) = session.store.alarm(self.read_only) {
            pieces.push((format!(" · {}: watching only", refusal.short), styles.bad));
        }
        pieces
    }

    fn leads(&self) -> (String, ratatui::style::Style) {
        let (leadership, styles) = (&self.view.snapshot.leadership, self.view.styles);
        match &leadership.leader {
            _ if leadership.leads => ("this instance leads".to_owned(), styles.text),
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
        let moving = (moving(self.view.snapshot), styles.dim);
        let with = |text: String| vec![(text, self.scheduler_style()), moving.clone()];
        vec![
            (tabs.clone(), with(scheduler(self.view.snapshot, self.view.now, false))),
            (tabs.clone(), with(scheduler(self.view.snapshot, self.view.now, true))),
            (tabs.clone(), vec![moving.clone()]),
            (tabs, Vec::new()),
        ]
    }

    const fn scheduler_style(&self) -> ratatui::style::Style {
        let scheduler = &self.view.snapshot.scheduler;
        if scheduler.paused && scheduler.running.is_none() { self.view.styles.warning } else { self.view.styles.text }
    }
}

/// Glyph, word, count and, when something is wrong, what.
fn verdict(view: &View<'_>) -> Pieces {
    let (ensemble, styles) = (&view.snapshot.ensemble, view.styles);
    let glyphs = &styles.glyphs;
    let (glyph, style) = match ensemble.state {
        EnsembleState::Healthy => (glyphs.good, styles.good),
        EnsembleState::Degraded => (glyphs.warning, styles.warning),
        EnsembleState::AtRisk => (glyphs.risk, styles.bad),
        EnsembleState::NoQuorum => (glyphs.bad, styles.bad),
        EnsembleState::Starting | EnsembleState::Unknown => (glyphs.unknown, styles.warning),
    };
    let quorum = ensemble.quorum;
    let count = format!("{}/{}", quorum.serving, quorum.voters);
    let age = view.now.since(ensemble.since);
    let cause = ensemble.cause.as_deref().map(sanitise::clean);
    let rest = match ensemble.state {
        EnsembleState::Healthy => format!(" {count}, can lose {}", quorum.can_lose()),
        EnsembleState::Degraded => match cause {
            Some(cause) => format!(" {count}: {cause} for {age}"),
            None => format!(" {count} for {age}"),
        },
        EnsembleState::AtRisk if ensemble.leader.is_none() => {
            format!(" {count}: no leader seen, writes wait for one")
        }
        EnsembleState::AtRisk => format!(" {count}: one more loss stops writes"),
        EnsembleState::NoQuorum => {
            let since = time::of_day(ensemble.since);
            let data = if view.snapshot.ever_read() { "data is from then" } else { "nothing is read yet" };
            format!(" {count} since {since} ({age}): writes wait, {data}")
        }
        EnsembleState::Starting => format!(" {count} for {age}"),
        EnsembleState::Unknown => cause.map_or_else(String::new, |cause| format!(": {cause}")),
    };
    vec![(format!("{glyph} {}", ensemble.word()), style), (rest, styles.text)]
}

fn api_text(api: &ApiView) -> String {
    match api {
        ApiView::Off => " · no api".to_owned(),
        ApiView::On(address) => format!(" · api {}", sanitise::clean(address)),
        // The whole cause is among the events.
        ApiView::Unavailable(_) => " · no api: cannot listen".to_owned(),
    }
}

/// Moves under way. Those of another leader are not told of: then nothing is said.
fn moving(snapshot: &Snapshot) -> String {
    match snapshot.moves.len() {
        0 if !snapshot.leadership.leads => " ".to_owned(),
        moves => format!("   {moves} moving "),
    }
}

fn scheduler(snapshot: &Snapshot, now: Timestamp, short: bool) -> String {
    let view = &snapshot.scheduler;
    let next = view.next_run.map(|at| at.since(now).0.div_ceil(1000));
    match (&view.running, next) {
        (Some(run), _) => {
            let done = run.ended();
            format!("{} {done} of {}", if short { "running" } else { "scheduler runs," }, run.moves_planned)
        }
        _ if view.paused => if short { "paused" } else { "scheduler paused" }.to_owned(),
        (None, Some(seconds)) => format!("{}next in {seconds}s", if short { "" } else { "scheduler on, " }),
        (None, None) if snapshot.leadership.leads => "scheduler on, next -".to_owned(),
        (None, None) if short => String::new(),
        (None, None) if snapshot.leadership.leader.is_none() => "scheduler waits for a leader".to_owned(),
        (None, None) => "scheduler is the leader's".to_owned(),
    }
}
