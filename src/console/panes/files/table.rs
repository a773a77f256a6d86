//! The list of files: filter line, rows, and how many there are.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::rows::FileRows;
use crate::console::action::Action;
use crate::console::frame::paint_pair;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::{Column, Columns, ListWindow};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::file::FileEntry;
use crate::domain::file_list::{FileChoice, FileOrder};
use crate::domain::ids::FileId;
use crate::domain::node::MoveView;
use crate::domain::snapshot::{SessionState, Snapshot};

pub(super) struct FilesScene<'a> {
    pub cursor: ListWindow,
    pub filter: &'a Filter,
    pub rows: &'a FileRows,
    pub marked: &'a BTreeSet<FileId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FilesColumn {
    Name,
    Node,
    Size,
    Age,
    Moves,
    Id,
    Doing,
}

const LEAVING: [FilesColumn; 4] = [FilesColumn::Doing, FilesColumn::Id, FilesColumn::Moves, FilesColumn::Age];
/// While something is told of a file, that leaves last.
const LEAVING_TOLD: [FilesColumn; 4] = [FilesColumn::Id, FilesColumn::Moves, FilesColumn::Age, FilesColumn::Doing];
const NAME_MAX: usize = 64;
/// Cells of what is done to a file, and of what is wrong with one.
const DOING: usize = 16;
const DAMAGED: usize = 40;

fn columns(width: usize, snapshot: &Snapshot) -> Columns<FilesColumn> {
    let all = |doing| {
        vec![
            (FilesColumn::Name, Column::left("NAME", 24)),
            (FilesColumn::Node, Column::left("NODE", 10)),
            (FilesColumn::Size, Column::right("SIZE", 8)),
            (FilesColumn::Age, Column::right("AGE", 5)),
            (FilesColumn::Moves, Column::right("MOVES", 7)),
            (FilesColumn::Id, Column::left("ID", 11)),
            (FilesColumn::Doing, Column::left("", doing)),
        ]
    };
    let told = !snapshot.moves.is_empty() || !snapshot.damaged.is_empty();
    let leaving = if told { &LEAVING_TOLD } else { &LEAVING };
    let fitted = Columns::fit(all(DOING), leaving, width);
    let room = (width + DOING).saturating_sub(fitted.width());
    let doing = if snapshot.damaged.is_empty() { DOING } else { room.clamp(DOING, DAMAGED) };
    Columns::fit(all(doing), leaving, width).stretch(FilesColumn::Name, width, NAME_MAX)
}

impl FilesColumn {
    /// The order of the list that its heading asks for.
    const fn order(self) -> Option<FileOrder> {
        match self {
            Self::Name => Some(FileOrder::Name),
            Self::Node => Some(FileOrder::Node),
            Self::Size => Some(FileOrder::Size),
            Self::Age => Some(FileOrder::Age),
            Self::Moves => Some(FileOrder::Moves),
            Self::Id | Self::Doing => None,
        }
    }

    /// The column that a list in this order is sorted by, and whether the largest of it comes first.
    const fn sorted(choice: &FileChoice) -> (Self, bool) {
        match choice.order {
            FileOrder::Name => (Self::Name, choice.reverse),
            FileOrder::Node => (Self::Node, choice.reverse),
            FileOrder::Size => (Self::Size, !choice.reverse),
            FileOrder::Age => (Self::Age, choice.reverse),
            FileOrder::Moves => (Self::Moves, !choice.reverse),
        }
    }
}

/// The order that a click at this cell of the heading asks for.
pub(super) fn order_at(cell: u16, width: u16, snapshot: &Snapshot) -> Option<FileOrder> {
    columns(usize::from(width), snapshot).at(cell).and_then(FilesColumn::order)
}

/// Rows of files in a list of this height: beside them stand the heading and the last line.
pub(super) const fn rows_in(height: u16) -> usize {
    height.saturating_sub(2) as usize
}

