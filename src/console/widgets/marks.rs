//! What is marked on a time axis: incidents and operations of people.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::axis::TimeAxis;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::domain::ids::{IncidentId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::operation::{Operation, OperationKind};
use crate::domain::snapshot::{Level, Snapshot};

/// One mark: where, its glyph, and what it says where there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisMark {
    pub at: Timestamp,
    pub glyph: &'static str,
    pub text: String,
    pub style: Style,
}

/// A span in which writes waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shade {
    pub from: Timestamp,
    pub until: Timestamp,
    /// `no quorum`
    pub text: String,
}

/// Whether the operation is of a kind that explains what charts show.
const fn explains(kind: OperationKind) -> bool {
    matches!(
        kind,
        OperationKind::Pause
            | OperationKind::Resume
            | OperationKind::Stop
            | OperationKind::Start
            | OperationKind::Restart
            | OperationKind::Drain
            | OperationKind::Undrain
            | OperationKind::Stress
    )
}

fn of_operation(operation: &Operation, styles: &Styles) -> AxisMark {
    let node = operation.target.as_ref().or(operation.source.as_ref());
    let node = node.map(|node| format!(" {node}")).unwrap_or_default();
    let text = format!("{}{node}", operation.kind.word());
    AxisMark { at: operation.started, glyph: styles.glyphs.risk, text, style: styles.accent }
}

fn of_incident(incident: &Incident, styles: &Styles) -> Option<AxisMark> {
    let glyphs = &styles.glyphs;
    let (glyph, style) = match (&incident.what, incident.what.level()) {
        (IncidentWhat::Election { .. }, _) => (glyphs.leader, styles.accent),
        // A server's own is in its strip.
        (IncidentWhat::Server { .. } | IncidentWhat::Leadership { .. }, _) => return None,
        (_, Level::Error) => (glyphs.bad, styles.bad),
        _ => (glyphs.warning, styles.warning),
    };
    let text = match &incident.what {
        IncidentWhat::Election { leader, .. } => leader.to_string(),
        IncidentWhat::Ensemble { state } => state.word().to_lowercase(),
        other => other.to_string(),
    };
    Some(AxisMark { at: incident.began, glyph, text, style })
}

/// The incidents of the picture and of an answer, each once: those of the picture are newer.
#[must_use]
pub fn incidents<'a>(snapshot: &'a Snapshot, answer: &'a [Incident]) -> Vec<&'a Incident> {
    let known: HashSet<IncidentId> = snapshot.incidents.iter().map(|incident| incident.id).collect();
    let fresh = snapshot.incidents.iter().map(|incident| &**incident);
    let told = |one: &&Incident| snapshot.incidents.iter().any(|own| one.is_told_by(own));
    fresh.chain(answer.iter().filter(|one| !known.contains(&one.id) && !told(one))).collect()
}

/// The marks of a picture and of `incidents`, the most important first.
#[must_use]
pub fn marks<'a>(snapshot: &Snapshot, incidents: impl Iterator<Item = &'a Incident>, styles: &Styles) -> Vec<AxisMark> {
    let mut marks: Vec<AxisMark> = incidents.filter_map(|incident| of_incident(incident, styles)).collect();
    marks.extend(snapshot.operations.iter().filter(|o| explains(o.kind)).map(|o| of_operation(o, styles)));
    marks
}

/// The spans of `incidents` in which writes waited; one that goes on reaches to `now`.
#[must_use]
pub fn shades<'a>(incidents: impl Iterator<Item = &'a Incident>, now: Timestamp) -> Vec<Shade> {
    let waited = incidents.filter(|incident| incident.what.stops_writes());
    waited
        .map(|incident| Shade {
            from: incident.began,
            until: incident.ended.unwrap_or(now),
            text: incident.what.to_string().to_lowercase(),
        })
        .collect()
}

/// Writes moments and marks into one row under an axis whose first column is `left` of the area. What has no room is left
/// out, a mark's text before its glyph, and a moment before a mark.
pub fn draw_axis(area: Rect, buffer: &mut Buffer, axis: &TimeAxis, marks: &[AxisMark], styles: &Styles) {
    if area.height == 0 {
        return;
    }
    let width = area.width.min(axis.columns);
    let mut taken = vec![false; usize::from(width)];
    let mut put = |column: u16, text: &str, style: Style, buffer: &mut Buffer| {
        let (start, len) = (usize::from(column), sanitise::width(text));
        let Some(cells) = taken.get_mut(start..start + len) else { return false };
        if cells.iter().any(|taken| *taken) {
            return false;
        }
        cells.fill(true);
        if let Some(after) = taken.get_mut(start + len) {
            *after = true;
        }
        buffer.set_stringn(area.x + column, area.y, text, len, style);
        true
    };
    for mark in marks {
        let Some(column) = axis.column(mark.at) else { continue };
        let whole = format!("{} {}", mark.glyph, sanitise::clean(&mark.text));
        if !put(column, &whole, mark.style, buffer) {
            put(column, mark.glyph, mark.style, buffer);
        }
    }
    for (column, text) in axis.ticks() {
        put(column, &text, styles.dim, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ensemble::EnsembleState;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::Millis;
    use crate::domain::operation::OperationStatus;
    use std::sync::Arc;

    fn incident(what: IncidentWhat, ago: u64, ended: Option<u64>) -> Incident {
        let at = |ago: u64| Timestamp(NOW.0 - ago * 1000);
        Incident {
            id: IncidentId::new(u128::from(ago)),
            what,
            began: at(ago),
            ended: ended.map(at),
            cause: None,
            begun_by: None,
            ended_by: None,
            instance: "a:1".into(),
        }
    }

    #[test]
    fn an_axis_has_its_marks_and_the_moments_that_have_room() {
        let mut snapshot = fixtures::snapshot();
        let mut pause = fixtures::operation(9, OperationKind::Pause, OperationStatus::Done);
        (pause.started, pause.target) = (Timestamp(NOW.0 - 45_000), Some(node_id("zk3")));
        snapshot.operations = Arc::from([Arc::new(pause)]);
        let lost = incident(IncidentWhat::Ensemble { state: EnsembleState::NoQuorum }, 20, None);
        let list = [lost];
        let styles = Styles::plain();
        let axis = TimeAxis { from: Timestamp(NOW.0 - 60_000), step: Millis(1_000), columns: 60 };
        let area = Rect::new(0, 0, 60, 1);
        let mut buffer = Buffer::empty(area);
        draw_axis(area, &mut buffer, &axis, &marks(&snapshot, list.iter(), &styles), &styles);
        let row: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(row.trim_end(), "               ▲ pause zk3              ✖ no quorum", "moments have no room");
        assert_eq!(shades(list.iter(), NOW), [Shade { from: list[0].began, until: NOW, text: "no quorum".into() }]);
    }
}
