//! One server full-screen: its metrics by subject with their last minute, what happened to it, and the tail of its log.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::connections::ConnectionRows;
use super::detail;
use super::subjects::{self, MetricLine};
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::input::Key;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::ask::OutputAsk;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::log::{LogPage, LogSearch, PageAsk};
use crate::domain::server::{Output, Series, ServerView};
use crate::domain::snapshot::Snapshot;

/// Lines of the log below the metrics, and the height from which on they are shown.
const TAIL: u16 = 5;
const TAIL_FROM: u16 = 18;
/// From this width on what happened stands beside the metrics.
const BESIDE_FROM: u16 = 130;
/// Cells of a metric's history.
const SPARK: usize = 26;
/// A value a second, and a log tail every two.
const STEP_MS: u64 = 1000;
const TAIL_MS: u64 = 2000;

/// What the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FullList {
    #[default]
    Metrics,
    Connections,
    /// Where it does not stand beside the others.
    Happened,
}

#[derive(Debug)]
pub(super) struct Full {
    node: NodeId,
    shows: FullList,
    connections: ConnectionRows,
    /// What happened stands beside the list.
    wide: bool,
    scroll: Cursor,
    /// Names of metrics that are shown.
    filter: Filter,
    /// Lines of metrics as they were seen last, for the cursor.
    lines: usize,
    /// Each metric's values since the view was opened.
    history: BTreeMap<String, Series>,
    stepped: Timestamp,
    asked: Timestamp,
    page: Asked<PageAsk>,
    tail: Option<Result<LogPage, String>>,
    /// The same of the server's container, when it has one.
    asked_output: Asked<OutputAsk>,
    output: Option<Result<Output, String>>,
}

