//! The lines above the list: what is asked and who answered, and how many events there were when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::console::widgets::{paint, words};
use crate::domain::log::{Answered, Bar, Histogram, Hits};

/// `10,000+ hits`.
pub(super) fn hits(hits: Hits) -> String {
    let more = if hits.at_least { "+" } else { "" };
    let what = if hits.count == 1 && !hits.at_least { "hit" } else { "hits" };
    format!("{}{more} {what}", words::grouped(hits.count))
}

/// `Elasticsearch, 12 ms`.
pub(super) fn by(answered: &Answered) -> String {
    let by = sanitise::clean(&answered.by).into_owned();
    if by.is_empty() { by } else { format!("{by}, {}", answered.took) }
}

/// Each column is the largest of the bars that fall on it; warnings and errors colour it.
pub(super) fn strip(histogram: &Histogram, area: Rect, buffer: &mut Buffer, styles: &Styles) {
    let width = usize::from(area.width).saturating_sub(4);
    let len = histogram.bars.len();
    if width == 0 || len == 0 {
        return;
    }
    let cells = width.min(len.max(width));
    let share = |cell: usize| {
        let (from, to) = (cell * len / cells, ((cell + 1) * len / cells).max(cell * len / cells + 1));
        let bars = &histogram.bars[from..to.min(len)];
        bars.iter().copied().max_by_key(|bar| bar.count).map(|most| Bar {
            warnings: bars.iter().map(|bar| bar.warnings).sum(),
            errors: bars.iter().map(|bar| bar.errors).sum(),
            ..most
        })
    };
    let bars: Vec<Bar> = (0..cells).filter_map(share).collect();
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let mut spans = vec![Span::raw("  ")];
    for bar in bars {
        let glyphs = &styles.glyphs.spark;
        let top = glyphs.len() as u64 - 1;
        let glyph = if bar.count == 0 { " " } else { glyphs[usize::try_from(bar.count * top / most).unwrap_or(0)] };
        let style = match bar {
            Bar { errors: 1.., .. } => styles.bad,
            Bar { warnings: 1.., .. } => styles.warning,
            _ => styles.accent,
        };
        spans.push(Span::styled(glyph, style));
    }
    paint::line(area, buffer, 0, &Line::from(spans));
}
