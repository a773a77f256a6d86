//! What has changed from one snapshot to the next, so that another process can follow: its size is that of what changed.
//!
//! Files are told apart from it, by [`FilesChange`](super::file_table::FilesChange): there may be a million of them.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::ensemble::EnsembleView;
use super::ids::Timestamp;
use super::incident::Incident;
use super::node::{MoveView, NodeView};
use super::operation::Operation;
use super::scheduler::SchedulerView;
use super::server::{Series, ServerView};
use super::setting::SettingView;
use super::snapshot::{
    CanaryView, ControlView, Damage, HistoryView, InstanceInfo, InstanceView, LeadershipView, LoopView, Notice,
    Readiness, Reading, ScrubView, SessionView, Snapshot, WorkloadView,
};

/// The change is none of the snapshot that it was applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change does not fit what it changes")]
pub struct Misfit;

/// What can be followed from afar.
trait Follow: Sized {
    type Change;
    /// What makes `before` this one; `None` when they are equal.
    fn since(&self, before: &Self) -> Option<Self::Change>;
    fn follow(&mut self, change: Self::Change) -> Result<(), Misfit>;
}

/// Told whole whenever it is another. In a list of one, so that a value that is `None` is not taken for no change.
macro_rules! whole {
    ($($type:ty),* $(,)?) => {
        $(impl Follow for $type {
            type Change = [Self; 1];

            fn since(&self, before: &Self) -> Option<[Self; 1]> {
                (self != before).then(|| [self.clone()])
            }

            fn follow(&mut self, [value]: [Self; 1]) -> Result<(), Misfit> {
                *self = value;
                Ok(())
            }
        })*
    };
}

whole! {
    bool,
    u64,
    CanaryView,
    ControlView,
    EnsembleView,
    HistoryView,
    InstanceView,
    LeadershipView,
    Option<Reading>,
    Option<Timestamp>,
    Readiness,
    SchedulerView,
    ScrubView,
    Series,
    SessionView,
    WorkloadView,
}

/// How a list has become another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListChange<T> {
    /// It is as long as it was, and these places have other values.
    Places(Vec<(usize, T)>),
    /// So many at its beginning and at its end are as before, and these stand between them.
    Between { first: usize, last: usize, put: Vec<T> },
}

impl<T: Clone + PartialEq + Serialize + DeserializeOwned> Follow for Arc<[T]> {
    type Change = ListChange<T>;

    fn since(&self, before: &Self) -> Option<ListChange<T>> {
        if Arc::ptr_eq(self, before) {
            return None;
        }
        if self.len() == before.len() {
            let others = self.iter().zip(before.iter()).enumerate().filter(|(_, (new, old))| new != old);
            let places: Vec<_> = others.map(|(at, (new, _))| (at, new.clone())).collect();
            if places.len() * 2 <= self.len() {
                return (!places.is_empty()).then_some(ListChange::Places(places));
            }
        }
        let shorter = self.len().min(before.len());
        let first = self.iter().zip(before.iter()).take_while(|(new, old)| new == old).count();
        let backwards = self.iter().rev().zip(before.iter().rev()).take(shorter - first);
        let last = backwards.take_while(|(new, old)| new == old).count();
        Some(ListChange::Between { first, last, put: self[first..self.len() - last].to_vec() })
    }

    fn follow(&mut self, change: ListChange<T>) -> Result<(), Misfit> {
        let mut list = self.to_vec();
        match change {
            ListChange::Places(places) => {
                for (at, value) in places {
                    *list.get_mut(at).ok_or(Misfit)? = value;
                }
            }
            ListChange::Between { first, last, put } => {
                let end = list.len().checked_sub(last).filter(|end| *end >= first).ok_or(Misfit)?;
                list.splice(first..end, put);
            }
        }
        *self = list.into();
        Ok(())
    }
}

