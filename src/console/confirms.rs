//! Questions before an act, one constructor each: the same words from a pane, a key or the palette.

use std::sync::Arc;

use crate::domain::command::{Command, Confirmed, Rejected, ServerAction};
use crate::domain::ensemble::consequence;
use crate::domain::ids::{Bytes, FileId, NodeId};
use crate::domain::node::{NodeCondition, NodeView, no_taker};
use crate::domain::number;
use crate::domain::number::grouped;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::planner::{self, Counted};
use crate::domain::server::{HostState, ServerState, ServerView};
use crate::domain::snapshot::{InstanceInfo, Level, LocalView, Snapshot};

use super::action::Action;
use super::effect::{About, Confirm, Effect};
use super::keymap::table::entry_of;
use super::order::Work;
use super::sanitise;
use super::widgets::words;

/// Drains the node, after a question; lifts a drain at once, because that moves nothing.
#[must_use]
pub fn drain(snapshot: &Snapshot, node: &NodeId) -> Effect {
    let Some(view) = snapshot.node(node) else { return unknown_node(snapshot, node) };
    if view.drain.is_some() {
        return Effect::Work(Work::Send(Command::Undrain { node: node.clone() }));
    }
    match drained(snapshot, view) {
        Ok(confirm) => Effect::Confirm(confirm),
        Err(refused) => Effect::Toast { level: Level::Warning, text: format!("drain refused: {refused}") },
    }
}

/// The question before a drain, or the refusal that it would meet.
fn drained(snapshot: &Snapshot, view: &NodeView) -> Result<Confirm, Rejected> {
    let node = &view.id;
    let known = words::counts_known(snapshot);
    let others = || snapshot.nodes.iter().filter(|n| n.id != *node);
    let told = others().map(|n| (&n.id, n.condition, words::node(n, snapshot)));
    if let Some(refused) = no_taker(node, if known { view.files } else { 0 }, told) {
        return Err(refused);
    }
    let (takers, idle): (Vec<&NodeView>, Vec<&NodeView>) = others().partition(|n| n.condition == NodeCondition::Active);
    let names: Vec<&str> = takers.iter().map(|n| n.id.as_str()).collect();
    let idle: Vec<String> = idle.iter().map(|n| format!("{} is {}", n.id, words::node(n, snapshot))).collect();
    let idle = if idle.is_empty() { String::new() } else { format!(" ({})", idle.join(", ")) };
    let mut lines = vec![if !known {
        format!("The files of {node} move to other nodes; how many is not known: their records are not read yet.")
    } else if view.files == 0 {
        format!("{node} owns no files: nothing moves.")
    } else {
        format!("{} of {node} move to {}{idle}.", files(view.files, view.bytes), list(&names))
    }];
    if !known || view.files > 0 {
        lines.extend(held_back(snapshot, view));
    }
    lines.push(format!("{node} receives none until the drain is lifted (the same key)."));
    Ok(Confirm {
        title: format!("Drain {node}"),
        lines,
        no: "leave it".into(),
        yes: format!("drain {node}"),
        type_text: None,
        about: Some(About::Drain(node.clone())),
        commands: vec![Command::Drain { node: node.clone() }],
    })
}

/// What keeps the files of a drained node where they are.
fn held_back(snapshot: &Snapshot, view: &NodeView) -> Option<String> {
    let node = (!view.condition.gives()).then(|| match view.condition {
        NodeCondition::Unknown => format!("it is not known whether {} serves", view.id),
        condition => format!("{} is {}", view.id, condition.word()),
    });
    let paused = snapshot.scheduler.paused.then(|| "the scheduler is paused".to_owned());
    let why: Vec<String> = node.into_iter().chain(paused).collect();
    (!why.is_empty()).then(|| format!("Nothing moves while {}.", why.join(" and ")))
}

