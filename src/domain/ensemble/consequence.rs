//! What an action on a server does to the quorum, in words, before it is done.

use super::{EnsembleView, Quorum};
use crate::domain::command::ServerAction;
use crate::domain::ids::{Millis, NodeId};
use crate::domain::server::{Role, ServerState, ServerView};

/// What will happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// In sentences.
    pub text: String,
    /// Writes would stop, or might: the node's name has to be typed.
    pub type_name: bool,
    /// Writes would stop, whatever the servers do whose state is not known.
    pub stops_writes: bool,
    /// Fewer servers would serve than now, or might.
    pub endangers: bool,
}

/// The consequence of `action` on `node`, as things stand.
#[must_use]
pub fn consequence(action: ServerAction, node: &NodeId, servers: &[ServerView], view: &EnsembleView) -> Consequence {
    let (doing, word) = match action {
        ServerAction::Pause => ("Pausing", "pause"),
        ServerAction::Stop => ("Stopping", "stop"),
        ServerAction::Restart => ("Restarting", "restart"),
        ServerAction::Resume => return harmless(format!("{node} goes on where it was frozen and catches up.")),
        ServerAction::Start => return harmless(format!("{node} starts, syncs with the leader and serves again.")),
    };
    let server = servers.iter().find(|server| server.node == *node);
    let role = server.and_then(|server| server.role);
    let state = server.map_or(ServerState::Unknown, |server| server.verdict.state);
    match state {
        ServerState::Up | ServerState::Degraded | ServerState::Unknown => {}
        ServerState::ReadOnly => {
            let text =
                format!("{node} is read-only: it serves reads without a quorum. Its readers go to other servers.");
            return Consequence { endangers: true, ..harmless(text) };
        }
        ServerState::NotServing
        | ServerState::Frozen
        | ServerState::Paused
        | ServerState::Stopped
        | ServerState::Down
        | ServerState::Starting => {
            let state = state.word();
            return harmless(format!(
                "{node} is {state} and serves nobody now. To {word} it changes nothing for clients."
            ));
        }
    }
    if role == Some(Role::Observer) {
        return harmless(format!("{node} observes and does not vote: its clients go to other servers."));
    }
    let (worst, best) = after(node, state, servers, view);
    let mut text = match role {
        _ if state == ServerState::Unknown && view.quorum.voters <= 1 => {
            format!("Whether {node} serves is not known, and it stands alone. ")
        }
        _ if state == ServerState::Unknown => format!(
            "Whether {node} serves is not known; if it does, its clients go to other servers, and if it leads, writes \
             stop until another is elected. "
        ),
        // Without a quorum nobody is elected: the last sentence says what writes do.
        Some(Role::Leader) if !best.holds() => format!("{node} leads. "),
        Some(Role::Leader) => format!("{node} leads. {doing} it {}. ", without_leader(action, node, servers)),
        Some(Role::Standalone) => format!("{node} stands alone. "),
        _ => format!("{node} follows. {doing} it sends its clients to other servers. "),
    };
    text += &quorum_after(if action == ServerAction::Restart { "Until it is back" } else { "After it" }, worst, best);
    Consequence { text, type_name: !worst.holds(), stops_writes: !best.holds(), endangers: true }
}

/// What becomes of writes while another is elected, in figures of the servers' own where they are told.
fn without_leader(action: ServerAction, node: &NodeId, servers: &[ServerView]) -> String {
    let others = || servers.iter().filter(|server| server.node != *node);
    let last = servers.iter().filter_map(|server| server.election_ms).reduce(f64::max);
    let last = last.map_or_else(String::new, |ms| format!("; the last election took {}", Millis(ms.max(0.0) as u64)));
    if action != ServerAction::Pause {
        return format!("starts an election: writes stop until it is won{last}");
    }
    // Who is frozen keeps its connections, and is given up when nothing has come for a while.
    let patience = patience(others()).map_or_else(String::new, |after| format!(", after {after},"));
    format!("stops all writes until the others give it up{patience} and have elected another{last}")
}

