//! Scheduler and stress: the counts, the plan with its reasons, drains, runs, and the hot spot form.

mod form;
mod nodes;
mod plan;
mod rows;
mod runs;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use self::form::Form;
use self::plan::Preview;
use self::rows::RunRows;
pub(super) use self::runs::{node_lines, outcome, run_lines};
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::keymap::table::entry_of;
use crate::console::order::{Outside, Work};
use crate::console::pane::Pane;
use crate::console::rewind::RowMoment;
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::ListWindow;
use crate::console::widgets::paint;
use crate::domain::ask::PlanAsk;
use crate::domain::command::Command;
use crate::domain::explain::Topic;
use crate::domain::ids::OperationId;
use crate::domain::scheduler::Run;
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Stress,
    Action::Preview,
    Action::RunScheduler,
    Action::PauseScheduler,
    Action::StopRun,
    Action::Open,
    Action::LogsThen,
    Action::HistoryThen,
    Action::ConsoleThen,
    Action::RunWorkload,
    Action::Copy,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// Cells of the stress form, and the width from which on it stands beside the runs.
const FORM: u16 = 36;
const FORM_FROM: u16 = 78;
/// The width from which on the settings stand beside them.
const SETTINGS_FROM: u16 = 118;
/// Rows that a run takes beside those of its nodes, and those that its list and the form keep.
const DETAIL: u16 = 7;
const LIST: u16 = 11;
/// Cells of a plan, and the width from which on it stands beside the bars.
const SIDE: u16 = 66;
const SIDE_FROM: u16 = 140;

/// The fifth tab.
#[derive(Debug, Default)]
pub(super) struct SchedulerPane {
    cursor: ListWindow,
    form: Form,
    open: Option<OperationId>,
    asked: Asked<PlanAsk>,
    preview: Option<Preview>,
    runs: RunRows,
    area: Rect,
}

/// Runs and what they moved, for History.
const OF_RUNS: &str = "kind:(scheduler OR migration)";

/// The run as JSON, for the clipboard.
fn copied(run: &Run) -> Effect {
    match serde_json::to_string(run) {
        Ok(text) => Effect::Outside(Outside::Copy(text)),
        Err(why) => Effect::Toast { level: Level::Error, text: format!("copy failed: {why}") },
    }
}

pub(super) fn draw_lines(lines: &[(String, Style)], area: Rect, buffer: &mut Buffer) {
    for (row, (text, style)) in lines.iter().enumerate() {
        paint::text(area, buffer, row as u16, &sanitise::fit(text, usize::from(area.width)), *style);
    }
}

/// Where the parts are drawn.
struct SchedulerLayout {
    bars: Rect,
    /// The plan: beside the bars where there is room, else below them.
    plan: Rect,
    state: Rect,
    runs: Rect,
    form: Rect,
    settings: Rect,
    /// The run in hand, below all of it where there is room.
    detail: Rect,
}

impl SchedulerPane {
    /// The run that is shown in full, or the selected one.
    fn run(&self) -> Option<&Run> {
        let open = self.open.and_then(|id| self.runs.by_id(id));
        open.or_else(|| self.runs.lines().get(self.cursor.at).map(|line| &line.run)).map(|run| &**run)
    }

    fn parts(&self, area: Rect, snapshot: &Snapshot) -> SchedulerLayout {
        let below = paint::below(area, 2);
        let planned = self.preview.as_ref().map_or(0, Preview::height);
        let side = if planned > 0 && area.width >= SIDE_FROM { SIDE } else { 0 };
        let rows = nodes::rows(snapshot, below.height);
        let bars = Rect { width: below.width - side, height: rows, ..below };
        let (plan, used) = if side > 0 {
            (Rect { x: bars.right(), width: side, height: planned.min(below.height), ..below }, rows.max(planned))
        } else if planned > 0 {
            let plan = paint::below(below, rows + 1);
            (Rect { height: planned.min(plan.height), ..plan }, rows + 1 + planned)
        } else {
            (Rect::default(), rows)
        };
        let state = paint::below(below, used);
        let state = Rect { height: state::rows(snapshot, state.height), ..state };
        let rest = paint::below(below, used + state.height + 1);
        let told =
            self.run().map_or(0, |run| u16::try_from(run.nodes.len()).unwrap_or(u16::MAX).saturating_add(DETAIL));
        let told = if told > 0 && rest.height >= told.saturating_add(LIST) { told } else { 0 };
        let detail = paint::below(rest, rest.height - told);
        let rest = Rect { height: rest.height - told, ..rest };
        let form = if area.width >= FORM_FROM { FORM } else { 0 };
        let settings = if area.width >= SETTINGS_FROM { state::SETTINGS } else { 0 };
        let runs = Rect { width: rest.width - form - settings, ..rest };
        let (form_at, settings_at) = (runs.right(), runs.right() + form);
        let form = Rect { x: form_at, width: form, ..rest };
        let settings = Rect { x: settings_at, width: settings, ..rest };
        SchedulerLayout { bars, plan, state, runs, form, settings, detail }
    }

