//! Numbers and states in words. What is not known is `-`.

use std::fmt::Display;

use ratatui::style::Style;

use crate::console::theme::Styles;
use crate::console::time;
use crate::domain::ensemble::EnsembleState;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::node::{NodeCondition, NodeView, WEIGHT_DEFAULT};
pub use crate::domain::number::{count, grouped};
use crate::domain::operation::OperationStatus;
use crate::domain::planner::{Counted, share};
use crate::domain::server::ServerState;
use crate::domain::snapshot::{Reading, SessionState, Snapshot};

/// The value, or `-`.
#[must_use]
pub fn or_dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `0.4 ms`, `131 ms`.
#[must_use]
pub fn ms(value: Option<f64>) -> String {
    or_dash(value.map(|ms| if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }))
}

/// `61/s`, `0.4/s`.
#[must_use]
pub fn rate(value: Option<f64>) -> String {
    or_dash(value.map(|n| if n > 0.0 && n < 10.0 { format!("{n:.1}/s") } else { format!("{n:.0}/s") }))
}

/// Whole seconds, for what counts up or down: `9 s`, `2 min 5 s`.
#[must_use]
pub fn seconds(span: Millis) -> String {
    match span.0 / 1000 {
        seconds @ 0..=59 => format!("{seconds} s"),
        seconds => Millis::from_secs(seconds).to_string(),
    }
}

/// One unit, for narrow columns: `41s`, `4m`, `3h`, `2d`.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).0 / 1000;
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m", seconds / 60),
        3600..=86_399 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Glyph and style of a server's state.
#[must_use]
pub const fn of_server(state: ServerState, styles: &Styles) -> (&'static str, Style) {
    let glyphs = &styles.glyphs;
    match state {
        ServerState::Up => (glyphs.good, styles.good),
        ServerState::Degraded | ServerState::ReadOnly | ServerState::Paused => (glyphs.warning, styles.warning),
        ServerState::Starting | ServerState::Unknown => (glyphs.unknown, styles.dim),
        ServerState::NotServing | ServerState::Frozen | ServerState::Stopped | ServerState::Down => {
            (glyphs.bad, styles.bad)
        }
    }
}

/// Glyph and style of the ensemble's state.
#[must_use]
pub const fn of_ensemble(state: EnsembleState, styles: &Styles) -> (&'static str, Style) {
    let glyphs = &styles.glyphs;
    match state {
        EnsembleState::Healthy => (glyphs.good, styles.good),
        EnsembleState::Degraded => (glyphs.warning, styles.warning),
        EnsembleState::AtRisk => (glyphs.risk, styles.bad),
        EnsembleState::NoLeader | EnsembleState::NoQuorum => (glyphs.bad, styles.bad),
        EnsembleState::Starting | EnsembleState::Unknown => (glyphs.unknown, styles.warning),
    }
}

/// The word for what a node is now.
#[must_use]
pub fn node(node: &NodeView, snapshot: &Snapshot) -> &'static str {
    let left = node.drain.as_ref().map(|drain| drain.files_left);
    node.condition.shown_word(left.filter(|_| counts_known(snapshot)))
}

/// Style of a node's condition.
#[must_use]
pub const fn of_node(condition: NodeCondition, styles: &Styles) -> Style {
    match condition {
        NodeCondition::Active => styles.good,
        NodeCondition::Draining | NodeCondition::Paused | NodeCondition::Full => styles.warning,
        NodeCondition::Unknown => styles.dim,
        NodeCondition::Down
        | NodeCondition::Frozen
        | NodeCondition::NotServing
        | NodeCondition::Unhealthy
        | NodeCondition::Unreadable => styles.bad,
    }
}

/// Glyph and style of a row of history.
#[must_use]
pub const fn of_operation(status: OperationStatus, styles: &Styles) -> (&'static str, Style) {
    let glyphs = &styles.glyphs;
    match status {
        OperationStatus::Started => (glyphs.unknown, styles.accent),
        OperationStatus::Done => (glyphs.good, styles.good),
        OperationStatus::Failed => (glyphs.bad, styles.bad),
        OperationStatus::Aborted => (glyphs.warning, styles.warning),
        OperationStatus::None => ("-", styles.dim),
    }
}

