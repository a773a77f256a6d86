//! Makes a session; says why it cannot.

use std::sync::Arc;

use tokio::time::Instant;

use super::{SessionLink, SessionLoop, TRY_EVERY};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Newer, Registry};
use crate::domain::event::Event;
use crate::domain::snapshot::{SessionState, StoreView};

impl SessionLoop {
    /// Tries once. That no server answers is a state of the session and no failure of the loop.
    pub(super) async fn connect(&mut self) -> Result<(), String> {
        let made = tokio::select! {
            biased;
            () = self.ctx.stop.cancelled() => return Ok(()),
            made = self.open() => made,
        };
        self.next_try = Instant::now() + TRY_EVERY;
        match made {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                if let Some(Newer { path, format }) = Newer::of(&error) {
                    self.tell_store(StoreView::Newer { what: path, format }).await;
                }
                let cause = Some(error.to_string());
                self.ctx.emit(Event::Session { state: SessionState::Connecting, cause }).await;
            }
        }
        Ok(())
    }

    async fn open(&self) -> Result<SessionLink, ZkError> {
        let coord = self.servers.connect().await?;
        let registry = Registry::open(Arc::clone(&coord), self.servers.config()).await?.until(self.ctx.stop.clone());
        Ok(SessionLink::new(coord, registry))
    }
}
