//! One operation with its steps and, for a run, what it decided for each node.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::panes::scheduler::run_lines;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::incident::Incident;
use crate::domain::operation::Operation;

/// Lines of one field.
const LINES_MAX: usize = 40;

pub(super) fn draw(operation: &Operation, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let (glyph, style) = words::of_operation(operation.status, styles);
    let title = format!("  {} {glyph} {}   Esc back", operation.kind.word(), operation.status.word());
    paint::text(area, buffer, 0, &title, style);
    let mut lines: Vec<(String, Style)> = Vec::new();
    let width = usize::from(area.width).saturating_sub(14);
    let mut field = |name: &str, value: String| {
        for (at, part) in sanitise::wrap(&value, width, LINES_MAX).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            lines.push((format!("  {name:<10} {part}"), styles.text));
        }
    };
    field("what", operation.what.clone());
    if let Some(why) = &operation.why {
        field("why", why.clone());
    }
    field("by", format!("{}, carried out by {}", operation.by, operation.instance));
    let took = operation.took().map_or_else(|| "still running".to_owned(), |took| format!("took {took}"));
    field("when", format!("{}, {took}", time::of_date(operation.started)));
    if operation.source.is_some() || operation.target.is_some() {
        let (source, target) = (words::or_dash(operation.source.as_ref()), words::or_dash(operation.target.as_ref()));
        field("nodes", format!("{source} {} {target}", styles.glyphs.arrow));
    }
    if let Some(bytes) = operation.bytes {
        field("bytes", bytes.to_string());
    }
    if let Some(file) = operation.file {
        field("file", file.to_string());
    }
    if !operation.files.is_empty() {
        field("files", words::count(operation.files.len() as u64, "file"));
    }
    field("id", operation.id.to_string());
    steps(operation, &mut lines, view);
    if let Some(run) = &operation.run {
        lines.push((String::new(), styles.text));
        lines.extend(run_lines(run, view));
    }
    let lines = paint::wrapped(&lines, usize::from(area.width));
    for (row, (text, style)) in lines.iter().enumerate().take(usize::from(area.height.saturating_sub(1))) {
        paint::text(area, buffer, row as u16 + 1, &sanitise::fit(text, usize::from(area.width)), *style);
    }
}

/// One incident with all that is known of it.
pub(super) fn draw_incident(incident: &Incident, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let style = if incident.ended.is_some() { styles.heading } else { styles.bad };
    paint::text(area, buffer, 0, &format!("  {}   Esc back", sanitise::clean(&incident.what.to_string())), style);
    let ended = incident.ended.map_or_else(
        || format!("it goes on, for {} now", view.now.since(incident.began)),
        |end| format!("{}, after {}", time::of_date(end), end.since(incident.began)),
    );
    let none = || "-".to_owned();
    let fields = [
        ("kind", incident.what.kind().word().to_owned()),
        ("began", time::of_date(incident.began)),
        ("ended", ended),
        ("cause", incident.cause.clone().unwrap_or_else(none)),
        ("after", incident.begun_by.clone().unwrap_or_else(none)),
        ("ended by", incident.ended_by.clone().unwrap_or_else(none)),
        ("seen by", incident.instance.clone()),
        ("id", incident.id.to_string()),
    ];
    let width = usize::from(area.width).saturating_sub(14);
    let mut row = 1;
    for (name, value) in fields {
        for (at, part) in sanitise::wrap(&value, width, LINES_MAX).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            paint::text(area, buffer, row, &format!("  {name:<10} {part}"), styles.text);
            row += 1;
        }
    }
}

fn steps(operation: &Operation, lines: &mut Vec<(String, Style)>, view: &View<'_>) {
    if operation.steps.is_empty() {
        return;
    }
    lines.push((String::new(), view.styles.text));
    lines.push(("  STEP            AFTER    TOOK".to_owned(), view.styles.heading));
    for step in &operation.steps {
        let after = step.at.since(operation.started).to_string();
        let line = format!("  {:<12} {after:>8} {:>7}", sanitise::clean(&step.name), step.took.to_string());
        lines.push((line, view.styles.text));
    }
}
