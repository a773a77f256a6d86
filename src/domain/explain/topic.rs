//! What can be asked about, and the answer as things are now.

use super::alert::alert;
use super::ensemble::ensemble;
use super::explanation::{Explanation, Fact};
use super::file::{FileStanding, file};
use super::incident::incident;
use super::instance::{InstancePart, canary, control, instance, readiness, session_state, workload};
use super::metric::metric;
use super::node::node;
use super::operation::operation;
use super::scheduler::{SchedulerStanding, plan, run, scheduler};
use super::server::server;
use super::setting::setting;
use super::word::{StateWord, plain};
use crate::domain::alert::AlertCode;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::incident::Incident;
use crate::domain::node::{NodeCondition, NodeView};
use crate::domain::operation::Operation;
use crate::domain::past::PastView;
use crate::domain::planner::Plan;
use crate::domain::scheduler::Run;
use crate::domain::server::ServerState;
use crate::domain::setting::{Setting, SettingView};
use crate::domain::snapshot::Snapshot;

/// Letters of a name that an error repeats.
const SHOWN_MAX: usize = 64;
/// Things that one word is explained of.
const THINGS_MAX: usize = 6;
/// Files that are looked at for a name.
const FILES_LOOKED_AT: usize = 100_000;

/// What is asked about. What the snapshot may have lost meanwhile is held as it was.
#[derive(Clone, Debug)]
pub enum Topic {
    Server(NodeId),
    Metric(NodeId, String),
    Node(NodeId),
    File(FileId),
    Operation(Box<Operation>),
    Incident(Box<Incident>),
    Run(Box<Run>),
    Plan(Box<Plan>),
    /// By its name.
    Setting(String),
    Ensemble,
    /// All that stand.
    Alerts,
    Instance,
    Scheduler,
    Workload,
    Canary,
    Control,
    Readiness,
    Word(StateWord),
    /// What was explained by who knows it.
    Told(Box<Explanation>),
}

/// What can be asked by a name of its own.
const NAMED: [(&str, &str, Topic); 8] = [
    ("ensemble", "the verdict on all servers", Topic::Ensemble),
    ("alerts", "what is sick now", Topic::Alerts),
    ("instance", "this zkdeck and its part among the instances", Topic::Instance),
    ("scheduler", "what it does, and what it goes by", Topic::Scheduler),
    ("workload", "the sample workload", Topic::Workload),
    ("canary", "the write that is timed from end to end", Topic::Canary),
    ("control", "whether servers can be acted on from here", Topic::Control),
    ("ready", "whether commands are taken", Topic::Readiness),
];

/// What may stand before the name of a node.
const BEFORE_A_NODE: [&str; 3] = ["server", "node", "drain"];

/// What the header says in words: it is asked about together with every row.
pub const HEADER: [Topic; 4] = [Topic::Ensemble, Topic::Alerts, Topic::Instance, Topic::Scheduler];

impl Topic {
    /// The answer as things are in the picture: nothing for alerts when there are none.
    #[must_use]
    pub fn explained(&self, snapshot: &Snapshot) -> Vec<Explanation> {
        let told = self.told(snapshot);
        match (self, &snapshot.past) {
            // Who led then was not kept, nor what else there is to say of this process.
            (Self::Instance | Self::Workload | Self::Canary | Self::Control | Self::Readiness, Some(_)) => Vec::new(),
            (Self::Told(_) | Self::Operation(_) | Self::Incident(_) | Self::Run(_), _) | (_, None) => told,
            (_, Some(past)) => told.into_iter().map(|one| of_then(one, past)).collect(),
        }
    }

    fn told(&self, snapshot: &Snapshot) -> Vec<Explanation> {
        let gone = |of: String| Explanation {
            of,
            word: "-".to_owned(),
            meaning: "it is not there any more".to_owned(),
            ..Explanation::default()
        };
        match self {
            Self::Server(id) => {
                vec![snapshot.server(id).map_or_else(|| gone(format!("server {id}")), |view| server(view, snapshot))]
            }
            Self::Metric(id, name) => {
                vec![snapshot.server(id).map_or_else(|| gone(format!("server {id}")), |view| metric(name, view))]
            }
            Self::Node(id) => {
                vec![snapshot.node(id).map_or_else(|| gone(format!("node {id}")), |view| node(view, snapshot))]
            }
            Self::File(id) => vec![file(*id, snapshot)],
            Self::Operation(row) => vec![operation(row, snapshot)],
            Self::Incident(of) => {
                let newer = snapshot.incidents.iter().find(|incident| incident.id == of.id);
                vec![incident(newer.map_or(of, |newer| newer), snapshot)]
            }
            Self::Run(of) => vec![run(of, snapshot)],
            Self::Plan(of) => vec![plan(of, snapshot)],
            Self::Setting(name) => snapshot.settings.iter().filter(|view| view.name == *name).map(setting).collect(),
            Self::Ensemble => vec![ensemble(snapshot)],
            Self::Alerts => {
                // The ensemble's verdict says so in its own words.
                let others = snapshot.alerts.iter().filter(|of| of.code != AlertCode::NoQuorum);
                others.map(|of| alert(of, snapshot)).collect()
            }
            Self::Instance => vec![instance(snapshot)],
            Self::Scheduler => vec![scheduler(snapshot)],
            Self::Workload => vec![workload(snapshot)],
            Self::Canary => vec![canary(snapshot)],
            Self::Control => vec![control(&snapshot.control)],
            Self::Readiness => vec![readiness(&snapshot.readiness)],
            Self::Word(word) => of_word(*word, snapshot),
            Self::Told(explained) => vec![(**explained).clone()],
        }
    }