/// After how long these servers give up a leader that is silent: `10 s here (syncLimit 5 x tickTime 2.0 s)`.
pub fn patience<'a>(servers: impl Iterator<Item = &'a ServerView>) -> Option<String> {
    let of = servers.filter_map(|server| server.timing).max_by_key(|timing| timing.gives_up_after())?;
    Some(format!("{} here (syncLimit {} x tickTime {})", of.gives_up_after(), of.sync_limit, of.tick))
}

/// The quorum without the server, if none of those that are not known serves, and if all of them do.
fn after(node: &NodeId, state: ServerState, servers: &[ServerView], view: &EnsembleView) -> (Quorum, Quorum) {
    let worst = if state.serves() { view.quorum.after_loss() } else { view.quorum };
    let unknown = |server: &&ServerView| {
        server.node != *node && server.verdict.state == ServerState::Unknown && server.role != Some(Role::Observer)
    };
    let best = Quorum { serving: worst.serving + servers.iter().filter(unknown).count(), ..worst };
    (worst, best)
}

fn quorum_after(until: &str, worst: Quorum, best: Quorum) -> String {
    let sure = worst == best;
    let (low, high, voters) = (worst.serving, best.serving, worst.voters);
    let serve = if sure {
        format!("{low} of {voters} servers serve")
    } else {
        format!("{low} to {high} of {voters} servers serve")
    };
    if !best.holds() {
        format!("{until} {serve}, which is no quorum: all writes stop until it is back.")
    } else if !worst.holds() {
        format!("{until} {serve}, which may be no quorum: then all writes stop until it is back.")
    } else if worst.can_lose() > 0 {
        format!("{until} {serve}; {}{} more may be lost.", if sure { "" } else { "at least " }, worst.can_lose())
    } else {
        format!("{until} {serve}; one more loss {} writes.", if sure { "stops" } else { "may stop" })
    }
}

