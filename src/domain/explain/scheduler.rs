//! The words of the scheduler: what it does now, what a run decided, why a file moves, and why a node takes none.

use super::explanation::{Explanation, Fact, NAMED_MAX};
use super::server::NOTHING;
use crate::domain::command::Command;
use crate::domain::number::{count, grouped};
use crate::domain::past::PastPart;
use crate::domain::planner::{MASS_FAILURE_OF, Plan};
use crate::domain::scheduler::{Decision, MoveReason, NodeTarget, NotChosen, Run, SchedulerView};
use crate::domain::snapshot::{HISTORY_QUEUE_STOP, SessionState, Snapshot};

/// What the scheduler is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum SchedulerStanding {
    Running,
    Paused,
    On,
    /// Another instance leads and runs it.
    Elsewhere,
    NobodyLeads,
    /// Without a session nothing is known of it.
    Unknown,
}

impl SchedulerStanding {
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let (scheduler, leadership) = (&snapshot.scheduler, &snapshot.leadership);
        if scheduler.running.is_some() {
            Self::Running
        } else if let Some(past) = &snapshot.past {
            match (past.knows(PastPart::Switch), scheduler.paused) {
                (false, _) => Self::Unknown,
                (true, true) => Self::Paused,
                (true, false) => Self::On,
            }
        } else if scheduler.paused {
            Self::Paused
        } else if leadership.leads {
            Self::On
        } else if !matches!(snapshot.session.state, SessionState::Connected) {
            Self::Unknown
        } else if leadership.leader.is_some() {
            Self::Elsewhere
        } else {
            Self::NobodyLeads
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "runs",
            Self::Paused => "paused",
            Self::On => "on",
            Self::Elsewhere => "the leader's",
            Self::NobodyLeads => "waits for a leader",
            Self::Unknown => "-",
        }
    }

    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Running => ["a run moves files now", "a plan had moves", "wait; a run can be stopped"],
            Self::Paused => [
                "no run begins by itself, by the timer or for a drain; one that a person asks for does",
                "somebody paused it: its switch in the ensemble says so",
                "resume it",
            ],
            Self::On => [
                "it looks at the nodes by its timer and moves files when they are too uneven",
                "an instance leads, and the switch in the ensemble is on",
                NOTHING,
            ],
            Self::Elsewhere => {
                ["the leading zkdeck runs it; this one shows what it does", "another instance leads", NOTHING]
            }
            Self::NobodyLeads => [
                "no zkdeck leads, so no run begins",
                "no instance holds the leadership in the ensemble",
                "wait for the election between the instances; one that only watches never leads",
            ],
            Self::Unknown => [
                "what the scheduler does is not known",
                "there is no session with the ensemble, or its switch of then was not kept",
                "wait: zkdeck connects again by itself",
            ],
        }
    }
}

/// A standing by itself.
pub(super) fn standing(of: SchedulerStanding) -> Explanation {
    Explanation::means(of.word(), of.texts()).said_of("the scheduler")
}

/// The scheduler as it is now, with what it goes by.
pub(super) fn scheduler(snapshot: &Snapshot) -> Explanation {
    let view = &snapshot.scheduler;
    let of = SchedulerStanding::of(snapshot);
    let measured = match (&view.running, view.max_difference) {
        (Some(run), _) => Some(format!("{} of {}", grouped(run.ended()), count(run.moves_planned, "move"))),
        (None, spread) => spread.map(|spread| format!("spread {}", grouped(spread))),
    };
    let next = view.next_run.map(|at| format!("the next run is due in {}", at.since(snapshot.taken_at)));
    let mut facts: Vec<Fact> = next.map(|text| Fact::new("next", text)).into_iter().collect();
    facts.extend(settings(snapshot));
    facts.extend(view.last_run.as_ref().map(|run| {
        let general = decision(run.decision, view);
        Fact::new("last run", format!("{}: {}", general.word, general.meaning))
    }));
    Explanation {
        bound: trigger(view),
        measured,
        source: Some("the records of all files, counted for each node".to_owned()),
        since: view.running.as_ref().map(|run| run.since),
        remedy: match of {
            SchedulerStanding::Paused => Some(Command::ResumeScheduler),
            SchedulerStanding::Running => Some(Command::StopRun),
            _ => None,
        },
        facts,
        ..standing(of)
    }
}

fn trigger(view: &SchedulerView) -> Option<String> {
    let (trigger, settle) = (grouped(view.trigger), grouped(view.settle));
    view.knows_settings().then(|| format!("moves files from a spread of {trigger} on, until it is at most {settle}"))
}

/// What it goes by, each with where it comes from and what it does.
fn settings(snapshot: &Snapshot) -> impl Iterator<Item = Fact> {
    snapshot.settings.iter().filter_map(|view| {
        let setting = view.setting?;
        let (_, key) = setting.section_and_key();
        Some(Fact::new(key, format!("{} ({}): {}", view.shown(), view.origin, setting.about())))
    })
}

