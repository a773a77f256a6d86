//! Control znodes: the scheduler's switch, the fencing epoch, the last run, and runs that one
//! instance asks of the leading one.

use serde::{Deserialize, Serialize};

use super::{Registry, json, missing, parse};
use crate::adapters::zookeeper::coord::Mode;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::domain::ids::{Epoch, OperationId};
use crate::domain::scheduler::Run;
use crate::domain::setting::SharedSettings;
use crate::domain::snapshot::ScrubReport;

/// What `/control/scheduler` holds; an empty znode means on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Switch {
    paused: bool,
}

/// What `/control/run/<operation>` holds.
#[derive(Debug, Serialize, Deserialize)]
struct RequestedRun {
    by: String,
    /// Set by the leader when it begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    taken: bool,
    /// Set by the leader when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
}

/// How far the request of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAnswer {
    /// There is no such request.
    Missing,
    /// No leader has begun it; the version of the request.
    Waiting {
        version: i32,
    },
    /// A leader carries it out.
    Taken,
    Done(Box<Run>),
}

/// What was set at run time, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSettings {
    pub shared: SharedSettings,
    pub version: i32,
    /// Why what is there cannot be used; then nothing is set, and the next change is written over it.
    pub problem: Option<String>,
}

impl Registry {
    /// Whether the scheduler is paused for all instances, and the version of that word.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn scheduler_paused(&self) -> Result<(bool, i32), ZkError> {
        let path = self.layout.scheduler();
        let (data, version) = self.coord.get(&path).await?.ok_or_else(|| missing(&path))?;
        let switch: Switch = if data.is_empty() { Switch::default() } else { parse(&path, &data)? };
        Ok((switch.paused, version))
    }

    /// # Errors
    /// [`ZkError`]; writing again is harmless.
    pub async fn pause_scheduler(&self, paused: bool) -> Result<i32, ZkError> {
        let path = self.layout.scheduler();
        self.coord.set(&path, &json(&path, &Switch { paused })?, None).await
    }

    /// What was set at run time, and its version; an empty znode and a missing one hold nothing.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn settings(&self) -> Result<FoundSettings, ZkError> {
        let path = self.layout.settings();
        let none = FoundSettings { shared: SharedSettings::default(), version: 0, problem: None };
        let Some((data, version)) = self.coord.get(&path).await? else { return Ok(none) };
        if data.is_empty() {
            return Ok(FoundSettings { version, ..none });
        }
        match parse(&path, &data) {
            Ok(shared) => Ok(FoundSettings { shared, version, problem: None }),
            Err(ZkError::Unreadable { path, cause }) => {
                Ok(FoundSettings { version, problem: Some(format!("{path} cannot be used: {cause}")), ..none })
            }
            Err(error) => Err(error),
        }
    }

    /// Writes them at the version that they were read under.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn write_settings(&self, shared: &SharedSettings, version: i32) -> Result<i32, ZkError> {
        let path = self.layout.settings();
        self.coord.set(&path, &json(&path, shared)?, Some(version)).await
    }

    /// The fencing epoch: the version of its znode.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn epoch(&self) -> Result<Option<Epoch>, ZkError> {
        Ok(self.coord.get(&self.layout.epoch()).await?.map(|(_, version)| Epoch(version)))
    }

    /// Makes a new epoch by compare-and-set; everything fenced by an older one fails from now on.
    ///
    /// # Errors
    /// [`ZkError::Refused`] when another leader was faster; [`ZkError::Unknown`].
    pub async fn bump_epoch(&self) -> Result<Epoch, ZkError> {
        let path = self.layout.epoch();
        let (_, version) = self.coord.get(&path).await?.ok_or_else(|| missing(&path))?;
        self.coord.set(&path, b"", Some(version)).await.map(Epoch)
    }

    /// The last run that the leader told the others of.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn last_run(&self) -> Result<Option<Run>, ZkError> {
        let path = self.layout.last_run();
        self.coord.get(&path).await?.map(|(data, _)| parse(&path, &data)).transpose()
    }

    /// # Errors
    /// [`ZkError`]; writing again is harmless.
    pub async fn write_last_run(&self, run: &Run) -> Result<(), ZkError> {
        let path = self.layout.last_run();
        self.write(&path, &json(&path, run)?).await
    }

    /// What the leader's scrub told last.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn scrub_report(&self) -> Result<Option<ScrubReport>, ZkError> {
        let path = self.layout.scrub();
        self.coord.get(&path).await?.map(|(data, _)| parse(&path, &data)).transpose()
    }

    /// # Errors
    /// [`ZkError`]; writing again is harmless.
    pub async fn write_scrub_report(&self, report: &ScrubReport) -> Result<(), ZkError> {
        let path = self.layout.scrub();
        self.write(&path, &json(&path, report)?).await
    }

    async fn write(&self, path: &str, data: &[u8]) -> Result<(), ZkError> {
        match self.coord.set(path, data, None).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => self.make(path, data).await,
            other => other.map(drop),
        }
    }

    /// Asks the leader for a run.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn request_run(&self, operation: OperationId, by: &str) -> Result<(), ZkError> {
        let path = self.layout.run(operation);
        let data = json(&path, &RequestedRun { by: by.to_owned(), taken: false, run: None })?;
        // Ephemeral: a request does not outlive who waits for its answer.
        self.coord.create(&path, &data, Mode::Ephemeral).await.map(drop)
    }

    /// The runs that were asked for and have no answer yet, oldest first, with the versions of their
    /// requests. One that a leader had begun and not ended is among them: its leader is gone.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn run_requests(&self) -> Result<Vec<(OperationId, String, i32)>, ZkError> {
        let children = self.coord.children(&self.layout.runs()).await?.unwrap_or_default();
        let mut ids: Vec<OperationId> = children.iter().filter_map(|child| child.parse().ok()).collect();
        ids.sort_unstable();
        let mut open = Vec::new();
        for id in ids {
            if let Some((asked, version)) = self.asked(id).await?
                && asked.run.is_none()
            {
                open.push((id, asked.by, version));
            }
        }
        Ok(open)
    }

    /// Marks a request as begun; `false` when it was withdrawn meanwhile.
    ///
    /// # Errors
    /// [`ZkError`]; taking it again is harmless.
    pub async fn take_run(&self, operation: OperationId, version: i32) -> Result<bool, ZkError> {
        let Some((asked, found)) = self.asked(operation).await? else { return Ok(false) };
        if asked.taken && found == version {
            return Ok(true);
        }
        let path = self.layout.run(operation);
        match self.coord.set(&path, &json(&path, &RequestedRun { taken: true, ..asked })?, Some(version)).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// Answers a request. One whose asker has gone needs no answer.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn answer_run(&self, operation: OperationId, run: &Run) -> Result<(), ZkError> {
        let Some((asked, version)) = self.asked(operation).await? else { return Ok(()) };
        let path = self.layout.run(operation);
        let data = json(&path, &RequestedRun { run: Some(run.clone()), ..asked })?;
        match self.coord.set(&path, &data, Some(version)).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(()),
            other => other.map(drop),
        }
    }

    /// How far a request is.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn run_answer(&self, operation: OperationId) -> Result<RunAnswer, ZkError> {
        Ok(match self.asked(operation).await? {
            None => RunAnswer::Missing,
            Some((RequestedRun { run: Some(run), .. }, _)) => RunAnswer::Done(Box::new(run)),
            Some((RequestedRun { taken: true, .. }, _)) => RunAnswer::Taken,
            Some((_, version)) => RunAnswer::Waiting { version },
        })
    }

    /// Removes a request that no leader has begun; `false` when one has meanwhile.
    ///
    /// # Errors
    /// [`ZkError`]; withdrawing again is harmless.
    pub async fn withdraw_run(&self, operation: OperationId, version: i32) -> Result<bool, ZkError> {
        match self.coord.delete(&self.layout.run(operation), Some(version)).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(true),
            Err(error) if error.refusal() == Some(Refusal::BadVersion) => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Removes a request.
    ///
    /// # Errors
    /// [`ZkError`]; removing again is harmless.
    pub async fn drop_run(&self, operation: OperationId) -> Result<(), ZkError> {
        match self.coord.delete(&self.layout.run(operation), None).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(()),
            other => other,
        }
    }

    async fn asked(&self, operation: OperationId) -> Result<Option<(RequestedRun, i32)>, ZkError> {
        let path = self.layout.run(operation);
        let found = self.coord.get(&path).await?;
        found.map(|(data, version)| Ok((parse(&path, &data)?, version))).transpose()
    }
}
