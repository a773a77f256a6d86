//! The verdict on the whole, from the servers' verdicts.

use super::{EnsembleState, EnsembleView, Member, Quorum};
use crate::domain::ids::Timestamp;
use crate::domain::level::Level;
use crate::domain::server::ServerState;

/// The ensemble as its members show it. `since` stays while the state does. `writes`: some have gone through since nobody
/// is seen to lead, so that the leader is only out of sight.
#[must_use]
pub fn judge(members: &[Member], previous: Option<&EnsembleView>, writes: bool, now: Timestamp) -> EnsembleView {
    let voters: Vec<&Member> = members.iter().filter(|member| member.votes).collect();
    let serving = voters.iter().filter(|member| member.state.serves()).count();
    let quorum = Quorum { voters: voters.len(), serving };
    // Of two that say they lead, the one of the higher epoch does; the other has not noticed yet.
    let leader = members.iter().filter(|m| m.leads && m.state.serves()).max_by_key(|m| (m.epoch, m.node.clone()));
    let mute = |view: &EnsembleView| members.iter().find(|m| m.mute && Some(&m.node) == view.leader.as_ref());
    let leader = leader.or_else(|| previous.and_then(mute));
    let starts = previous.is_none_or(|view| view.state == EnsembleState::Unknown);
    let state = match state(members, &voters, quorum, leader.is_some(), writes) {
        EnsembleState::Degraded if starts && only_waits(members) => EnsembleState::Unknown,
        state => state,
    };
    let since = match previous {
        Some(view) if view.state == state => view.since,
        _ => now,
    };
    EnsembleView {
        state,
        quorum,
        leader: leader.map(|member| member.node.clone()),
        epoch: leader.and_then(|m| m.epoch.or(previous.filter(|_| m.mute).and_then(|view| view.epoch))),
        cause: cause(members, state, leader),
        since,
    }
}

fn state(members: &[Member], voters: &[&Member], quorum: Quorum, led: bool, writes: bool) -> EnsembleState {
    let unknown = voters.iter().filter(|member| member.state == ServerState::Unknown).count();
    let at_best = Quorum { serving: quorum.serving + unknown, ..quorum };
    // Servers that were not reached yet may serve: nothing is said that they could prove wrong.
    if members.iter().all(|member| member.state == ServerState::Unknown) || (!quorum.holds() && at_best.holds()) {
        EnsembleState::Unknown
    } else if !quorum.holds() {
        EnsembleState::NoQuorum
    } else if !led && !writes && unknown == 0 && !members.iter().any(|member| member.apart) {
        EnsembleState::NoLeader
    } else if at_best.can_lose() == 0 && quorum.voters > 1 {
        EnsembleState::AtRisk
    } else if !led || members.iter().any(|member| member.state != ServerState::Up) || voters.is_empty() {
        EnsembleState::Degraded
    } else {
        EnsembleState::Healthy
    }
}

/// Whether nothing is wrong but that some were not reached yet.
fn only_waits(members: &[Member]) -> bool {
    let waits = |member: &Member| member.state == ServerState::Unknown && member.untold.is_none();
    members.iter().any(waits) && members.iter().all(|member| waits(member) || member.state == ServerState::Up)
}

/// Why it is not known how servers are that were probed: the first cause, with all that have it.
fn untold(members: &[Member]) -> Option<String> {
    let cause = members.iter().find_map(|member| member.untold.as_deref())?;
    let same = members.iter().filter(|member| member.untold.as_deref() == Some(cause));
    let names: Vec<_> = same.map(|member| member.node.as_str()).collect();
    Some(format!("{}: {cause}", names.join(", ")))
}

/// What is wrong, in words; how long it has been so is told by the front, since it changes.
fn cause(members: &[Member], state: EnsembleState, leader: Option<&Member>) -> Option<String> {
    match state {
        EnsembleState::Healthy => return None,
        EnsembleState::Unknown => return untold(members),
        _ => {}
    }
    let mut causes: Vec<String> = members
        .iter()
        .filter(|member| member.state != ServerState::Up)
        .map(|member| format!("{} {}", member.node, member.state.word()))
        .collect();
    if leader.is_none() && state != EnsembleState::NoQuorum {
        causes.push("no leader".to_owned());
    }
    (!causes.is_empty()).then(|| causes.join(", "))
}