/// A field that the snapshot gets and is missing here does not compile.
macro_rules! followed {
    ($($field:ident: $type:ty),* $(,)?) => {
        /// What has changed between two snapshots, but for the files.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct SnapshotChange {
            taken_at: Timestamp,
            revision: u64,
            $(#[serde(default, skip_serializing_if = "Option::is_none")]
            $field: Option<<$type as Follow>::Change>),*
        }

        impl SnapshotChange {
            /// What makes `before` the snapshot `after`.
            #[must_use]
            pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
                let Snapshot { taken_at, past: _, revision, files: _, counters: _, $($field),* } = after;
                Self {
                    taken_at: *taken_at,
                    revision: *revision,
                    $($field: $field.since(&before.$field)),*
                }
            }

            /// Makes `snapshot`, which was the one before, the one after.
            ///
            /// # Errors
            /// [`Misfit`] when it was another one.
            pub fn apply(self, snapshot: &mut Snapshot) -> Result<(), Misfit> {
                (snapshot.taken_at, snapshot.revision) = (self.taken_at, self.revision);
                $(if let Some(change) = self.$field {
                    snapshot.$field.follow(change)?;
                })*
                Ok(())
            }
        }
    };
}

followed! {
    instance: InstanceView,
    settings: Arc<[SettingView]>,
    session: SessionView,
    leadership: LeadershipView,
    instances: Arc<[InstanceInfo]>,
    ensemble: EnsembleView,
    servers: Arc<[ServerView]>,
    nodes: Arc<[NodeView]>,
    files_complete: bool,
    files_read: Option<Timestamp>,
    reading: Option<Reading>,
    unreadable: Arc<[String]>,
    moves: Arc<[MoveView]>,
    scheduler: SchedulerView,
    workload: WorkloadView,
    operations: Arc<[Arc<Operation>]>,
    operations_total: u64,
    history: HistoryView,
    control: ControlView,
    loops: Arc<[LoopView]>,
    canary: CanaryView,
    notices: Arc<[Arc<Notice>]>,
    incidents: Arc<[Arc<Incident>]>,
    scrub: ScrubView,
    damaged: Arc<[Damage]>,
    alerts: Arc<[Alert]>,
    readiness: Readiness,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fixtures;
    use crate::domain::snapshot::Level;

    proptest! {
        #[test]
        fn a_change_leads_from_any_list_to_any_other(
            before in prop::collection::vec(0u8..4, 0..12),
            after in prop::collection::vec(0u8..4, 0..12),
        ) {
            let (before, after): (Arc<[u8]>, Arc<[u8]>) = (before.into(), after.into());
            let mut follower = Arc::clone(&before);
            match after.since(&before) {
                None => prop_assert_eq!(&before, &after),
                Some(change) => follower.follow(change).expect("it fits"),
            }
            prop_assert_eq!(follower, after);
        }
    }

    #[test]
    fn a_change_of_another_list_is_told() {
        let mut short: Arc<[u8]> = [1, 2].into();
        assert_eq!(short.follow(ListChange::Places(vec![(2, 9)])), Err(Misfit));
        assert_eq!(short.follow(ListChange::Between { first: 2, last: 1, put: vec![] }), Err(Misfit));
        assert_eq!(*short, [1, 2]);
    }

    #[test]
    fn what_did_not_change_is_not_told_and_what_was_forgotten_is() {
        let before = fixtures::snapshot();
        let mut after = before.clone();
        after.revision += 1;
        let text = |change: &SnapshotChange| serde_json::to_string(change).expect("written");
        let change = SnapshotChange::between(&before, &after);
        let quiet = text(&change);
        assert_eq!(quiet, format!("{{\"taken_at\":{},\"revision\":{}}}", after.taken_at.0, after.revision));
        after.files_read = None;
        let mut servers = after.servers.to_vec();
        servers[1].latency_ms = Some(0.1 + 0.2);
        after.servers = servers.into();
        let notice = Notice { number: 9, at: after.taken_at, level: Level::Error, text: "zk2".into(), standing: None };
        after.notices = after.notices.iter().cloned().chain([Arc::new(notice)]).collect();
        let change = SnapshotChange::between(&before, &after);
        assert!(change.servers.as_ref().is_some_and(|c| matches!(c, ListChange::Places(p) if p.len() == 1)));
        assert!(change.nodes.is_none() && change.operations.is_none());
        let mut follower = before;
        let read: SnapshotChange = serde_json::from_str(&text(&change)).expect("read");
        read.apply(&mut follower).expect("it fits");
        assert_eq!(format!("{follower:?}"), format!("{after:?}"));
    }
}
