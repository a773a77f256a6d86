//! One server in a few lines: as many as the width makes of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::domain::ids::Millis;
use crate::domain::server::{Role, ServerView};
use crate::domain::snapshot::Snapshot;

const GAP: &str = "    ";
/// A reply that came within this is of now.
const FRESH: Millis = Millis(2_000);

/// Draws and returns the rows that it took.
pub(super) fn draw(server: &ServerView, area: Rect, buffer: &mut Buffer, view: &View<'_>) -> u16 {
    let styles = view.styles;
    let host = server.host.as_ref().map(|host| match &host.detail {
        Some(detail) => format!(", {}: {detail}", host.name),
        None => format!(", {}", host.name),
    });
    let past = view.snapshot.past.is_some();
    let version = match server.version.as_deref() {
        Some(version) => format!(", {version}"),
        None if past => String::new(),
        None => ", version unknown".to_owned(),
    };
    let about = format!("  {}{version}{}", server.address, host.unwrap_or_default());
    let seen = seen(server, view);
    let (width, head) = (usize::from(area.width), format!("  {}", server.node));
    let room = width.saturating_sub(sanitise::width(&head) + sanitise::width(&seen) + GAP.len());
    let name = Line::from(vec![
        Span::styled(head, styles.heading),
        Span::styled(sanitise::fit(&sanitise::clean(&about), room), styles.text),
    ]);
    paint::line(area, buffer, 0, &name);
    paint::right(area, buffer, 0, &seen, styles.dim);
    let requests = if past { requests_then(server) } else { requests(server) };
    let groups = [memory(server, view.snapshot), requests, canary(view)];
    let lines: Vec<String> = groups.iter().flat_map(|pieces| flow(pieces, width)).collect();
    for (row, text) in lines.iter().enumerate() {
        paint::text(area, buffer, row as u16 + 1, text, styles.text);
    }
    (lines.len() as u16 + 1).min(area.height)
}

/// Puts pieces beside each other, and on the next line what does not fit.
fn flow(pieces: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let clean = sanitise::clean(piece);
        let room = |line: &String| sanitise::width(line) + GAP.len() + sanitise::width(&clean) < width;
        match lines.last_mut().filter(|line| room(line)) {
            Some(line) => *line = format!("{line}{GAP}{clean}"),
            None => lines.push(format!("  {}", sanitise::fit(&clean, width.saturating_sub(3)))),
        }
    }
    lines
}

fn memory(server: &ServerView, snapshot: &Snapshot) -> Vec<String> {
    let grouped = |value: Option<u64>| words::or_dash(value.map(words::grouped));
    let mib = |value: Option<u64>| words::or_dash(value.map(|bytes| bytes >> 20));
    let of = |used: String, most: String| if used == "-" { used } else { format!("{used} of {most}") };
    if snapshot.past.is_some() {
        let heap = server.heap_used.map(|bytes| format!("{} MiB", bytes >> 20));
        let behind = server.behind.filter(|_| server.role != Some(Role::Leader));
        return vec![
            format!("transactions behind {}", grouped(behind)),
            format!("znodes {}", grouped(server.znodes)),
            format!("descriptors {}", grouped(server.fd_open)),
            format!("heap {}", words::or_dash(heap)),
        ];
    }
    vec![
        format!("zxid {}{}", words::or_dash(server.zxid), against_leader(server, snapshot)),
        format!("watches {}", grouped(server.watches)),
        format!("descriptors {}", of(grouped(server.fd_open), grouped(server.fd_max))),
        format!("heap {}", of(mib(server.heap_used), format!("{} MiB", mib(server.heap_max)))),
    ]
}

fn against_leader(server: &ServerView, snapshot: &Snapshot) -> String {
    match server.behind {
        _ if server.role == Some(Role::Leader) => " (leads)".to_owned(),
        _ if server.zxid.is_none() || snapshot.ensemble.leader.is_none() => String::new(),
        Some(0) => " (same as leader)".to_owned(),
        Some(behind) => format!(" ({} behind the leader)", words::grouped(behind)),
        None => " (another epoch than the leader)".to_owned(),
    }
}

fn requests(server: &ServerView) -> Vec<String> {
    let (reads, writes) = (words::rate(server.reads_per_s), words::rate(server.writes_per_s));
    let both = |half: Option<f64>, most: Option<f64>| format!("{} / {}", words::ms(half), words::ms(most));
    let mut pieces = vec![
        format!("reads {reads}  writes {writes}"),
        format!(
            "p50/p99 read {}  write {}",
            both(server.read_p50_ms, server.read_p99_ms),
            both(server.update_p50_ms, server.update_p99_ms)
        ),
        format!("elections seen {}", words::or_dash(server.elections)),
    ];
    pieces.extend(server.in_role.map(|time| format!("in its role {time}")));
    pieces.extend(server.metrics_missing.as_ref().map(|why| format!("no metrics: {why}")));
    pieces
}

/// What was kept of them.
fn requests_then(server: &ServerView) -> Vec<String> {
    vec![
        format!("requests {}", words::rate(server.requests_per_s)),
        format!("p50/p99 {} / {}", words::ms(server.latency_p50_ms()), words::ms(server.latency_p99_ms())),
    ]
}

/// How long the canary's write has not gone through; `None` while it does.
pub(super) fn waits(view: &View<'_>) -> Option<String> {
    view.snapshot.canary.waits.map(|since| format!("waits for {} s", view.now.since(since).0 / 1000))
}

fn canary(view: &View<'_>) -> Vec<String> {
    let canary = &view.snapshot.canary;
    let mut pieces = vec![match waits(view) {
        Some(waits) => format!("canary write {waits}"),
        None => format!("canary write {}", words::ms(canary.last_ms)),
    }];
    pieces.extend(canary.problem.clone());
    pieces
}

/// A reply a second is the rule: its age is told by the second only, so that a quiet screen stays still.
fn seen(server: &ServerView, view: &View<'_>) -> String {
    if view.snapshot.past.is_some() {
        return if server.seen.is_some() { "answered then" } else { "no figures of then" }.to_owned();
    }
    match server.seen.map(|at| view.now.since(at)) {
        None => "not seen yet".to_owned(),
        Some(age) if age < FRESH => format!("seen < {} s ago", FRESH.0 / 1000),
        Some(age) => format!("seen {} s ago", age.0 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_flow_to_the_next_line() {
        let pieces = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(flow(&pieces, 80), ["  one    two    three"]);
        assert_eq!(flow(&pieces, 20), ["  one    two", "  three"]);
        assert_eq!(flow(&pieces, 0).len(), 3);
    }
}
