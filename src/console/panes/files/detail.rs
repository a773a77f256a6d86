//! One file: its whole record, why it is where it is, and what history tells of it.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::panes::scheduler::{draw_lines, node_lines, outcome};
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::ids::FileId;
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::{MoveReason, Run};
use crate::domain::snapshot::Snapshot;

/// Rows of history that are asked for.
const ROWS: usize = 50;
/// Runs before a move among which its own is looked for: some may have found that another one goes on.
const RUNS: usize = 10;
/// The width from which on the record stands beside the reasons.
const WIDE: u16 = 140;

#[derive(Debug)]
pub(super) struct FileDetail {
    file: FileId,
    /// The record's version when history was asked.
    version: Option<i32>,
    asked: Asked<HistoryQuery>,
    history: Option<Result<HistoryPage, String>>,
    asked_run: Asked<HistoryQuery>,
    /// The run that made the last move.
    run: Option<Run>,
}

/// The operation that put the file where it is.
fn placed_by(page: &HistoryPage) -> Option<&Operation> {
    let places = |kind| matches!(kind, OperationKind::Migration | OperationKind::Upload);
    let mut done = page.operations.iter().filter(|row| row.status == OperationStatus::Done && places(row.kind));
    done.next()
}

/// The run that made a move, among those that began before it.
fn run_of(page: HistoryPage, moved: &Operation) -> Option<Run> {
    let lasts = |row: &Operation| row.finished.is_none_or(|end| end >= moved.started) && row.started <= moved.started;
    let rows = page.operations.into_iter().filter(|row| row.kind == OperationKind::Scheduler && lasts(row));
    rows.filter_map(|row| row.run).filter(|run| run.moves_planned > 0).min_by_key(|run| Reverse(run.at))
}

impl FileDetail {
    pub(super) fn open(file: FileId, snapshot: &Snapshot) -> (Self, Option<Effect>) {
        let (asked, asked_run) = (Asked::default(), Asked::default());
        let mut own = Self { file, version: None, asked, history: None, asked_run, run: None };
        let first = own.ask(snapshot);
        (own, first)
    }

    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    fn ask(&mut self, snapshot: &Snapshot) -> Option<Effect> {
        self.version = snapshot.files.get(self.file).map(|file| file.version);
        let query = HistoryQuery { file: Some(self.file), limit: ROWS, ..HistoryQuery::default() };
        Some(self.asked.put(query).into())
    }

    /// Asks anew when the record has become another one.
    pub(super) fn due(&mut self, snapshot: &Snapshot) -> Option<Effect> {
        let version = snapshot.files.get(self.file).map(|file| file.version);
        if version == self.version || self.asked.is_open() { None } else { self.ask(snapshot) }
    }

    /// Takes what has come; the run that a move belongs to is asked for then.
    pub(super) fn take_answers(&mut self) -> Option<Effect> {
        let moved = || self.history.as_ref()?.as_ref().ok().and_then(placed_by);
        if let Some(answer) = self.asked_run.take() {
            let run = moved().and_then(|moved| run_of(answer.ok()?, moved));
            self.run = run.or(self.run.take());
        }
        self.history = Some(self.asked.take()?);
        self.run = None;
        let placed = self.history.as_ref()?.as_ref().ok().and_then(placed_by)?;
        let by_run = placed.kind == OperationKind::Migration && placed.move_reason() != Some(MoveReason::Manual);
        let query = HistoryQuery {
            kind: Some(OperationKind::Scheduler),
            before: Some(placed.id),
            limit: RUNS,
            ..HistoryQuery::default()
        };
        by_run.then(|| self.asked_run.put(query).into())
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let hints = [(Action::Back, "back"), (Action::LogsThen, "logs then"), (Action::HistoryThen, "its operations")];
        let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
        let hints = hints.join("   ");
        let Some(file) = view.snapshot.files.get(self.file) else {
            let text = format!("  {} is gone: it has been deleted   {hints}", self.file);
            paint::text(area, buffer, 0, &text, styles.warning);
            self.draw_history(paint::below(area, 2), buffer, view);
            return;
        };
        let room = usize::from(area.width).saturating_sub(sanitise::width(&hints) + 5);
        let name = sanitise::fit(&sanitise::clean(&file.record.name), room);
        paint::text(area, buffer, 0, &format!("  {name}   {hints}"), styles.heading);
        let (record, why) = (record_lines(file, view), self.why_lines(file, view));
        let wide = area.width >= WIDE;
        let left = Rect { width: if wide { area.width / 2 } else { area.width }, ..paint::below(area, 1) };
        let record = paint::wrapped(&record, usize::from(left.width));
        draw_lines(&record, left, buffer);
        let used = record.len() as u16;
        let right = match wide {
            true => Rect { x: left.right(), width: area.width - left.width, ..paint::below(area, 1) },
            false => paint::below(area, used + 2),
        };
        let why = paint::wrapped(&why, usize::from(right.width));
        draw_lines(&why, right, buffer);
        let above = if wide { used.max(why.len() as u16) + 2 } else { used + 2 + why.len() as u16 + 1 };
        self.draw_history(paint::below(area, above), buffer, view);
    }

