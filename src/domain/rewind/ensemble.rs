//! The verdict on the whole as it was, and who led.

use super::measured::{HOLDS, MeasuredThen};
use crate::domain::ensemble::{EnsembleState, EnsembleView, Member, Quorum, judge};
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::series::SeriesName;
use crate::domain::server::{Role, ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// What is said where nothing was measured.
const NOTHING: &str = "nothing was measured: zkdeck did not run";

/// A leader, and the epoch that its election told.
pub(super) struct LedBy {
    pub(super) node: NodeId,
    epoch: Option<u32>,
}

/// Who led then. `incidents` as they stand now: an election that went on then is told by its end.
pub(super) fn leader(
    present: &Snapshot,
    measured: &MeasuredThen<'_>,
    incidents: &[Incident],
    at: Timestamp,
) -> Option<LedBy> {
    let election = |incident: &Incident| match &incident.what {
        IncidentWhat::Election { leader, epoch, .. } => Some((incident.began, incident.ended?, leader.clone(), *epoch)),
        _ => None,
    };
    let elections: Vec<_> = incidents.iter().filter_map(election).collect();
    let waits = elections.iter().any(|(began, ended, ..)| *began <= at && at < *ended);
    let then: Vec<Incident> = incidents.iter().filter_map(|incident| incident.clone().as_of(at)).collect();
    let goes_on = |of: fn(&IncidentWhat) -> bool| then.iter().any(|one| one.ended.is_none() && of(&one.what));
    let nobody = goes_on(|what| matches!(what, IncidentWhat::Ensemble { state: EnsembleState::NoLeader }));
    if !measured.is_any() || waits || nobody {
        return None;
    }
    let newest = elections.into_iter().filter(|(_, ended, ..)| *ended <= at).max_by_key(|(_, ended, ..)| *ended);
    let elected = newest.as_ref().map(|(.., leader, _)| leader);
    // The next second will tell.
    let just = newest.as_ref().is_some_and(|(_, ended, ..)| at.since(*ended) <= HOLDS);
    let share = |node: &NodeId| measured.value(SeriesName::Leads, Some(node));
    let told = present.servers.iter().any(|server| share(&server.node).is_some());
    let node = if told && !just {
        // In a longer time two may have led: then the election tells which.
        let led = |node: &&NodeId| share(node).is_some_and(|share| share > 0.0);
        let whole = |node: &&NodeId| share(node).is_some_and(|share| share >= 1.0);
        let servers = || present.servers.iter().map(|server| &server.node);
        elected.filter(led).or_else(|| servers().find(whole)).cloned()?
    } else {
        // Without a quorum it may lead or not.
        elected.filter(|_| !goes_on(IncidentWhat::stops_writes)).cloned()?
    };
    let epoch = newest.filter(|(.., leader, _)| *leader == node).and_then(|(.., epoch)| epoch);
    Some(LedBy { node, epoch })
}

/// The state is that of the incident that went on; what the servers show tells the rest.
pub(super) fn view(
    present: &Snapshot,
    servers: &[ServerView],
    incidents: &[Incident],
    leader: Option<LedBy>,
    at: Timestamp,
) -> EnsembleView {
    let voters = present.ensemble.quorum.voters;
    if servers.iter().all(|server| server.verdict.state == ServerState::Unknown) {
        let unknown = EnsembleView::unknown(voters, at);
        return EnsembleView { cause: Some(NOTHING.to_owned()), ..unknown };
    }
    let members: Vec<Member> = servers.iter().map(|server| member(server, leader.as_ref())).collect();
    let judged = judge(&members, None, true, at);
    let of = |incident: &&Incident| matches!(incident.what, IncidentWhat::Ensemble { .. });
    let newest = incidents.iter().find(of);
    let (state, since) = match newest.map(|incident| (&incident.what, incident)) {
        Some((IncidentWhat::Ensemble { state }, incident)) if incident.ended.is_none() => (*state, incident.began),
        ended => {
            let since = ended.and_then(|(_, incident)| incident.ended).unwrap_or(at);
            (unsaid(&members, judged.state), since)
        }
    };
    let serving = judged.quorum.serving;
    let (node, epoch) = leader.map(|led| (led.node, led.epoch)).unzip();
    EnsembleView {
        state,
        quorum: Quorum { voters, serving },
        leader: node,
        epoch: epoch.flatten(),
        cause: if state == EnsembleState::Healthy { None } else { judged.cause },
        since,
    }
}

/// The state where no incident was told.
fn unsaid(members: &[Member], judged: EnsembleState) -> EnsembleState {
    if members.iter().all(|member| member.state == ServerState::Up) {
        EnsembleState::Healthy
    } else if members.iter().any(|member| member.state == ServerState::Starting) {
        EnsembleState::Starting
    } else {
        judged
    }
}

fn member(server: &ServerView, leader: Option<&LedBy>) -> Member {
    Member {
        node: server.node.clone(),
        state: server.verdict.state,
        untold: None,
        since: server.verdict.since,
        votes: server.role != Some(Role::Observer),
        leads: leader.is_some_and(|led| led.node == server.node),
        mute: false,
        apart: false,
        epoch: None,
    }
}
