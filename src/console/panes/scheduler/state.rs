//! The scheduler's state, the plan or run in hand, drains, and the workload: one line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::ids::{Bytes, Millis};
use crate::domain::node::{DrainView, NodeCondition, NodeView};
use crate::domain::planner::Plan;
use crate::domain::scheduler::Decision;
use crate::domain::snapshot::{SessionState, Snapshot};

/// Cells of a progress.
const PROGRESS: usize = 20;

pub(super) fn first_line(area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let (snapshot, styles) = (view.snapshot, view.styles);
    let scheduler = &snapshot.scheduler;
    let next = match scheduler.next_run {
        _ if scheduler.running.is_some() => "running now".to_owned(),
        Some(at) => {
            let stopped = scheduler.last_run.as_ref().is_some_and(|run| run.decision == Decision::Stopped);
            let pause = view.hint(Action::PauseScheduler, "pauses").filter(|_| stopped);
            let pause = pause.map_or_else(String::new, |pause| format!(", {pause}"));
            format!("next in {}{pause}", Millis::from_secs(at.since(view.now).0.div_ceil(1000)))
        }
        None if scheduler.paused => {
            let hint = view.hint(Action::PauseScheduler, "resumes it");
            hint.unwrap_or_else(|| "no run begins until it is resumed".to_owned())
        }
        None => match &snapshot.leadership.leader {
            Some(leader) if !snapshot.leadership.leads => format!("{} leads and runs it", leader.name()),
            _ => nobody_leads(snapshot).to_owned(),
        },
    };
    let known = snapshot.session.state == SessionState::Connected && snapshot.ever_read();
    let (word, style) = match scheduler.paused {
        true => ("paused", styles.warning),
        false if known => ("on", styles.good),
        false => ("-", styles.dim),
    };
    paint::text(area, buffer, 0, &format!("  {word}"), style);
    let (every, trigger, settle) = (scheduler.interval, scheduler.trigger, scheduler.settle);
    let text = format!("every {every} · threshold {trigger}, settle {settle} · {next}");
    let inset = Rect { x: area.x + area.width.min(10), width: area.width.saturating_sub(10), ..area };
    paint::text(inset, buffer, 0, &sanitise::clean(&text), styles.text);
    if area.width >= 96
        && let Some(run) = &scheduler.last_run
    {
        let text = format!("last run {}: {}", time::of_day(run.at), super::runs::outcome(run));
        paint::right(area, buffer, 0, &text, styles.dim);
    }
}

/// Where this instance knows of no leader: why nothing is begun.
fn nobody_leads(snapshot: &Snapshot) -> &'static str {
    if snapshot.session.state != SessionState::Connected {
        "no session: who leads is not known"
    } else if snapshot.instance.read_only {
        "no instance leads: this one only watches"
    } else {
        "no instance leads now"
    }
}

/// Rows that it takes in an area of this height: a line each, and one of air above them.
pub(super) fn rows(preview: Option<&Plan>, snapshot: &Snapshot, height: u16) -> u16 {
    let plan = preview.map_or(0, |plan| 1 + usize::from(plan.note.is_some()));
    let drains = snapshot.nodes.iter().filter(|node| node.drain.is_some()).count();
    let lines = plan + usize::from(snapshot.scheduler.running.is_some()) + drains + 1;
    (lines as u16 + 1).min(height)
}

/// Draws what there is and returns the rows that it took.
pub(super) fn draw(preview: Option<&Plan>, area: Rect, buffer: &mut Buffer, view: &View<'_>) -> u16 {
    let styles = view.styles;
    let mut lines: Vec<(String, Style)> = Vec::new();
    if let Some(plan) = preview {
        lines.push((planned(plan, view), styles.accent));
        lines.extend(plan.note.as_ref().map(|note| (format!("  {}", sanitise::clean(note)), styles.warning)));
    }
    if let Some(run) = &view.snapshot.scheduler.running {
        let (done, all) = (run.ended(), run.moves_planned);
        let bar = paint::progress(done, all, PROGRESS, &styles.glyphs);
        let failed = super::runs::not_made(run.moves_failed, run.moves_skipped);
        let since = view.now.since(run.since);
        let stop = apart(view.hint(Action::StopRun, "stops it"));
        lines.push((format!("  RUN    {bar}  {done} of {all} moves{failed}, {since}{stop}"), styles.accent));
    }
    for node in view.snapshot.nodes.iter() {
        lines.extend(node.drain.as_ref().map(|drain| drained(node, drain, view)));
    }
    lines.push(workload(view));
    let width = usize::from(area.width);
    for (row, (text, style)) in lines.iter().enumerate() {
        paint::text(area, buffer, row as u16 + 1, &sanitise::fit(text, width), *style);
    }
    (lines.len() as u16 + 1).min(area.height)
}