const fn decision_texts(of: Decision) -> [&'static str; 3] {
    match of {
        Decision::Ran => ["files were moved", "a plan had moves", NOTHING],
        Decision::BelowTrigger => [
            "the nodes are uneven, and not enough to move files",
            "the spread is over settle and below the threshold",
            NOTHING,
        ],
        Decision::Balanced => ["there is nothing to move", "the spread is at most settle", NOTHING],
        Decision::Paused => ["the scheduler is paused: no run begins by itself", "somebody paused it", "resume it"],
        Decision::NotLeader => {
            ["another instance leads: this one runs nothing", "this instance does not lead", NOTHING]
        }
        Decision::NoQuorum => [
            "nothing was planned: a record could not be changed",
            "the ensemble has no quorum, or this instance no session with it",
            "bring servers back until a quorum serves",
        ],
        Decision::IncompleteData => [
            "nothing was planned: the counts are not known yet",
            "not all records are read, or the condition of a node is not known",
            "wait until they are read",
        ],
        Decision::InProgress => {
            ["nothing was planned: another run goes on", "a run had not ended yet", "wait for its end"]
        }
        Decision::NoEligibleTarget => [
            "files should move, and no node can take them",
            "a node drains or is over its share, and no other is active with room",
            "bring a node back, lift a drain, or make room on a disk",
        ],
        Decision::MassFailure => [
            "nothing is moved: so many nodes gone at once are a fault of something that they share",
            "too many nodes are down, frozen or not serving",
            "bring the nodes back",
        ],
        Decision::CoolDown => [
            "files should move, and all that could were moved just now",
            "the files that could leave are in their cool-down",
            "wait for its end",
        ],
        Decision::HistoryBehind => [
            "nothing is changed before what was done is written down",
            "too many rows of history wait to be written",
            "look at the disk that holds history",
        ],
        Decision::Stopped => [
            "it was ended before all its moves were made; those that were made stay",
            "an operator stopped it, zkdeck ended, or a server was short of heap for so many moves",
            "the timer starts the next one; pause the scheduler to prevent that",
        ],
    }
}

fn decision_bound(of: Decision, view: &SchedulerView) -> Option<String> {
    let of_settings = matches!(of, Decision::BelowTrigger | Decision::Balanced | Decision::CoolDown);
    if of_settings && !view.knows_settings() {
        return None;
    }
    match of {
        Decision::Ran => Some(format!("a spread of {} or more, or a drain", grouped(view.trigger))),
        Decision::BelowTrigger => {
            Some(format!("a spread over {} and below {}", grouped(view.settle), grouped(view.trigger)))
        }
        Decision::Balanced => Some(format!("a spread of at most {}", grouped(view.settle))),
        Decision::MassFailure => Some(format!("more than one of every {MASS_FAILURE_OF} nodes")),
        Decision::CoolDown => Some(format!("moved less than {} ago", view.cool_down)),
        Decision::HistoryBehind => Some(format!("more than {} waiting", count(HISTORY_QUEUE_STOP as u64, "row"))),
        _ => None,
    }
}

/// A decision by itself.
pub(super) fn decision(of: Decision, view: &SchedulerView) -> Explanation {
    let explained = Explanation::means(of.word(), decision_texts(of)).said_of("a run of the scheduler");
    Explanation { bound: decision_bound(of, view), ..explained }
}

/// A run with what it decided for each node. The threshold is that of its time.
pub(super) fn run(run: &Run, snapshot: &Snapshot) -> Explanation {
    let own = SchedulerView { trigger: run.threshold, ..snapshot.scheduler.clone() };
    let mut measured = Vec::new();
    if !run.decision.lacks_data() {
        measured.push(format!("spread {}", grouped(run.max_difference)));
    }
    if run.moves_planned > 0 {
        let least = grouped(run.moves_least);
        measured.push(format!(
            "{} of {} made, least possible {least}",
            grouped(run.moves_done),
            count(run.moves_planned, "move")
        ));
    }
    if run.moves_failed + run.moves_skipped > 0 {
        measured.push(format!("{} failed, {} skipped", grouped(run.moves_failed), grouped(run.moves_skipped)));
    }
    let note = run.note.as_ref().map(|note| Fact::new("note", note.clone()));
    let facts = std::iter::once(Fact::new("asked by", run.by.clone())).chain(note).chain(targets(&run.nodes, &own));
    Explanation {
        measured: (!measured.is_empty()).then(|| measured.join("; ")),
        source: Some("the records of all files at its moment".to_owned()),
        since: Some(run.at),
        facts: facts.collect(),
        ..decision(run.decision, &own)
    }
}