    /// Why it is here, and why it is not elsewhere.
    fn why_lines(&self, file: &FileEntry, view: &View<'_>) -> Vec<(String, Style)> {
        let styles = view.styles;
        let mut lines = vec![("  WHY HERE".to_owned(), styles.heading)];
        let damage = view.snapshot.damaged.iter().find(|damage| damage.file == self.file);
        let damaged =
            damage.map(|damage| format!("  {} damaged: {}", styles.glyphs.bad, sanitise::clean(&damage.cause)));
        lines.extend(damaged.map(|text| (text, styles.bad)));
        let placed = match &self.history {
            None => return [lines, vec![("  reading".to_owned(), styles.dim)]].concat(),
            Some(Err(_)) => None,
            Some(Ok(page)) => placed_by(page),
        };
        let text = placed.map_or_else(|| unknown(file), |placed| told(placed, view));
        lines.push((format!("  {text}"), styles.text));
        if let Some(run) = &self.run {
            let text = format!("  the run of {}: {}", time::of_date(run.at), outcome(run));
            lines.push((text, styles.dim));
            lines.extend(node_lines(run, view));
        } else if self.asked_run.is_open() {
            lines.push(("  reading the run that moved it".to_owned(), styles.dim));
        }
        lines
    }

    fn draw_history(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        paint::text(area, buffer, 0, "  HISTORY", styles.heading);
        let list = paint::below(area, 1);
        match &self.history {
            None => paint::text(list, buffer, 0, "  reading", styles.dim),
            Some(Err(why)) => {
                let told = [(format!("  {}", sanitise::clean(why)), styles.warning)];
                draw_lines(&paint::wrapped(&told, usize::from(list.width)), list, buffer);
            }
            Some(Ok(page)) if page.operations.is_empty() => {
                paint::text(list, buffer, 0, "  no operation of this host names the file", styles.dim);
            }
            Some(Ok(page)) => {
                let row = |operation: &Operation| {
                    let (glyph, style) = words::of_operation(operation.status, styles);
                    let line = format!(
                        "  {}  {:<10} {glyph} {:<8} {} {} {}  {}  {}",
                        time::of_date(operation.started),
                        operation.kind.word(),
                        operation.status.word(),
                        words::or_dash(operation.source.as_ref()),
                        styles.glyphs.arrow,
                        words::or_dash(operation.target.as_ref()),
                        words::or_dash(operation.took()),
                        sanitise::clean(operation.why.as_deref().unwrap_or("")),
                    );
                    (line, style)
                };
                let rows: Vec<_> = page.operations.iter().take(usize::from(list.height)).map(row).collect();
                draw_lines(&paint::wrapped(&rows, usize::from(list.width)), list, buffer);
            }
        }
    }
}

fn record_lines(file: &FileEntry, view: &View<'_>) -> Vec<(String, Style)> {
    let record = &file.record;
    let moves = words::grouped(record.moves().into());
    let lines = [
        ("id", file.id.to_string()),
        ("node", record.owner.to_string()),
        ("size", format!("{} ({} bytes)", record.size, words::grouped(record.size.0))),
        ("BLAKE3", record.blake3.to_string()),
        ("bytes at", format!("{}/{}", record.owner, blob_name(file.id, record.blob))),
        ("created", format!("{}, {} ago", time::of_date(record.created_ms), view.now.since(record.created_ms))),
        ("changed", format!("{}, {} ago", time::of_date(record.updated_ms), view.now.since(record.updated_ms))),
        ("moves", format!("{moves} (generation {}, version {})", record.generation, file.version)),
    ];
    lines.into_iter().map(|(name, value)| (format!("  {name:<9} {value}"), view.styles.text)).collect()
}

/// `moved zk1 -> zk3 at 2026-11-23 14:02:11: zk1 had more than its share`.
fn told(placed: &Operation, view: &View<'_>) -> String {
    let node = |node: &Option<_>| words::or_dash(node.as_ref());
    let (source, target, at) = (node(&placed.source), node(&placed.target), time::of_date(placed.started));
    let by = sanitise::clean(&placed.by);
    if placed.kind == OperationKind::Upload {
        return format!("put on {target} when it was uploaded, at {at} by {by}");
    }
    let why = match placed.move_reason() {
        Some(MoveReason::Drain) => format!("{source} was being drained"),
        Some(MoveReason::OverTrigger) => format!("{source} had more than its share"),
        Some(MoveReason::Bytes) => "to even out the bytes".to_owned(),
        Some(MoveReason::Manual) => format!("asked for by {by}"),
        None => sanitise::clean(placed.why.as_deref().unwrap_or("why is not known")).into_owned(),
    };
    format!("moved {source} {} {target} at {at}: {why}", view.styles.glyphs.arrow)
}

/// Where history tells of no operation that put it here.
fn unknown(file: &FileEntry) -> String {
    match file.record.moves() {
        0 => format!("made on {} and never moved", file.record.owner),
        _ => "no operation that this host knows of moved it".to_owned(),
    }
}