/// A hint after a line, with air before it.
fn apart(hint: Option<String>) -> String {
    hint.map_or_else(String::new, |hint| format!("   {hint}"))
}

fn planned(plan: &Plan, view: &View<'_>) -> String {
    let leave = apart(view.hint(Action::Back, "leave"));
    let moves = plan.moves.len() as u64;
    if moves == 0 {
        let spread = words::grouped(plan.spread_before);
        return format!("  plan: no moves, {} (spread {spread}){leave}", plan.decision.word());
    }
    let run = apart(view.hint(Action::Open, "run this plan").filter(|_| view.offers(Action::RunScheduler)));
    let bytes = Bytes(plan.moves.iter().map(|of| of.size.0).sum());
    format!(
        "  plan: {}, least possible {}, {bytes}, spread {} to {}{run}{leave}",
        words::count(moves, "move"),
        words::grouped(plan.lower_bound),
        words::grouped(plan.spread_before),
        words::grouped(plan.spread_after),
    )
}

fn drained(node: &NodeView, drain: &DrainView, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    if !words::counts_known(view.snapshot) {
        return (format!("  DRAIN {}  the records are not read yet", node.id), styles.dim);
    }
    let all = drain.files_at_start.max(drain.files_left);
    let done = all - drain.files_left;
    let bar = paint::progress(done, all, PROGRESS, &styles.glyphs);
    let percent = (done * 100).checked_div(all).unwrap_or(100);
    let head = format!("  DRAIN {}  {bar}  {percent} %   {done} of {}", node.id, words::count(all, "file"));
    if drain.files_left == 0 {
        let lift = view.hint(Action::Drain, "lifts it").map_or_else(String::new, |hint| format!("; {hint}"));
        let text = format!("{head}   {}{lift}", words::node(node, view.snapshot));
        return (text, if node.condition == NodeCondition::Draining { styles.good } else { styles.warning });
    }
    if let Some(why) = &drain.stalled {
        return (format!("{head}   stalled: {}", sanitise::clean(why)), styles.bad);
    }
    let speed = drain.files_per_s.map(|speed| format!("   {speed:.1} files/s")).unwrap_or_default();
    let left = drain.left_ms.map(|left| format!("   {} left", Millis(left))).unwrap_or_default();
    (format!("{head}{speed}{left}"), styles.accent)
}

fn workload(view: &View<'_>) -> (String, Style) {
    let workload = &view.snapshot.workload;
    let state = match (workload.off, workload.next_run) {
        _ if workload.running => "running".to_owned(),
        (Some(off), _) => {
            let once = view.hint(Action::RunWorkload, "runs it once");
            off.text().to_owned() + &once.map_or_else(String::new, |hint| format!("; {hint}"))
        }
        (None, Some(at)) => format!("next in {}", Millis::from_secs(at.since(view.now).0.div_ceil(1000))),
        (None, None) if view.snapshot.leadership.leader.is_none() => {
            format!("every {}; {}", workload.interval, nobody_leads(view.snapshot))
        }
        (None, None) => format!("every {} by the zkdeck leader", workload.interval),
    };
    let extra = match workload.extra_clients {
        0 => String::new(),
        all => format!("   {} of {all} extra clients", workload.extra_connected),
    };
    let last = workload.last.as_ref().map(|last| format!("   last: {}", sanitise::clean(last))).unwrap_or_default();
    let failed = if workload.failures > 0 { format!("   {} failed", workload.failures) } else { String::new() };
    (format!("  WORKLOAD  {state}{extra}{last}{failed}"), view.styles.dim)
}