/// The question as it is to be asked now.
///
/// # Errors
/// Why it is not to be asked any more.
pub fn anew(about: &About, snapshot: &Snapshot) -> Result<Confirm, String> {
    match about {
        About::Server(node, action) => Ok(server(snapshot, node, *action)),
        About::Drain(node) => match drain(snapshot, node) {
            Effect::Confirm(confirm) => Ok(confirm),
            Effect::Toast { text, .. } => Err(text),
            _ => {
                let left = snapshot.node(node).filter(|_| words::counts_known(snapshot)).map(|view| view.files);
                Err(format!("{node} is {} already", NodeCondition::Draining.shown_word(left)))
            }
        },
    }
}

/// Asks before the act on the server, with its consequence for the quorum.
#[must_use]
pub fn server(snapshot: &Snapshot, node: &NodeId, action: ServerAction) -> Confirm {
    let found = consequence(action, node, &snapshot.servers, &snapshot.ensemble);
    Confirm {
        title: format!("{} {node}", capital(action.word())),
        lines: vec![found.text],
        no: if action.takes_away() { "keep it running".into() } else { "leave it".into() },
        yes: if found.stops_writes { "stop all writes".into() } else { format!("{} {node}", action.word()) },
        type_text: found.type_name.then(|| node.to_string()),
        about: Some(About::Server(node.clone(), action)),
        commands: vec![Command::Server {
            node: node.clone(),
            action,
            confirmed: if found.type_name { Confirmed::Named } else { Confirmed::Read },
        }],
    }
}

/// The key `p`: asks before a pause; resumes or starts at once what is paused or stopped.
#[must_use]
pub fn pause_or_start(snapshot: &Snapshot, node: &NodeId) -> Effect {
    act_or_undo(snapshot, node, ServerAction::Pause)
}

/// The key `S`: asks before a stop; resumes or starts at once what is paused or stopped.
#[must_use]
pub fn stop_or_start(snapshot: &Snapshot, node: &NodeId) -> Effect {
    act_or_undo(snapshot, node, ServerAction::Stop)
}

/// The key `R`: asks before a restart.
#[must_use]
pub fn restart(snapshot: &Snapshot, node: &NodeId) -> Effect {
    let Some(view) = snapshot.server(node) else { return unknown_node(snapshot, node) };
    if view.verdict.state == ServerState::Stopped {
        let text = format!("{node} is stopped; start it instead");
        return Effect::Toast { level: Level::Warning, text };
    }
    Effect::Confirm(server(snapshot, node, ServerAction::Restart))
}

/// What lifts the state that the server is in: a pause, a stop; `None` when there is nothing to lift.
fn lifts(view: &ServerView) -> Option<ServerAction> {
    // What runs and does not answer cannot be started: only ended or paused.
    let runs = view.host.as_ref().is_some_and(|host| matches!(host.state, HostState::Running | HostState::Starting));
    match view.verdict.state {
        ServerState::Paused => Some(ServerAction::Resume),
        ServerState::Stopped => Some(ServerAction::Start),
        ServerState::Down if !runs => Some(ServerAction::Start),
        _ => None,
    }
}

/// What the key of an action on a server or a node does now, in a word; `None` when it has nothing to do that another key
/// does not do.
#[must_use]
pub fn label(snapshot: &Snapshot, server: &ServerView, action: Action) -> Option<&'static str> {
    let lifts = lifts(server);
    match action {
        Action::Drain => Some(match snapshot.node(&server.node)?.drain {
            Some(_) => "undrain",
            None => "drain",
        }),
        Action::Pause => Some(lifts.unwrap_or(ServerAction::Pause).word()),
        Action::StopServer => lifts.is_none().then_some(ServerAction::Stop.word()),
        Action::RestartServer => lifts.is_none().then_some(ServerAction::Restart.word()),
        _ => entry_of(action).map(|entry| entry.label),
    }
}

/// What helps a server that is not as it should be, then a node that takes no files; nothing where all is well.
#[must_use]
pub fn mends(snapshot: &Snapshot, server: &ServerView) -> Vec<Action> {
    let state = server.verdict.state;
    let drained = snapshot.node(&server.node).is_some_and(|node| node.drain.is_some());
    let of_server: &[Action] = match state {
        ServerState::Up | ServerState::Starting | ServerState::Unknown => &[],
        _ if lifts(server).is_some() => &[Action::Pause, Action::LogsThen],
        ServerState::Degraded => &[Action::LogsThen, Action::HistoryThen, Action::RestartServer],
        _ => &[Action::RestartServer, Action::LogsThen, Action::HistoryThen],
    };
    of_server.iter().copied().chain(drained.then_some(Action::Drain)).collect()
}

