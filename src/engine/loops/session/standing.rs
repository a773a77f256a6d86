//! Takes part in the election and makes the fencing epoch of a new leader.

use super::{SessionLink, SessionLoop};
use crate::adapters::zookeeper::error::ZkError;
use crate::domain::event::Event;
use crate::domain::snapshot::LeadershipView;

impl SessionLoop {
    /// Looks who leads. A new leader makes a new epoch before it does anything else.
    pub(super) async fn stand(&mut self) -> Result<(), String> {
        let Some(link) = self.link.as_mut().filter(|link| link.up) else { return Ok(()) };
        let view = look(link).await.map_err(|error| format!("the election: {error}"))?;
        if let Some(view) = view.filter(|view| link.told.as_ref() != Some(view)) {
            link.told = Some(view.clone());
            self.ctx.emit(Event::Leadership(view)).await;
            self.scheduler.poke();
        }
        Ok(())
    }
}

/// `None` without membership. An epoch that is not the own one was made by another leader: a new
/// one is made, so that nothing of that leader's is committed any more.
async fn look(link: &mut SessionLink) -> Result<Option<LeadershipView>, ZkError> {
    let Some(membership) = &link.membership else { return Ok(None) };
    let standing = membership.standing().await?;
    if !standing.leads {
        link.own_epoch = None;
        return Ok(Some(LeadershipView { leads: false, leader: standing.leader, epoch: None }));
    }
    if link.own_epoch.is_none() || link.registry.epoch().await? != link.own_epoch {
        link.own_epoch = Some(link.registry.bump_epoch().await?);
    }
    Ok(Some(LeadershipView { leads: true, leader: standing.leader, epoch: link.own_epoch }))
}
