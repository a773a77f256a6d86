//! Paints the pane: the query and who answered, one line of what matters most, the list, and its end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chart::ChartRows;
use super::container::Printed;
use super::lines::LogsScene;
use super::rows::LogRow;
use super::{LogsPane, head};
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::{paint, words};

/// Where the pieces of the pane lie, below the line of the query.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPieces {
    /// The histogram, or what has to be said instead.
    pub(super) above: Rect,
    rows: Option<ChartRows>,
    pub(super) list: Rect,
    last: Rect,
}

impl LogsPane {
    pub(super) fn draw_all(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if self.saved.open {
            self.saved.draw(area, buffer, view);
            return;
        }
        if let Some(detail) = &self.detail {
            detail.draw(area, buffer, view);
            return;
        }
        let pieces = self.pieces(area);
        self.draw_query(area, buffer, view);
        self.draw_above(&pieces, buffer, view);
        let empty = self.over().map_or(self.list.rows.is_empty(), |(events, _)| events.is_empty());
        if empty {
            let text = match &self.printed {
                Some(printed) => printed.empty().into(),
                None if self.problem.is_some() => String::new(),
                None if self.pending.page.is_open() => "  Reading the logs.".into(),
                None if self.query.is_narrowed() => {
                    format!("  No event matches in {}. Esc shows all again.", self.answered.by)
                }
                None => format!("  No event yet in {}.", self.answered.by),
            };
            paint::text(pieces.list, buffer, 1, &sanitise::clean(&text), view.styles.dim);
        } else if let Some((events, at)) = self.over() {
            let rows: Vec<LogRow> = (0..events.len()).map(LogRow::Event).collect();
            let of = self.context.as_ref().map(|near| near.found.at);
            let scene = LogsScene { events, rows: &rows, window: None, selected: at, first: 0, of, ..self.scene() };
            scene.draw(pieces.list, buffer, view);
        } else {
            self.scene().draw(pieces.list, buffer, view);
        }
        self.draw_last(pieces.last, buffer, view);
    }

