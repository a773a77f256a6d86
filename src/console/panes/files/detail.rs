//! One file: its whole record, and what history tells of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::file::blob_name;
use crate::domain::ids::FileId;
use crate::domain::operation::{HistoryPage, HistoryQuery};

/// Rows of history that are asked for.
const ROWS: usize = 50;

#[derive(Debug)]
pub(super) struct FileDetail {
    file: FileId,
    asked: Asked<HistoryQuery>,
    history: Option<Result<HistoryPage, String>>,
}

impl FileDetail {
    pub(super) fn open(file: FileId) -> (Self, Effect) {
        let query = HistoryQuery { file: Some(file), limit: ROWS, ..HistoryQuery::default() };
        let mut asked = Asked::default();
        let effect = asked.put(query).into();
        (Self { file, asked, history: None }, effect)
    }

    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    pub(super) fn take_answers(&mut self) {
        self.history = self.asked.take().or(self.history.take());
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let Some(file) = view.snapshot.files.get(self.file) else {
            let text = format!("  {} is gone: it has been deleted   Esc back", self.file);
            paint::text(area, buffer, 0, &text, styles.warning);
            self.draw_history(paint::below(area, 2), buffer, view);
            return;
        };
        let record = &file.record;
        paint::text(area, buffer, 0, &format!("  {}   Esc back", sanitise::clean(&record.name)), styles.heading);
        let lines = [
            ("id", file.id.to_string()),
            ("node", record.owner.to_string()),
            ("size", format!("{} ({} bytes)", record.size, words::grouped(record.size.0))),
            ("BLAKE3", record.blake3.to_string()),
            ("bytes at", format!("{}/{}", record.owner, blob_name(file.id, record.blob))),
            ("created", format!("{}, {} ago", time::of_date(record.created_ms), view.now.since(record.created_ms))),
            ("changed", format!("{}, {} ago", time::of_date(record.updated_ms), view.now.since(record.updated_ms))),
            ("moves", format!("{} (generation {}, version {})", record.moves(), record.generation, file.version)),
        ];
        for (row, (name, value)) in lines.iter().enumerate() {
            paint::text(area, buffer, row as u16 + 1, &format!("  {name:<9} {value}"), styles.text);
        }
        self.draw_history(paint::below(area, lines.len() as u16 + 2), buffer, view);
    }

    fn draw_history(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        paint::text(area, buffer, 0, "  HISTORY", styles.heading);
        let list = paint::below(area, 1);
        match &self.history {
            None => paint::text(list, buffer, 0, "  reading", styles.dim),
            Some(Err(why)) => paint::text(list, buffer, 0, &format!("  {}", sanitise::clean(why)), styles.warning),
            Some(Ok(page)) if page.operations.is_empty() => {
                paint::text(list, buffer, 0, "  no operation of this host names the file", styles.dim);
            }
            Some(Ok(page)) => {
                for (row, operation) in page.operations.iter().take(usize::from(list.height)).enumerate() {
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
                    paint::text(list, buffer, row as u16, &sanitise::fit(&line, usize::from(area.width)), style);
                }
            }
        }
    }
}