impl Full {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            shows: FullList::default(),
            connections: ConnectionRows::default(),
            wide: false,
            scroll: Cursor { at: 0 },
            filter: Filter::default(),
            lines: 0,
            history: BTreeMap::new(),
            stepped: Timestamp(0),
            asked: Timestamp(0),
            page: Asked::default(),
            tail: None,
            asked_output: Asked::default(),
            output: None,
        }
    }

    /// Moves in the metrics, or opens the filter; whether the action does that.
    pub(super) fn act(&mut self, action: Action) -> bool {
        let lists = self.lists();
        let at = lists.iter().position(|list| *list == self.shows).unwrap_or_default();
        let to = match action {
            Action::Left => at.checked_sub(1),
            Action::Right => Some(at + 1),
            _ => return self.act_in_list(action),
        };
        if let Some(list) = to.and_then(|to| lists.get(to)) {
            (self.shows, self.scroll.at) = (*list, 0);
            self.connections = ConnectionRows::default();
        }
        true
    }

    fn lists(&self) -> &'static [FullList] {
        const ALL: [FullList; 3] = [FullList::Metrics, FullList::Connections, FullList::Happened];
        if self.wide { &ALL[..2] } else { &ALL }
    }

    /// The pane is so wide now.
    pub(super) fn resize(&mut self, width: u16) {
        self.wide = width >= BESIDE_FROM;
        if !self.lists().contains(&self.shows) {
            self.shows = FullList::default();
        }
    }

    fn act_in_list(&mut self, action: Action) -> bool {
        if action == Action::Filter {
            self.filter.open();
            return true;
        }
        self.scroll.act(action, self.lines)
    }

    /// Another moment is shown: what was read of the one before is let go.
    pub(super) fn forget(&mut self) {
        let (node, filter) = (self.node.clone(), std::mem::take(&mut self.filter));
        *self = Self { filter, shows: self.shows, wide: self.wide, ..Self::new(node) };
    }

    /// Lets go of the filter; whether there was one.
    pub(super) fn back(&mut self) -> bool {
        let had = !self.filter.is_empty();
        self.filter.clear();
        had
    }

    pub(super) const fn takes_text(&self) -> bool {
        self.filter.is_open()
    }

    pub(super) fn text_key(&mut self, key: Key) {
        if self.filter.key(key) {
            self.scroll.at = 0;
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.filter.paste(text) {
            self.scroll.at = 0;
        }
    }

    /// The metric that the cursor is on.
    pub(super) fn metric(&self, snapshot: &Snapshot) -> Option<String> {
        if self.shows != FullList::Metrics {
            return None;
        }
        let metrics = &snapshot.server(&self.node)?.all_metrics;
        let (lines, _) = subjects::lines(metrics, &self.filter.text());
        match lines.get(self.scroll.at.min(lines.len().saturating_sub(1)))? {
            MetricLine::Metric(place) => metrics.get(*place).map(|(name, _)| name.clone()),
            MetricLine::Heading(_) => None,
        }
    }

    pub(super) fn take_answers(&mut self) {
        self.tail = self.page.take().or(self.tail.take());
        self.output = self.asked_output.take().or(self.output.take());
        self.connections.take_answer();
    }

    pub(super) fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        // A server is asked only while they are seen; of a moment that is over they were not kept.
        let seen = self.shows == FullList::Connections && snapshot.past.is_none();
        let connections = if seen { self.connections.due(&self.node, snapshot.taken_at) } else { None };
        self.due(snapshot).into_iter().chain(connections).collect()
    }

    fn due(&mut self, snapshot: &Snapshot) -> Option<Effect> {
        let now = snapshot.taken_at;
        let metrics = snapshot.server(&self.node).map(|server| Arc::clone(&server.all_metrics));
        self.lines = match self.shows {
            FullList::Metrics => metrics.map_or(0, |metrics| subjects::lines(&metrics, &self.filter.text()).0.len()),
            FullList::Connections => self.connections.shown(&self.filter.text()).len(),
            FullList::Happened => 0,
        };
        if now.since(self.stepped).0 >= STEP_MS {
            self.stepped = now;
            for (name, value) in snapshot.server(&self.node).iter().flat_map(|server| server.all_metrics.iter()) {
                self.history.entry(name.clone()).or_default().push(Some(*value));
            }
        }
        let waits = self.page.is_open() || self.asked_output.is_open();
        (!waits && now.since(self.asked).0 >= TAIL_MS).then(|| {
            self.asked = now;
            if snapshot.server(&self.node).is_some_and(ServerView::is_contained) {
                return self.asked_output.put(OutputAsk { node: self.node.clone(), lines: usize::from(TAIL) }).into();
            }
            let search = LogSearch { node: Some(self.node.to_string()), ..LogSearch::default() };
            let search = snapshot.as_of().map_or_else(|| search.clone(), |at| search.as_of(at));
            self.page.put(PageAsk { search, limit: usize::from(TAIL), ..PageAsk::default() }).into()
        })
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let Some(server) = view.snapshot.server(&self.node) else {
            paint::text(area, buffer, 0, &format!("  {} has left the configuration", self.node), view.styles.warning);
            return;
        };
        let row = detail::draw(server, area, buffer, view);
        let (glyph, style) = words::of_server(server.verdict.state, view.styles);
        let cause = server.verdict.cause.as_deref().map(|why| format!(": {}", sanitise::clean(why)));
        let since = view.snapshot.known_since(server.verdict.since);
        let since = since.map(|at| format!(", seen so for {}", view.now.since(at))).unwrap_or_default();
        let rule = server.verdict.rule.as_ref().map(|rule| format!(" (rule {})", rule.word())).unwrap_or_default();
        let verdict = format!("  {glyph} {}{since}{}{rule}", server.verdict.state.word(), cause.unwrap_or_default());
        let told = paint::wrapped(&[(verdict, style)], usize::from(area.width));
        for ((text, style), at) in told.iter().zip(row..) {
            paint::text(area, buffer, at, text, *style);
        }
        let row = row + told.len().saturating_sub(1) as u16;
        let row = row + container(server, paint::below(area, row + 1), buffer, view) + 1;
        let tail = if area.height >= TAIL_FROM { TAIL + 1 } else { 0 };
        let rest = paint::below(Rect { height: area.height.saturating_sub(tail), ..area }, row + 1);
        // What happened stands beside the metrics where there is room, else not at all: `h` leads to it.
        let beside = if area.width >= BESIDE_FROM { area.width / 3 } else { 0 };
        let list = Rect { width: rest.width - beside, ..rest };
        self.draw_titles(list, buffer, view);
        self.draw_list(server, paint::below(list, 1), buffer, view);
        if beside > 0 {
            let place = Rect { x: rest.right() - beside, width: beside, ..rest };
            happened(&self.node, place, buffer, view);
        }
        if tail > 0 {
            self.draw_tail(paint::below(area, area.height - tail), buffer, view);
        }
    }

    /// Which lists there are, the one that is shown as it is.
    fn draw_titles(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let counted = view.snapshot.server(&self.node).and_then(|server| server.connections);
        let titles = self.lists().iter().map(|list| {
            let title = match list {
                FullList::Metrics => "metrics".to_owned(),
                FullList::Connections => self.connections.title(counted),
                FullList::Happened => "states and elections".to_owned(),
            };
            if *list == self.shows { format!("[{title}]") } else { format!(" {title} ") }
        });
        let text = format!("  {}", titles.collect::<Vec<_>>().join(" "));
        paint::text(area, buffer, 0, &sanitise::fit(&text, usize::from(area.width)), view.styles.heading);
        let keys: Vec<String> = [Action::Left, Action::Right].into_iter().filter_map(|key| view.key(key)).collect();
        let hint = format!("{} other lists", keys.join(" "));
        if !keys.is_empty() && usize::from(area.width) > sanitise::width(&text) + sanitise::width(&hint) + 4 {
            paint::right(area, buffer, 0, &hint, view.styles.dim);
        }
    }

    fn draw_list(&self, server: &ServerView, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        match self.shows {
            FullList::Metrics => self.draw_metrics(server, area, buffer, view),
            FullList::Connections => {
                let list = Rect { height: area.height.saturating_sub(1), ..area };
                self.connections.draw((&self.filter.text(), self.scroll), list, buffer, view);
                self.under(0, paint::below(area, area.height.saturating_sub(1)), buffer, view);
            }
            FullList::Happened => happened(&self.node, area, buffer, view),
        }
    }

    fn draw_metrics(&self, server: &ServerView, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let width = usize::from(area.width);
        let all = vec![
            ('n', Column::left("METRIC", 40)),
            ('v', Column::right("VALUE", 16)),
            ('s', Column::left("SINCE OPENED, 60 s AT MOST", SPARK)),
        ];
        let columns = Columns::fit(all, &['s'], width).stretch('n', width, 60);
        paint::line(area, buffer, 0, &columns.heading(view.styles));
        let list = Rect { height: area.height.saturating_sub(2), ..paint::below(area, 1) };
        if server.all_metrics.is_empty() {
            let none = if view.snapshot.past.is_some() { "not kept of then" } else { "none read yet" };
            let why = server.metrics_missing.as_deref().unwrap_or(none);
            paint::text(list, buffer, 0, &format!("   no metrics: {}", sanitise::clean(why)), view.styles.dim);
        }
        let (lines, left_out) = subjects::lines(&server.all_metrics, &self.filter.text());
        let selected = self.scroll.at.min(lines.len().saturating_sub(1));
        let first = Cursor { at: selected }.first(usize::from(list.height));
        for (row, (at, line)) in lines.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
            let metric = match line {
                MetricLine::Heading(subject) => {
                    let text = format!("{}{}", if at == selected { " > " } else { "   " }, subject.title());
                    paint::text(list, buffer, row as u16, &text, view.styles.heading);
                    continue;
                }
                MetricLine::Metric(place) => server.all_metrics.get(*place),
            };
            let Some((name, value)) = metric else { continue };
            let line = columns.row((at == selected, false), view.styles, |key| match key {
                'n' => (format!(" {name}"), view.styles.text),
                'v' => (number(*value), view.styles.text),
                _ => (self.spark(name, view), view.styles.accent),
            });
            paint::line(list, buffer, row as u16, &line);
        }
        self.under(left_out, paint::below(area, area.height.saturating_sub(1)), buffer, view);
    }

    /// The filter, and what is left out.
    fn under(&self, left_out: usize, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let right = match left_out {
            0 => String::new(),
            count => format!("{} without a value, left out", words::count(count as u64, "metric")),
        };
        if self.filter.is_open() || !self.filter.is_empty() {
            return self.filter.draw(area, buffer, "/", &right, view.styles);
        }
        let hint = view.hint(Action::Filter, "filter").unwrap_or_default();
        paint::right(area, buffer, 0, &format!("{right}   {hint}"), view.styles.dim);
    }

    fn spark(&self, name: &str, view: &View<'_>) -> String {
        let series = self.history.get(name).map(|series| paint::squeeze(series, SPARK));
        series.map(|series| paint::spark(&series, SPARK, &view.styles.glyphs)).unwrap_or_default()
    }

    fn draw_output(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let title = |name: &str| format!("  log of {}   Esc back", sanitise::clean(name));
        let list = paint::below(area, 1);
        match &self.output {
            None => {
                paint::text(area, buffer, 0, &title("the container"), styles.heading);
                paint::text(list, buffer, 0, "  reading", styles.dim);
            }
            Some(Err(why)) => {
                paint::text(area, buffer, 0, &title("the container"), styles.heading);
                paint::text(list, buffer, 0, &format!("  {}", sanitise::clean(why)), styles.warning);
            }
            Some(Ok(output)) => {
                paint::text(area, buffer, 0, &title(&output.container), styles.heading);
                let last = output.lines.iter().rev().take(usize::from(TAIL)).rev();
                for (row, line) in last.enumerate() {
                    let text = format!("  {}", sanitise::clean(&line.text));
                    paint::text(list, buffer, row as u16, &sanitise::fit(&text, usize::from(area.width)), styles.text);
                }
            }
        }
    }

    fn draw_tail(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        if view.snapshot.server(&self.node).is_some_and(ServerView::is_contained) {
            self.draw_output(area, buffer, view);
            return;
        }
        paint::text(area, buffer, 0, &format!("  logs/{}   Esc back", self.node), styles.heading);
        let list = paint::below(area, 1);
        match &self.tail {
            None => paint::text(list, buffer, 0, "  reading", styles.dim),
            Some(Err(why)) => paint::text(list, buffer, 0, &format!("  {}", sanitise::clean(why)), styles.warning),
            Some(Ok(page)) => {
                if page.events.is_empty() {
                    paint::text(list, buffer, 0, &format!("  no lines yet in {}", page.answered.by), styles.dim);
                }
                for (row, line) in page.events.iter().rev().take(usize::from(TAIL)).rev().enumerate() {
                    let level = line.level.map_or("", |level| level.word());
                    let at = line.time.map_or_else(|| "-".to_owned(), time::of_day);
                    let text = format!("  {at:<8}  {level:<5} {}", sanitise::clean(line.message()));
                    paint::text(list, buffer, row as u16, &sanitise::fit(&text, usize::from(area.width)), styles.text);
                }
            }
        }
    }
}

