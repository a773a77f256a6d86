//! Everything a front may ask, and every reason to refuse.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::file::InvalidName;
use super::ids::{Bytes, FileId, NodeId, OperationId, Timestamp};
use super::setting::Setting;
use super::word::Word;

/// Files of one stress.
pub const STRESS_FILES: RangeInclusive<u64> = 1..=10_000;
/// Size of a stress's files, in KiB.
pub const STRESS_SIZE_KB: RangeInclusive<u64> = 1..=1024 * 1024;
/// Weight of a node. To empty one, drain it.
pub const WEIGHTS: RangeInclusive<u64> = 1..=10_000;
/// Files of a stress, or moves of a run, that need free heap on the servers to begin.
pub const LARGE_RUN: u64 = 1_000;

/// Who asks: `console root`, `api 127.0.0.1`, `timer`. Kept in history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What asks by itself, beside people: the word that stands for who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Automatic {
    Timer,
    Drain,
    Scheduler,
    Workload,
}

impl Automatic {
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    /// Whether `by`, as history keeps it, is no person.
    #[must_use]
    pub fn asked(by: &str) -> bool {
        by.parse::<Self>().is_ok()
    }
}

/// What to do with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerAction {
    /// Freeze: SIGSTOP or `docker pause`.
    Pause,
    /// Resume a paused server.
    Resume,
    /// End the process or container in an orderly way.
    Stop,
    /// Start a stopped one.
    Start,
    /// End it in an orderly way and start it again.
    Restart,
}

impl ServerAction {
    pub const ALL: [Self; 5] = [Self::Pause, Self::Resume, Self::Stop, Self::Start, Self::Restart];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Restart => "restart",
        }
    }

    /// Whether the action takes a server away from the quorum, if only for seconds.
    #[must_use]
    pub const fn takes_away(self) -> bool {
        matches!(self, Self::Pause | Self::Stop | Self::Restart)
    }

    /// Whether the server is to serve after the action.
    #[must_use]
    pub const fn brings_back(self) -> bool {
        matches!(self, Self::Resume | Self::Start | Self::Restart)
    }
}

/// What the operator has agreed to before an action on a server. It is judged by what the action would do now, not
/// by what it would have done when they were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmed {
    No,
    /// The consequence was read.
    Read,
    /// The node's name was typed: writes may stop.
    Named,
}

/// A request for a hot spot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stress {
    pub node: NodeId,
    pub files: u64,
    pub size: Bytes,
    pub trigger_scheduler: bool,
}

/// What a front may ask. Uploads go by `Handle::upload`, because they carry bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Drain {
        node: NodeId,
    },
    Undrain {
        node: NodeId,
    },
    Server {
        node: NodeId,
        action: ServerAction,
        confirmed: Confirmed,
    },
    SetWeight {
        node: NodeId,
        weight: u32,
    },
    Migrate {
        file: FileId,
        target: NodeId,
    },
    Delete {
        file: FileId,
    },
    Stress(Stress),
    RunScheduler,
    /// Ends the run in progress: moves under way finish their step, the rest is dropped.
    StopRun,
    PauseScheduler,
    ResumeScheduler,
    RunWorkload,
    /// Changes a setting for all instances.
    Set {
        setting: Setting,
        /// In the setting's unit; `None` lifts what was set at run time.
        value: Option<u64>,
        /// The reason that is given, for history.
        why: Option<String>,
    },
}

impl Command {
    /// The verb, for messages.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Drain { .. } => "drain",
            Self::Undrain { .. } => "undrain",
            Self::Server { action, .. } => action.word(),
            Self::SetWeight { .. } => "weight",
            Self::Migrate { .. } => "migrate",
            Self::Delete { .. } => "delete",
            Self::Stress(_) => "stress",
            Self::RunScheduler => "run scheduler",
            Self::StopRun => "stop run",
            Self::PauseScheduler => "pause scheduler",
            Self::ResumeScheduler => "resume scheduler",
            Self::RunWorkload => "run workload",
            Self::Set { value: Some(_), .. } => "set",
            Self::Set { value: None, .. } => "unset",
        }
    }
}

/// The engine has taken a command on; the outcome is the operation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Row of history that tells the outcome; `None` for commands that leave no row.
    pub operation: Option<OperationId>,
    /// One sentence for a toast.
    pub message: String,
}