/// How loud a change to this state is told.
#[must_use]
pub const fn level(state: EnsembleState) -> Level {
    match state {
        EnsembleState::Healthy | EnsembleState::Starting | EnsembleState::Unknown => Level::Info,
        EnsembleState::Degraded | EnsembleState::AtRisk => Level::Warning,
        EnsembleState::NoLeader => Level::Warning,
        EnsembleState::NoQuorum => Level::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, node_id};
    use crate::domain::ids::Millis;

    fn members(states: [ServerState; 3], leader: Option<usize>) -> Vec<Member> {
        let member = |(at, state): (usize, ServerState)| Member {
            node: node_id(&format!("zk{}", at + 1)),
            state,
            untold: None,
            since: NOW,
            votes: true,
            leads: leader == Some(at),
            mute: false,
            apart: false,
            epoch: Some(7),
        };
        states.into_iter().enumerate().map(member).collect()
    }

    #[test]
    fn verdicts_of_three_servers() {
        use ServerState::{Degraded, Down, Frozen, Unknown, Up};
        for (states, leader, state, cause) in [
            ([Up, Up, Up], Some(2), EnsembleState::Healthy, None),
            ([Up, Degraded, Up], Some(2), EnsembleState::Degraded, Some("zk2 degraded")),
            ([Up, Up, Up], None, EnsembleState::NoLeader, Some("no leader")),
            ([Up, Frozen, Up], None, EnsembleState::NoLeader, Some("zk2 frozen, no leader")),
            ([Up, Frozen, Up], Some(2), EnsembleState::AtRisk, Some("zk2 frozen")),
            ([Up, Down, Frozen], None, EnsembleState::NoQuorum, Some("zk2 down, zk3 frozen")),
            ([Unknown, Unknown, Unknown], None, EnsembleState::Unknown, None),
            ([Unknown, Unknown, Up], Some(2), EnsembleState::Unknown, None),
            ([Unknown, Down, Up], Some(2), EnsembleState::Unknown, None),
            ([Unknown, Down, Down], None, EnsembleState::NoQuorum, Some("zk1 unknown, zk2 down, zk3 down")),
            ([Unknown, Up, Up], Some(2), EnsembleState::Unknown, None),
            ([Unknown, Degraded, Up], Some(2), EnsembleState::Degraded, Some("zk1 unknown, zk2 degraded")),
        ] {
            let view = judge(&members(states, leader), None, false, NOW);
            assert_eq!((view.state, view.cause.as_deref()), (state, cause), "{states:?}");
        }
    }

    #[test]
    fn servers_that_may_not_tell_how_they_are_are_the_cause_that_nothing_is_known() {
        use ServerState::{Down, Unknown, Up};
        let denied = |states: [ServerState; 3], leader| {
            let mut members = members(states, leader);
            for member in members.iter_mut().filter(|member| member.state == Unknown) {
                member.untold = Some("it may not tell".into());
            }
            judge(&members, None, false, NOW)
        };
        for (states, leader, state, word, cause) in [
            ([Unknown; 3], None, EnsembleState::Unknown, "UNKNOWN", "zk1, zk2, zk3: it may not tell"),
            ([Unknown, Down, Up], Some(2), EnsembleState::Unknown, "UNKNOWN", "zk1: it may not tell"),
            ([Unknown, Up, Up], Some(2), EnsembleState::Degraded, "DEGRADED", "zk1 unknown"),
        ] {
            let view = denied(states, leader);
            assert_eq!((view.state, view.word(), view.cause.as_deref()), (state, word, Some(cause)), "{states:?}");
        }
        assert_eq!(
            judge(&members([Unknown; 3], None), None, false, NOW).word(),
            "CONNECTING",
            "nothing was reached yet"
        );
    }

    #[test]
    fn a_server_that_is_added_to_a_known_ensemble_is_told() {
        use ServerState::{Unknown, Up};
        let known = judge(&members([Up; 3], Some(2)), None, false, NOW);
        let view = judge(&members([Unknown, Up, Up], Some(2)), Some(&known), false, NOW);
        assert_eq!((view.state, view.cause.as_deref()), (EnsembleState::Degraded, Some("zk1 unknown")));
    }

    #[test]
    fn a_leader_that_missed_one_reply_leads_until_it_is_known_not_to() {
        let mut three = members([ServerState::Up; 3], Some(2));
        let known = judge(&three, None, false, NOW);
        (three[2].leads, three[2].mute, three[2].epoch) = (false, true, None);
        let view = judge(&three, Some(&known), false, NOW);
        assert_eq!((view.state, view.leader, view.epoch), (EnsembleState::Healthy, Some(node_id("zk3")), Some(7)));
        (three[2].mute, three[2].state) = (false, ServerState::Frozen);
        let view = judge(&three, Some(&known), false, NOW);
        assert_eq!((view.state, view.leader), (EnsembleState::NoLeader, None));
    }

    #[test]
    fn of_two_leaders_the_higher_epoch_is_believed() {
        let mut two = members([ServerState::Up; 3], Some(0));
        two[2].leads = true;
        two[2].epoch = Some(8);
        let view = judge(&two, None, false, NOW);
        assert_eq!((view.leader, view.epoch), (Some(node_id("zk3")), Some(8)));
    }

    #[test]
    fn a_leader_that_does_not_serve_leads_nobody() {
        use ServerState::{Down, Up};
        let mut two = members([Down, Up, Up], Some(0));
        let view = judge(&two, None, false, NOW);
        assert_eq!((view.leader, view.cause.as_deref()), (None, Some("zk1 down, no leader")));
        two[0].epoch = Some(8);
        two[2].leads = true;
        assert_eq!(judge(&two, None, false, NOW).leader, Some(node_id("zk3")), "whatever the other's epoch");
    }

    #[test]
    fn a_server_alone_is_healthy_and_one_of_two_is_at_risk() {
        let mut all = members([ServerState::Up; 3], Some(0));
        all.truncate(2);
        assert_eq!(judge(&all, None, false, NOW).state, EnsembleState::AtRisk);
        all.truncate(1);
        assert_eq!(judge(&all, None, false, NOW).state, EnsembleState::Healthy);
    }

    #[test]
    fn a_state_keeps_the_time_when_it_began() {
        let all = members([ServerState::Up; 3], Some(0));
        let first = judge(&all, None, false, NOW);
        let later = judge(&all, Some(&first), false, NOW.plus(Millis(5_000)));
        assert_eq!(later.since, NOW);
        let worse = judge(
            &members([ServerState::Up, ServerState::Down, ServerState::Up], Some(0)),
            Some(&later),
            false,
            NOW.plus(Millis(9_000)),
        );
        assert_eq!(worse.since, NOW.plus(Millis(9_000)));
    }

    #[test]
    fn observers_do_not_count() {
        let mut all = members([ServerState::Up, ServerState::Up, ServerState::Down], Some(0));
        all[2].votes = false;
        let view = judge(&all, None, false, NOW);
        assert_eq!(view.quorum, Quorum { voters: 2, serving: 2 });
        assert_eq!(view.state, EnsembleState::AtRisk);
    }
}
