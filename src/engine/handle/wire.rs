//! What goes between a front and the engine of another process: texts of JSON, and a file's bytes on a connection of
//! their own.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Frame, Lost, Upload};
use crate::domain::command::{Accepted, Actor, Command, Rejected};
use crate::domain::file::FileEntry;
use crate::domain::file_table::FilesChange;
use crate::domain::follow::SnapshotChange;
use crate::domain::ids::FileId;
use crate::domain::operation::Operation;
use crate::domain::snapshot::Snapshot;
use crate::engine::desk::Asking;

/// Which words are spoken by a release; it grows when one of them changes its meaning.
pub(super) const LANGUAGE: u32 = 1;
/// Each side says that it is there at least this often,
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// and is given up after this.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// What a front says. Answers have the number of what they answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FrontMessage {
    /// Nothing but that it is there.
    Here,
    /// Tell the snapshot, and what changes from now on.
    Follow,
    Ask {
        number: u64,
        ask: Asking,
    },
    /// Nobody waits for the answer any more.
    GiveUp {
        number: u64,
    },
    Command {
        number: u64,
        command: Command,
        actor: Actor,
        /// The operation's rows are to be told too.
        rows: bool,
    },
    /// A file's record, from the ensemble when it is not known.
    File {
        number: u64,
        file: FileId,
    },
    /// The snapshot with all that was told so far; it comes before the answer.
    Current {
        number: u64,
    },
    /// This connection is for one file that comes in: its bytes follow once it is accepted.
    Upload {
        upload: Upload,
        actor: Actor,
    },
    /// This connection is for one file that goes out.
    Download {
        file: FileId,
    },
    /// All bytes have come, or why not all of them can.
    End(Result<(), String>),
}

impl FrontMessage {
    /// Of what is answered by it.
    pub(super) const fn number(&self) -> Option<u64> {
        match self {
            Self::Ask { number, .. }
            | Self::Command { number, .. }
            | Self::File { number, .. }
            | Self::Current { number } => Some(*number),
            Self::Here
            | Self::Follow
            | Self::GiveUp { .. }
            | Self::Upload { .. }
            | Self::Download { .. }
            | Self::End(_) => None,
        }
    }
}

/// What the engine's process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EngineMessage {
    /// Nothing but that it is there.
    Here,
    /// First of all.
    Hello {
        language: u32,
        version: String,
    },
    /// Files for the snapshot that follows.
    Files(FilesChange),
    /// All of it but the files, and the revision of their table.
    Snapshot(Box<Snapshot>, u64),
    Change(Box<SnapshotChange>, u64),
    Answer {
        number: u64,
        answer: Box<RawValue>,
    },
    Command {
        number: u64,
        answer: Result<Accepted, Rejected>,
    },
    /// An operation's newest row, for the command of this number.
    Row {
        number: u64,
        operation: Arc<Operation>,
    },
    File {
        number: u64,
        answer: Result<Arc<FileEntry>, Rejected>,
    },
    Current {
        number: u64,
    },
    /// On a connection for one file.
    Upload(Result<Accepted, Rejected>),
    UploadRow(Arc<Operation>),
    /// The bytes follow.
    Download(Result<Arc<FileEntry>, Rejected>),
    End(Result<(), String>),
    /// The engine ends.
    Ending,
}

/// The frame that says it.
pub(super) fn frame(message: &impl Serialize) -> Result<Frame, Lost> {
    serde_json::to_string(message).map(Frame::Text).map_err(|error| Lost(format!("it cannot be told: {error}")))
}

/// What a text says.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Lost> {
    serde_json::from_str(text)
        .map_err(|error| Lost(format!("the other end says what this zkdeck does not know: {error}")))
}
