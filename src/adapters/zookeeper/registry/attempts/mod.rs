//! The commit protocol: intents, commits that flip them by version, and the abort that decides.
//!
//! Architecture invariant: an intent leaves `prepared` once, by a write that demands version 0. A
//! commit and an abort of one attempt therefore exclude each other, whenever either arrives.

use std::time::Duration;

use super::{Newer, ReadFile, Registry, json, parse};
use crate::adapters::zookeeper::coord::Op;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::domain::file::{FileEntry, FileRecord};
use crate::domain::ids::{AttemptId, Epoch, FileId, NodeId};
use crate::domain::migration::{Intent, IntentState};

/// First pause before an unknown outcome is asked about again; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Deletes that go into one `multi`.
const DELETES_AT_ONCE: usize = 256;

/// What a transaction demands beside its own versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The epoch of the leader that acts; `None` for what an operator asked for.
    pub epoch: Option<Epoch>,
    /// Versions at which the node records were seen.
    pub nodes: Vec<(NodeId, i32)>,
}

/// A move that is ready to be committed.
#[derive(Clone, Debug)]
pub struct MoveCommit {
    pub attempt: AttemptId,
    /// As it was prepared.
    pub intent: Intent,
    /// The record and its version before.
    pub entry: FileEntry,
    /// The record after.
    pub record: FileRecord,
}

/// How an attempt was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    Committed,
    /// It never happened and never will.
    Aborted,
    /// There is no intent: somebody else has ended the attempt, and has seen to its bytes. Touch none.
    Gone,
    /// It is not decided, or cannot be read. No byte may be touched; the recovery decides.
    Undecided,
}

/// Every intent, as far as it can be read.
#[derive(Debug, Default)]
pub struct Intents {
    /// With the version of each.
    pub intents: Vec<(AttemptId, Intent, i32)>,
    pub unreadable: Vec<String>,
    /// The first that a newer program wrote, which is among the unreadable ones too.
    pub newer: Option<Newer>,
}

impl Registry {
    /// Writes the intents of attempts in one transaction. Doing it twice is harmless.
    ///
    /// # Errors
    /// [`ZkError::Refused`] when the epoch or a target's record is not what the fence says: nothing
    /// was written. [`ZkError::Unknown`]: see [`Registry::abort_unprepared`].
    pub async fn prepare(&self, intents: &[(AttemptId, Intent)], fence: &Fence) -> Result<(), ZkError> {
        let mut ops = self.checks(fence, intents.iter().filter_map(|(_, intent)| intent.dst.as_ref()))?;
        for (attempt, intent) in intents {
            let path = self.layout.intent(*attempt);
            ops.push(Op::Create { data: json(&path, intent)?, path });
        }
        match self.coord.multi(ops).await {
            Err(error) if error.refusal() == Some(Refusal::NodeExists) && self.are_prepared(intents).await? => Ok(()),
            other => other,
        }
    }

