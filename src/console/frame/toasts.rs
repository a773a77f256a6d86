//! Short messages above the keys, for a while; all of them stay in the events list.

use ratatui::style::Style;

use super::Pieces;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::domain::ids::{InstanceId, Millis, Timestamp};
use crate::domain::snapshot::{Level, Notice, Snapshot, Standing};

/// Toasts on screen at once.
const SHOWN_MAX: usize = 3;
/// Cells before a toast's text: its glyph and air.
const HEAD: usize = 3;
/// Messages of the console itself that are kept for the events list.
pub const OWN_KEPT: usize = 200;

/// One message of the console itself or of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Timestamp,
    pub level: Level,
    pub text: String,
    /// What it says that can cease to be so.
    pub standing: Option<Standing>,
    /// That something has begun: it gives way to what is told next.
    begun: bool,
}

impl Message {
    fn of(notice: &Notice) -> Self {
        Self {
            at: notice.at,
            level: notice.level,
            text: one_line(&notice.text),
            standing: notice.standing.clone(),
            begun: false,
        }
    }
}

/// Toasts on screen, and the console's own messages.
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    shown: Vec<Message>,
    own: Vec<Message>,
    /// What has happened while nobody was there: it stays until somebody is.
    away: Option<Message>,
    /// Number of the last notice of the engine that was seen, and which engine's.
    seen: u64,
    of: Option<InstanceId>,
}

impl Toasts {
    /// Starts with what the engine has reported so far, without showing it again.
    #[must_use]
    pub fn after(snapshot: &Snapshot) -> Self {
        Self { seen: last_number(snapshot), of: Some(snapshot.instance.id), ..Self::default() }
    }

    /// A message of the console itself.
    pub fn add(&mut self, at: Timestamp, level: Level, text: String) {
        self.keep(Message { at, level, text, standing: None, begun: false });
    }

    /// That something has begun, until more is told.
    pub fn add_begun(&mut self, at: Timestamp, text: String) {
        self.keep(Message { at, level: Level::Info, text, standing: None, begun: true });
    }

    fn keep(&mut self, message: Message) {
        let message = Message { text: one_line(&message.text), ..message };
        if self.own.len() == OWN_KEPT {
            self.own.remove(0);
        }
        self.own.push(message.clone());
        show(&mut self.shown, message);
    }

    /// Shows the warnings and errors that are new in the snapshot; the rest goes to the last line only. What is not so
    /// any more goes.
    pub fn take_notices(&mut self, snapshot: &Snapshot, now: Timestamp) {
        if self.of.replace(snapshot.instance.id).is_some_and(|of| of != snapshot.instance.id) {
            // Another process counts anew.
            self.seen = 0;
        }
        if last_number(snapshot) > self.seen {
            self.shown.retain(|message| !message.begun);
        }
        let fresh = snapshot.notices.iter().filter(|notice| notice.number > self.seen && notice.level > Level::Info);
        for notice in fresh {
            show(&mut self.shown, Message { at: now, ..Message::of(notice) });
        }
        self.shown.retain(|message| message.standing.as_ref().is_none_or(|standing| standing.holds(snapshot)));
        self.seen = self.seen.max(last_number(snapshot));
    }