    pub(super) fn scene(&self) -> LogsScene<'_> {
        let list = &self.list;
        LogsScene {
            events: &list.window.events,
            rows: &list.rows,
            window: Some(&list.window),
            selected: list.cursor.at,
            first: list.first,
            wrap: self.wrap,
            marks: &self.marks,
            shown: self.shown,
            of: None,
        }
    }

    pub(super) fn pieces(&self, area: Rect) -> LogPieces {
        let rows = ChartRows::of(area.height, self.nodes.len()).filter(|_| self.over().is_none());
        let above = rows.map_or(1, ChartRows::all);
        let below = paint::below(area, 1);
        let list = paint::below(below, above);
        let end = list.height.min(1);
        LogPieces {
            above: Rect { height: below.height.min(above), ..below },
            rows,
            list: Rect { height: list.height - end, ..list },
            last: Rect { y: list.bottom() - end, height: end, ..list },
        }
    }

    fn draw_query(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let width = usize::from(area.width);
        let hits = self.hits.map(head::hits).unwrap_or_default();
        let (span, by) = (self.query.span(view.now), head::by(&self.answered));
        let variants: [&[&str]; 4] = [&[&span, &by, &hits], &[&span, &hits], &[&hits], &[]];
        let joined =
            |parts: &[&str]| parts.iter().copied().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("   ");
        let told = variants.into_iter().map(joined).find(|text| sanitise::width(text) * 2 <= width).unwrap_or_default();
        paint::text(area, buffer, 0, " query  ", if self.typing.is_some() { styles.accent } else { styles.dim });
        let beside = if told.is_empty() { 0 } else { sanitise::width(&told) as u16 + 1 + paint::APART };
        let room = area.width.saturating_sub(8 + beside);
        let inside = Rect { x: area.x + 8.min(area.width), width: room, height: area.height.min(1), ..area };
        if self.typing.is_some() {
            self.line.draw(inside, buffer, styles);
        } else {
            let level = self.query.search.level.map(|level| format!("level>={}", level.word()));
            let node = self.query.search.node.as_ref().map(|node| format!("node:{node}"));
            let typed = Some(self.query.text.clone()).filter(|text| !text.is_empty());
            let parts: Vec<String> = [typed, level, node].into_iter().flatten().collect();
            let (text, style) =
                if parts.is_empty() { ("/ to search".into(), styles.dim) } else { (parts.join("  "), styles.text) };
            paint::text(inside, buffer, 0, &sanitise::fit(&sanitise::clean(&text), usize::from(room)), style);
        }
        paint::right(area, buffer, 0, &told, styles.dim);
    }

    /// A mistake in what is typed, else what went wrong, else how many events there were when.
    fn draw_above(&self, pieces: &LogPieces, buffer: &mut Buffer, view: &View<'_>) {
        let (area, styles) = (pieces.above, view.styles);
        let line = |text: &str| sanitise::fit(&sanitise::clean(text), usize::from(area.width));
        if let Some(mistake) = &self.mistake {
            paint::text(area, buffer, 0, &line(&format!("        {mistake}")), styles.bad);
        } else if let Some(printed) = &self.printed {
            match &printed.problem {
                Some(why) => paint::text(area, buffer, 0, &line(&format!("  {why}")), styles.bad),
                None => paint::text(area, buffer, 0, &line(&printed.title()), styles.heading),
            }
        } else if let Some(problem) = &self.problem {
            paint::text(area, buffer, 0, &line(&format!("  {problem}")), styles.bad);
        } else if let Some(near) = &self.context {
            let at = near.found.events.get(near.found.at);
            let file = at.map_or("", |event| event.file.as_str());
            paint::text(
                area,
                buffer,
                0,
                &line(&format!("  around it in logs/{file}   c more   Esc back")),
                styles.heading,
            );
        } else if let Some(rows) = pieces.rows {
            self.draw_chart(rows, area, buffer, view);
        }
    }

    fn draw_last(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let window = &self.list.window;
        let (held, below) = match self.over() {
            Some((events, at)) => (events.len(), events.len().saturating_sub(at + 1)),
            None => {
                let at = self.list.selected().map_or(0, |row| match row {
                    LogRow::Hole(at) => at,
                    row => row.event().map_or(0, |at| at + 1),
                });
                (window.events.len(), window.events.len().saturating_sub(at))
            }
        };
        let listed = self.over().is_none();
        let place = match &self.printed {
            Some(Printed { follow: true, .. }) => " following".to_owned(),
            None if listed && self.list.follow && self.live() => " following".to_owned(),
            None if listed && self.list.follow && self.as_of.is_some() => " the last before that moment".to_owned(),
            None if listed && self.list.follow => " end of the time that is shown (0 shows all)".to_owned(),
            None if listed && self.below > 0 => format!(" {} new below (G)", words::grouped(self.below)),
            None if listed && below == 0 && !window.ends_early() => " not following (f)".to_owned(),
            _ => format!(" {} below (G)", words::grouped(below as u64)),
        };
        paint::text(area, buffer, 0, &place, view.styles.dim);
        let warning = self.answered.fallback.as_ref().or(self.answered.notes.first());
        let warning = warning.filter(|_| self.printed.is_none());
        let room = usize::from(area.width).saturating_sub(sanitise::width(&place) + 3);
        if let Some(warning) = warning {
            paint::right(area, buffer, 0, &sanitise::fit(&sanitise::clean(warning), room), view.styles.warning);
        } else {
            let more = match (listed && window.older().is_some(), listed && window.newer().is_some()) {
                (true, true) => ", older ones above, newer ones below",
                (true, false) => ", older ones above",
                (false, true) => ", newer ones below",
                (false, false) => "",
            };
            let text = format!("{}{more}", words::count(held as u64, "event"));
            paint::right(area, buffer, 0, &sanitise::fit(&text, room), view.styles.dim);
        }
    }
}
