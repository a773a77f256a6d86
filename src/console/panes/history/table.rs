//! The list: a heading for each day, a row for each operation and incident.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::incidents::IncidentRows;
use super::lines::HistoryLine;
use super::rows::{OperationRows, ROWS_MAX};
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::incident::Incident;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::{Level, StoreView};

pub(super) struct HistoryScene<'a> {
    pub cursor: Cursor,
    pub filter: &'a Filter,
    pub rows: &'a OperationRows,
    pub incidents: &'a IncidentRows,
    pub lines: &'a [HistoryLine],
    pub follow: bool,
    pub only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HistoryColumn {
    Time,
    What,
    Result,
    By,
}

/// What a row says in each column, the result in its own style.
struct Told {
    mark: &'static str,
    time: String,
    what: (String, Style),
    result: (String, Style),
    by: String,
}

/// Steps of the width of a column: it does not change with every row that comes into sight.
const STEP: usize = 4;

/// The widest texts of what and of the result in sight: the lesser columns give way to these, from the right.
fn columns(width: usize, (what, result): (usize, usize)) -> Columns<HistoryColumn> {
    let all = vec![
        (HistoryColumn::Time, Column::left("  TIME", 10)),
        (HistoryColumn::What, Column::left("WHAT", 26)),
        (HistoryColumn::Result, Column::left("RESULT", result.next_multiple_of(STEP).clamp(12, 24))),
        (HistoryColumn::By, Column::left("BY, WHY", 16)),
    ];
    let wider = what.clamp(26, 48) - 26;
    let columns = Columns::fit(all, &[HistoryColumn::By], width.saturating_sub(wider));
    let columns = columns.stretch(HistoryColumn::What, width, what.next_multiple_of(STEP).max(26));
    if columns.width_of(HistoryColumn::By).is_none() {
        return columns.stretch(HistoryColumn::Result, width, 200);
    }
    columns.stretch(HistoryColumn::Result, width, result.next_multiple_of(STEP).max(24)).stretch(
        HistoryColumn::By,
        width,
        200,
    )
}

