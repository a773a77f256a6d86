//! The word for the ensemble.

use super::explanation::{Explanation, Fact, NAMED_MAX};
use super::server::{NOTHING, first_seen};
use crate::domain::ensemble::{EnsembleState, Quorum, patience};
use crate::domain::health::START_LIMIT;
use crate::domain::number::count;
use crate::domain::server::{Role, ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// What a state of the ensemble means, what makes it so, and what to do.
const fn texts(state: EnsembleState) -> [&'static str; 3] {
    match state {
        EnsembleState::Healthy => [
            "all servers serve and one of them leads: reads and writes go through",
            "every server is up, one leads",
            NOTHING,
        ],
        EnsembleState::Degraded => [
            "reads and writes go through, and a server is missing or sick, or the leader is out of sight",
            "a quorum serves, more may be lost, and a server is not up or none is seen to lead",
            "look at the servers that are not up",
        ],
        EnsembleState::AtRisk => [
            "reads and writes go through, and the loss of one server more stops all writes",
            "a quorum serves, and not one server more than it needs",
            "bring the missing servers back before anything else",
        ],
        EnsembleState::NoLeader => [
            "enough servers serve and none of them leads: writes wait for an election, which the servers hold by \
             themselves",
            "a quorum serves, none says that it leads, and no write has gone through since",
            "wait some seconds; if it stays so, read the servers' logs for elections",
        ],
        EnsembleState::NoQuorum => [
            "too few servers serve: all writes wait, no file is changed, and what is shown of files is from before",
            "fewer voting servers serve than a quorum needs",
            "start or resume servers",
        ],
        EnsembleState::Starting => [
            "the servers of this zkdeck were started just now and are not all there yet",
            "zkdeck was started with --local, and its servers have not all served since",
            "wait",
        ],
        EnsembleState::Unknown => [
            "too few servers have told yet how they are",
            "so many servers are not known that they decide whether there is a quorum",
            "wait for the next look; if a server may not tell, do what its cause says",
        ],
    }
}

fn bound(state: EnsembleState, quorum: Quorum) -> String {
    let majority = format!("{} of {} voting servers make a quorum", quorum.majority(), quorum.voters);
    match state {
        EnsembleState::Healthy => format!("all {} voting servers, and one leader", quorum.voters),
        EnsembleState::Starting => format!("{START_LIMIT} from the start of zkdeck; after that it is what is found"),
        EnsembleState::AtRisk => format!("{majority}, and no more than these serve"),
        EnsembleState::Degraded | EnsembleState::NoLeader | EnsembleState::NoQuorum | EnsembleState::Unknown => {
            majority
        }
    }
}

/// A state by itself, as it would be of this quorum.
pub(super) fn ensemble_state(state: EnsembleState, quorum: Quorum) -> Explanation {
    Explanation::means(state.word(), texts(state)).within(bound(state, quorum)).said_of("the ensemble")
}

/// The ensemble as it is now, with the vote of each server.
pub(super) fn ensemble(snapshot: &Snapshot) -> Explanation {
    let view = &snapshot.ensemble;
    let (state, quorum) = (view.state, view.quorum);
    let general = ensemble_state(state, quorum);
    let measured = match state {
        EnsembleState::Unknown => view.cause.clone(),
        _ => Some(format!("{} of {} serve: {}", quorum.serving, quorum.voters, more(quorum))),
    };
    let todo = match state {
        EnsembleState::NoQuorum => Some(quorum.way_back()),
        _ => general.todo.clone(),
    };
    let mut facts: Vec<Fact> = first_seen(view.since, snapshot).into_iter().collect();
    facts.extend(votes(&snapshot.servers));
    if state == EnsembleState::NoLeader {
        facts.extend(
            patience(snapshot.servers.iter())
                .map(|after| Fact::new("patience", format!("a silent leader is given up after {after}"))),
        );
    }
    Explanation {
        word: view.word().to_owned(),
        measured,
        source: Some("the verdicts on its servers, each counted once".to_owned()),
        since: snapshot.known_since(view.since),
        todo,
        facts,
        ..general
    }
}

fn more(quorum: Quorum) -> String {
    if quorum.holds() {
        format!("{} may be lost", quorum.can_lose())
    } else {
        format!("{} needed for a quorum", count(quorum.majority().saturating_sub(quorum.serving) as u64, "more server"))
    }
}

/// The vote of each server; of many, of those first that are not up.
fn votes(servers: &[ServerView]) -> Vec<Fact> {
    let mut told: Vec<&ServerView> = servers.iter().collect();
    if told.len() > NAMED_MAX {
        told.sort_by_key(|server| server.verdict.state == ServerState::Up);
    }
    let left = told.len().saturating_sub(NAMED_MAX);
    told.truncate(NAMED_MAX);
    let more = (left > 0).then(|| Fact::new("others", format!("{} more", count(left as u64, "server"))));
    told.into_iter().map(vote).chain(more).collect()
}

/// Whether a server counts, and why.
fn vote(server: &ServerView) -> Fact {
    let (state, role) = (server.verdict.state, server.role);
    let counts = match role {
        Some(Role::Observer) => "does not vote",
        _ if state.serves() => "counts",
        _ => "does not count",
    };
    let role = role.map(|role| format!(", {}", role.word())).unwrap_or_default();
    Fact::new(server.node.as_str(), format!("{}{role}: {counts}", state.word()))
}