    /// Whether its word is not a good one.
    #[must_use]
    pub fn is_amiss(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::Server(id) => snapshot.server(id).is_some_and(|view| view.verdict.state != ServerState::Up),
            Self::Node(id) => snapshot.node(id).is_some_and(|view| view.condition != NodeCondition::Active),
            Self::File(id) => snapshot.damaged.iter().any(|damage| damage.file == *id),
            Self::Incident(of) => of.ended.is_none(),
            _ => false,
        }
    }

    /// What a text names: servers and nodes, things that have a name, every state word, files.
    ///
    /// # Errors
    /// That nothing is called so.
    pub fn named(text: &str, snapshot: &Snapshot) -> Result<Vec<Self>, String> {
        let wanted = plain(text);
        if wanted.is_empty() {
            return Ok(HEADER.to_vec());
        }
        let of_node = |name: &str| {
            let id = NodeId::new(name).ok().filter(|id| snapshot.node(id).is_some() || snapshot.server(id).is_some());
            id.map(|id| [Self::Server(id.clone()), Self::Node(id)])
        };
        // Names of nodes have no capitals.
        let lower = text.trim().to_lowercase();
        let mut words = lower.split_whitespace();
        let behind = words.next().zip(words.next()).filter(|(before, _)| BEFORE_A_NODE.contains(before));
        let mut found: Vec<Self> = of_node(&lower).into_iter().flatten().collect();
        match behind.and_then(|(before, name)| Some((before, of_node(name)?))) {
            Some(("server", [server, _])) => found.push(server),
            Some((_, [_, node])) => found.push(node),
            None => {}
        }
        found.extend(NAMED.iter().filter(|(name, ..)| *name == wanted).map(|(.., topic)| topic.clone()));
        let is = |word: &StateWord| plain(&word.explained(snapshot).word) == wanted;
        found.extend(StateWord::all().filter(is).map(Self::Word));
        let is_setting = |view: &&SettingView| {
            view.name == lower || view.setting.is_some_and(|setting| Setting::named(&lower) == Some(setting))
        };
        let settings = snapshot.settings.iter().filter(is_setting);
        found.extend(settings.map(|view| Self::Setting(view.name.clone())));
        found.extend(file_named(text.trim(), snapshot).map(Self::File));
        if found.is_empty() && snapshot.past.is_some() && Setting::named(&lower).is_some() {
            return Err("the settings of a past moment were not kept: ask in the present".to_owned());
        }
        if found.is_empty() {
            let shown: String = text.chars().take(SHOWN_MAX).collect();
            let known = "name a server, a node, a file, a setting or a state word";
            return Err(format!("nothing is called {shown:?}: {known}"));
        }
        Ok(found)
    }

    /// Every name that can be asked, with what it is of.
    #[must_use]
    pub fn names(snapshot: &Snapshot) -> Vec<(String, String)> {
        let servers = snapshot.servers.iter().map(|view| {
            let node = snapshot.node(&view.node).map(|node| format!("; node, {}", node.condition.word()));
            (view.node.to_string(), format!("server, {}{}", view.verdict.state.word(), node.unwrap_or_default()))
        });
        let mut names: Vec<(String, String)> = servers.collect();
        names.extend(snapshot.settings.iter().map(|view| (view.name.clone(), format!("setting, {}", view.shown()))));
        names.extend(NAMED.iter().map(|(name, about, _)| ((*name).to_owned(), (*about).to_owned())));
        for word in StateWord::all() {
            let explained = word.explained(snapshot);
            let name = plain(&explained.word);
            match names.iter_mut().find(|(own, _)| *own == name) {
                Some((_, about)) if !about.contains(&explained.of) => *about = format!("{about}; {}", explained.of),
                Some(_) => {}
                None if name.is_empty() => {}
                None => names.push((name, explained.of)),
            }
        }
        names
    }
}

