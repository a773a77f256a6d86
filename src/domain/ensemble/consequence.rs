//! What an action on a server does to the quorum, in words, before it is done.

use super::EnsembleView;
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::{Role, ServerView};

/// What will happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// In sentences.
    pub text: String,
    /// Writes would stop: the node's name has to be typed.
    pub type_name: bool,
    /// Fewer servers would serve than now.
    pub endangers: bool,
}

/// The consequence of `action` on `node`, as things stand.
#[must_use]
pub fn consequence(action: ServerAction, node: &NodeId, servers: &[ServerView], view: &EnsembleView) -> Consequence {
    let server = servers.iter().find(|server| server.node == *node);
    let serves = server.is_some_and(|server| server.verdict.state.serves());
    let (doing, word) = match action {
        ServerAction::Pause => ("Pausing", "pause"),
        ServerAction::Stop => ("Stopping", "stop"),
        ServerAction::Restart => ("Restarting", "restart"),
        ServerAction::Resume => return harmless(format!("{node} goes on where it was frozen and catches up.")),
        ServerAction::Start => return harmless(format!("{node} starts, syncs with the leader and serves again.")),
    };
    let role = server.and_then(|server| server.role);
    if !serves {
        let state = server.map_or("unknown", |server| server.verdict.state.word());
        return harmless(format!("{node} is {state} and serves nobody now. To {word} it changes nothing for clients."));
    }
    if role == Some(Role::Observer) {
        return harmless(format!("{node} observes and does not vote: its clients go to other servers."));
    }
    let after = view.quorum.after_loss();
    let mut text = match role {
        // Without a quorum nobody is elected: the last sentence says what writes do.
        Some(Role::Leader) if !after.holds() => format!("{node} leads. "),
        // Who is frozen keeps its connections, and is given up when nothing has come for a while.
        Some(Role::Leader) if action == ServerAction::Pause => {
            format!(
                "{node} leads. {doing} it stops all writes until the others give it up and elect another: 5 to 15 s. "
            )
        }
        Some(Role::Leader) => format!("{node} leads. {doing} it starts an election: writes stop for a few seconds. "),
        Some(Role::Standalone) => format!("{node} stands alone. "),
        _ => format!("{node} follows. {doing} it sends its clients to other servers. "),
    };
    let (serving, voters) = (after.serving, after.voters);
    let until = if action == ServerAction::Restart { "Until it is back" } else { "After it" };
    text += &if !after.holds() {
        format!("{until} {serving} of {voters} servers serve, which is no quorum: all writes stop until it is back.")
    } else if after.can_lose() == 0 {
        format!("{until} {serving} of {voters} servers serve; one more loss stops writes.")
    } else {
        format!("{until} {serving} of {voters} servers serve; {} more may be lost.", after.can_lose())
    };
    Consequence { text, type_name: !after.holds(), endangers: true }
}

fn harmless(text: String) -> Consequence {
    Consequence { text, type_name: false, endangers: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ensemble::Quorum;
    use crate::domain::fixtures::{node_id, snapshot};
    use crate::domain::server::ServerState;

    #[test]
    fn the_quorum_after_it_is_told() {
        let picture = snapshot();
        let told = consequence(ServerAction::Pause, &node_id("zk3"), &picture.servers, &picture.ensemble);
        assert_eq!(
            told.text,
            "zk3 leads. Pausing it stops all writes until the others give it up and elect another: 5 to 15 s. After it \
             2 of 3 servers serve; one more loss stops writes."
        );
        assert_eq!((told.type_name, told.endangers), (false, true));
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
}