/// Why the records on screen may not be those of now, and of when they are.
#[must_use]
pub fn stale(snapshot: &Snapshot, now: Timestamp) -> Option<String> {
    let session = &snapshot.session;
    let list = snapshot.files_read.map(|read| format!("the list is of {}", time::of_day(read)));
    if session.state != SessionState::Connected {
        let list = list.unwrap_or_else(|| "nothing is read yet".into());
        return Some(format!("not connected for {}: {list}", now.since(session.since)));
    }
    list.filter(|_| !snapshot.files_complete).map(|list| format!("records are being read anew; {list}"))
}

/// How far the first reading of the records is.
#[must_use]
pub fn reading(reading: Reading) -> String {
    format!("Reading the records of the files: {} of {}.", grouped(reading.read), grouped(reading.total))
}

/// Whether the counts of files are known: now, or from before the connection was lost.
#[must_use]
pub const fn counts_known(snapshot: &Snapshot) -> bool {
    let then = snapshot.past.is_some() && snapshot.files_read.is_some();
    snapshot.files_complete || !snapshot.files.is_empty() || then
}

/// The count at which each of these nodes makes the scheduler start, by their place in the snapshot.
#[must_use]
pub fn starts_at(snapshot: &Snapshot, nodes: impl Iterator<Item = usize>) -> Vec<Option<u64>> {
    let counted: Vec<Counted> = snapshot.nodes.iter().map(Counted::of).collect();
    let trigger = snapshot.scheduler.trigger;
    let active = |at: usize| trigger > 0 && counted[at].condition == NodeCondition::Active;
    nodes.map(|at| active(at).then(|| share::starts_at(&counted, at, trigger)).flatten()).collect()
}

/// What makes the next run move files by itself: `starts when zk1 reaches 679`. `None` when no count is known, or none
/// starts it.
#[must_use]
pub fn starts(snapshot: &Snapshot) -> Option<String> {
    if !counts_known(snapshot) {
        return None;
    }
    if snapshot.scheduler.paused {
        return Some("paused: starts nothing".to_owned());
    }
    let own = |node: &NodeView| Counted::of(node).count;
    let all = snapshot.nodes.iter().zip(starts_at(snapshot, 0..snapshot.nodes.len()));
    let all = all.filter_map(|(node, at)| Some((node, at?)));
    let (node, at) = all.min_by_key(|(node, at)| at.saturating_sub(own(node)))?;
    let does = if own(node) >= at { "moves are due:" } else { "starts when" };
    let reaches = if own(node) >= at { "has reached" } else { "reaches" };
    Some(format!("{does} {} {reaches} {}", node.id, grouped(at)))
}

/// `weight 50`; `None` for one that nobody changed.
#[must_use]
pub fn weight(node: &NodeView) -> Option<String> {
    (node.weight != WEIGHT_DEFAULT).then(|| format!("weight {}", node.weight))
}

/// `2 coming, 1 going`.
#[must_use]
pub fn in_flight(node: &NodeView) -> Option<String> {
    let part = |count, word| (count > 0).then(|| format!("{} {word}", grouped(count)));
    let parts = [part(node.in_flight_in, "coming"), part(node.in_flight_out, "going")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    #[test]
    fn numbers_read_well_and_unknown_is_a_dash() {
        assert_eq!([ms(Some(0.42)), ms(Some(131.2)), ms(None)], ["0.4 ms", "131 ms", "-"]);
        assert_eq!([rate(Some(0.0)), rate(Some(0.4)), rate(Some(61.0))], ["0/s", "0.4/s", "61/s"]);
        assert_eq!(age(Timestamp(0), Timestamp(250_000)), "4m");
        assert_eq!([count(1, "file"), count(1000, "file")], ["1 file", "1,000 files"]);
    }

    #[test]
    fn records_are_of_now_only_once_they_are_read_whole() {
        let mut snapshot = fixtures::snapshot();
        let now = fixtures::NOW;
        assert_eq!(stale(&snapshot, now), None);
        (snapshot.files_complete, snapshot.files_read) = (false, Some(Timestamp(now.0 - 9_000)));
        let told = |snapshot: &Snapshot| stale(snapshot, now);
        assert_eq!(told(&snapshot).as_deref(), Some("records are being read anew; the list is of 14:02:02"));
        snapshot.session.state = SessionState::Disconnected;
        assert_eq!(told(&snapshot).as_deref(), Some("not connected for 59 s: the list is of 14:02:02"));
        snapshot.files_read = None;
        assert_eq!(told(&snapshot).as_deref(), Some("not connected for 59 s: nothing is read yet"));
        snapshot.session.state = SessionState::Connected;
        assert_eq!(told(&snapshot), None, "there is no list that could be old");
    }
}
