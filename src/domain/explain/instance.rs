//! The words for this zkdeck: its session, its part among the instances, whether it is ready, and what it may do.

use super::explanation::{Explanation, Fact};
use super::server::NOTHING;
use crate::domain::number::{count, grouped};
use crate::domain::snapshot::{
    ApiView, CANARY_EVERY, CANARY_WITHIN, ControlView, Readiness, SessionState, Snapshot, WorkloadOff,
};

/// What this instance is among the instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum InstancePart {
    Leads,
    Standby,
    /// It looks only, and never leads.
    ReadOnly,
    NobodyLeads,
    /// Without a session it has no part.
    Unconnected,
}

impl InstancePart {
    #[must_use]
    pub const fn of(snapshot: &Snapshot) -> Self {
        if !matches!(snapshot.session.state, SessionState::Connected) {
            Self::Unconnected
        } else if snapshot.leadership.leads {
            Self::Leads
        } else if snapshot.instance.read_only {
            Self::ReadOnly
        } else if snapshot.leadership.leader.is_some() {
            Self::Standby
        } else {
            Self::NobodyLeads
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Standby => "standby",
            Self::ReadOnly => "read-only",
            Self::NobodyLeads => "no instance leads",
            Self::Unconnected => "no session",
        }
    }

    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Leads => [
                "this zkdeck runs the scheduler, the sample workload and the recovery; others stand by",
                "it is the first in the election of the instances, and its epoch is the newest",
                NOTHING,
            ],
            Self::Standby => [
                "another zkdeck leads; this one shows, serves and acts on request, and takes over when that one goes",
                "another instance is before it in the election of the instances",
                NOTHING,
            ],
            Self::ReadOnly => [
                "this zkdeck only watches: it changes nothing and never leads",
                "it was started with --read-only",
                "start it without the flag to change things",
            ],
            Self::NobodyLeads => [
                "no zkdeck leads: no scheduler runs, and what was begun is not gone on with",
                "no instance holds the leadership in the ensemble",
                "wait for the election of the instances",
            ],
            Self::Unconnected => [
                "this zkdeck has no session with the ensemble: it changes nothing, and what it shows of files is from \
                 before",
                "no server that is in the quorum has taken its connection, or the ensemble does not let it in",
                "bring servers back, or do what its cause says; zkdeck connects again by itself",
            ],
        }
    }
}

/// A part by itself.
pub(super) fn instance_part(of: InstancePart) -> Explanation {
    Explanation::means(of.word(), of.texts()).said_of("this zkdeck")
}

/// This instance as it is now.
pub(super) fn instance(snapshot: &Snapshot) -> Explanation {
    let (session, leadership) = (&snapshot.session, &snapshot.leadership);
    let part = InstancePart::of(snapshot);
    let general = instance_part(part);
    let refusal = session.store.alarm(snapshot.instance.read_only);
    let epoch = leadership.epoch.map(|epoch| format!("epoch {epoch}"));
    let leader = leadership.leader.as_ref().map(|leader| format!("{} leads", leader.name()));
    let measured = match part {
        InstancePart::Unconnected => session.cause.clone(),
        _ => leader.map(|leader| epoch.map_or(leader.clone(), |epoch| format!("{leader}, {epoch}"))),
    };
    let source = match part {
        InstancePart::Unconnected => "its session",
        InstancePart::ReadOnly => "the flags and settings that it was started with",
        _ => "the election of the instances, in the ensemble",
    };
    let mut facts = vec![Fact::new(
        "instance",
        format!("{}; {} in all", snapshot.instance.name(), count(snapshot.instances.len() as u64, "instance")),
    )];
    facts.push(said(session_state(session.state)));
    facts.extend(
        refusal.as_ref().map(|refusal| Fact::new(refusal.short, format!("{}; {}", refusal.cause, refusal.step))),
    );
    facts.push(said(readiness(&snapshot.readiness)));
    facts.extend(snapshot.readiness.missing().iter().map(|missing| Fact::new("missing", missing.clone())));
    facts.push(said(control(&snapshot.control)));
    facts.push(Fact::new("api", api(&snapshot.instance.api)));
    facts.push(said(canary(snapshot)));
    Explanation {
        measured,
        source: Some(source.to_owned()),
        // Of the leadership no moment is known.
        since: matches!(part, InstancePart::Unconnected).then_some(session.since),
        facts,
        ..general
    }
}

fn api(of: &ApiView) -> String {
    match of {
        ApiView::Off => "off: it was started with --no-api".to_owned(),
        ApiView::On(address) => format!("on: REST and /metrics at {address}"),
        ApiView::Unavailable(cause) => format!("cannot listen: {cause}"),
    }
}

/// All of it on a line.
fn said(explained: Explanation) -> Fact {
    let measured = explained.measured.map(|measured| format!(" ({measured})")).unwrap_or_default();
    Fact::new(explained.of, format!("{}: {}{measured}", explained.word, explained.meaning))
}

