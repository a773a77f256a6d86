//! Recent runs, and one run in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Columns, ListWindow};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::scheduler::{Decision, Run};

pub(super) fn draw(cursor: ListWindow, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let recent = &view.snapshot.scheduler.recent;
    paint::text(area, buffer, 0, "  RECENT RUNS", styles.heading);
    let list = paint::below(area, 1);
    if recent.is_empty() {
        let hints = [(Action::RunScheduler, "runs the scheduler"), (Action::Preview, "shows its plan")];
        let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
        let none = if hints.is_empty() { "  none yet".to_owned() } else { format!("  none yet; {}", hints.join(", ")) };
        paint::text(list, buffer, 0, &none, styles.dim);
    }
    let width = usize::from(area.width);
    let all = vec![
        ('t', Column::left("", 8)),
        ('d', Column::left("", 13)),
        ('o', Column::left("", 14)),
        ('b', Column::left("", 12)),
    ];
    let columns = Columns::fit(all, &['b'], width).stretch('o', width, 40);
    let height = usize::from(list.height);
    let first = cursor.first(recent.len(), height);
    for (row, run) in recent.iter().enumerate().skip(first).take(height) {
        let line = columns.row((row == cursor.at, false), styles, |key| match key {
            't' => (time::of_day(run.at), styles.dim),
            'd' => (run.decision.word().to_owned(), style(run, view)),
            'o' => (outcome(run), styles.text),
            _ => (run.by.clone(), styles.dim),
        });
        paint::line(list, buffer, (row - first) as u16, &line);
    }
}

fn style(run: &Run, view: &View<'_>) -> Style {
    match run.decision {
        Decision::Ran if run.moves_failed > 0 => view.styles.bad,
        Decision::Ran => view.styles.good,
        Decision::BelowTrigger | Decision::Balanced => view.styles.dim,
        _ => view.styles.warning,
    }
}

/// `8 of 8 moves, 0.3 s`, or why there were none.
pub(super) fn outcome(run: &Run) -> String {
    match run.decision {
        Decision::Ran | Decision::Stopped => {
            let (done, planned) = (words::grouped(run.moves_done), words::grouped(run.moves_planned));
            let rest = not_made(run.moves_failed, run.moves_skipped);
            format!("{done} of {planned} moves{rest}, {}", run.took)
        }
        Decision::BelowTrigger => {
            format!("spread {} < {}", words::grouped(run.max_difference), words::grouped(run.threshold))
        }
        Decision::Balanced => format!("spread {}", words::grouped(run.max_difference)),
        other => run.note.clone().unwrap_or_else(|| other.word().to_owned()),
    }
}

/// `, 1 failed, 2 skipped`.
pub(super) fn not_made(failed: u64, skipped: u64) -> String {
    let part = |count: u64, word| if count > 0 { format!(", {} {word}", words::grouped(count)) } else { String::new() };
    part(failed, "failed") + &part(skipped, "skipped")
}

/// A run with every node: lines for a full-screen view.
pub(in crate::console::panes) fn run_lines(run: &Run, view: &View<'_>) -> Vec<(String, Style)> {
    let styles = view.styles;
    let text = format!("  {}  {}   {}", time::of_date(run.at), run.decision.word(), outcome(run));
    let mut lines = vec![(text, style(run, view))];
    let asked = format!(
        "  requested by {}; spread {} before, threshold {}; {} moves planned, least possible {}, {}",
        sanitise::clean(&run.by),
        words::grouped(run.max_difference),
        words::grouped(run.threshold),
        words::grouped(run.moves_planned),
        words::grouped(run.moves_least),
        run.bytes,
    );
    lines.push((asked, styles.text));
    lines.extend(run.note.as_ref().map(|note| (format!("  {}", sanitise::clean(note)), styles.warning)));
    lines.push((String::new(), styles.text));
    lines.push((
        "  NODE        BEFORE   AFTER   LEVEL        GIVES   TAKES   NOT USED AS TARGET".to_owned(),
        styles.heading,
    ));
    for node in &run.nodes {
        let level = if node.low == node.high { node.low.to_string() } else { format!("{} to {}", node.low, node.high) };
        let why = node.not_chosen.map_or("-", |why| why.word());
        let name = sanitise::fit(node.node.as_str(), 10);
        let (before, after, gives, takes) = (node.before, node.after, node.gives, node.takes);
        let line = format!("  {name:<10}{before:>8}{after:>8}   {level:<10}{gives:>8}{takes:>8}   {why}");
        lines.push((line, styles.text));
    }
    lines
}