    /// Rows of the list of runs that are seen, under its heading.
    fn page(&self, snapshot: &Snapshot) -> usize {
        usize::from(self.parts(self.area, snapshot).runs.height.saturating_sub(1))
    }

    /// The row in hand stays in hand while others come above it; the newest one is where it was.
    fn relist(&mut self, held: Option<OperationId>) {
        let at = held.filter(|_| self.cursor.at > 0).and_then(|id| self.runs.position(id));
        let last = self.runs.lines().len().saturating_sub(1);
        self.cursor = self.cursor.moved_to(at.unwrap_or(self.cursor.at).min(last));
    }

    fn held(&self) -> Option<OperationId> {
        self.runs.lines().get(self.cursor.at).map(|line| line.run.id)
    }

    /// To what is told around the run in hand.
    fn link(&self, to: fn(Focus) -> JumpTo, query: Option<&str>) -> Vec<Effect> {
        let Some(run) = self.run() else { return Vec::new() };
        let focus = Focus { node: None, at: Some(run.at), query: query.map(str::to_owned) };
        vec![Effect::Go(Jump::around("run", to, focus))]
    }

    fn draw_run(&self, run: &Run, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let hints = [
            (Action::Back, "back"),
            (Action::LogsThen, "logs then"),
            (Action::HistoryThen, "operations then"),
            (Action::Copy, "copies it"),
        ];
        let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
        paint::text(area, buffer, 0, &format!("  {}", hints.join("   ")), view.styles.dim);
        draw_lines(&paint::wrapped(&run_lines(run, view), usize::from(area.width)), paint::below(area, 2), buffer);
    }
}