impl FilesScene<'_> {
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        if view.snapshot.past.is_some() {
            let text = "  The list of files then was not kept; History tells what was done to each.";
            paint::text(area, buffer, 1, &sanitise::fit(text, usize::from(area.width)), styles.dim);
            if let Some(text) = stale_then(view) {
                paint::text(area, buffer, 2, &sanitise::fit(&text, usize::from(area.width)), styles.warning);
            }
            return;
        }
        let columns = columns(usize::from(area.width), view.snapshot);
        let (by, descending) = FilesColumn::sorted(self.rows.choice());
        paint::line(area, buffer, 0, &columns.heading_sorted(styles, by, descending));
        let last = area.height.saturating_sub(1);
        let list = Rect { height: area.height.saturating_sub(2), ..paint::below(area, 1) };
        let stale = words::stale(view.snapshot, view.now).is_some();
        if self.rows.len() == 0 {
            let (text, style) = self.nothing(view);
            for (row, line) in sanitise::wrap(&text, usize::from(area.width).saturating_sub(4), 4).iter().enumerate() {
                paint::text(list, buffer, row as u16 + 1, &format!("  {line}"), style);
            }
        }
        let height = usize::from(list.height);
        let first = self.cursor.first(self.rows.len(), height);
        for row in 0..height {
            let Some(id) = self.rows.get(first + row).map(|file| file.id) else { continue };
            let Some(file) = view.snapshot.files.get(id) else { continue };
            let moving = view.snapshot.moves.iter().find(|of| of.file == id);
            let state = (first + row == self.cursor.at, self.marked.contains(&id));
            let line = columns.row(state, styles, |key| cell(key, file, moving, stale, view));
            paint::line(list, buffer, row as u16, &line);
        }
        if area.height > 1 {
            self.last_line(paint::below(area, last), buffer, view);
        }
    }

    fn last_line(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let total = view.snapshot.files.len() as u64;
        // An answer of before the records were known counts none of them.
        let counted = self.rows.is_current() && !(self.filter.is_empty() && self.rows.len() == 0 && total > 0);
        let shown = if counted { words::grouped(self.rows.len() as u64) } else { "-".to_owned() };
        let known = words::counts_known(view.snapshot);
        let (shown, total) = if known { (shown, words::grouped(total)) } else { ("-".to_owned(), "-".to_owned()) };
        let marked = if self.marked.is_empty() { String::new() } else { format!("{} marked, ", self.marked.len()) };
        let unreadable = match view.snapshot.unreadable.len() {
            0 => String::new(),
            bad => format!("{bad} unreadable, "),
        };
        let choice = self.rows.choice();
        let sorted = format!("{}{}", choice.order.word(), if choice.reverse { ", reversed" } else { "" });
        let right = format!("{marked}{unreadable}{shown} of {total}, by {sorted}");
        let problem = self.rows.problem().map(|why| format!("not what was asked for: {why}"));
        if self.filter.is_open() {
            self.filter.draw(area, buffer, "/", &right, styles);
        } else if let Some(text) = words::stale(view.snapshot, view.now).or(problem) {
            let pair = (vec![(format!(" {text}"), styles.warning)], vec![(format!("{right} "), styles.dim)]);
            paint_pair(&[pair], area, buffer);
        } else if !self.filter.is_empty() {
            self.filter.draw(area, buffer, "/", &right, styles);
        } else {
            paint::right(area, buffer, 0, &right, styles.dim);
        }
    }

    fn nothing(&self, view: &View<'_>) -> (String, Style) {
        let snapshot = view.snapshot;
        if snapshot.session.state != SessionState::Connected && snapshot.files.is_empty() {
            let cause = snapshot.session.cause.as_deref().unwrap_or("waiting for the first answer");
            let since = view.now.since(snapshot.session.since);
            return (format!("Not connected for {since}: {cause}"), view.styles.warning);
        }
        if !snapshot.files_complete {
            let text = snapshot.reading.map_or_else(|| "Reading the records of the files.".to_owned(), words::reading);
            return (text, view.styles.dim);
        }
        if snapshot.files.is_empty() {
            return (first_start(view), view.styles.text);
        }
        if let Some(why) = self.rows.problem() {
            return (why.to_owned(), view.styles.warning);
        }
        if !self.rows.is_current() {
            return ("Reading the list.".into(), view.styles.dim);
        }
        (
            "No file matches. Esc shows all again; a filter reads  node:zk1 name:report  or any part of a name."
                .to_owned(),
            view.styles.dim,
        )
    }
}

/// Why the counts were not those of the moment, and of when they are.
fn stale_then(view: &View<'_>) -> Option<String> {
    let (snapshot, session) = (view.snapshot, &view.snapshot.session);
    let read = snapshot.files_read.filter(|_| !snapshot.files_complete)?;
    let why = match session.state {
        SessionState::Connected => "The records were being read anew".to_owned(),
        _ => format!("There was no session for {}", view.now.since(session.since)),
    };
    Some(format!("  {why}: the counts are of {}.", time::of_day(read)))
}

fn first_start(view: &View<'_>) -> String {
    let hints = [
        (Action::Stress, " piles some on one node"),
        (Action::RunScheduler, " lets the scheduler level them"),
        (Action::Upload, " uploads one of yours"),
    ];
    let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
    format!("No files yet.  {}", hints.join("   ·   ")).trim_end().to_owned()
}

fn cell(
    key: FilesColumn,
    file: &FileEntry,
    moving: Option<&MoveView>,
    stale: bool,
    view: &View<'_>,
) -> (String, Style) {
    let (styles, record) = (view.styles, &file.record);
    let plain = if stale { styles.dim } else { styles.text };
    match key {
        FilesColumn::Name => (record.name.clone(), plain),
        FilesColumn::Node => match moving {
            Some(of) => (format!("{} {} {}", of.src, styles.glyphs.arrow, of.dst), styles.accent),
            None => (record.owner.to_string(), plain),
        },
        FilesColumn::Size => (record.size.to_string(), plain),
        FilesColumn::Age => (words::age(record.created_ms, view.now), plain),
        FilesColumn::Moves => (record.moves().to_string(), plain),
        FilesColumn::Id => (file.id.short(), styles.dim),
        FilesColumn::Doing => match view.snapshot.damaged.iter().find(|damage| damage.file == file.id) {
            Some(damage) => (format!("{} damaged: {}", styles.glyphs.bad, damage.cause), styles.bad),
            None => (moving.map(doing).unwrap_or_default(), styles.accent),
        },
    }
}

/// `copying 62 %`, or the last step that is done.
fn doing(of: &MoveView) -> String {
    if of.copied < of.size && of.copied.0 > 0 {
        return format!("copying {} %", of.copied.0 * 100 / of.size.0.max(1));
    }
    of.status.word().to_owned()
}
