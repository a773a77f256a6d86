//! Recent runs, and one run in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::rows::{RunLine, RunRows};
use crate::console::action::Action;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Columns, ListWindow};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::scheduler::{Decision, Run};

pub(super) fn draw(cursor: ListWindow, runs: &RunRows, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    paint::text(area, buffer, 0, "  RECENT RUNS", styles.heading);
    let (list, lines) = (paint::below(area, 1), runs.lines());
    if lines.is_empty() {
        let (text, style) = none(runs, view);
        paint::text(list, buffer, 0, &format!("  {text}"), style);
    }
    let width = usize::from(area.width);
    let dated = lines.last().is_some_and(|line| time::date(line.run.at) != time::date(view.now));
    let all = vec![
        ('t', Column::left("", if dated { 19 } else { 8 })),
        ('d', Column::left("", lines.iter().map(|line| sanitise::width(&word(line))).max().unwrap_or(0))),
        ('o', Column::left("", 24)),
        ('b', Column::left("", 12)),
    ];
    let columns = Columns::fit(all, &['b'], width).stretch('o', width, 60);
    let height = usize::from(list.height);
    let first = cursor.first(lines.len(), height);
    for (row, line) in lines.iter().enumerate().skip(first).take(height) {
        let run = &line.run;
        let line = columns.row((row == cursor.at, false), styles, |key| match key {
            't' if dated => (time::of_date(run.at), styles.dim),
            't' => (time::of_day(run.at), styles.dim),
            'd' => (word(line), style(run, view)),
            'o' => (folded(line), styles.text),
            _ => (run.by.clone(), styles.dim),
        });
        paint::line(list, buffer, (row - first) as u16, &line);
    }
    if let Some(why) = runs.problem().filter(|_| lines.len() < height) {
        let text = format!("  older ones are not shown: {}", sanitise::clean(why));
        paint::text(list, buffer, lines.len() as u16, &sanitise::fit(&text, width), styles.warning);
    }
}

/// What stands where there is no run.
fn none(runs: &RunRows, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    if runs.problem().is_some() {
        return (String::new(), styles.dim);
    }
    if runs.is_reading() {
        return ("reading".to_owned(), styles.dim);
    }
    let hints = [(Action::RunScheduler, "runs the scheduler"), (Action::Preview, "shows its plan")];
    let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
    let text = if hints.is_empty() { "none yet".to_owned() } else { format!("none yet; {}", hints.join(", ")) };
    (text, styles.dim)
}

/// What was decided, or how many runs decided the same; the outcome of those that found little to do says it.
fn word(line: &RunLine) -> String {
    match line.run.decision {
        _ if line.count > 1 => format!("×{}", words::grouped(line.count as u64)),
        Decision::Balanced | Decision::BelowTrigger => String::new(),
        decision => decision.word().to_owned(),
    }
}

/// What a row tells of its run, or of all that are folded into it.
fn folded(line: &RunLine) -> String {
    let (low, high) = line.spread;
    let spread =
        if low == high { words::grouped(low) } else { format!("{} to {}", words::grouped(low), words::grouped(high)) };
    match line.run.decision {
        Decision::Balanced => format!("balanced (spread {spread})"),
        Decision::BelowTrigger => format!("spread {spread} < {}", words::grouped(line.run.threshold)),
        decision if line.count > 1 => decision.word().to_owned(),
        _ => outcome(&line.run),
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
pub(in crate::console::panes) fn outcome(run: &Run) -> String {
    match run.decision {
        Decision::Ran | Decision::Stopped => {
            let (done, planned) = (words::grouped(run.moves_done), words::grouped(run.moves_planned));
            let rest = not_made(run.moves_failed, run.moves_skipped);
            format!("{done} of {planned} moves{rest}, {}", run.took)
        }
        Decision::BelowTrigger => {
            format!("spread {} < {}", words::grouped(run.max_difference), words::grouped(run.threshold))
        }
        Decision::Balanced => format!("balanced (spread {})", words::grouped(run.max_difference)),
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
    let word = match run.decision {
        Decision::Balanced => String::new(),
        decision => format!("{decision}   "),
    };
    let text = format!("  {}  {word}{}", time::of_date(run.at), outcome(run));
    let mut lines = vec![(text, style(run, view))];
    let asked = format!(
        "  by {}; spread {} before, threshold {}",
        sanitise::clean(&run.by),
        words::grouped(run.max_difference),
        words::grouped(run.threshold),
    );
    let planned = words::count(run.moves_planned, "move");
    let planned = format!("  {planned} planned, least possible {}, {}", words::grouped(run.moves_least), run.bytes);
    lines.extend([asked, planned].map(|text| (text, styles.text)));
    lines.extend(run.note.as_ref().map(|note| (format!("  {}", sanitise::clean(note)), styles.warning)));
    lines.push((String::new(), styles.text));
    lines.extend(node_lines(run, view));
    lines
}

/// Each node's count before and after the run, and why it was not used as a target.
pub(in crate::console::panes) fn node_lines(run: &Run, view: &View<'_>) -> Vec<(String, Style)> {
    let styles = view.styles;
    if run.nodes.is_empty() {
        return vec![("  what each node had is not known: nothing was planned".to_owned(), styles.dim)];
    }
    let names: Vec<String> = run.nodes.iter().map(|node| sanitise::fit(node.node.as_str(), 16)).collect();
    let name = names.iter().map(|name| sanitise::width(name)).max().unwrap_or(0).max(4);
    let titles = ["BEFORE", "AFTER", "GIVES", "TAKES"].map(|title| format!("{title:>9}")).concat()
        + "   LEVEL            NOT USED AS TARGET";
    let mut lines = vec![(format!("  {:<name$}{titles}", "NODE"), styles.heading)];
    for (node, own) in run.nodes.iter().zip(&names) {
        let (low, high) = (words::grouped(node.low), words::grouped(node.high));
        let level = if low == high { low } else { format!("{low} to {high}") };
        let why = node.not_chosen.map_or("-", |why| why.word());
        let counts =
            [node.before, node.after, node.gives, node.takes].map(|count| format!("{:>9}", words::grouped(count)));
        lines.push((format!("  {own:<name$}{}   {level:<15}  {why}", counts.concat()), styles.text));
    }
    lines
}