    /// Whether these very intents are there, undecided: an earlier try has written them.
    async fn are_prepared(&self, intents: &[(AttemptId, Intent)]) -> Result<bool, ZkError> {
        for (attempt, intent) in intents {
            if self.read_intent(*attempt).await? != Some((intent.clone(), 0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Commits moves in one transaction: all or none.
    ///
    /// # Errors
    /// [`ZkError::Refused`] when a record, a node or the epoch changed meanwhile, or the attempt was
    /// decided already; [`ZkError::Unknown`]: see [`Registry::abort`].
    pub async fn commit_moves(&self, commits: &[MoveCommit], fence: &Fence) -> Result<(), ZkError> {
        let mut ops = self.checks(fence, commits.iter().map(|commit| &commit.record.owner))?;
        for commit in commits {
            let path = self.layout.file(commit.entry.id);
            let record = json(&path, &commit.record)?;
            ops.push(self.decide(commit.attempt, &commit.intent, IntentState::Committed)?);
            ops.push(Op::Set { data: record, path, version: commit.entry.version });
        }
        self.coord.multi(ops).await
    }

    /// Commits an upload whose intent is at `version`: makes the record.
    ///
    /// # Errors
    /// As [`Registry::commit_moves`].
    pub async fn commit_upload(
        &self,
        attempt: AttemptId,
        (intent, version): (&Intent, i32),
        file: FileId,
        record: &FileRecord,
        fence: &Fence,
    ) -> Result<(), ZkError> {
        let mut ops = self.checks(fence, [&record.owner].into_iter())?;
        let known = Intent { size: Some(record.size), blake3: Some(record.blake3), ..intent.clone() };
        ops.push(self.decide_at(attempt, &known, IntentState::Committed, version)?);
        let path = self.layout.file(file);
        ops.push(Op::Create { data: json(&path, record)?, path });
        self.coord.multi(ops).await
    }

    /// Commits a delete: removes the record.
    ///
    /// # Errors
    /// As [`Registry::commit_moves`].
    pub async fn commit_delete(
        &self,
        attempt: AttemptId,
        intent: &Intent,
        entry: &FileEntry,
        fence: &Fence,
    ) -> Result<(), ZkError> {
        let mut ops = self.checks(fence, std::iter::empty())?;
        ops.push(self.decide(attempt, intent, IntentState::Committed)?);
        ops.push(Op::Delete { path: self.layout.file(entry.id), version: entry.version });
        self.coord.multi(ops).await
    }

    /// Decides an attempt whose intent is known to have been written: aborts it, or finds how it was
    /// decided. Repeats with back-off until it is decided, the session has ended or the program ends.
    pub async fn abort(&self, attempt: AttemptId) -> Decided {
        let mut pause = PAUSE_MIN;
        loop {
            match self.try_abort(attempt).await {
                Ok(decided) => return decided,
                Err(ZkError::Ended { .. } | ZkError::Unreadable { .. } | ZkError::Newer { .. }) => {
                    return Decided::Undecided;
                }
                Err(error) => tracing::debug!(%attempt, "not decided yet: {error}"),
            }
            if !self.rest(pause).await {
                return Decided::Undecided;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// [`Registry::abort`] for an attempt on `file` that had written bytes for `file`'s record: when the
    /// intent is gone, the record tells whether the attempt was committed before somebody ended it.
    pub async fn settle(&self, attempt: AttemptId, file: FileId) -> Decided {
        match self.abort(attempt).await {
            Decided::Gone => match self.read_file(file).await {
                Ok(ReadFile::Entry(entry)) if entry.record.blob == attempt => Decided::Committed,
                Ok(_) => Decided::Gone,
                Err(_) => Decided::Undecided,
            },
            decided => decided,
        }
    }

    /// Decides an attempt whose intent may arrive yet: takes its name with an aborted intent first,
    /// so that the late one finds the name taken.
    pub async fn abort_unprepared(&self, attempt: AttemptId, intent: &Intent) -> Decided {
        let path = self.layout.intent(attempt);
        let aborted = Intent { state: IntentState::Aborted, ..intent.clone() };
        let mut pause = PAUSE_MIN;
        loop {
            let made = match json(&path, &aborted) {
                Ok(data) => self.coord.multi(vec![Op::Create { path: path.clone(), data }]).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(()) => return Decided::Aborted,
                Err(error) if error.refusal() == Some(Refusal::NodeExists) => return self.abort(attempt).await,
                Err(ZkError::Ended { .. } | ZkError::Unreadable { .. } | ZkError::Newer { .. }) => {
                    return Decided::Undecided;
                }
                Err(error) => tracing::debug!(%attempt, "not decided yet: {error}"),
            }
            if !self.rest(pause).await {
                return Decided::Undecided;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits; `false` when the program ends.
    async fn rest(&self, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    async fn try_abort(&self, attempt: AttemptId) -> Result<Decided, ZkError> {
        let Some((intent, version)) = self.read_intent(attempt).await? else {
            return Ok(Decided::Gone);
        };
        match intent.state {
            IntentState::Committed => return Ok(Decided::Committed),
            IntentState::Aborted => return Ok(Decided::Aborted),
            IntentState::Prepared => {}
        }
        let path = self.layout.intent(attempt);
        let aborted = Intent { state: IntentState::Aborted, ..intent };
        match self.coord.set(&path, &json(&path, &aborted)?, Some(version)).await {
            Ok(_) => Ok(Decided::Aborted),
            // Decided in between: the next look tells how.
            Err(error) if error.refusal() == Some(Refusal::BadVersion) => Err(error),
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(Decided::Gone),
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// [`ZkError`]; [`ZkError::Unreadable`] for an intent that cannot be parsed.
    pub async fn read_intent(&self, attempt: AttemptId) -> Result<Option<(Intent, i32)>, ZkError> {
        let path = self.layout.intent(attempt);
        let found = self.coord.get(&path).await?;
        found.map(|(data, version)| Ok((parse(&path, &data)?, version))).transpose()
    }

    /// Every intent there is.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn intents(&self) -> Result<Intents, ZkError> {
        let parent = self.layout.migrations();
        let children = self.coord.children(&parent).await?.unwrap_or_default();
        let mut all = Intents::default();
        let mut ids: Vec<(AttemptId, String)> = Vec::with_capacity(children.len());
        for child in children {
            match child.parse() {
                Ok(id) => ids.push((id, format!("{parent}/{child}"))),
                Err(error) => all.unreadable.push(format!("{parent}/{child}: {error}")),
            }
        }
        ids.sort_unstable();
        let paths = ids.iter().map(|(_, path)| path.clone()).collect();
        for ((id, path), found) in ids.into_iter().zip(self.coord.get_many(paths).await?) {
            let Some((data, version)) = found else { continue };
            match parse(&path, &data) {
                Ok(intent) => all.intents.push((id, intent, version)),
                Err(error) => {
                    all.newer = all.newer.or_else(|| Newer::of(&error));
                    all.unreadable.push(error.to_string());
                }
            }
        }
        Ok(all)
    }

    /// Removes an intent that has nothing left to do; one that is gone is removed.
    ///
    /// # Errors
    /// [`ZkError`]; deleting again is harmless.
    pub async fn delete_intent(&self, attempt: AttemptId) -> Result<(), ZkError> {
        match self.coord.delete(&self.layout.intent(attempt), None).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(()),
            other => other,
        }
    }

    /// [`Registry::delete_intent`] for many.
    ///
    /// # Errors
    /// [`ZkError`]; the rest stays for the recovery.
    pub async fn delete_intents(&self, attempts: &[AttemptId]) -> Result<(), ZkError> {
        for some in attempts.chunks(DELETES_AT_ONCE) {
            // A decided intent is at version 1: prepared, then committed or aborted.
            let delete = |attempt: &AttemptId| Op::Delete { path: self.layout.intent(*attempt), version: 1 };
            match self.coord.multi(some.iter().map(delete).collect()).await {
                Err(error) if error.refusal().is_some() => {
                    for attempt in some {
                        self.delete_intent(*attempt).await?;
                    }
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Gives an upload that is not decided another node. The intent names both from then on, so that the
    /// bytes at either are seen to, however it ends. Returns the intent's version.
    ///
    /// # Errors
    /// [`ZkError::Refused`] when the attempt was decided meanwhile; [`ZkError::Unknown`]: see
    /// [`Registry::abort`].
    pub async fn redirect(&self, attempt: AttemptId, intent: &Intent, version: i32) -> Result<i32, ZkError> {
        let path = self.layout.intent(attempt);
        self.coord.set(&path, &json(&path, intent)?, Some(version)).await
    }

    /// The write that decides an attempt. It demands version 0: an intent is decided once.
    fn decide(&self, attempt: AttemptId, intent: &Intent, state: IntentState) -> Result<Op, ZkError> {
        self.decide_at(attempt, intent, state, 0)
    }

    fn decide_at(&self, attempt: AttemptId, intent: &Intent, state: IntentState, version: i32) -> Result<Op, ZkError> {
        let path = self.layout.intent(attempt);
        let data = json(&path, &Intent { state, ..intent.clone() })?;
        Ok(Op::Set { path, data, version })
    }

    fn checks<'a>(&self, fence: &Fence, targets: impl Iterator<Item = &'a NodeId>) -> Result<Vec<Op>, ZkError> {
        let epoch = fence.epoch.map(|epoch| Op::Check { path: self.layout.epoch(), version: epoch.0 });
        let mut ops: Vec<Op> = epoch.into_iter().collect();
        let mut seen: Vec<&NodeId> = Vec::new();
        for node in targets {
            if seen.contains(&node) {
                continue;
            }
            seen.push(node);
            let known = fence.nodes.iter().find(|(known, _)| known == node);
            let Some((_, version)) = known else {
                let path = self.layout.node(node);
                return Err(ZkError::NotRead { path });
            };
            ops.push(Op::Check { path: self.layout.node(node), version: *version });
        }
        Ok(ops)
    }
}

#[cfg(test)]
mod tests;