    /// Lets go of toasts whose time has passed; `true` when one went.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.shown.len();
        self.shown.retain(|message| now.since(message.at) < stays(message.level));
        self.shown.len() != before
    }

    /// What is told to who comes back.
    pub fn set_away(&mut self, text: Option<String>) {
        let message = |text| Message {
            at: Timestamp(0),
            level: Level::Warning,
            text: format!("{text} (Enter: all events)"),
            standing: None,
            begun: false,
        };
        self.away = text.map(message);
    }

    /// Somebody has come back.
    pub fn take_away(&mut self) -> Option<Message> {
        self.away.take()
    }

    /// Takes all toasts off the screen.
    pub fn dismiss(&mut self) {
        self.shown.clear();
    }

    /// All messages up to a moment that is over, else up to now: the console's own and the engine's, newest first.
    #[must_use]
    pub fn all(&self, snapshot: &Snapshot, until: Option<Timestamp>) -> Vec<Message> {
        let engine = snapshot.notices.iter().map(|notice| Message::of(notice));
        let told = |message: &Message| until.is_none_or(|until| message.at <= until);
        let mut all: Vec<Message> = engine.chain(self.own.iter().cloned()).filter(told).collect();
        // Stable: of one moment the later ones come later, and first when turned round.
        all.sort_by_key(|message| message.at);
        all.reverse();
        all
    }

    /// The newest message of that time.
    #[must_use]
    pub fn last(&self, snapshot: &Snapshot, until: Option<Timestamp>) -> Option<Message> {
        let told = |at: Timestamp| until.is_none_or(|until| at <= until);
        let engine = snapshot.notices.iter().rev().find(|notice| told(notice.at)).map(|notice| Message::of(notice));
        let own = self.own.iter().rev().find(|own| told(own.at)).cloned();
        match (engine, own) {
            (Some(engine), Some(own)) => Some(if own.at >= engine.at { own } else { engine }),
            (engine, own) => engine.or(own),
        }
    }

    /// What is to be read now, in at most `most` lines above the keys: the newest last, older ones above it where there is
    /// room. Nothing when there is no toast.
    #[must_use]
    pub fn lines(&self, width: u16, most: usize, styles: &Styles) -> Vec<Pieces> {
        let room = usize::from(width).saturating_sub(HEAD + 1);
        let mut lines: Vec<Pieces> = Vec::new();
        for message in self.away.iter().chain(self.shown.iter().rev()) {
            let left = most.saturating_sub(lines.len());
            let text = sanitise::clean(&message.text);
            let wrapped = sanitise::wrap(&text, room, most.max(1));
            if room == 0 || wrapped.len() > left {
                break;
            }
            let tone = if message.level == Level::Info { styles.text } else { style(message.level, styles) };
            let head = |row: usize| if row == 0 { glyph(message.level, styles) } else { " " };
            let told = wrapped.into_iter().enumerate();
            let told = told.map(|(row, line)| vec![(format!(" {} ", head(row)), tone), (line, tone)]).collect();
            lines = [told, lines].concat();
        }
        lines
    }
}

/// An error of several lines as one: what was apart stays apart.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > 1 { lines.join(" ") } else { text.trim_end().to_owned() }
}

/// What stands there already comes anew, and not a second time.
fn show(shown: &mut Vec<Message>, message: Message) {
    shown.retain(|old| (old.level, &old.text) != (message.level, &message.text));
    if shown.len() == SHOWN_MAX {
        shown.remove(0);
    }
    shown.push(message);
}

fn last_number(snapshot: &Snapshot) -> u64 {
    snapshot.notices.last().map_or(0, |notice| notice.number)
}

/// How long a toast stays; Esc takes it away before.
const fn stays(level: Level) -> Millis {
    match level {
        Level::Info => Millis(5_000),
        Level::Warning => Millis(10_000),
        Level::Error => Millis(20_000),
    }
}