/// The session by its state.
pub(super) fn session_state(state: SessionState) -> Explanation {
    let (word, texts) = match state {
        SessionState::Connecting => (
            "connecting",
            ["the first connection to the ensemble is being made", "no server has taken a session yet", "wait"],
        ),
        SessionState::Connected => {
            ("connected", ["the ensemble keeps a session for this zkdeck", "a server answers its pings", NOTHING])
        }
        SessionState::Disconnected => (
            "disconnected",
            [
                "the connection is lost; the ensemble may keep the session for a while yet",
                "the server does not answer its pings, or closed the connection",
                "wait: zkdeck connects again by itself",
            ],
        ),
        SessionState::Expired => (
            "expired",
            [
                "the ensemble has ended the session: the leadership is lost, and another session is made",
                "nothing was heard of this zkdeck for the session's time-out",
                "wait: zkdeck makes another session by itself",
            ],
        ),
    };
    Explanation::means(word, texts).said_of("session")
}

/// Whether commands are taken.
pub(super) fn readiness(of: &Readiness) -> Explanation {
    let texts = match of {
        Readiness::Ready => {
            ["uploads, runs and downloads that are sent now are taken", "the checks that judge commands pass", NOTHING]
        }
        Readiness::Starting(_) => [
            "it was started just now, and some commands are not taken yet",
            "a check that judges commands does not pass, and none has passed since the start",
            "wait",
        ],
        Readiness::NotReady(_) => [
            "some commands are refused now",
            "a check that judges commands does not pass",
            "do what is said of what is missing",
        ],
    };
    let missing = of.missing();
    let measured = (!missing.is_empty()).then(|| missing.join("; "));
    Explanation { measured, ..Explanation::means(of.word(), texts).said_of("commands") }
}

/// Whether servers can be paused, stopped and started from here.
pub(super) fn control(of: &ControlView) -> Explanation {
    let (word, texts) = match of {
        ControlView::Process => (
            "processes",
            [
                "servers are paused, stopped and started as child processes of --local",
                "the servers are those of --local",
                NOTHING,
            ],
        ),
        ControlView::Docker => (
            "docker",
            [
                "servers are paused, stopped and started as containers",
                "Docker's socket answers, and the containers are theirs",
                NOTHING,
            ],
        ),
        ControlView::Off(_) => (
            "off",
            [
                "servers cannot be paused, stopped or started from here",
                "no process or container of theirs can be reached",
                "do what its cause says",
            ],
        ),
    };
    let measured = match of {
        ControlView::Off(cause) => Some(cause.clone()),
        ControlView::Process | ControlView::Docker => None,
    };
    Explanation { measured, ..Explanation::means(word, texts).said_of("control") }
}

/// The end-to-end write.
pub(super) fn canary(snapshot: &Snapshot) -> Explanation {
    let view = &snapshot.canary;
    let (word, texts) = match (view.goes_through(), view.last_ms) {
        (false, _) => (
            "late",
            [
                "a small write of its own did not go through in time",
                "the last write failed or took too long",
                "look at the ensemble's verdict: writes wait",
            ],
        ),
        (true, Some(_)) => (
            "in time",
            [
                "a small write of its own goes through the whole ensemble",
                "the last write went through in time",
                NOTHING,
            ],
        ),
        (true, None) => ("-", ["no write has been tried yet", "none has ended yet", "wait"]),
    };
    let waits = view.waits.map(|since| format!("none has gone through for {}", snapshot.taken_at.since(since)));
    let late: Vec<String> = view.problem.clone().into_iter().chain(waits).collect();
    let in_time = || view.last_ms.map(|ms| format!("{ms:.1} ms"));
    let measured = if late.is_empty() { in_time() } else { Some(late.join("; ")) };
    let bound = format!("within {CANARY_WITHIN}, every {CANARY_EVERY}");
    let source = Some("one write of a znode, timed from end to end".to_owned());
    Explanation { measured, source, ..Explanation::means(word, texts).within(bound).said_of("canary write") }
}

/// Why the sample workload does not run on its timer, by itself.
pub(super) fn workload_off(of: WorkloadOff) -> Explanation {
    let meaning = "the sample workload does not run by itself; by hand it does, unless nothing may be changed";
    let texts = match of {
        WorkloadOff::ReadOnly => [meaning, "it was started with --read-only", "start it without the flag"],
        WorkloadOff::Disabled => [meaning, "workload.enabled is false", "set workload.enabled = true"],
        WorkloadOff::NotLocal => [
            meaning,
            "the ensemble is somebody's own: zkdeck was not started with --local, and workload.enabled is not set",
            "set workload.enabled = true",
        ],
    };
    Explanation { measured: Some(of.text().to_owned()), ..Explanation::means("off", texts).said_of("workload") }
}

/// The sample workload as it is now.
pub(super) fn workload(snapshot: &Snapshot) -> Explanation {
    let view = &snapshot.workload;
    if let Some(off) = view.off.filter(|_| !view.running) {
        return workload_off(off);
    }
    let (word, rule) = if view.running { ("running", "a run goes on") } else { ("on", "workload.enabled") };
    let texts = ["it reads and writes on its timer, as clients do", rule, NOTHING];
    let extra = format!("{} of {} extra clients connected", view.extra_connected, view.extra_clients);
    let runs = format!("{}, {} failed", count(view.runs, "run"), grouped(view.failures));
    let facts = [Some(runs), view.last.clone().map(|last| format!("last: {last}")), Some(extra)];
    Explanation {
        facts: facts.into_iter().flatten().map(|text| Fact::new("so far", text)).collect(),
        source: Some("the leading zkdeck".to_owned()),
        ..Explanation::means(word, texts).within(format!("every {}", view.interval)).said_of("workload")
    }
}