fn act_or_undo(snapshot: &Snapshot, node: &NodeId, action: ServerAction) -> Effect {
    let Some(view) = snapshot.server(node) else { return unknown_node(snapshot, node) };
    match lifts(view) {
        Some(action) => {
            Effect::Work(Work::Send(Command::Server { node: node.clone(), action, confirmed: Confirmed::Read }))
        }
        None => Effect::Confirm(server(snapshot, node, action)),
    }
}

/// Asks before the console is left while it has something under way, which would be given up, and while it holds up the
/// servers. A drain goes on in whoever leads. `jobs` is what the console itself sends or saves. With `attached` the engine
/// is another process's, and goes on.
#[must_use]
pub fn leaving(snapshot: &Snapshot, jobs: &[String], attached: bool) -> Option<Confirm> {
    let mut lines = given_up(snapshot, jobs, attached);
    let servers = if attached { None } else { servers_end(snapshot) };
    let yes = if servers.is_some() { "stop them and leave" } else { "leave" };
    lines.extend(servers.into_iter().flatten());
    let (title, no) = ("Leave the console".into(), "stay".into());
    let confirm = Confirm { title, lines, no, yes: yes.into(), type_text: None, about: None, commands: Vec::new() };
    (!confirm.lines.is_empty()).then_some(confirm)
}

/// What is under way here, and what becomes of it.
fn given_up(snapshot: &Snapshot, jobs: &[String], attached: bool) -> Vec<String> {
    let me = snapshot.instance.name();
    let ours = |operation: &&Arc<Operation>| {
        let goes_on = matches!(operation.kind, OperationKind::Drain | OperationKind::Undrain);
        operation.status == OperationStatus::Started && operation.instance == me && !goes_on
    };
    let under_way: Vec<String> =
        snapshot.operations.iter().filter(ours).map(|o| format!("{} {}", o.kind.word(), o.what)).collect();
    let run = snapshot.scheduler.running.as_ref().filter(|_| snapshot.leadership.leads);
    let run = run.map(|run| format!("a run of the scheduler, {} of {} moves made", run.moves_done, run.moves_planned));
    let engine: Vec<String> = run.into_iter().chain(under_way).filter(|_| !attached).collect();
    let Some(first) = engine.iter().chain(jobs).next() else { return Vec::new() };
    let more = engine.len() + jobs.len() - 1;
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let mut lines = vec![format!("Under way here: {first}{more}.")];
    if !engine.is_empty() {
        let text =
            "What does not end within seconds is given up: an upload is not stored, moves are ended by the next start.";
        lines.push(text.into());
    }
    if !jobs.is_empty() {
        lines.push("What the console saves or sends is given up at once: no file is left in part.".into());
    }
    lines
}

/// What ends with an instance that owns the servers of `--local`, and who else loses them.
fn servers_end(snapshot: &Snapshot) -> Option<Vec<String>> {
    if snapshot.instance.local != Some(LocalView::Owner) {
        return None;
    }
    let names: Vec<&str> = snapshot.servers.iter().map(|server| server.node.as_str()).collect();
    let kept = if words::counts_known(snapshot) {
        number::count(snapshot.files.len() as u64, "file")
    } else {
        "all files".to_owned()
    };
    let me = snapshot.instance.id;
    let others: Vec<String> = snapshot.instances.iter().filter(|other| other.id != me).map(who).collect();
    let mut lines = vec![format!("{} stop with it; {kept} stay on disk.", list(&names))];
    lines.push(match &others[..] {
        [] => "zkdeck --local in this folder starts them again.".to_owned(),
        others => format!(
            "Attached now: {}. They lose the ensemble until a zkdeck --local in this folder starts it again; one that was \
             started so does it by itself.",
            others.join(", ")
        ),
    });
    Some(lines)
}

