//! The word for a node: a server as a place that owns files.

use super::explanation::{Explanation, Fact};
use super::scheduler::not_chosen;
use super::server::NOTHING;
use crate::domain::command::Command;
use crate::domain::ids::Millis;
use crate::domain::node::{DrainView, NodeCondition, NodeView, SICK_AFTER};
use crate::domain::number::{count, grouped};
use crate::domain::scheduler::SchedulerView;
use crate::domain::snapshot::Snapshot;

/// What a condition means, what makes it so, and what to do.
const fn texts(condition: NodeCondition) -> [&'static str; 3] {
    match condition {
        NodeCondition::Active => [
            "it owns files, takes new ones and gives some away",
            "its server serves, its record says active, and its disk takes files",
            NOTHING,
        ],
        NodeCondition::Draining => [
            "it gives up all its files and receives none",
            "somebody drained it: its record in the ensemble says so",
            "wait until it has none left; undrain lifts it",
        ],
        NodeCondition::Paused => [
            "its server is paused: its files stay where they are, and it takes none",
            "as its server",
            "resume its server",
        ],
        NodeCondition::Down => [
            "its server is down or stopped: its files stay where they are, and it takes none",
            "as its server",
            "bring its server back",
        ],
        NodeCondition::Frozen => [
            "its server says nothing: its files stay where they are, and it takes none",
            "as its server",
            "bring its server back",
        ],
        NodeCondition::NotServing => [
            "its server does not serve: its files stay where they are, and it takes none",
            "its server is not serving, read-only or starting",
            "bring its server back",
        ],
        NodeCondition::Unhealthy => [
            "it gives files and takes none: its disk fails",
            "writes to its folder failed, one after the other",
            "mend its disk; it is tried again every few seconds and goes on by itself",
        ],
        NodeCondition::Unreadable => [
            "its folder cannot be looked into: its files are out of sight, it gives none and takes none",
            "the folder is missing or may not be read",
            "mount its disk or mend its rights; it goes on by itself",
        ],
        NodeCondition::Full => [
            "it gives files and takes none: its disk has no room",
            "a write found no room, or less is free than is kept as a reserve",
            "make room on its disk; it goes on by itself when there is room",
        ],
        NodeCondition::Unknown => [
            "whether it gives and takes files is not known yet",
            "its server was not looked at yet, or its record was not read",
            "wait for the next look",
        ],
    }
}

fn bound(condition: NodeCondition, scheduler: &SchedulerView) -> Option<String> {
    let reserve = scheduler.reserve;
    match condition {
        NodeCondition::Draining => Some("until it has no file left".to_owned()),
        NodeCondition::Unhealthy => Some(format!("{SICK_AFTER} failed writes in a row")),
        NodeCondition::Active | NodeCondition::Full if !scheduler.knows_settings() => None,
        NodeCondition::Active => Some(format!("more than {reserve} free")),
        NodeCondition::Full => Some(format!("{reserve} free or less: the reserve of scheduler.reserve_mib")),
        _ => None,
    }
}

/// A condition by itself.
pub(super) fn node_condition(condition: NodeCondition, scheduler: &SchedulerView) -> Explanation {
    let explained = Explanation::means(condition.word(), texts(condition)).said_of("a node");
    Explanation { bound: bound(condition, scheduler), ..explained }
}

/// The word for a node that has given up all its files.
pub(super) fn drained() -> Explanation {
    let texts = [
        "it has given up all its files and takes none until the drain is lifted",
        "its record says draining, and it owns no file",
        "stop its server now if that is what it was drained for; undrain lifts it",
    ];
    let word = NodeCondition::Draining.shown_word(Some(0));
    Explanation::means(word, texts).within("no file left").said_of("a node")
}

/// A node as it is now.
pub(super) fn node(view: &NodeView, snapshot: &Snapshot) -> Explanation {
    let counted = snapshot.files_complete || !snapshot.files.is_empty();
    let left = view.drain.as_ref().map(|drain| drain.files_left).filter(|_| counted);
    let is_drained = view.condition == NodeCondition::Draining && left == Some(0);
    let general = if is_drained { drained() } else { node_condition(view.condition, &snapshot.scheduler) };
    let drain = view.drain.as_ref().filter(|_| view.condition == NodeCondition::Draining);
    let server = snapshot.server(&view.id);
    let (source, since) = match view.condition {
        NodeCondition::Draining => (Some("its record in the ensemble".to_owned()), drain.map(|drain| drain.since)),
        NodeCondition::Active | NodeCondition::Full => (Some("the file system of its folder".to_owned()), None),
        NodeCondition::Unhealthy => (Some("the writes to its folder".to_owned()), None),
        NodeCondition::Unreadable => (Some("the look into its folder".to_owned()), None),
        NodeCondition::Unknown => (None, None),
        _ => (
            Some(format!("the verdict on server {}", view.id)),
            server.and_then(|server| snapshot.known_since(server.verdict.since)),
        ),
    };
    Explanation {
        of: format!("node {}", view.id),
        measured: measured(view, drain.filter(|_| counted), snapshot),
        source,
        since,
        todo: drain
            .and_then(|drain| drain.stalled.as_ref())
            .map(|why| format!("it stands still: {why}"))
            .or(general.todo),
        remedy: view.drain.as_ref().map(|_| Command::Undrain { node: view.id.clone() }),
        facts: facts(view, counted, snapshot),
        ..Explanation { todo: None, ..general }
    }
}

fn measured(view: &NodeView, drain: Option<&DrainView>, snapshot: &Snapshot) -> Option<String> {
    match view.condition {
        NodeCondition::Draining => drain.map(progress),
        NodeCondition::Active => view.free.map(|free| format!("{free} free")),
        NodeCondition::Full => view.trouble.clone().or_else(|| view.free.map(|free| format!("{free} free"))),
        NodeCondition::Unhealthy | NodeCondition::Unreadable => view.trouble.clone(),
        _ => {
            let verdict = &snapshot.server(&view.id)?.verdict;
            let cause = verdict.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            Some(format!("its server is {}{cause}", verdict.state.word()))
        }
    }
}

/// `13 of 34 files left, 9.8 files/s, 1.3 s left`.
fn progress(drain: &DrainView) -> String {
    let all = drain.files_at_start.max(drain.files_left);
    let moves = drain.files_left > 0;
    let speed = drain.files_per_s.filter(|_| moves).map(|speed| format!(", {speed:.1} files/s")).unwrap_or_default();
    let left = drain.left_ms.filter(|_| moves).map(|ms| format!(", {} to go", Millis(ms))).unwrap_or_default();
    format!("{} of {} left{speed}{left}", grouped(drain.files_left), count(all, "file"))
}

fn facts(view: &NodeView, counted: bool, snapshot: &Snapshot) -> Vec<Fact> {
    let mut facts = Vec::new();
    if counted {
        let share = view.target.map(|(low, high)| match low == high {
            true => format!("; its share is {}", grouped(low)),
            false => format!("; its share is {} to {}", grouped(low), grouped(high)),
        });
        let weight = format!(", weight {}", view.weight);
        let files = format!("{}, {}{weight}{}", count(view.files, "file"), view.bytes, share.unwrap_or_default());
        facts.push(Fact::new("owns", files));
    }
    if view.condition != NodeCondition::Draining && view.drain.is_some() {
        facts.push(Fact::new("drain", "it is drained too: its files wait until its server serves".to_owned()));
    }
    if let Some(why) = view.not_chosen {
        let general = not_chosen(why, &snapshot.scheduler);
        facts.push(Fact::new("last plan", format!("took no file: {}: {}", why.word(), general.meaning)));
    }
    facts
}
