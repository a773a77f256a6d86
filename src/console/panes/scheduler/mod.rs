//! Scheduler and stress: the counts, the plan with its reasons, drains, runs, and the hot spot form.

mod form;
mod nodes;
mod runs;
mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::form::Form;
pub(super) use self::runs::run_lines;
use crate::console::action::Action;
use crate::console::effect::{Confirm, Effect};
use crate::console::fetch::Asked;
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::keymap::table::entry_of;
use crate::console::order::{Outside, Work};
use crate::console::pane::Pane;
use crate::console::view::View;
use crate::console::widgets::list::ListWindow;
use crate::console::widgets::{paint, words};
use crate::domain::ask::PlanAsk;
use crate::domain::command::Command;
use crate::domain::ids::{Bytes, OperationId};
use crate::domain::planner::Plan;
use crate::domain::scheduler::Run;
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Stress,
    Action::Preview,
    Action::RunScheduler,
    Action::PauseScheduler,
    Action::StopRun,
    Action::Open,
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

/// The fifth tab.
#[derive(Debug, Default)]
pub(super) struct SchedulerPane {
    cursor: ListWindow,
    form: Form,
    open: Option<OperationId>,
    asked: Asked<PlanAsk>,
    preview: Option<Preview>,
    area: Rect,
}

/// A plan that is looked at.
#[derive(Debug)]
struct Preview {
    plan: Plan,
    /// The newest run that had something to move when it was made: after another one it is of the past.
    after: Option<OperationId>,
}

fn newest_run(snapshot: &Snapshot) -> Option<OperationId> {
    snapshot.scheduler.recent.iter().find(|run| run.moves_planned > 0).map(|run| run.id)
}

/// The run as JSON, for the clipboard.
fn copied(run: &Run) -> Effect {
    match serde_json::to_string(run) {
        Ok(text) => Effect::Outside(Outside::Copy(text)),
        Err(why) => Effect::Toast { level: Level::Error, text: format!("copy failed: {why}") },
    }
}

/// What the operator agrees to when a plan is run.
fn agree(plan: &Plan) -> Effect {
    let moves = plan.moves.len() as u64;
    if moves == 0 {
        let text = format!("there is nothing to run: {}", plan.decision.word());
        return Effect::Toast { level: Level::Info, text };
    }
    let bytes = Bytes(plan.moves.iter().map(|of| of.size.0).sum());
    let gives: Vec<_> = plan.nodes.iter().filter(|node| node.gives > 0).collect();
    let takes: Vec<_> = plan.nodes.iter().filter(|node| node.takes > 0).collect();
    let list = |nodes: &[String]| nodes.join(", ");
    let gives = list(&gives.iter().map(|node| format!("{} gives {}", node.node, node.gives)).collect::<Vec<_>>());
    let takes = list(&takes.iter().map(|node| format!("{} takes {}", node.node, node.takes)).collect::<Vec<_>>());
    Effect::Confirm(Confirm {
        title: "Run this plan".into(),
        lines: vec![
            format!("{}, {bytes}: {gives}; {takes}.", words::count(moves, "move")),
            "It is planned anew when it starts, on the counts of that moment.".into(),
        ],
        no: "leave".into(),
        yes: "run it".into(),
        type_text: None,
        about: None,
        // The plan goes when the run begins, and stays when it is refused.
        commands: vec![Command::RunScheduler],
    })
}

impl SchedulerPane {
    /// The run that is shown in full, or the selected one.
    fn run<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Run> {
        let recent = &snapshot.scheduler.recent;
        let open = self.open.and_then(|id| recent.iter().find(|run| run.id == id));
        open.or_else(|| recent.get(self.cursor.at)).map(|run| &**run)
    }

    /// Rows of the list of runs that are seen: it stands below all the rest, under its heading.
    fn page(&self, snapshot: &Snapshot) -> usize {
        let plan = self.preview.as_ref().map(|preview| &preview.plan);
        let bars = 2 + nodes::rows(snapshot, self.area.height.saturating_sub(2));
        let above = bars + state::rows(plan, snapshot, self.area.height.saturating_sub(bars)) + 2;
        usize::from(self.area.height.saturating_sub(above))
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
                self.preview.as_ref().filter(|preview| !preview.plan.moves.is_empty()).map(|_| "run this plan")
            }
            Action::Copy => self.run(snapshot).map(|_| "copy"),
            Action::Open => (self.open.is_none() && !scheduler.recent.is_empty()).then_some("details"),
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
        if self.open.is_none() && self.cursor.act(action, scheduler.recent.len(), self.page(snapshot)) {
            return Vec::new();
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
            (Action::Copy, _) => return self.run(snapshot).map(copied).into_iter().collect(),
            (Action::Open, Some(preview)) => return vec![agree(&preview.plan)],
            (Action::Open, None) => self.open = scheduler.recent.get(self.cursor.at).map(|run| run.id),
            _ => {}
        }
        Vec::new()
    }

    fn take_answers(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        match self.asked.take() {
            Some(Ok(plan)) => {
                let text = plan.summary();
                self.preview = Some(Preview { plan, after: newest_run(snapshot) });
                vec![Effect::Toast { level: Level::Info, text }]
            }
            Some(Err(text)) => vec![Effect::Toast { level: Level::Error, text }],
            None => Vec::new(),
        }
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let ran = snapshot.scheduler.running.is_some();
        self.preview.take_if(|preview| ran || preview.after != newest_run(snapshot));
        Vec::new()
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
        let recent = &view.snapshot.scheduler.recent;
        if let Some(run) = self.open.and_then(|id| recent.iter().find(|run| run.id == id)) {
            let back = view.hint(Action::Back, "back").unwrap_or_default();
            paint::text(area, buffer, 0, &format!("  {back}"), view.styles.dim);
            for (row, (text, style)) in run_lines(run, view).iter().enumerate() {
                paint::text(paint::below(area, 2), buffer, row as u16, text, *style);
            }
            return;
        }
        state::first_line(area, buffer, view);
        let mut row = 2;
        let plan = self.preview.as_ref().map(|preview| &preview.plan);
        row += nodes::draw(plan, paint::below(area, row), buffer, view);
        row += state::draw(plan, paint::below(area, row), buffer, view);
        let rest = paint::below(area, row + 1);
        if area.width < FORM_FROM {
            if self.form.is_open() {
                self.form.draw(rest, buffer, view);
            } else {
                runs::draw(self.cursor, rest, buffer, view);
            }
            return;
        }
        runs::draw(self.cursor, Rect { width: rest.width - FORM, ..rest }, buffer, view);
        self.form.draw(Rect { x: rest.right() - FORM, width: FORM, ..rest }, buffer, view);
    }
}
