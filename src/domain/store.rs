//! Whose a folder of files is: one rule for who works in it and for who only looks.

use serde::{Deserialize, Serialize};

use super::alert::AlertCode;
use super::command::Rejected;
use super::format::NewerFormat;
use crate::domain::number::count;

/// What a folder of files tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub path: String,
    /// What `.store-id` says.
    pub id: Option<String>,
    /// Published files, whatever records say.
    pub files: u64,
}

/// What follows from a folder and the ensemble's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The ensemble has no store and nobody's files lie here: it may be given this one.
    Free,
    /// Files without an id, and the ensemble has this store: the records tell whether they are its own.
    Unproved(String),
    /// That is clear.
    Known(StoreView),
}

/// Judges whose a folder is. `theirs`: the ensemble's store.
///
/// An empty folder is never given an id beside an ensemble that has a store: what holds that store's files is
/// another folder, or the disk that is not mounted here.
#[must_use]
pub fn whose(folder: &Folder, theirs: Option<String>) -> Whose {
    let path = folder.path.clone();
    match (folder.id.clone(), theirs) {
        (_, None) if folder.files > 0 => Whose::Known(StoreView::Unclaimed { folder: path, files: folder.files }),
        (_, None) => Whose::Free,
        (Some(ours), Some(theirs)) if ours == theirs => Whose::Known(StoreView::Ours { id: ours }),
        (Some(ours), Some(theirs)) => Whose::Known(StoreView::Foreign { ours, theirs }),
        (None, Some(theirs)) if folder.files == 0 => Whose::Known(StoreView::Empty { folder: path, theirs }),
        (None, Some(theirs)) => Whose::Unproved(theirs),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum StoreView {
    Unknown,
    Ours {
        id: String,
    },
    Foreign {
        ours: String,
        theirs: String,
    },
    /// The folder holds nothing, not even an id, and the ensemble's store is another folder.
    Empty {
        folder: String,
        theirs: String,
    },
    /// The folder holds files, and the ensemble has no store: it is new, or another one.
    Unclaimed {
        folder: String,
        files: u64,
    },
    /// A living zkdeck that is not of this ensemble uses the folder.
    InUse {
        folder: String,
        by: String,
    },
    /// The folder's id is gone, and nothing proves that the folder is the ensemble's.
    Unnamed {
        path: String,
        theirs: String,
        /// Records whose bytes lie in the folder, and all records.
        found: u64,
        records: u64,
    },
    /// A newer zkdeck has written what this one does not understand.
    Newer {
        what: String,
        format: NewerFormat,
    },
}

/// Why the bytes in this folder may not be touched, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRefusal {
    pub code: AlertCode,
    /// A few words for a header.
    pub short: &'static str,
    pub cause: String,
    /// What to type or to do.
    pub step: String,
}

impl StoreRefusal {
    /// All of it, for who runs in the folder.
    #[must_use]
    pub fn text(&self) -> String {
        format!("this instance watches and touches no bytes: {}; {}", self.cause, self.step)
    }
}

impl StoreView {
    /// The id of a store that may be worked in.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Ours { id } => Some(id.clone()),
            _ => None,
        }
    }

    /// Whether this folder is the ensemble's store: without that no bytes in it are touched.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Ours { .. })
    }

    /// # Errors
    /// [`Rejected`] for whoever is to touch the files in this folder and may not.
    pub fn check(&self) -> Result<(), Rejected> {
        match self {
            Self::Foreign { ours, theirs } => {
                Err(Rejected::ForeignStore { ours: ours.clone(), theirs: theirs.clone() })
            }
            store => match store.refusal() {
                None => Ok(()),
                Some(refusal) => Err(Rejected::NotPossible { what: "touching files".into(), why: refusal.text() }),
            },
        }
    }

    /// A foreign folder keeps nobody from steering the ensemble; a store that is not understood, or not proved to
    /// be this one, does.
    ///
    /// # Errors
    /// [`Rejected`] for whoever is to change the ensemble's records of nodes and may not.
    pub fn check_steers(&self) -> Result<(), Rejected> {
        match self {
            Self::Foreign { .. } | Self::Empty { .. } => Ok(()),
            store => store.check(),
        }
    }

    /// The same as an alarm. Who was told to watch only, from a folder without files, has nothing to put right.
    #[must_use]
    pub fn alarm(&self, read_only: bool) -> Option<StoreRefusal> {
        self.refusal().filter(|_| !(read_only && matches!(self, Self::Empty { .. })))
    }

    /// Why an instance in this folder only watches; `None` while it may work, or nothing is known yet.
    #[must_use]
    pub fn refusal(&self) -> Option<StoreRefusal> {
        let (code, short, cause, step) = match self {
            Self::Unknown | Self::Ours { .. } => return None,
            Self::Foreign { ours, theirs } => (
                AlertCode::ForeignStore,
                "foreign store",
                "its folder is another store than the ensemble's".to_owned(),
                format!(
                    "start zkdeck in the folder that belongs to the ensemble (store {theirs}, and this is {ours}), which \
                     --data names"
                ),
            ),
            Self::Empty { folder, theirs } => (
                AlertCode::ForeignStore,
                "store elsewhere",
                format!("no file lies in {folder}, and the ensemble's store {theirs} is another folder"),
                format!(
                    "start zkdeck in the folder that belongs to the ensemble (--data), or mount the disk that holds it \
                     here; only if that folder is lost for good, write the one line {theirs} to {folder}/.store-id: its \
                     files are told as missing then"
                ),
            ),
            Self::Unclaimed { folder, files } => (
                AlertCode::StoreUnclaimed,
                "store not claimed",
                format!(
                    "{folder} holds {} and the ensemble has no store, so no record of it names what lies there",
                    count(*files, "file")
                ),
                "connect to the ensemble that these files belong to, choose another folder by --data, or type zkdeck \
                 doctor --adopt: it makes the folder the ensemble's store, and typed again it makes the files' records"
                    .to_owned(),
            ),
            Self::InUse { folder, by } => (
                AlertCode::StoreInUse,
                "folder in use",
                format!("{folder} is used by {by}, which is not registered with this ensemble"),
                "end it, or choose another folder by --data; zkdeck goes on automatically when the folder is free"
                    .to_owned(),
            ),
            Self::Unnamed { path, theirs, found, records } => (
                AlertCode::StoreUnnamed,
                "store id missing",
                format!("{path} is missing, and only {found} of {records} records have their bytes in this folder"),
                format!("if the folder is the ensemble's, restore the file: it holds the one line {theirs}"),
            ),
            Self::Newer { what, format } => (
                AlertCode::StoreNewer,
                "newer store",
                format!("{what} cannot be used: {format}"),
                "nothing is changed until then".to_owned(),
            ),
        };
        Some(StoreRefusal { code, short, cause, step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_free_only_where_the_ensemble_has_no_store() {
        let of = |id: Option<&str>, files, theirs: Option<&str>| {
            let folder = Folder { path: "data/uploads".into(), id: id.map(str::to_owned), files };
            whose(&folder, theirs.map(str::to_owned))
        };
        assert_eq!(of(None, 0, None), Whose::Free);
        assert_eq!(of(Some("a"), 0, None), Whose::Free);
        assert!(matches!(of(Some("a"), 3, None), Whose::Known(StoreView::Unclaimed { files: 3, .. })));
        assert!(matches!(of(None, 1, None), Whose::Known(StoreView::Unclaimed { files: 1, .. })));
        assert!(matches!(of(None, 0, Some("b")), Whose::Known(StoreView::Empty { .. })));
        assert_eq!(of(None, 1, Some("b")), Whose::Unproved("b".into()));
        assert!(matches!(of(Some("b"), 0, Some("b")), Whose::Known(StoreView::Ours { .. })));
        assert!(matches!(of(Some("a"), 0, Some("b")), Whose::Known(StoreView::Foreign { .. })));
    }

    #[test]
    fn every_refusal_has_a_next_step() {
        let empty = StoreView::Empty { folder: "data/uploads".into(), theirs: "b".into() }.refusal().unwrap();
        assert!(empty.cause.contains("no file lies in") && empty.step.contains("--data"), "{empty:?}");
        let view = StoreView::Empty { folder: "data/uploads".into(), theirs: "b".into() };
        assert!(view.alarm(true).is_none() && view.alarm(false).is_some());
        let foreign = StoreView::Foreign { ours: "a".into(), theirs: "b".into() };
        assert!(foreign.alarm(true).is_some(), "files of somebody else are no sight of this ensemble's");
        let text = empty.text();
        assert!(text.starts_with("this instance watches") && text.contains(&empty.cause) && text.contains(&empty.step));
    }
}
