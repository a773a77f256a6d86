//! Why an operation did not come about, as a type: what REST, commands and screens branch on.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::command::Rejected;

/// Why an operation ended without being done. Kept in history beside the sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Cause {
    /// What it works on was changed by somebody else meanwhile.
    Changed,
    /// What was asked for was so already; nothing was done.
    AlreadySo,
    /// It cannot be done in the state that its object is in; nothing was done.
    NotPossible,
    /// The file was deleted meanwhile.
    Gone,
    /// No quorum, no session, no answer in time: it was taken back.
    Unavailable,
    /// zkdeck was asked to end.
    Ending,
    /// The process that carried it out is gone; the recovery took it back.
    Interrupted,
    /// An operator or a rule ended it.
    Stopped,
    /// No node has room for it.
    NoRoom,
    /// The upload is larger than the limit.
    TooLarge,
    /// The sender broke off, or what it sent is not what it announced.
    BodyBroken,
    /// The sender was silent for too long.
    BodySilent,
    /// The file's bytes are missing or not those of its record.
    Damaged,
    /// A disk failed.
    Disk,
    /// The ensemble denies access.
    Denied,
    /// What controls the servers (processes, containers) failed.
    Control,
    /// A defect, or something that no other cause describes.
    Internal,
}

impl Cause {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    /// Whether nothing was tried: the state of things forbade it.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Changed | Self::AlreadySo | Self::NotPossible)
    }

    /// Reads the word that [`Cause::word`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

/// Why something did not come about: the type that decides and the sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub cause: Cause,
    pub why: String,
}

impl Fault {
    #[must_use]
    pub fn new(cause: Cause, why: impl Into<String>) -> Self {
        Self { cause, why: why.into() }
    }

    /// The program ends before it could be done.
    #[must_use]
    pub fn ending() -> Self {
        Self::new(Cause::Ending, "zkdeck is ending")
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        let cause = match &rejected {
            Rejected::UnknownFile { .. } => Cause::Gone,
            Rejected::AlreadySo { .. } => Cause::AlreadySo,
            Rejected::NotPossible { .. } => Cause::NotPossible,
            Rejected::Disconnected { .. }
            | Rejected::Unreachable { .. }
            | Rejected::NotReady { .. }
            | Rejected::Busy { .. } => Cause::Unavailable,
            Rejected::ShuttingDown => Cause::Ending,
            Rejected::Internal { .. } => Cause::Internal,
            Rejected::Disk { .. } => Cause::Disk,
            Rejected::NoRoom { .. } => Cause::NoRoom,
            Rejected::Damaged { .. } => Cause::Damaged,
            Rejected::Denied { .. } => Cause::Denied,
            Rejected::UnknownNode { .. }
            | Rejected::InvalidField { .. }
            | Rejected::InvalidName(_)
            | Rejected::ReadOnly
            | Rejected::ForeignStore { .. }
            | Rejected::ControlOff { .. }
            | Rejected::NeedsConfirm { .. }
            | Rejected::NodeCannotTake { .. }
            | Rejected::SameNode { .. } => Cause::Changed,
        };
        Self::new(cause, rejected.to_string())
    }
}

/// What keeps something from working, and what to type or to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub cause: String,
    pub step: String,
}

impl Advice {
    #[must_use]
    pub fn new(cause: impl Into<String>, step: impl Into<String>) -> Self {
        Self { cause: cause.into(), step: step.into() }
    }
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.cause, self.step)
    }
}