impl HistoryScene<'_> {
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let list = Rect { height: area.height.saturating_sub(2), ..paint::below(area, 1) };
        let height = usize::from(list.height);
        let seen = self.lines.iter().skip(self.cursor.first(height)).take(height);
        let told = seen.filter_map(|line| self.told(line, view));
        let widths = told.map(|told| (sanitise::width(&told.what.0), sanitise::width(&told.result.0)));
        let widest = widths.fold((0, 0), |most: (usize, usize), own| (most.0.max(own.0), most.1.max(own.1)));
        let columns = columns(usize::from(area.width), widest);
        paint::line(area, buffer, 0, &columns.heading(view.styles));
        if self.lines.is_empty() {
            paint::text(list, buffer, 1, &format!("  {}", self.nothing(view)), view.styles.dim);
        }
        let first = self.cursor.first(height);
        for (row, line) in self.lines.iter().enumerate().skip(first).take(height) {
            self.draw_line(row, line, &columns, paint::below(list, (row - first) as u16), buffer, view);
        }
        if area.height > 1 {
            self.last_line(paint::below(area, area.height - 1), buffer, view);
        }
    }

    fn draw_line(
        &self,
        row: usize,
        line: &HistoryLine,
        columns: &Columns<HistoryColumn>,
        area: Rect,
        buffer: &mut Buffer,
        view: &View<'_>,
    ) {
        if let HistoryLine::Day(at) = line {
            paint::text(area, buffer, 0, &format!("  {}", day(*at, view.now)), view.styles.heading);
            return;
        }
        let told = self.told(line, view);
        let Some(told) = told else { return };
        let drawn = columns.row((row == self.cursor.at, false), view.styles, |key| match key {
            HistoryColumn::Time => (format!("{:<2}{}", told.mark, told.time), view.styles.dim),
            HistoryColumn::What => (told.what.0.clone(), told.what.1),
            HistoryColumn::Result => (told.result.0.clone(), told.result.1),
            HistoryColumn::By => (told.by.clone(), view.styles.dim),
        });
        paint::line(area, buffer, 0, &drawn);
    }

    /// Nothing of a heading.
    fn told(&self, line: &HistoryLine, view: &View<'_>) -> Option<Told> {
        match line {
            HistoryLine::Day(_) => None,
            HistoryLine::Incident(id) => self.incidents.by_id(*id).map(|incident| of_incident(incident, view)),
            HistoryLine::Operation { id, inside } => self
                .rows
                .by_id(*id)
                .map(|operation| Told { mark: if *inside { "  " } else { "" }, ..of_operation(operation, view) }),
            HistoryLine::Run { id, parts, open } => self.rows.by_id(*id).map(|run| of_run(run, *parts, *open, view)),
            HistoryLine::Quiet { id, count, first } => {
                self.rows.by_id(*id).map(|newest| of_quiet(newest, *count, *first, view))
            }
        }
    }

    /// Why there is nothing, and what brings something.
    fn nothing(&self, view: &View<'_>) -> String {
        let stands_by = !view.snapshot.leadership.leads;
        if self.rows.waiting() {
            "Reading history.".into()
        } else if !self.filter.is_empty() {
            "Nothing matches. A filter reads  status:failed since:yesterday by:root node:zk1  or any words.".into()
        } else if self.only {
            "No incident yet: verdicts, elections, lost sessions and alerts leave a row here.".into()
        } else if stands_by && matches!(view.snapshot.session.store, StoreView::Foreign { .. }) {
            format!(
                "No operation of this folder's. Others keep their history with their own folder; {} is this one's.",
                sanitise::clean(&view.snapshot.history.path)
            )
        } else {
            "No operation yet: a drain, pause, stress or migration leaves a row here.".into()
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
        let operations = total.map_or_else(|| "- operations".to_owned(), |total| words::count(total, "operation"));
        let listed = self.lines.iter().filter(|line| matches!(line, HistoryLine::Incident(_))).count();
        let incidents = words::count(listed as u64, "incident");
        let right = if self.only {
            format!("f follow: {follow}   {incidents}")
        } else {
            format!("f follow: {follow}   {operations}{bound}, {incidents}")
        };
        let problem = self.rows.problem().or_else(|| self.incidents.problem());
        if let Some(why) = problem.or(view.snapshot.history.problem.as_deref()) {
            let text = format!(" history: {}", sanitise::clean(why));
            paint::text(area, buffer, 0, &sanitise::fit(&text, usize::from(area.width)), styles.bad);
            return;
        }
        if self.filter.is_open() || !self.filter.is_empty() {
            self.filter.draw(area, buffer, "/", &right, styles);
            return;
        }
        paint::right(area, buffer, 0, &right, styles.dim);
    }
}

/// `TODAY  Monday 23 November`.
fn day(at: Timestamp, now: Timestamp) -> String {
    const DAY: Millis = Millis(86_400_000);
    let yesterday = Timestamp(now.0.saturating_sub(DAY.0));
    let word = match time::date(at) {
        date if date == time::date(now) => "TODAY  ",
        date if date == time::date(yesterday) => "YESTERDAY  ",
        _ => "",
    };
    format!("{word}{}", time::long_day(at))
}

fn of_operation(operation: &Operation, view: &View<'_>) -> Told {
    let styles = view.styles;
    let what = match (operation.kind, &operation.source, &operation.target) {
        (OperationKind::Migration, Some(source), Some(target)) => {
            let name = operation.file_name().unwrap_or(&operation.what);
            format!("{name}  {source} {} {target}", styles.glyphs.arrow)
        }
        (OperationKind::Scheduler, ..) => "scheduler run".to_owned(),
        (kind, _, Some(node)) if operation.what == format!("server {node}") => format!("{} {node}", kind.word()),
        (kind, ..) => format!("{} {}", kind.word(), operation.what),
    };
    Told {
        mark: "",
        time: time::of_day(operation.started),
        what: (what, styles.text),
        result: result(operation, view),
        by: by(operation),
    }
}