/// Elections and changes of this server's verdict, newest first.
fn happened(node: &NodeId, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    paint::text(area, buffer, 0, "  STATES AND ELECTIONS", styles.heading);
    let of = |incident: &&Arc<Incident>| {
        matches!(incident.what, IncidentWhat::Election { .. }) || incident.what.node() == Some(node)
    };
    let list = paint::below(area, 1);
    let mut row = 0;
    for incident in view.snapshot.incidents.iter().filter(of).take(usize::from(list.height)) {
        let took = match incident.ended {
            None => format!("for {}", view.now.since(incident.began)),
            Some(end) => end.since(incident.began).to_string(),
        };
        let style = if incident.ended.is_none() { styles.bad } else { styles.text };
        let text = format!("  {}  {:>7}  {}", time::of_day(incident.began), took, incident.what);
        let text = sanitise::fit(&sanitise::clean(&text), usize::from(area.width));
        paint::text(list, buffer, row, &text, style);
        row += 1;
    }
    if row == 0 {
        paint::text(list, buffer, 0, "  none seen yet", styles.dim);
    }
}

/// The container on a line of its own; returns the rows that it took.
fn container(server: &ServerView, area: Rect, buffer: &mut Buffer, view: &View<'_>) -> u16 {
    let Some(host) = &server.host else { return 0 };
    let Some(container) = &host.container else { return 0 };
    let since = container.since.map(|at| format!(" for {}", view.now.since(at))).unwrap_or_default();
    let text = format!(
        "  {} {}{since}   id {}   image {}   project {}",
        host.name,
        host.state.word(),
        container.id,
        container.image,
        container.project
    );
    let text = sanitise::fit(&sanitise::clean(&text), usize::from(area.width));
    paint::text(area, buffer, 0, &text, view.styles.text);
    1
}