/// The word beside the glyph and the colour.
#[must_use]
pub const fn word(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

#[must_use]
pub const fn style(level: Level, styles: &Styles) -> Style {
    match level {
        Level::Info => styles.dim,
        Level::Warning => styles.warning,
        Level::Error => styles.bad,
    }
}

#[must_use]
pub const fn glyph(level: Level, styles: &Styles) -> &'static str {
    match level {
        Level::Info => styles.glyphs.good,
        Level::Warning => styles.glyphs.risk,
        Level::Error => styles.glyphs.bad,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ensemble::EnsembleState;
    use crate::domain::fixtures::{self, NOW};
    use crate::domain::server::ServerState;

    fn with_notices(levels: &[Level]) -> Snapshot {
        let mut snapshot = fixtures::snapshot();
        let notice = |(i, level): (usize, &Level)| {
            let text = format!("notice {}", i + 1);
            Arc::new(Notice { number: i as u64 + 1, at: NOW, level: *level, text, standing: None })
        };
        snapshot.notices = levels.iter().enumerate().map(notice).collect();
        snapshot
    }

    #[test]
    fn only_new_warnings_and_errors_pop_up() {
        let mut toasts = Toasts::after(&with_notices(&[Level::Error]));
        toasts.take_notices(&with_notices(&[Level::Error]), NOW);
        assert!(toasts.shown.is_empty(), "what was there at the start is old");
        toasts.take_notices(&with_notices(&[Level::Error, Level::Info, Level::Warning]), NOW);
        assert_eq!(toasts.shown.len(), 1);
        assert!(!toasts.expire(Timestamp(NOW.0 + 9_999)) && toasts.expire(Timestamp(NOW.0 + 10_000)));
    }

    #[test]
    fn that_something_has_begun_gives_way_to_what_is_told_next() {
        let mut toasts = Toasts::after(&with_notices(&[]));
        toasts.add_begun(NOW, "change begun".into());
        toasts.add(NOW, Level::Info, "saved".into());
        toasts.take_notices(&with_notices(&[]), NOW);
        assert_eq!(toasts.shown.len(), 2, "nothing was told");
        toasts.take_notices(&with_notices(&[Level::Info]), NOW);
        assert_eq!(toasts.shown.iter().map(|shown| shown.text.as_str()).collect::<Vec<_>>(), ["saved"]);
        assert_eq!(toasts.all(&with_notices(&[]), None).len(), 2, "both stay in the list");
    }

    /// A daemon that was started again counts anew.
    #[test]
    fn notices_of_another_process_pop_up() {
        let mut toasts = Toasts::after(&with_notices(&[Level::Error, Level::Error]));
        let mut another = with_notices(&[Level::Error]);
        another.instance.id = InstanceId::new(77);
        for _ in 0..2 {
            toasts.take_notices(&another, NOW);
            assert_eq!(toasts.shown.len(), 1, "once");
        }
    }

    #[test]
    fn what_is_not_so_any_more_leaves_the_screen() {
        let mut snapshot = with_notices(&[Level::Warning, Level::Error]);
        let notices: Vec<_> = snapshot.notices.iter().map(|notice| Notice::clone(notice)).collect();
        let standing = [None, Some(Standing::Ensemble(EnsembleState::AtRisk))];
        let told = notices.into_iter().zip(standing).map(|(notice, standing)| Arc::new(Notice { standing, ..notice }));
        snapshot.notices = told.collect();
        snapshot.ensemble.state = EnsembleState::AtRisk;
        let mut toasts = Toasts::default();
        toasts.take_notices(&snapshot, NOW);
        assert_eq!(toasts.shown.len(), 2);
        snapshot.ensemble.state = EnsembleState::Healthy;
        toasts.take_notices(&snapshot, NOW);
        assert_eq!(toasts.shown.len(), 1, "what happened stays true");
        assert_eq!(toasts.all(&snapshot, None).len(), 2, "the events list keeps all");
    }

    #[test]
    fn that_a_server_has_ended_leaves_when_it_runs_again() {
        let mut snapshot = with_notices(&[Level::Warning]);
        let node = snapshot.servers[0].node.clone();
        let notice = Notice { standing: Some(Standing::Ended(node, NOW)), ..Notice::clone(&snapshot.notices[0]) };
        snapshot.notices = [Arc::new(notice)].into();
        let mut toasts = Toasts::default();
        let mut left = |state, since| {
            let mut servers = snapshot.servers.to_vec();
            (servers[0].verdict.state, servers[0].verdict.since) = (state, since);
            snapshot.servers = servers.into();
            toasts.take_notices(&snapshot, NOW);
            toasts.shown.is_empty()
        };
        let later = NOW.plus(Millis(1_000));
        assert!(!left(ServerState::Up, Timestamp(NOW.0 - 1)), "it was not looked at since");
        assert!(!left(ServerState::Down, later), "it waits for its start");
        assert!(left(ServerState::Starting, later), "it is started");
    }

    #[test]
    fn a_moment_that_is_over_has_the_messages_up_to_then() {
        let mut toasts = Toasts::default();
        toasts.add(Timestamp(NOW.0 - 5_000), Level::Info, "before".into());
        toasts.add(Timestamp(NOW.0 + 5_000), Level::Info, "after".into());
        let snapshot = with_notices(&[Level::Info]);
        let then = |at: u64| toasts.last(&snapshot, Some(Timestamp(at))).map(|message| message.text);
        assert_eq!(then(NOW.0 - 5_001), None);
        assert_eq!(then(NOW.0 - 1).as_deref(), Some("before"));
        assert_eq!(then(NOW.0).as_deref(), Some("notice 1"));
        assert_eq!(toasts.all(&snapshot, Some(NOW)).len(), 2);
        assert_eq!(toasts.last(&snapshot, None).map(|message| message.text).as_deref(), Some("after"));
    }

    #[test]
    fn what_is_said_again_stands_there_once_and_stays_longer() {
        let mut toasts = Toasts::default();
        for (after, text) in [(0, "no match"), (1, "other"), (4_000, "no match")] {
            toasts.add(Timestamp(NOW.0 + after), Level::Info, text.into());
        }
        let shown: Vec<_> = toasts.shown.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(shown, ["other", "no match"]);
        assert!(toasts.expire(Timestamp(NOW.0 + 5_500)) && toasts.shown.len() == 1);
        assert_eq!(
            toasts.all(&fixtures::snapshot(), None).iter().filter(|message| message.text == "no match").count(),
            2
        );
    }

    #[test]
    fn the_newest_is_told_whole_and_older_ones_where_there_is_room() {
        let mut toasts = Toasts::default();
        for (after, text) in [(0, "first"), (1, "second"), (2, "a text of seven words that is long")] {
            toasts.add(Timestamp(NOW.0 + after), Level::Error, text.into());
        }
        let styles = Styles::plain();
        let told = |width, most| -> Vec<String> {
            let lines = toasts.lines(width, most, &styles);
            lines.iter().map(|line| line.iter().map(|(text, _)| text.as_str()).collect()).collect()
        };
        let long = [" ✖ a text of seven", "   words that is long"];
        assert_eq!(told(24, 3), [&[" ✖ second"], &long[..]].concat());
        assert_eq!(told(24, 6).len(), 4);
        assert_eq!(told(24, 2), long);
        assert_eq!(told(24, 1), [" ✖ a text of seven wor…"], "no line more than there are");
        assert!(told(3, 3).is_empty() && Toasts::default().lines(80, 3, &styles).is_empty());
    }

    #[test]
    fn nothing_is_lost_and_everything_bounded() {
        let mut toasts = Toasts::default();
        for i in 0..OWN_KEPT as u64 + 50 {
            toasts.add(Timestamp(NOW.0 + i), Level::Info, format!("{i}"));
        }
        assert_eq!(toasts.shown.len(), SHOWN_MAX);
        let snapshot = with_notices(&[Level::Info]);
        let all = toasts.all(&snapshot, None);
        assert_eq!((all.len(), all[0].text.as_str()), (OWN_KEPT + 1, "249"));
        assert_eq!(toasts.last(&snapshot, None).map(|m| m.text).as_deref(), Some("249"));
        toasts.dismiss();
    }

    #[test]
    fn an_error_of_several_lines_is_one_line() {
        let mut toasts = Toasts::default();
        toasts.add(NOW, Level::Error, "it failed:\n  no room\r\n\n  left\n".into());
        assert_eq!(toasts.shown[0].text, "it failed: no room left");
        let mut snapshot = with_notices(&[Level::Error]);
        snapshot.notices = [Arc::new(Notice { text: "a\nb".into(), ..Notice::clone(&snapshot.notices[0]) })].into();
        assert!(toasts.all(&snapshot, None).iter().all(|message| !message.text.contains('\n')));
    }

    #[test]
    fn what_came_at_one_moment_is_newest_first_too() {
        let all = Toasts::default().all(&with_notices(&[Level::Info, Level::Info]), None);
        assert_eq!(all.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["notice 2", "notice 1"]);
    }
}
