//! The scheduler's state, the plan or run in hand, drains, and the workload: one line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::node::{DrainView, NodeCondition, NodeView};
use crate::domain::past::{PastPart, PastView};
use crate::domain::scheduler::Decision;
use crate::domain::setting::Setting;
use crate::domain::snapshot::{SessionState, Snapshot};

/// Cells of a progress.
const PROGRESS_MIN: usize = 6;
const PROGRESS_MAX: usize = 40;

pub(super) fn first_line(area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    if let Some(past) = &view.snapshot.past {
        return first_line_then(past, area, buffer, view);
    }
    let (snapshot, styles) = (view.snapshot, view.styles);
    let scheduler = &snapshot.scheduler;
    let next = match scheduler.next_run {
        _ if scheduler.running.is_some() => "running now".to_owned(),
        Some(at) => format!("next in {}", left_until(at, view)),
        None if scheduler.paused => {
            let hint = view.hint(Action::PauseScheduler, "resumes it");
            hint.unwrap_or_else(|| "no run begins until it is resumed".to_owned())
        }
        None => match &snapshot.leadership.leader {
            Some(leader) if !snapshot.leadership.leads => format!("{} leads and runs it", leader.name()),
            // It has not been set yet.
            Some(_) => "next -".to_owned(),
            None => nobody_leads(snapshot).to_owned(),
        },
    };
    let known = snapshot.session.state == SessionState::Connected && snapshot.ever_read();
    let (word, style) = match scheduler.paused {
        true => ("paused", styles.warning),
        false if known => ("on", styles.good),
        false => ("-", styles.dim),
    };
    paint::text(area, buffer, 0, &format!("  {word}"), style);
    let (every, trigger, settle) =
        (scheduler.interval, words::grouped(scheduler.trigger), words::grouped(scheduler.settle));
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

/// Of a moment that is over: what history tells. Runs that found nothing new to say have no row.
fn first_line_then(past: &PastView, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let (scheduler, styles) = (&view.snapshot.scheduler, view.styles);
    let (word, style) = match (past.knows(PastPart::Switch), scheduler.paused) {
        (true, true) => ("paused", styles.warning),
        (true, false) => ("on", styles.good),
        (false, _) => ("-", styles.dim),
    };
    paint::text(area, buffer, 0, &format!("  {word}"), style);
    let run = scheduler.last_run.as_ref().map(|run| {
        let at = if time::date(run.at) == time::date(view.now) { time::of_day(run.at) } else { time::of_date(run.at) };
        let threshold = words::grouped(run.threshold);
        format!("last run in history {at}: {}, threshold {threshold}", super::runs::outcome(run))
    });
    let text = match (&scheduler.running, run) {
        (Some(_), _) => "running then".to_owned(),
        (None, Some(run)) => run,
        (None, None) => "no run in history by then".to_owned(),
    };
    let inset = Rect { x: area.x + area.width.min(10), width: area.width.saturating_sub(10), ..area };
    paint::text(inset, buffer, 0, &sanitise::fit(&sanitise::clean(&text), usize::from(inset.width)), styles.text);
}

fn left_until(at: Timestamp, view: &View<'_>) -> String {
    words::seconds(Millis(at.since(view.now).0.next_multiple_of(1000)))
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

/// Whether the last run was stopped and the timer will start another one.
fn is_stopped(snapshot: &Snapshot) -> bool {
    let scheduler = &snapshot.scheduler;
    let stopped = scheduler.last_run.as_ref().is_some_and(|run| run.decision == Decision::Stopped);
    stopped && scheduler.running.is_none() && scheduler.next_run.is_some()
}

/// Rows that it takes in an area of this height: a line each, and one of air above them.
pub(super) fn rows(snapshot: &Snapshot, height: u16) -> u16 {
    let drains = snapshot.nodes.iter().filter(|node| node.drain.is_some()).count();
    let run = usize::from(snapshot.scheduler.running.is_some() || is_stopped(snapshot));
    ((run + drains + 2) as u16).min(height)
}

pub(super) fn draw(area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let mut lines: Vec<(String, Style)> = Vec::new();
    let width = usize::from(area.width);
    if let Some(run) = &view.snapshot.scheduler.running {
        let failed = super::runs::not_made(run.moves_failed, run.moves_skipped);
        let (done, since) = (words::grouped(run.ended()), view.now.since(run.since));
        let stop = apart(view.hint(Action::StopRun, "stops it"));
        let all = words::count(run.moves_planned, "move");
        let tail = format!("  {done} of {all}{failed}, {since}{stop}");
        let parts = (run.ended(), run.moves_planned);
        lines.push((with_progress("  RUN    ", parts, &tail, width, view), styles.accent));
    } else if let Some(at) = view.snapshot.scheduler.next_run.filter(|_| is_stopped(view.snapshot)) {
        let prevents =
            view.hint(Action::PauseScheduler, "prevents it").map_or_else(String::new, |hint| format!("; {hint}"));
        let text = format!("  STOPPED  the timer starts the next run in {}{prevents}", left_until(at, view));
        lines.push((text, styles.warning));
    }
    for node in view.snapshot.nodes.iter() {
        lines.extend(node.drain.as_ref().map(|drain| drained(node, drain, width, view)));
    }
    lines.push(workload(view));
    for (row, (text, style)) in lines.iter().enumerate() {
        paint::text(area, buffer, row as u16 + 1, &sanitise::fit(text, width), *style);
    }
}

/// A hint after a line, with air before it.
fn apart(hint: Option<String>) -> String {
    hint.map_or_else(String::new, |hint| format!("   {hint}"))
}

/// The line with a bar of what is done, as wide as there is room between its two ends.
fn with_progress(head: &str, (done, all): (u64, u64), tail: &str, width: usize, view: &View<'_>) -> String {
    let room = width.saturating_sub(sanitise::width(head) + sanitise::width(tail));
    let bar = paint::progress(done, all, room.clamp(PROGRESS_MIN, PROGRESS_MAX), &view.styles.glyphs);
    format!("{head}{bar}{tail}")
}

fn drained(node: &NodeView, drain: &DrainView, width: usize, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    let head = format!("  DRAIN {}  ", node.id);
    if !words::counts_known(view.snapshot) {
        return (format!("{head}the records are not read yet"), styles.dim);
    }
    let all = drain.files_at_start.max(drain.files_left);
    let done = all - drain.files_left;
    let percent = (done * 100).checked_div(all).unwrap_or(100);
    let of = format!("  {percent} %   {} of {}", words::grouped(done), words::count(all, "file"));
    let line = |rest: &str| with_progress(&head, (done, all), &format!("{of}{rest}"), width, view);
    if drain.files_left == 0 {
        let lift = view.hint(Action::Drain, "lifts it").map_or_else(String::new, |hint| format!("; {hint}"));
        let style = if node.condition == NodeCondition::Draining { styles.good } else { styles.warning };
        return (line(&format!("   {}{lift}", words::node(node, view.snapshot))), style);
    }
    if let Some(why) = &drain.stalled {
        return (line(&format!(", {} to go   stalled: {}", node.bytes, sanitise::clean(why))), styles.bad);
    }
    (line(&format!(", {} to go   {}", node.bytes, pace(drain, view))), styles.accent)
}

/// Time left and speed while files move; else what it waits for.
fn pace(drain: &DrainView, view: &View<'_>) -> String {
    let scheduler = &view.snapshot.scheduler;
    if let Some(left) = drain.left_ms {
        let speed = drain.files_per_s.map(|speed| format!(", {speed:.1} files/s")).unwrap_or_default();
        return format!("{} left{speed}", Millis(left));
    }
    match scheduler.next_run {
        _ if scheduler.running.is_some() => String::new(),
        _ if scheduler.paused => "waits: paused".to_owned(),
        Some(at) => format!("goes on in {}", left_until(at, view)),
        None => String::new(),
    }
}

fn workload(view: &View<'_>) -> (String, Style) {
    let workload = &view.snapshot.workload;
    if view.snapshot.past.is_some() {
        let last = workload.last.as_ref().map(|last| format!("last run in history: {}", sanitise::clean(last)));
        let state = if workload.running { Some("running".to_owned()) } else { last };
        return (format!("  WORKLOAD  {}", state.unwrap_or_else(|| "-".to_owned())), view.styles.dim);
    }
    let state = match (workload.off, workload.next_run) {
        _ if workload.running => "running".to_owned(),
        (Some(off), _) => {
            let once = view.hint(Action::RunWorkload, "runs it once");
            off.text().to_owned() + &once.map_or_else(String::new, |hint| format!("; {hint}"))
        }
        (None, Some(at)) => format!("next in {}", left_until(at, view)),
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
    let failed =
        if workload.failures > 0 { format!("   {} failed", words::grouped(workload.failures)) } else { String::new() };
    (format!("  WORKLOAD  {state}{extra}{last}{failed}"), view.styles.dim)
}

/// Cells of the block of settings.
pub(super) const SETTINGS: u16 = 44;
/// Cells of a setting's name and of its value.
const NAME_WIDTH: usize = 12;
const VALUE_WIDTH: usize = 8;

/// What the scheduler goes by, under the name that it has in `zkdeck.toml`, and where that comes from.
pub(super) fn draw_settings(area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    paint::text(area, buffer, 0, "SETTINGS  :set", styles.heading);
    if view.snapshot.settings.is_empty() {
        paint::text(area, buffer, 1, "  not kept", styles.dim);
    }
    let find = |setting: &Setting| view.snapshot.settings.iter().find(|one| one.setting == Some(*setting));
    let all = Setting::ALL.iter().filter_map(|setting| Some((setting, find(setting)?)));
    for (row, (setting, one)) in all.enumerate() {
        let (_, key) = setting.section_and_key();
        let text = format!("  {key:<NAME_WIDTH$} {:<VALUE_WIDTH$} {}", one.shown(), one.origin);
        let style = if one.configured.is_some() { styles.accent } else { styles.text };
        let text = sanitise::fit(&sanitise::clean(&text), usize::from(area.width));
        paint::text(area, buffer, row as u16 + 1, &text, style);
    }
}