/// Whole numbers with groups, others with three places; `-` for what was never measured.
fn number(value: f64) -> String {
    if !value.is_finite() {
        "-".to_owned()
    } else if value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        words::grouped(value as u64)
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;
    use crate::domain::ids::Millis;

    /// Whoever asks anew gives up the answer that is on its way, and one that is slow would never come.
    #[test]
    fn the_tail_is_asked_for_again_when_its_answer_has_come() {
        let (mut full, mut snapshot) = (Full::new(fixtures::node_id("zk1")), fixtures::snapshot());
        assert!(full.due(&snapshot).is_some());
        snapshot.taken_at = snapshot.taken_at.plus(Millis(TAIL_MS * 10));
        assert!(full.due(&snapshot).is_none());
        (full.page, full.asked_output) = (Asked::default(), Asked::default());
        assert!(full.due(&snapshot).is_some());
    }

    #[test]
    fn who_is_connected_is_asked_while_it_is_seen_only() {
        let (mut full, mut snapshot) = (Full::new(fixtures::node_id("zk1")), fixtures::snapshot());
        let mut asked = |full: &mut Full, after: u64| {
            snapshot.taken_at = snapshot.taken_at.plus(Millis(after));
            full.asked = snapshot.taken_at;
            full.refresh(&snapshot).len()
        };
        assert_eq!(asked(&mut full, 10_000), 0, "the metrics are shown");
        full.act(Action::Right);
        assert_eq!(asked(&mut full, 0), 1, "at once");
        full.act(Action::Left);
        assert_eq!(asked(&mut full, 10_000), 0, "the metrics are shown again");
    }
}