/// Glyph, what came of it, and how long it took.
fn result(operation: &Operation, view: &View<'_>) -> (String, Style) {
    let (glyph, style) = words::of_operation(operation.status, view.styles);
    let took = operation.took().map(|took| took.to_string()).unwrap_or_default();
    let why = operation.why.as_deref().unwrap_or_default();
    let text = match operation.status {
        OperationStatus::Done => took,
        OperationStatus::Started => format!("for {}", view.now.since(operation.started)),
        OperationStatus::None => why.to_owned(),
        status if why.is_empty() => status.word().to_owned(),
        status => format!("{}: {why}", status.word()),
    };
    (format!("{glyph} {text}"), style)
}

/// Who asked, and why where it is done: why it is not is the result.
fn by(operation: &Operation) -> String {
    match &operation.why {
        Some(why) if operation.status == OperationStatus::Done => format!("{}: {why}", operation.by),
        _ => operation.by.clone(),
    }
}

fn of_run(run: &Operation, parts: usize, open: bool, view: &View<'_>) -> Told {
    let mark = if open { view.styles.glyphs.open } else { view.styles.glyphs.folded };
    let (glyph, style) = words::of_operation(run.status, view.styles);
    let told = of_operation(run, view);
    let took = run.took().map(|took| format!(", {took}")).unwrap_or_default();
    let done = match (run.kind, &run.run) {
        (OperationKind::Stress, _) => words::count(parts as u64, "upload"),
        (_, Some(run)) => words::count(run.moves_done, "move"),
        (_, None) => words::count(parts as u64, "move"),
    };
    let why = match (&run.why, run.status) {
        (Some(why), OperationStatus::Failed | OperationStatus::Aborted) => format!(": {why}"),
        _ => String::new(),
    };
    let result = (format!("{glyph} {done}{took}{why}"), style);
    let by = run.run.as_ref().map_or_else(
        || run.by.clone(),
        |of| format!("{}: spread {} of threshold {}", run.by, words::grouped(of.max_difference), of.threshold),
    );
    Told { mark, result, by, ..told }
}

fn of_quiet(newest: &Operation, count: usize, first: Timestamp, view: &View<'_>) -> Told {
    let told = of_operation(newest, view);
    let what = format!("{} since {}", words::count(count as u64, "run"), time::of_day(first));
    Told { mark: view.styles.glyphs.folded, what: (what, view.styles.dim), ..told }
}

fn of_incident(incident: &Incident, view: &View<'_>) -> Told {
    let styles = view.styles;
    let glyphs = &styles.glyphs;
    let (glyph, style) = match incident.what.level() {
        Level::Info => (glyphs.leader, styles.accent),
        Level::Warning => (glyphs.warning, styles.warning),
        Level::Error => (glyphs.bad, styles.bad),
    };
    let lasted = match incident.ended {
        None => format!("for {}", view.now.since(incident.began)),
        Some(end) if end == incident.began => String::new(),
        Some(end) => end.since(incident.began).to_string(),
    };
    let cause = incident.cause.as_deref().unwrap_or_default();
    let result = [lasted.as_str(), cause].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    let begun = incident.begun_by.as_ref().map(|by| format!("after {by}"));
    let ended = incident.ended_by.as_ref().map(|by| format!("ended by {by}"));
    let by = begun.into_iter().chain(ended).collect::<Vec<_>>().join("; ");
    Told {
        mark: "",
        time: time::of_day(incident.began),
        what: (format!("{glyph} {}", incident.what), style),
        result: (result, if incident.ended.is_some() { styles.text } else { style }),
        by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_where_lesser_columns_have_room_to_give() {
        let widths = |width, widest| {
            let columns = columns(width, widest);
            assert!(columns.width() <= width, "{width}");
            [HistoryColumn::What, HistoryColumn::Result, HistoryColumn::By].map(|key| columns.width_of(key))
        };
        let [what, result, by] = widths(120, (47, 12));
        assert!(what >= Some(47) && result >= Some(12) && by >= Some(16), "{what:?} {result:?} {by:?}");
        let [what, _, by] = widths(80, (44, 10));
        assert!(what >= Some(44), "{what:?} {by:?}");
        let [what, result, by] = widths(120, (20, 200));
        assert!(what == Some(26) && result >= Some(50) && by == Some(16), "{what:?} {result:?} {by:?}");
    }
}
