//! Every state word that the screen, alerts and documents use.

use strum::VariantArray;

use super::alert::alert_code;
use super::ensemble::ensemble_state;
use super::explanation::Explanation;
use super::file::{FileStanding, file_standing, move_status};
use super::incident::incident_kind;
use super::instance::{InstancePart, instance_part, session_state, workload_off};
use super::node::{drained, node_condition};
use super::operation::{operation_cause, operation_status};
use super::scheduler::{SchedulerStanding, decision, move_reason, not_chosen, standing};
use super::server::{health_rule, host_state, server_role, server_state};
use crate::domain::alert::AlertCode;
use crate::domain::cause::Cause;
use crate::domain::ensemble::EnsembleState;
use crate::domain::incident::IncidentKind;
use crate::domain::migration::Status;
use crate::domain::node::NodeCondition;
use crate::domain::operation::OperationStatus;
use crate::domain::scheduler::{Decision, MoveReason, NotChosen};
use crate::domain::server::{HealthRule, HostState, Role, ServerState};
use crate::domain::snapshot::{SessionState, Snapshot, WorkloadOff};

/// A word by what it is said of. One text may be several words: a server and a node are both paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateWord {
    Server(ServerState),
    Rule(HealthRule),
    Role(Role),
    Host(HostState),
    Ensemble(EnsembleState),
    Node(NodeCondition),
    /// A node that drains and has no file left.
    Drained,
    File(FileStanding),
    Move(Status),
    Scheduler(SchedulerStanding),
    Decision(Decision),
    Reason(MoveReason),
    NotChosen(NotChosen),
    Operation(OperationStatus),
    Cause(Cause),
    Incident(IncidentKind),
    Alert(AlertCode),
    Session(SessionState),
    Instance(InstancePart),
    Workload(WorkloadOff),
}

impl StateWord {
    /// Every word.
    pub fn all() -> impl Iterator<Item = Self> {
        fn of<T: Copy>(all: &'static [T], word: fn(T) -> StateWord) -> impl Iterator<Item = StateWord> {
            all.iter().map(move |one| word(*one))
        }
        of(EnsembleState::VARIANTS, Self::Ensemble)
            .chain(of(ServerState::VARIANTS, Self::Server))
            .chain(of(HealthRule::VARIANTS, Self::Rule))
            .chain(of(Role::VARIANTS, Self::Role))
            .chain(of(HostState::VARIANTS, Self::Host))
            .chain(of(NodeCondition::VARIANTS, Self::Node))
            .chain([Self::Drained])
            .chain(of(FileStanding::VARIANTS, Self::File))
            .chain(of(Status::VARIANTS, Self::Move))
            .chain(of(SchedulerStanding::VARIANTS, Self::Scheduler))
            .chain(of(Decision::ALL, Self::Decision))
            .chain(of(MoveReason::ALL, Self::Reason))
            .chain(of(NotChosen::ALL, Self::NotChosen))
            .chain(of(OperationStatus::ALL, Self::Operation))
            .chain(of(Cause::ALL, Self::Cause))
            .chain(of(IncidentKind::ALL, Self::Incident))
            .chain(of(AlertCode::ALL, Self::Alert))
            .chain(of(SessionState::VARIANTS, Self::Session))
            .chain(of(InstancePart::VARIANTS, Self::Instance))
            .chain(of(WorkloadOff::VARIANTS, Self::Workload))
    }

    /// What it means by itself, with the bounds that hold now.
    #[must_use]
    pub fn explained(self, snapshot: &Snapshot) -> Explanation {
        let scheduler = &snapshot.scheduler;
        match self {
            Self::Server(state) => server_state(state),
            Self::Rule(rule) => health_rule(rule),
            Self::Role(role) => server_role(role),
            Self::Host(state) => host_state(state),
            Self::Ensemble(state) => ensemble_state(state, snapshot.ensemble.quorum),
            Self::Node(condition) => node_condition(condition, scheduler),
            Self::Drained => drained(),
            Self::File(of) => file_standing(of),
            Self::Move(status) => move_status(status),
            Self::Scheduler(of) => standing(of),
            Self::Decision(of) => decision(of, scheduler),
            Self::Reason(of) => move_reason(of, scheduler),
            Self::NotChosen(of) => not_chosen(of, scheduler),
            Self::Operation(status) => operation_status(status),
            Self::Cause(cause) => operation_cause(cause),
            Self::Incident(kind) => incident_kind(kind),
            Self::Alert(code) => alert_code(code, snapshot),
            Self::Session(state) => session_state(state),
            Self::Instance(part) => instance_part(part),
            Self::Workload(off) => workload_off(off),
        }
    }
}

/// A word as it is compared: `NO_QUORUM`, `no quorum` and `no-quorum` are one.
pub(super) fn plain(word: &str) -> String {
    let parts = word.split(|c: char| c == '_' || c == '-' || c.is_whitespace()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
