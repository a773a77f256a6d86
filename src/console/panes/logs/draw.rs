//! Paints the pane: the query and who answered, one line of what matters most, the list, and its end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::container::Printed;
use super::lines::LogsScene;
use super::{LogsPane, head};
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::{paint, words};

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
        self.draw_query(area, buffer, view);
        self.draw_below_query(paint::below(area, 1), buffer, view);
        let list = Rect { height: area.height.saturating_sub(3), ..paint::below(area, 2) };
        let (events, at) = self.list();
        if events.is_empty() {
            let text = match &self.printed {
                Some(printed) => printed.empty().into(),
                None if self.problem.is_some() => String::new(),
                None if self.pending.page.is_open() => "  Reading the logs.".into(),
                None if self.query.is_narrowed() => {
                    format!("  No event matches in {}. Esc shows all again.", self.answered.by)
                }
                None => format!("  No event yet in {}.", self.answered.by),
            };
            paint::text(list, buffer, 1, &sanitise::clean(&text), view.styles.dim);
        } else {
            let of = self.context.as_ref().map(|near| near.found.at);
            let scene = LogsScene { cursor: Cursor { at }, wrap: self.wrap, marks: &self.marks, shown: self.shown, of };
            scene.draw(events, list, buffer, view);
        }
        if area.height > 2 {
            self.draw_last(paint::below(area, area.height - 1), buffer, view);
        }
    }

    fn draw_query(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let width = usize::from(area.width);
        let hits = self.hits.map(head::hits).unwrap_or_default();
        let all = [self.query.span(), head::by(&self.answered), hits];
        let right =
            |from: usize| all[from..].iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("   ");
        let told = (0..3).map(right).find(|text| sanitise::width(text) * 2 <= width).unwrap_or_default();
        paint::text(area, buffer, 0, " query  ", if self.editing { styles.accent } else { styles.dim });
        let room = area.width.saturating_sub(9 + sanitise::width(&told) as u16);
        let inside = Rect { x: area.x + 8.min(area.width), width: room, height: area.height.min(1), ..area };
        if self.editing {
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
    fn draw_below_query(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
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
        } else if let Some(histogram) = &self.histogram {
            head::strip(histogram, Rect { height: area.height.min(1), ..area }, buffer, styles);
        }
    }

    fn draw_last(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let (events, at) = self.list();
        let below = events.len().saturating_sub(at + 1);
        let place = match (&self.printed, &self.context) {
            (Some(Printed { follow: true, .. }), _) => " following".to_owned(),
            (None, None) if self.follow => " following".to_owned(),
            (None, None) if self.below > 0 => format!(" {} new below (G)", words::grouped(self.below as u64)),
            (None, None) if below == 0 => " not following (f)".to_owned(),
            _ => format!(" {} below (G)", words::grouped(below as u64)),
        };
        paint::text(area, buffer, 0, &place, view.styles.dim);
        let warning = self.answered.fallback.as_ref().or(self.answered.notes.first());
        let warning = warning.filter(|_| self.printed.is_none());
        let room = usize::from(area.width).saturating_sub(sanitise::width(&place) + 3);
        if let Some(warning) = warning {
            paint::right(area, buffer, 0, &sanitise::fit(&sanitise::clean(warning), room), view.styles.warning);
        } else {
            let more = if self.printed.is_none() && self.window.older().is_some() { ", older ones above" } else { "" };
            let text = format!("{} events{more}, times in UTC", words::grouped(events.len() as u64));
            paint::right(area, buffer, 0, &text, view.styles.dim);
        }
    }
}
