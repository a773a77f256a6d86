//! Who runs the loops: the instance whose candidate znode has the lowest number.
//!
//! Architecture invariant: leadership is an optimisation. Two instances may believe that they lead;
//! the fencing epoch and the versions of each commit keep the files safe.

use super::coord::{LinkState, Mode};
use super::error::{Refusal, ZkError};
use super::registry::Registry;
use crate::domain::snapshot::InstanceInfo;

/// This instance's part in the ensemble of instances, for the length of a session.
pub struct Membership {
    registry: Registry,
    me: InstanceInfo,
    campaign: bool,
}

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    pub leads: bool,
    pub leader: Option<InstanceInfo>,
}

impl Membership {
    /// Registers the instance and, when it may lead, its candidate.
    ///
    /// # Errors
    /// [`ZkError`]; joining again is harmless.
    pub async fn join(registry: &Registry, me: &InstanceInfo, campaign: bool) -> Result<Self, ZkError> {
        let path = registry.layout().instance(me.id);
        let data = encode(me);
        let made = match registry.coord().create(&path, &data, Mode::Ephemeral).await {
            // Left by the session before, which may end any moment and take it along.
            Err(error) if error.refusal() == Some(Refusal::NodeExists) => {
                delete(registry, &path).await?;
                registry.coord().create(&path, &data, Mode::Ephemeral).await
            }
            other => other,
        };
        made?;
        let member = Self { registry: registry.clone(), me: me.clone(), campaign };
        for left in member.candidates().await?.into_iter().filter(|name| member.is_mine(name)) {
            delete(registry, &member.path(&left)).await?;
        }
        if campaign {
            member.stand().await?;
        }
        Ok(member)
    }

    /// Who leads now. A candidate of this instance that is gone is made anew, at the end of the line.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn standing(&self) -> Result<Leadership, ZkError> {
        let mut names = self.candidates().await?;
        if self.campaign && !names.iter().any(|name| self.is_mine(name)) {
            self.stand().await?;
            names = self.candidates().await?;
        }
        let Some(first) = names.into_iter().min_by_key(|name| sequence(name)) else {
            return Ok(Leadership { leads: false, leader: None });
        };
        if self.is_mine(&first) {
            return Ok(Leadership { leads: true, leader: Some(self.me.clone()) });
        }
        let found = self.registry.coord().get(&self.path(&first)).await?;
        let leader = found.and_then(|(data, _)| serde_json::from_slice(&data).ok());
        Ok(Leadership { leads: false, leader })
    }

    /// Stands for election from now on, or stands back.
    ///
    /// # Errors
    /// [`ZkError`]; doing it again is harmless.
    pub async fn campaign(&mut self, campaign: bool) -> Result<(), ZkError> {
        if self.campaign == campaign {
            return Ok(());
        }
        if campaign {
            self.stand().await?;
        } else {
            for left in self.candidates().await?.into_iter().filter(|name| self.is_mine(name)) {
                delete(&self.registry, &self.path(&left)).await?;
            }
        }
        self.campaign = campaign;
        Ok(())
    }

    /// Steps down and leaves, as far as there is still a session.
    pub async fn resign(&self) {
        if self.registry.coord().state() != LinkState::Connected {
            return;
        }
        let names = self.candidates().await.unwrap_or_default();
        let mine = names.iter().filter(|name| self.is_mine(name)).map(|name| self.path(name));
        for path in mine.chain([self.registry.layout().instance(self.me.id)]) {
            if let Err(error) = delete(&self.registry, &path).await {
                tracing::debug!("leaving: {error}; the end of the session does it");
            }
        }
    }

    async fn stand(&self) -> Result<(), ZkError> {
        let path = format!("{}/{}-", self.registry.layout().leader(), self.me.id);
        self.registry.coord().create(&path, &encode(&self.me), Mode::EphemeralSequential).await.map(drop)
    }

    async fn candidates(&self) -> Result<Vec<String>, ZkError> {
        Ok(self.registry.coord().children(&self.registry.layout().leader()).await?.unwrap_or_default())
    }

    fn is_mine(&self, name: &str) -> bool {
        name.starts_with(&self.me.id.to_string())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.layout().leader())
    }
}

/// Every instance that has a session, oldest first.
///
/// # Errors
/// [`ZkError`].
pub async fn instances(registry: &Registry) -> Result<Vec<InstanceInfo>, ZkError> {
    let parent = registry.layout().instances();
    let children = registry.coord().children(&parent).await?.unwrap_or_default();
    let paths = children.iter().map(|child| format!("{parent}/{child}")).collect();
    let found = registry.coord().get_many(paths).await?;
    let mut all: Vec<InstanceInfo> =
        found.into_iter().flatten().filter_map(|(data, _)| serde_json::from_slice(&data).ok()).collect();
    all.sort_by_key(|info| (info.since_ms, info.id));
    Ok(all)
}

/// The digits that the server appended; a name without them comes last.
fn sequence(name: &str) -> u64 {
    name.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

/// An instance's description is plain text and numbers and always encodes.
fn encode(me: &InstanceInfo) -> Vec<u8> {
    serde_json::to_vec(me).unwrap_or_default()
}

async fn delete(registry: &Registry, path: &str) -> Result<(), ZkError> {
    match registry.coord().delete(path, None).await {
        Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::config::ZkConfig;
    use super::super::fake::FakeEnsemble;
    use super::*;
    use crate::domain::ids::{InstanceId, Timestamp};

    #[tokio::test(start_paused = true)]
    async fn who_stood_first_leads_and_the_next_one_follows() {
        let (ensemble, config) = (FakeEnsemble::calm(), ZkConfig::default());
        let mut members = Vec::new();
        // By their ids the last one would be first.
        for id in [3, 2, 1] {
            let coord = Arc::new(ensemble.connect(&config.root));
            let registry = Registry::open(coord, &config).await.unwrap();
            let me = InstanceInfo {
                id: InstanceId::new(id),
                host: "h".into(),
                pid: 1,
                since_ms: Timestamp(1),
                scheduler: None,
                seat: None,
            };
            members.push(Membership::join(&registry, &me, true).await.unwrap());
        }
        while let Some(first) = members.first().map(|member| member.me.clone()) {
            for (place, member) in members.iter().enumerate() {
                let standing = member.standing().await.unwrap();
                assert_eq!((standing.leads, standing.leader.as_ref()), (place == 0, Some(&first)));
            }
            members.remove(0).resign().await;
        }
    }
}