/// `host-b:4712 (alice from 10.0.0.7)`
fn who(other: &InstanceInfo) -> String {
    match &other.seat {
        Some(seat) => format!("{} ({})", other.name(), seat.person),
        None => other.name(),
    }
}

/// Asks before files are deleted.
#[must_use]
pub fn delete(snapshot: &Snapshot, files: &[FileId]) -> Confirm {
    let what = what(snapshot, files);
    Confirm {
        title: format!("Delete {what}"),
        lines: vec![
            format!("{what} {} lost for good: record and bytes.", if files.len() == 1 { "is" } else { "are" }),
            "Save a copy first with download, when in doubt.".into(),
        ],
        no: "keep".into(),
        yes: "delete".into(),
        type_text: None,
        about: None,
        commands: files.iter().map(|file| Command::Delete { file: *file }).collect(),
    }
}

/// Asks before files are moved by hand; files that are there already are left out.
#[must_use]
pub fn migrate(snapshot: &Snapshot, files: &[FileId], target: &NodeId) -> Confirm {
    let away = |id: &&FileId| snapshot.files.get(**id).is_none_or(|entry| entry.record.owner != *target);
    let moved: Vec<FileId> = files.iter().filter(away).copied().collect();
    let mut lines = vec![format!("{} to {target}.", capital(&what(snapshot, &moved)))];
    if moved.len() < files.len() {
        lines.push(format!("{} on {target} already and not moved.", files.len() - moved.len()));
    }
    lines.extend(moves_back(snapshot, &moved, target));
    Confirm {
        title: format!("Migrate to {target}"),
        lines,
        no: "leave".into(),
        yes: "migrate".into(),
        type_text: None,
        about: None,
        commands: moved.iter().map(|file| Command::Migrate { file: *file, target: target.clone() }).collect(),
    }
}

/// A warning when the moves take the spread to the threshold: the scheduler will level it again.
fn moves_back(snapshot: &Snapshot, moved: &[FileId], target: &NodeId) -> Option<String> {
    let mut nodes: Vec<Counted> = snapshot.nodes.iter().map(Counted::of).collect();
    let at = |node: &NodeId| snapshot.nodes.iter().position(|n| n.id == *node);
    let to = at(target)?;
    for entry in moved.iter().filter_map(|id| snapshot.files.get(*id)) {
        let from = at(&entry.record.owner)?;
        nodes[from].count = nodes[from].count.saturating_sub(1);
        nodes[to].count += 1;
    }
    let (spread, threshold) = (planner::spread(&nodes), snapshot.scheduler.trigger);
    let own = nodes[to].count;
    let text = || {
        format!(
            "{target} will own {}, spread {}: the scheduler may move files back, threshold {}.",
            grouped(own),
            grouped(spread),
            grouped(threshold)
        )
    };
    (threshold > 0 && spread >= threshold).then(text)
}

fn unknown_node(snapshot: &Snapshot, node: &NodeId) -> Effect {
    let known = snapshot.node_ids();
    let names: Vec<&str> = known.iter().map(NodeId::as_str).collect();
    Effect::Toast {
        level: crate::domain::snapshot::Level::Error,
        text: format!("there is no node {node}; the nodes are {}", names.join(", ")),
    }
}

fn what(snapshot: &Snapshot, ids: &[FileId]) -> String {
    if let [one] = ids {
        let name = snapshot.files.get(*one).map(|entry| entry.record.name.clone());
        return name.map_or_else(|| one.short(), |name| sanitise::clean(&name).into_owned());
    }
    let bytes = ids.iter().filter_map(|id| snapshot.files.get(*id)).map(|entry| entry.record.size.0).sum();
    files(ids.len() as u64, Bytes(bytes))
}