impl Pane for SchedulerPane {
    fn title(&self) -> &'static str {
        "Scheduler"
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn label(&self, action: Action, snapshot: &Snapshot) -> Option<&'static str> {
        let scheduler = &snapshot.scheduler;
        match action {
            Action::PauseScheduler if scheduler.paused => Some("resume scheduler"),
            Action::StopRun => scheduler.running.is_some().then_some("stop run"),
            Action::Open if self.preview.is_some() => {
                self.preview.as_ref().filter(|preview| !preview.plan.moves.is_empty()).map(|_| "run it now")
            }
            Action::Open => (self.open.is_none() && !self.runs.lines().is_empty()).then_some("details"),
            Action::Copy | Action::LogsThen | Action::HistoryThen | Action::ConsoleThen if self.run().is_none() => None,
            _ => entry_of(action).map(|entry| entry.label),
        }
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        let scheduler = &snapshot.scheduler;
        if action == Action::Back {
            if self.open.take().is_none() {
                self.preview = None;
            }
            return Vec::new();
        }
        if self.open.is_none() && self.cursor.act(action, self.runs.lines().len(), self.page(snapshot)) {
            return self.runs.next_page(self.cursor.at, snapshot.taken_at).into_iter().collect();
        }
        match (action, &self.preview) {
            (Action::Stress, _) => {
                // The form is drawn beside the list of runs.
                self.open = None;
                self.form.open(snapshot);
            }
            (Action::Preview, _) => return vec![self.asked.put(PlanAsk).into()],
            (Action::RunScheduler, _) => return vec![Effect::Work(Work::Send(Command::RunScheduler))],
            (Action::PauseScheduler, _) if scheduler.paused => {
                return vec![Effect::Work(Work::Send(Command::ResumeScheduler))];
            }
            (Action::PauseScheduler, _) => return vec![Effect::Work(Work::Send(Command::PauseScheduler))],
            (Action::StopRun, _) => return vec![Effect::Work(Work::Send(Command::StopRun))],
            (Action::RunWorkload, _) => return vec![Effect::Work(Work::Send(Command::RunWorkload))],
            (Action::Copy, _) => return self.run().map(copied).into_iter().collect(),
            (Action::LogsThen, _) => return self.link(JumpTo::Logs, None),
            (Action::HistoryThen, _) => return self.link(JumpTo::History, Some(OF_RUNS)),
            (Action::Open, Some(preview)) => return vec![preview.agree()],
            (Action::Open, None) => self.open = self.held(),
            _ => {}
        }
        Vec::new()
    }

    fn topics(&self, snapshot: &Snapshot) -> Vec<Topic> {
        let plan = self.preview.as_ref().map(|preview| Topic::Plan(Box::new(preview.plan.clone())));
        let run = || self.run().map(|run| Topic::Run(Box::new(run.clone())));
        let drains = snapshot.nodes.iter().filter(|node| node.drain.is_some());
        let drains = drains.map(|node| Topic::Node(node.id.clone()));
        let topics: Vec<Topic> = plan.or_else(run).into_iter().chain(drains).collect();
        if topics.is_empty() { vec![Topic::Scheduler] } else { topics }
    }

    fn urgent(&self, snapshot: &Snapshot) -> Vec<Action> {
        let scheduler = &snapshot.scheduler;
        let of_plan = self.preview.is_some().then_some(Action::Open);
        let stops = scheduler.running.is_some().then_some(Action::StopRun);
        of_plan.into_iter().chain(stops).chain(scheduler.paused.then_some(Action::PauseScheduler)).collect()
    }

    fn is_deep(&self) -> bool {
        self.open.is_some() || self.preview.is_some()
    }

    fn take_answers(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let held = self.held();
        self.runs.take_answer(snapshot.taken_at);
        self.relist(held);
        match self.asked.take() {
            Some(Ok(plan)) => {
                let text = plan.summary();
                // It is drawn over no run.
                self.open = None;
                self.preview = Some(Preview::new(plan, snapshot));
                vec![Effect::Toast { level: Level::Info, text }]
            }
            Some(Err(text)) => vec![Effect::Toast { level: Level::Error, text }],
            None => Vec::new(),
        }
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.preview.take_if(|preview| preview.is_past(snapshot));
        let held = self.held();
        self.runs.take(&snapshot.scheduler.recent);
        self.relist(held);
        self.runs.next_page(self.cursor.at, snapshot.taken_at).into_iter().collect()
    }

    fn moment(&self, _: &Snapshot) -> Option<RowMoment> {
        self.run().map(|run| RowMoment::of(run.at))
    }

    fn rewind(&mut self, snapshot: &Snapshot) {
        let area = self.area;
        *self = Self { area, ..Self::default() };
        self.runs.rewind(snapshot.as_of());
    }

    fn resize(&mut self, area: Rect) {
        self.area = area;
    }

    fn takes_text(&self) -> bool {
        self.form.is_open()
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        self.form.key(key, snapshot)
    }

    fn paste(&mut self, text: &str, _: &Snapshot) -> Vec<Effect> {
        self.form.paste(text);
        Vec::new()
    }

    fn mouse(&mut self, event: Mouse, _: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.does {
            MouseAct::WheelUp => self.act(Action::Up, snapshot),
            MouseAct::WheelDown => self.act(Action::Down, snapshot),
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if let Some(run) = self.open.and_then(|id| self.runs.by_id(id)) {
            self.draw_run(run, area, buffer, view);
            return;
        }
        let parts = self.parts(area, view.snapshot);
        state::first_line(area, buffer, view);
        nodes::draw(self.preview.as_ref().map(|preview| &preview.plan), parts.bars, buffer, view);
        if let Some(preview) = &self.preview {
            draw_lines(&preview.lines(view), parts.plan, buffer);
        }
        state::draw(parts.state, buffer, view);
        if parts.form.width == 0 && self.form.is_open() {
            self.form.draw(parts.runs, buffer, view);
            return;
        }
        runs::draw(self.cursor, &self.runs, parts.runs, buffer, view);
        if let Some(run) = self.run().filter(|_| parts.detail.height > 0) {
            draw_lines(&run_lines(run, view), paint::below(parts.detail, 1), buffer);
        }
        if view.snapshot.past.is_none() {
            self.form.draw(parts.form, buffer, view);
        }
        // The settings of then were not kept.
        if view.snapshot.past.is_none() {
            state::draw_settings(parts.settings, buffer, view);
        }
    }
}