/// Why a command is refused. Nothing has been written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejected {
    UnknownNode {
        given: String,
        known: Vec<NodeId>,
    },
    UnknownFile {
        given: FileId,
    },
    InvalidField {
        field: Word,
        rule: String,
    },
    InvalidName(InvalidName),
    /// The program runs with `--read-only`.
    ReadOnly,
    /// There is no session with the ensemble.
    Disconnected {
        since: Option<Timestamp>,
        cause: String,
    },
    /// The folder of this instance belongs to another store.
    ForeignStore {
        ours: String,
        theirs: String,
    },
    /// Server control is off or not possible here.
    ControlOff {
        cause: String,
    },
    /// The action endangers the quorum and has not been confirmed.
    NeedsConfirm {
        consequence: String,
        type_name: bool,
    },
    AlreadySo {
        what: String,
    },
    /// The disk that holds the bytes failed.
    Disk {
        what: String,
        why: String,
    },
    /// The node cannot take the file now.
    NodeCannotTake {
        node: NodeId,
        why: String,
    },
    /// The bytes are not those of the record.
    Damaged {
        what: String,
        why: String,
    },
    /// The ensemble denies access.
    Denied {
        what: String,
        why: String,
    },
    /// The disk has not the room for it.
    NoRoom {
        what: String,
        why: String,
    },
    SameNode {
        node: NodeId,
    },
    Busy {
        what: String,
        limit: usize,
    },
    NotPossible {
        what: String,
        why: String,
    },
    /// Not at this moment: something is still being read, chosen or written.
    NotReady {
        what: String,
        why: String,
    },
    /// The engine is another process's, which cannot be reached.
    Unreachable {
        cause: String,
    },
    ShuttingDown,
    Internal {
        cause: String,
    },
}

impl Rejected {
    /// A stable code for REST and tests.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownNode { .. } => "unknown-node",
            Self::UnknownFile { .. } => "unknown-file",
            Self::InvalidField { .. } | Self::InvalidName(_) => "invalid-field",
            Self::ReadOnly => "read-only",
            Self::Disconnected { .. } => "disconnected",
            Self::ForeignStore { .. } => "foreign-store",
            Self::ControlOff { .. } => "control-off",
            Self::NeedsConfirm { .. } => "needs-confirm",
            Self::AlreadySo { .. } => "already-so",
            Self::NodeCannotTake { .. } => "node-cannot-take",
            Self::Disk { .. } => "disk-failed",
            Self::NoRoom { .. } => "no-room",
            Self::Damaged { .. } => "damaged",
            Self::Denied { .. } => "access-denied",
            Self::SameNode { .. } => "same-node",
            Self::Busy { .. } => "busy",
            Self::NotPossible { .. } => "not-possible",
            Self::NotReady { .. } => "not-ready",
            Self::Unreachable { .. } => "unreachable",
            Self::ShuttingDown => "shutting-down",
            Self::Internal { .. } => "internal",
        }
    }

    /// The request's field at fault, when it is one field's.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::InvalidField { field, .. } => Some(field),
            Self::InvalidName(_) => Some("name"),
            Self::UnknownNode { .. } => Some("node"),
            Self::UnknownFile { .. } => Some("file"),
            _ => None,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownNode { given, known } => {
                let names: Vec<_> = known.iter().map(NodeId::as_str).collect();
                write!(f, "there is no node {given:?}; the nodes are {}", names.join(", "))
            }
            Self::UnknownFile { given } => write!(f, "there is no file {given}; it was deleted, or never stored"),
            Self::InvalidField { field, rule } => write!(f, "{field}: {rule}"),
            Self::InvalidName(rule) => write!(f, "name: {rule}"),
            Self::ReadOnly => {
                f.write_str("this zkdeck runs with --read-only; start it without the flag to change things")
            }
            Self::Disconnected { cause, .. } => {
                write!(f, "there is no session with the ensemble ({cause}); zkdeck connects again automatically")
            }
            Self::ForeignStore { ours, theirs } => write!(
                f,
                "this folder's store is {ours} and the ensemble's is {theirs}: this instance may watch, not touch; \
                 start zkdeck in the folder that belongs to the ensemble"
            ),
            Self::ControlOff { cause } => write!(f, "servers cannot be controlled from here: {cause}"),
            Self::NeedsConfirm { consequence, .. } => write!(f, "needs a confirmation: {consequence}"),
            Self::AlreadySo { what } => f.write_str(what),
            Self::Disk { what, why } => write!(f, "{what} failed: {why}"),
            Self::NodeCannotTake { node, why } => write!(f, "{node} cannot take files now: {why}"),
            Self::SameNode { node } => write!(f, "the file is on {node} already; choose another node"),
            Self::Busy { what, limit } => write!(f, "{what}: the limit of {limit} is reached; try again in a moment"),
            Self::NoRoom { what, why }
            | Self::Damaged { what, why }
            | Self::Denied { what, why }
            | Self::NotPossible { what, why } => {
                write!(f, "{what} is not possible: {why}")
            }
            Self::NotReady { what, why } => write!(f, "{what} is not possible yet: {why}; try again in a moment"),
            Self::Unreachable { cause } => write!(f, "{cause}; the connection is made again automatically"),
            Self::ShuttingDown => f.write_str("zkdeck is ending and takes no more commands"),
            Self::Internal { cause } => {
                write!(f, "zkdeck failed inside: {cause}; backend/ in the log folder tells more")
            }
        }
    }
}

impl std::error::Error for Rejected {}