/// A plan that is looked at.
pub(super) fn plan(plan: &Plan, snapshot: &Snapshot) -> Explanation {
    let moves = plan.moves.len() as u64;
    let spread = format!("spread {} to {}", grouped(plan.spread_before), grouped(plan.spread_after));
    let reasons: Vec<MoveReason> = {
        let mut all: Vec<MoveReason> = plan.moves.iter().map(|of| of.reason).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let because = reasons.into_iter().map(|reason| {
        let count = plan.moves.iter().filter(|of| of.reason == reason).count() as u64;
        Fact::new(
            reason.word(),
            format!("{}: {}", self::count(count, "move"), move_reason(reason, &snapshot.scheduler).meaning),
        )
    });
    let note = plan.note.as_ref().map(|note| Fact::new("note", note.clone()));
    let nodes = targets(&plan.nodes, &snapshot.scheduler);
    let general = decision(plan.decision, &snapshot.scheduler);
    let meaning = if moves == 0 { general.meaning } else { "these files would be moved by a run now".to_owned() };
    Explanation {
        of: "the plan".to_owned(),
        meaning,
        measured: Some(format!("{}, least possible {}, {spread}", count(moves, "move"), grouped(plan.lower_bound))),
        source: Some("the records of all files when it was made".to_owned()),
        facts: because.chain(note).chain(nodes).collect(),
        ..Explanation { meaning: String::new(), ..general }
    }
}

/// What was decided for each node; of many, for those first whose count changes.
fn targets(nodes: &[NodeTarget], view: &SchedulerView) -> Vec<Fact> {
    let mut told: Vec<&NodeTarget> = nodes.iter().collect();
    if told.len() > NAMED_MAX {
        told.sort_by_key(|node| node.gives == 0 && node.takes == 0);
    }
    let left = told.len().saturating_sub(NAMED_MAX);
    told.truncate(NAMED_MAX);
    let more = (left > 0).then(|| Fact::new("others", format!("{} more", count(left as u64, "node"))));
    told.into_iter().map(|node| target(node, view)).chain(more).collect()
}

/// What was decided for a node.
fn target(node: &NodeTarget, view: &SchedulerView) -> Fact {
    let window = if node.low == node.high {
        grouped(node.low)
    } else {
        format!("{} to {}", grouped(node.low), grouped(node.high))
    };
    let counts = format!("{} to {} files, aim {window}", grouped(node.before), grouped(node.after));
    let why = match node.not_chosen {
        Some(why) => format!("takes none, {}: {}", why.word(), not_chosen(why, view).meaning),
        None => format!("takes {}", grouped(node.takes)),
    };
    let gives = if node.gives > 0 { format!("; gives {}", grouped(node.gives)) } else { String::new() };
    Fact::new(node.node.as_str(), format!("{counts}{gives}; {why}"))
}

/// Why a file is moved, by itself.
pub(super) fn move_reason(of: MoveReason, view: &SchedulerView) -> Explanation {
    let texts = match of {
        MoveReason::Drain => ["its node gives up all its files", "the node drains", NOTHING],
        MoveReason::OverTrigger => {
            ["its node had more files than its share, and another fewer", "the spread reached the threshold", NOTHING]
        }
        MoveReason::Bytes => ["the nodes' bytes were uneven", "one node held many more bytes than another", NOTHING],
        MoveReason::Manual => ["a person moved it", "a command named the file and the node", NOTHING],
    };
    let explained = Explanation::means(of.word(), texts).said_of("a move");
    let bound = match of {
        MoveReason::OverTrigger => trigger(view),
        MoveReason::Drain => Some("until the node has no file left".to_owned()),
        MoveReason::Bytes | MoveReason::Manual => None,
    };
    Explanation { bound, ..explained }
}

/// Why a node took no file, by itself.
pub(super) fn not_chosen(of: NotChosen, view: &SchedulerView) -> Explanation {
    let texts = match of {
        NotChosen::Draining => {
            ["it is drained: it gives files and takes none", "its record says draining", "undrain it"]
        }
        NotChosen::Paused => ["its server is paused", "as its server", "resume its server"],
        NotChosen::Down => ["its server is down", "as its server", "bring its server back"],
        NotChosen::Frozen => ["its server says nothing", "as its server", "bring its server back"],
        NotChosen::NotServing => ["its server does not serve", "as its server", "bring its server back"],
        NotChosen::Unhealthy => ["its disk fails", "writes to its folder failed in a row", "mend its disk"],
        NotChosen::Unreadable => [
            "its folder cannot be looked into",
            "the folder is missing or may not be read",
            "mount its disk or mend its rights",
        ],
        NotChosen::Full => {
            ["its disk has no room beside the reserve", "less is free than is kept", "make room on its disk"]
        }
        NotChosen::AtLevel => [
            "it could take files, and the plan puts none there",
            "it is active, and its count does not grow by the plan",
            NOTHING,
        ],
        NotChosen::InFlightLimit => ["enough moves to it are under way", "moves that end there", "wait for their end"],
        NotChosen::CoolDown => {
            ["its files were moved just now", "files stay for a while after a move", "wait for its end"]
        }
        NotChosen::NotEligible => {
            ["whether it takes files is not known", "its server or record is not known yet", "wait for the next look"]
        }
    };
    let bound = match of {
        NotChosen::Full | NotChosen::CoolDown if !view.knows_settings() => None,
        NotChosen::Full => Some(format!("{} free", view.reserve)),
        NotChosen::CoolDown => Some(format!("{} after a move", view.cool_down)),
        NotChosen::Unhealthy => Some(format!("{} failed writes in a row", crate::domain::node::SICK_AFTER)),
        _ => None,
    };
    let explained = Explanation::means(of.word(), texts).said_of("a node that took no file");
    Explanation { bound, ..explained }
}