fn harmless(text: String) -> Consequence {
    Consequence { text, type_name: false, stops_writes: false, endangers: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{node_id, snapshot};
    use crate::domain::server::QuorumTiming;

    #[test]
    fn the_quorum_after_it_is_told() {
        let picture = snapshot();
        let told = consequence(ServerAction::Pause, &node_id("zk3"), &picture.servers, &picture.ensemble);
        assert_eq!(
            told.text,
            "zk3 leads. Pausing it stops all writes until the others give it up, after 10 s here (syncLimit 5 x tickTime \
             2.0 s), and have elected another; the last election took 235 ms. After it 2 of 3 servers serve; one more loss \
             stops writes."
        );
        assert_eq!((told.type_name, told.endangers), (false, true));
    }

    #[test]
    fn what_no_server_has_told_has_no_figure() {
        let picture = snapshot();
        let mut servers = picture.servers.to_vec();
        for server in &mut servers {
            (server.timing, server.election_ms) = (None, None);
        }
        let told = |action| consequence(action, &node_id("zk3"), &servers, &picture.ensemble).text;
        let start = |text: String| text.split(". After it").next().unwrap_or_default().to_owned();
        assert_eq!(
            start(told(ServerAction::Pause)),
            "zk3 leads. Pausing it stops all writes until the others give it up and have elected another"
        );
        assert_eq!(
            start(told(ServerAction::Stop)),
            "zk3 leads. Stopping it starts an election: writes stop until it is won"
        );
        // It is the others' patience that counts.
        servers[0].timing = Some(QuorumTiming { tick: Millis(500), sync_limit: 20 });
        servers[2].timing = Some(QuorumTiming { tick: Millis(500), sync_limit: 900 });
        let told = consequence(ServerAction::Pause, &node_id("zk3"), &servers, &picture.ensemble).text;
        assert!(told.contains("after 10 s here (syncLimit 20 x tickTime 500 ms)"), "{told}");
    }

    #[test]
    fn a_restart_takes_the_server_away_for_a_while() {
        let picture = snapshot();
        let told = consequence(ServerAction::Restart, &node_id("zk1"), &picture.servers, &picture.ensemble);
        assert_eq!(
            told.text,
            "zk1 follows. Restarting it sends its clients to other servers. Until it is back 2 of 3 servers serve; one \
             more loss stops writes."
        );
        assert!(told.endangers && !told.type_name);
    }

    #[test]
    fn the_last_of_a_quorum_needs_its_name_typed() {
        let mut picture = snapshot();
        picture.ensemble.quorum = Quorum { voters: 3, serving: 2 };
        let told = consequence(ServerAction::Stop, &node_id("zk1"), &picture.servers, &picture.ensemble);
        assert!(told.type_name && told.text.contains("all writes stop"), "{told:?}");
        let told = consequence(ServerAction::Restart, &node_id("zk3"), &picture.servers, &picture.ensemble);
        assert!(told.type_name && !told.text.contains("elect"), "nobody can be elected: {told:?}");
    }

    #[test]
    fn a_server_that_stands_alone_has_no_others() {
        let mut picture = snapshot();
        picture.ensemble.quorum = Quorum { voters: 1, serving: 1 };
        let mut servers = picture.servers.to_vec();
        servers[0].role = Some(Role::Standalone);
        let told = consequence(ServerAction::Stop, &node_id("zk1"), &servers[..1], &picture.ensemble);
        assert!(told.type_name && !told.text.contains("other") && told.text.contains("all writes stop"), "{told:?}");
    }

    #[test]
    fn what_does_not_serve_cannot_be_missed() {
        let picture = snapshot();
        let mut servers = picture.servers.to_vec();
        servers[0].verdict.state = ServerState::Frozen;
        let told = consequence(ServerAction::Stop, &node_id("zk1"), &servers, &picture.ensemble);
        assert!(!told.endangers, "{told:?}");
        assert!(!consequence(ServerAction::Resume, &node_id("zk1"), &servers, &picture.ensemble).endangers);
    }

    /// The consequence of stopping zk1 with the three servers in these states.
    fn stopping(states: [ServerState; 3]) -> Consequence {
        let mut picture = snapshot();
        let mut servers = picture.servers.to_vec();
        for (server, state) in servers.iter_mut().zip(states) {
            server.verdict.state = state;
            server.role = server.role.filter(|_| state != ServerState::Unknown);
        }
        picture.ensemble.quorum.serving = states.iter().filter(|state| state.serves()).count();
        consequence(ServerAction::Stop, &node_id("zk1"), &servers, &picture.ensemble)
    }

    #[test]
    fn a_server_that_may_not_tell_whether_it_serves_is_not_said_to_serve_nobody() {
        use ServerState::{Down, Unknown, Up};
        for (states, type_name, stops_writes, end) in [
            ([Unknown; 3], true, false, "0 to 2 of 3 servers serve, which may be no quorum: then all writes stop"),
            ([Unknown, Up, Unknown], true, false, "1 to 2 of 3 servers serve, which may be no quorum"),
            ([Unknown, Up, Down], true, true, "After it 1 of 3 servers serve, which is no quorum: all writes stop"),
            ([Unknown, Up, Up], false, false, "After it 2 of 3 servers serve; one more loss stops writes."),
            ([Up, Up, Unknown], true, false, "1 to 2 of 3 servers serve, which may be no quorum"),
        ] {
            let told = stopping(states);
            assert_eq!(
                (told.type_name, told.stops_writes, told.endangers),
                (type_name, stops_writes, true),
                "{told:?}"
            );
            assert!(told.text.contains(end) && !told.text.contains("nobody"), "{states:?}: {told:?}");
            let unknown = told.text.starts_with("Whether zk1 serves is not known; if it does, ");
            assert_eq!(unknown, states[0] == Unknown, "{told:?}");
        }
    }

    #[test]
    fn a_server_that_serves_reads_only_has_readers_to_lose() {
        let told = stopping([ServerState::ReadOnly, ServerState::Up, ServerState::Up]);
        assert!(told.text.contains("Its readers go to other servers") && !told.text.contains("nobody"), "{told:?}");
        assert!(told.endangers && !told.type_name, "{told:?}");
    }
}