fn files(count: u64, bytes: Bytes) -> String {
    format!("{}, {bytes}", number::count(count, "file"))
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "no node".into(),
        [one] => (*one).into(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ensemble::Quorum;
    use crate::domain::fixtures::{self, node_id};
    use crate::domain::node::DrainView;
    use crate::domain::server::HostView;

    fn with_state(node: &str, state: ServerState) -> Snapshot {
        let mut snapshot = fixtures::snapshot();
        let mut servers = snapshot.servers.to_vec();
        for server in servers.iter_mut().filter(|s| s.node.as_str() == node) {
            server.verdict.state = state;
        }
        snapshot.servers = servers.into();
        snapshot
    }

    /// 31 of the 34 files of zk1 have moved.
    fn begin_to_drain(snapshot: &mut Snapshot) {
        let mut nodes = snapshot.nodes.to_vec();
        nodes[0].drain = Some(DrainView {
            since: fixtures::NOW,
            files_at_start: 34,
            files_left: 3,
            files_per_s: None,
            left_ms: None,
            stalled: None,
        });
        snapshot.nodes = nodes.into();
    }

    #[test]
    fn the_consequence_of_a_pause_is_told_in_words() {
        let asked = server(&fixtures::snapshot(), &node_id("zk3"), ServerAction::Pause);
        assert_eq!(asked.title, "Pause zk3");
        assert_eq!(
            asked.lines,
            ["zk3 leads. Pausing it stops all writes until the others give it up, after 10 s here (syncLimit 5 x \
                 tickTime 2.0 s), and have elected another; the last election took 235 ms. After it 2 of 3 servers serve; \
                 one more loss stops writes."]
        );
        assert_eq!((asked.no.as_str(), asked.yes.as_str(), asked.type_text), ("keep it running", "pause zk3", None));
    }

    #[test]
    fn breaking_the_quorum_needs_the_name_typed() {
        let mut snapshot = fixtures::snapshot();
        snapshot.ensemble.quorum = Quorum { voters: 3, serving: 2 };
        let asked = server(&snapshot, &node_id("zk1"), ServerAction::Stop);
        assert_eq!(asked.type_text.as_deref(), Some("zk1"));
        assert!(asked.lines[0].contains("1 of 3 servers serve, which is no quorum"));
    }

    #[test]
    fn the_same_key_undoes() {
        let start = |state| pause_or_start(&with_state("zk1", state), &node_id("zk1"));
        let sent = |effect| match effect {
            Effect::Work(Work::Send(Command::Server { action, .. })) => Some(action),
            _ => None,
        };
        assert_eq!(sent(start(ServerState::Paused)), Some(ServerAction::Resume));
        assert_eq!(sent(start(ServerState::Stopped)), Some(ServerAction::Start));
        assert_eq!(sent(start(ServerState::Down)), Some(ServerAction::Start));
        assert!(matches!(start(ServerState::Up), Effect::Confirm(_)));
        let mut hung = with_state("zk1", ServerState::Down);
        let mut servers = hung.servers.to_vec();
        servers[0].host = Some(HostView { state: HostState::Running, ..fixtures::host("process 7") });
        hung.servers = servers.into();
        assert!(matches!(stop_or_start(&hung, &node_id("zk1")), Effect::Confirm(_)), "a process that hangs is stopped");
        assert!(matches!(stop_or_start(&fixtures::snapshot(), &node_id("zk9")), Effect::Toast { .. }));
    }

    #[test]
    fn the_footer_says_what_a_key_does_to_the_server_as_it_is() {
        use ServerState::{Down, Paused, Stopped, Up};
        let actions = [Action::Pause, Action::StopServer, Action::RestartServer];
        for (state, words) in [
            (Up, [Some("pause"), Some("stop"), Some("restart")]),
            (Paused, [Some("resume"), None, None]),
            (Stopped, [Some("start"), None, None]),
            (Down, [Some("start"), None, None]),
        ] {
            let snapshot = with_state("zk1", state);
            assert_eq!(actions.map(|action| label(&snapshot, &snapshot.servers[0], action)), words, "{state:?}");
        }
        let mut snapshot = fixtures::snapshot();
        assert_eq!(label(&snapshot, &snapshot.servers[0], Action::Drain), Some("drain"));
        begin_to_drain(&mut snapshot);
        assert_eq!(label(&snapshot, &snapshot.servers[0], Action::Drain), Some("undrain"));
    }

    #[test]
    fn a_restart_is_asked_for_with_its_consequence() {
        let Effect::Confirm(asked) = restart(&fixtures::snapshot(), &node_id("zk1")) else { panic!("asks") };
        assert_eq!(asked.title, "Restart zk1");
        assert!(asked.lines[0].contains("Until it is back 2 of 3 servers serve"), "{:?}", asked.lines);
        assert!(matches!(restart(&fixtures::snapshot(), &node_id("zk9")), Effect::Toast { .. }));
    }

    #[test]
    fn a_drain_tells_how_much_moves_and_is_lifted_by_the_same_key() {
        let mut snapshot = fixtures::snapshot();
        let Effect::Confirm(asked) = drain(&snapshot, &node_id("zk1")) else { panic!("asks") };
        assert_eq!(asked.lines[0], "34 files, 4.2 MiB of zk1 move to zk2 and zk3.");
        begin_to_drain(&mut snapshot);
        let lifted = drain(&snapshot, &node_id("zk1"));
        assert!(matches!(lifted, Effect::Work(Work::Send(Command::Undrain { .. }))));
    }

    #[test]
    fn a_drain_names_who_takes_the_files_and_why_others_do_not() {
        let mut snapshot = fixtures::snapshot();
        let mut nodes = snapshot.nodes.to_vec();
        nodes[1].condition = NodeCondition::Paused;
        snapshot.nodes = Arc::from(nodes.clone());
        let lines = |snapshot: &Snapshot| match drain(snapshot, &node_id("zk1")) {
            Effect::Confirm(asked) => asked.lines,
            other => panic!("asks, and does not {other:?}"),
        };
        assert_eq!(lines(&snapshot)[0], "34 files, 4.2 MiB of zk1 move to zk3 (zk2 is paused).");
        nodes[2].condition = NodeCondition::Full;
        snapshot.nodes = Arc::from(nodes);
        let refused = drain(&snapshot, &node_id("zk1"));
        let Effect::Toast { text, .. } = refused else { panic!("is refused, and not {refused:?}") };
        assert_eq!(
            text,
            "drain refused: draining zk1 is not possible: no other node can take its 34 files: zk2 is paused, zk3 is full"
        );
    }

    #[test]
    fn a_drain_that_moves_nothing_for_now_says_so() {
        let lines = |change: &dyn Fn(&mut Snapshot, &mut NodeView)| {
            let mut snapshot = fixtures::snapshot();
            let mut nodes = snapshot.nodes.to_vec();
            change(&mut snapshot, &mut nodes[0]);
            snapshot.nodes = Arc::from(nodes);
            match drain(&snapshot, &node_id("zk1")) {
                Effect::Confirm(asked) => asked.lines,
                other => panic!("asks, and does not {other:?}"),
            }
        };
        let down = lines(&|_, node| node.condition = NodeCondition::Down);
        assert_eq!(down[1], "Nothing moves while zk1 is down.");
        let both = lines(&|snapshot, node| {
            (snapshot.scheduler.paused, node.condition) = (true, NodeCondition::Unreadable);
        });
        assert_eq!(both[1], "Nothing moves while zk1 is unreadable and the scheduler is paused.");
        let empty = lines(&|_, node| node.files = 0);
        assert_eq!(empty[0], "zk1 owns no files: nothing moves.");
        let unread = lines(&|snapshot, node| {
            (snapshot.files, snapshot.files_complete) = (crate::domain::file_table::FileTable::default(), false);
            (node.files, node.bytes) = (0, Bytes(0));
        });
        assert!(unread[0].contains("not read yet") && !unread[0].contains('0'), "{unread:?}");
        assert_eq!(lines(&|_, _| {}).len(), 2, "nothing holds it back");
    }

    #[test]
    fn files_are_named_one_by_one_or_counted() {
        let snapshot = fixtures::snapshot();
        let id = |n| FileId::new(n);
        assert_eq!(delete(&snapshot, &[id(400)]).title, "Delete report-0400.bin");
        assert_eq!(delete(&snapshot, &[id(400), id(401)]).title, "Delete 2 files, 256 KiB");
        let moved = migrate(&snapshot, &[id(400), id(401)], &node_id("zk1"));
        assert_eq!(moved.commands.len(), 1, "report-0400 is on zk1 already");
        assert_eq!(moved.lines[1], "1 on zk1 already and not moved.");
    }
}
