//! Who is connected to a server.

use super::{Answers, Desk};
use crate::domain::ask::{Ask as _, Unanswered};
use crate::domain::connection::{CONNECTIONS_MAX, ConnectionsAsk, ConnectionsPage};

impl Answers<ConnectionsAsk> for Desk {
    async fn answer(&self, ask: ConnectionsAsk) -> Result<ConnectionsPage, Unanswered> {
        let failed = |why: String| Unanswered::Failed(format!("{} of {}: {why}", ConnectionsAsk::NAME, ask.node));
        let target = self.probes.targets.iter().find(|target| target.node == ask.node);
        let target = target.ok_or_else(|| failed("there is no such server".to_owned()))?;
        let mut connections = self.probes.prober.connections(target).await.map_err(failed)?;
        connections.sort_by_key(|one| std::cmp::Reverse(one.received));
        let total = connections.len();
        connections.truncate(CONNECTIONS_MAX);
        Ok(ConnectionsPage { connections, total })
    }
}