/// What is told of a moment that is over comes from what was kept, and nothing is to be done about it.
fn of_then(one: Explanation, past: &PastView) -> Explanation {
    if one.measured.is_none() && one.since.is_none() {
        return one;
    }
    let fineness = past.fineness.map(|fine| format!(", each figure the mean of {fine}")).unwrap_or_default();
    let source = Some(format!("what was kept of then: incidents, history, series{fineness}"));
    Explanation { source, todo: None, remedy: None, ..one }
}

fn file_named(name: &str, snapshot: &Snapshot) -> Option<FileId> {
    let by_id = name.parse::<FileId>().ok().filter(|id| snapshot.files.get(*id).is_some());
    let by_name = || snapshot.files.iter().take(FILES_LOOKED_AT).find(|file| file.record.name == name);
    by_id.or_else(|| by_name().map(|file| file.id))
}

/// A word: as it is of all that are so now, else by itself.
fn of_word(word: StateWord, snapshot: &Snapshot) -> Vec<Explanation> {
    let servers = |is: &dyn Fn(&crate::domain::server::ServerView) -> bool| {
        snapshot.servers.iter().filter(|view| is(view)).map(|view| server(view, snapshot)).collect::<Vec<_>>()
    };
    let nodes = |is: &dyn Fn(&NodeView) -> bool| {
        snapshot.nodes.iter().filter(|view| is(view)).map(|view| node(view, snapshot)).collect::<Vec<_>>()
    };
    let mut now = match word {
        StateWord::Server(state) if state != ServerState::Up => servers(&|view| view.verdict.state == state),
        StateWord::Rule(rule) => servers(&|view| view.verdict.rule == Some(rule)),
        StateWord::Ensemble(state) if state == snapshot.ensemble.state => vec![ensemble(snapshot)],
        StateWord::Drained => nodes(&NodeView::is_drained),
        StateWord::Node(NodeCondition::Active) => Vec::new(),
        StateWord::Node(condition) => nodes(&|view| view.condition == condition && !view.is_drained()),
        StateWord::File(FileStanding::Damaged) => {
            snapshot.damaged.iter().take(THINGS_MAX).map(|damage| file(damage.file, snapshot)).collect()
        }
        StateWord::Move(status) => {
            let moves = snapshot.moves.iter().filter(|of| of.status == status);
            moves.take(THINGS_MAX).map(|of| file(of.file, snapshot)).collect()
        }
        StateWord::Scheduler(of) if of == SchedulerStanding::of(snapshot) => vec![scheduler(snapshot)],
        StateWord::Decision(of) => {
            let last = snapshot.scheduler.last_run.as_ref().filter(|run| run.decision == of);
            last.map(|last| run(last, snapshot)).into_iter().collect()
        }
        StateWord::Alert(code) => {
            let alerts = snapshot.alerts.iter().filter(|of| of.code == code);
            alerts.map(|of| alert(of, snapshot)).collect()
        }
        StateWord::Session(state) if state == snapshot.session.state => {
            let (cause, since) = (snapshot.session.cause.clone(), Some(snapshot.session.since));
            vec![Explanation { measured: cause, since, ..session_state(state) }]
        }
        StateWord::Instance(part) if part == InstancePart::of(snapshot) => vec![instance(snapshot)],
        StateWord::Workload(off) if snapshot.workload.off == Some(off) => vec![workload(snapshot)],
        _ => Vec::new(),
    };
    now.truncate(THINGS_MAX);
    if now.is_empty() {
        let general = word.explained(snapshot);
        let facts = has_it(word, snapshot).map(|who| Fact::new("now", who)).into_iter().collect();
        return vec![Explanation { facts, ..general }];
    }
    now
}

/// Who is so, of what is no trouble.
fn has_it(word: StateWord, snapshot: &Snapshot) -> Option<String> {
    let names: Vec<&str> = match word {
        StateWord::Server(state) => {
            snapshot.servers.iter().filter(|view| view.verdict.state == state).map(|view| view.node.as_str()).collect()
        }
        StateWord::Role(role) => {
            snapshot.servers.iter().filter(|view| view.role == Some(role)).map(|view| view.node.as_str()).collect()
        }
        StateWord::Host(state) => {
            let has =
                |view: &&crate::domain::server::ServerView| view.host.as_ref().is_some_and(|host| host.state == state);
            snapshot.servers.iter().filter(has).map(|view| view.node.as_str()).collect()
        }
        StateWord::Node(condition) => {
            snapshot.nodes.iter().filter(|view| view.condition == condition).map(|view| view.id.as_str()).collect()
        }
        StateWord::NotChosen(why) => {
            snapshot.nodes.iter().filter(|view| view.not_chosen == Some(why)).map(|view| view.id.as_str()).collect()
        }
        _ => return None,
    };
    Some(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
}
