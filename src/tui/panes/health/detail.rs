//! Four lines about one server.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::server::{Role, ServerView};
use crate::domain::snapshot::Snapshot;
use crate::tui::pane::View;
use crate::tui::sanitise;
use crate::tui::widgets::{paint, words};

/// Cells of the sparklines between the numbers.
const SPARK: usize = 20;

pub(super) fn draw(server: &ServerView, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let host = server.host.as_ref().map(|host| match &host.detail {
        Some(detail) => format!(", {}: {detail}", host.name),
        None => format!(", {}", host.name),
    });
    let version = server.version.as_deref().unwrap_or("version unknown");
    let about = format!("  {}, {version}{}", server.address, host.unwrap_or_default());
    let name = Line::from(vec![
        Span::styled(format!("  {}", server.node), styles.heading),
        Span::styled(sanitise::clean(&about).into_owned(), styles.text),
    ]);
    paint::line(area, buffer, 0, &name);
    let seen = server.seen.map_or_else(|| "not seen yet".to_owned(), |at| format!("seen {} ago", view.now.since(at)));
    paint::right(area, buffer, 0, &seen, styles.dim);
    paint::text(area, buffer, 1, &memory(server, view.snapshot), styles.text);
    paint::text(area, buffer, 2, &requests(server, view), styles.text);
    paint::text(area, buffer, 3, &canary(view), styles.text);
}

fn memory(server: &ServerView, snapshot: &Snapshot) -> String {
    let grouped = |value: Option<u64>| words::or_dash(value.map(words::grouped));
    let mib = |value: Option<u64>| words::or_dash(value.map(|bytes| bytes >> 20));
    let zxid = words::or_dash(server.zxid);
    format!(
        "  zxid {zxid}{}    watches {}    descriptors {} of {}    heap {} of {} MiB",
        against_leader(server, snapshot),
        grouped(server.watches),
        grouped(server.fd_open),
        grouped(server.fd_max),
        mib(server.heap_used),
        mib(server.heap_max),
    )
}

fn against_leader(server: &ServerView, snapshot: &Snapshot) -> String {
    match server.behind {
        _ if server.role == Some(Role::Leader) => " (leads)".to_owned(),
        Some(0) => " (same as leader)".to_owned(),
        Some(behind) => format!(" ({} behind the leader)", words::grouped(behind)),
        None if snapshot.ensemble.leader.is_none() => String::new(),
        None => " (another epoch than the leader)".to_owned(),
    }
}

fn requests(server: &ServerView, view: &View<'_>) -> String {
    let spark = paint::spark(&paint::squeeze(&server.requests_series, SPARK), SPARK, &view.styles.glyphs);
    let missing = server.metrics_missing.as_ref().map(|why| format!("    no metrics: {}", sanitise::clean(why)));
    format!(
        "  requests {}  {spark}  reads {}  writes {}   p99 read {}  write {}   elections won {}{}",
        words::rate(server.requests_per_s),
        words::rate(server.reads_per_s),
        words::rate(server.writes_per_s),
        words::ms(server.read_p99_ms),
        words::ms(server.update_p99_ms),
        words::or_dash(server.elections),
        missing.unwrap_or_default(),
    )
}

fn canary(view: &View<'_>) -> String {
    let canary = &view.snapshot.canary;
    let spark = paint::spark(&paint::squeeze(&canary.series, SPARK), SPARK, &view.styles.glyphs);
    let problem = canary.problem.as_ref().map(|why| format!("  {}", sanitise::clean(why)));
    format!("  canary write {}, last 60: {spark}{}", words::ms(canary.last_ms), problem.unwrap_or_default())
}
