//! A plan that is looked at: of its own moment, with what it would take.

use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::effect::{Confirm, Effect};
use crate::console::view::View;
use crate::console::widgets::words;
use crate::console::{sanitise, time};
use crate::domain::command::Command;
use crate::domain::ids::{Bytes, Millis, OperationId, Timestamp};
use crate::domain::planner::Plan;
use crate::domain::scheduler::Run;
use crate::domain::snapshot::{Level, Snapshot};

#[derive(Debug)]
pub(super) struct Preview {
    pub plan: Plan,
    at: Timestamp,
    /// The newest run that had something to move when it was made: after another one it is of the past.
    after: Option<OperationId>,
}

fn newest_run(snapshot: &Snapshot) -> Option<OperationId> {
    snapshot.scheduler.recent.iter().find(|run| run.moves_planned > 0).map(|run| run.id)
}

impl Preview {
    pub(super) fn new(plan: Plan, snapshot: &Snapshot) -> Self {
        Self { plan, at: snapshot.taken_at, after: newest_run(snapshot) }
    }

    /// Whether a run has begun or made moves since.
    pub(super) fn is_past(&self, snapshot: &Snapshot) -> bool {
        snapshot.scheduler.running.is_some() || self.after != newest_run(snapshot)
    }

    /// Rows of [`Preview::lines`].
    pub(super) fn height(&self) -> u16 {
        3 + u16::from(self.plan.note.is_some())
    }

    pub(super) fn lines(&self, view: &View<'_>) -> Vec<(String, Style)> {
        let styles = view.styles;
        let old = words::seconds(view.now.since(self.at));
        let renews = view.hint(Action::Preview, "renews").map_or_else(String::new, |hint| format!("  ({hint})"));
        let runs = view.hint(Action::Open, "runs the scheduler now, which plans anew");
        let runs = runs.filter(|_| !self.plan.moves.is_empty() && view.offers(Action::RunScheduler));
        let keys: Vec<_> = [runs, view.hint(Action::Back, "leaves")].into_iter().flatten().collect();
        let mut lines = vec![
            (format!("  PLAN from {}, {old} old{renews}", time::of_day(self.at)), styles.heading),
            (format!("  {}", self.told(&view.snapshot.scheduler.recent)), styles.accent),
            (format!("  {}", keys.join("   ")), styles.dim),
        ];
        lines.extend(self.plan.note.as_ref().map(|note| (format!("  {}", sanitise::clean(note)), styles.warning)));
        lines
    }

    /// `5 moves, least possible 5, 640 KiB, spread 8 to 0, about 0.2 s`.
    fn told(&self, runs: &[std::sync::Arc<Run>]) -> String {
        let plan = &self.plan;
        let moves = plan.moves.len() as u64;
        if moves == 0 {
            return format!("no moves: {} (spread {})", plan.decision.word(), words::grouped(plan.spread_before));
        }
        let about = takes(moves, runs).map_or_else(String::new, |took| format!(", about {took}"));
        let bytes = Bytes(plan.moves.iter().map(|of| of.size.0).sum());
        format!(
            "{}, least possible {}, {bytes}, spread {} to {}{about}",
            words::count(moves, "move"),
            words::grouped(plan.lower_bound),
            words::grouped(plan.spread_before),
            words::grouped(plan.spread_after),
        )
    }

    /// What the operator agrees to when the scheduler is run.
    pub(super) fn agree(&self) -> Effect {
        let plan = &self.plan;
        let moves = plan.moves.len() as u64;
        if moves == 0 {
            let text = format!("there is nothing to run: {}", plan.decision.word());
            return Effect::Toast { level: Level::Info, text };
        }
        let bytes = Bytes(plan.moves.iter().map(|of| of.size.0).sum());
        let gives = plan.nodes.iter().filter(|node| node.gives > 0);
        let takes = plan.nodes.iter().filter(|node| node.takes > 0);
        let gives: Vec<_> = gives.map(|node| format!("{} gives {}", node.node, words::grouped(node.gives))).collect();
        let takes: Vec<_> = takes.map(|node| format!("{} takes {}", node.node, words::grouped(node.takes))).collect();
        Effect::Confirm(Confirm {
            title: "Run the scheduler now".into(),
            lines: vec![
                format!("{}, {bytes}: {}; {}.", words::count(moves, "move"), gives.join(", "), takes.join(", ")),
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
}

/// How long so many moves take, by the runs before; `None` when none has made any.
fn takes(moves: u64, runs: &[std::sync::Arc<Run>]) -> Option<Millis> {
    let (took, made) = runs.iter().fold((0u64, 0u64), |(took, made), run| match run.moves_done {
        0 => (took, made),
        done => (took.saturating_add(run.took.0), made.saturating_add(done)),
    });
    let each = u128::from(took) * u128::from(moves);
    each.checked_div(u128::from(made)).and_then(|took| u64::try_from(took).ok()).map(Millis)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::scheduler::Decision;

    #[test]
    fn how_long_it_takes_is_known_from_runs_that_moved_something() {
        let run = |took, moves_done| {
            let run = Run::new(OperationId::new(1), Timestamp(0), "timer", Decision::Ran);
            Arc::new(Run { took: Millis(took), moves_done, ..run })
        };
        assert_eq!(takes(5, &[]), None);
        assert_eq!(takes(5, &[run(900, 0)]), None, "it tells of no move");
        assert_eq!(takes(5, &[run(900, 0), run(300, 5), run(100, 5)]), Some(Millis(200)));
        assert_eq!(takes(u64::MAX, &[run(u64::MAX, 1)]), None, "nobody waits so long");
    }
}
