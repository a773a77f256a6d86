//! One row for each operation.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::rows::{OperationRows, ROWS_MAX};
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::operation::Operation;

/// Cells of the operations per minute.
const SPARK: usize = 24;
/// Least widths of the columns that take what the others leave.
const WHAT: usize = 20;
const WHY: usize = 14;

pub(super) struct HistoryScene<'a> {
    pub cursor: Cursor,
    pub filter: &'a Filter,
    pub rows: &'a OperationRows,
    pub follow: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HistoryColumn {
    Time,
    Kind,
    Status,
    What,
    From,
    To,
    Took,
    Why,
}

fn columns(width: usize) -> Columns<HistoryColumn> {
    let all = vec![
        (HistoryColumn::Time, Column::left("TIME", 8)),
        (HistoryColumn::Kind, Column::left("OPERATION", 10)),
        (HistoryColumn::Status, Column::left("STATUS", 9)),
        (HistoryColumn::What, Column::left("WHAT", WHAT)),
        (HistoryColumn::From, Column::left("FROM", 4)),
        (HistoryColumn::To, Column::left("TO", 4)),
        (HistoryColumn::Took, Column::right("TOOK", 6)),
        (HistoryColumn::Why, Column::left("WHY", WHY)),
    ];
    let columns =
        Columns::fit(all, &[HistoryColumn::Took, HistoryColumn::From, HistoryColumn::To, HistoryColumn::Why], width);
    if columns.width_of(HistoryColumn::Why).is_none() {
        return columns.stretch(HistoryColumn::What, width, 60);
    }
    // What there is beyond the least is shared by both, half each.
    let spare = width.saturating_sub(columns.width());
    let what = width.saturating_sub(spare / 2).max(columns.width());
    columns.stretch(HistoryColumn::What, what, 40).stretch(HistoryColumn::Why, width, 200)
}

impl HistoryScene<'_> {
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let columns = columns(usize::from(area.width));
        paint::line(area, buffer, 0, &columns.heading_sorted(view.styles, HistoryColumn::Time, true));
        let list = Rect { height: area.height.saturating_sub(2), ..paint::below(area, 1) };
        let height = usize::from(list.height);
        if self.rows.len() == 0 {
            paint::text(list, buffer, 1, &format!("  {}", self.nothing()), view.styles.dim);
        }
        let first = self.cursor.first(height);
        for row in 0..height {
            let Some(operation) = self.rows.get(first + row) else { break };
            let line =
                columns.row((first + row == self.cursor.at, false), view.styles, |key| cell(key, operation, view));
            paint::line(list, buffer, row as u16, &line);
        }
        if area.height > 1 {
            self.last_line(paint::below(area, area.height - 1), buffer, view);
        }
    }

    fn nothing(&self) -> &'static str {
        if self.rows.waiting() {
            "Reading history."
        } else if self.filter.is_empty() {
            "No operation yet: a drain, pause, stress or migration leaves a row here."
        } else {
            "No operation matches. A filter reads  kind:migration status:failed node:zk1  or any words."
        }
    }

    fn last_line(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let total = if self.filter.is_empty() {
            Some(view.snapshot.operations_total.max(self.rows.len() as u64))
        } else {
            self.rows.total()
        };
        let bound = if self.rows.len() >= ROWS_MAX { format!(", the newest {ROWS_MAX} shown") } else { String::new() };
        let follow = if self.follow { "on" } else { "off" };
        let total = total.map_or_else(|| "- operations".to_owned(), |total| words::count(total, "operation"));
        let right = format!("f follow: {follow}   {total}{bound}");
        if let Some(why) = self.rows.problem().or(view.snapshot.history.problem.as_deref()) {
            let text = format!(" history: {}", sanitise::clean(why));
            paint::text(area, buffer, 0, &sanitise::fit(&text, usize::from(area.width)), styles.bad);
            return;
        }
        if self.filter.is_open() || !self.filter.is_empty() {
            self.filter.draw(area, buffer, "/", &right, styles);
            return;
        }
        let series = paint::squeeze(&view.snapshot.operations_per_minute, SPARK);
        let spark = paint::spark(&series, SPARK, &styles.glyphs);
        if area.width >= 90 {
            paint::text(area, buffer, 0, &format!("   per minute, last hour {spark}"), styles.dim);
        }
        paint::right(area, buffer, 0, &right, styles.dim);
    }
}

fn cell(key: HistoryColumn, operation: &Operation, view: &View<'_>) -> (String, Style) {
    let (styles, dim) = (view.styles, view.styles.dim);
    let (glyph, style) = words::of_operation(operation.status, styles);
    match key {
        HistoryColumn::Time => (time::of_day(operation.started), dim),
        HistoryColumn::Kind => (operation.kind.word().to_owned(), styles.text),
        HistoryColumn::Status => (format!("{glyph} {}", operation.status.word()), style),
        HistoryColumn::What => (operation.what.clone(), styles.text),
        HistoryColumn::From => (words::or_dash(operation.source.as_ref()), styles.text),
        HistoryColumn::To => (words::or_dash(operation.target.as_ref()), styles.text),
        HistoryColumn::Took => (words::or_dash(operation.took()), styles.text),
        HistoryColumn::Why => (why(operation), if operation.why.is_some() { styles.text } else { dim }),
    }
}

/// The reason, or who asked when there is none.
fn why(operation: &Operation) -> String {
    operation.why.clone().unwrap_or_else(|| format!("by {}", operation.by))
}
