//! The life of a session: it is made, loses its connection, has it again, and ends.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::FakeCoord;
use super::ensemble::{FakeEnsemble, FakeSession};
use crate::adapters::zookeeper::coord::{Change, LinkState};

impl FakeEnsemble {
    /// A session with a watch on `root`.
    pub(crate) fn connect(&self, root: &str) -> FakeCoord {
        let news = Arc::new(Notify::new());
        let mut servers = self.servers();
        let id = servers.sessions.keys().next_back().map_or(1, |last| last + 1);
        let session = FakeSession {
            link: LinkState::Connected,
            connection: 0,
            seen: servers.tree.zxid(),
            root: root.to_owned(),
            changes: VecDeque::from([(servers.tree.zxid(), Change::Rescan)]),
            news: Arc::clone(&news),
        };
        servers.sessions.insert(id, session);
        drop(servers);
        FakeCoord { ensemble: self.clone(), session: id, news }
    }

    /// The connection is lost; the session lives on.
    pub(crate) fn disconnect(&self, coord: &FakeCoord) {
        let mut servers = self.servers();
        let Some(session) = servers.sessions.get_mut(&coord.session) else { return };
        if session.link == LinkState::Connected {
            session.link = LinkState::Disconnected;
            session.connection += 1;
            session.tell(0, Change::Link(LinkState::Disconnected));
        }
    }

    /// The session has a server again; its watch is made anew.
    pub(crate) fn reconnect(&self, coord: &FakeCoord) {
        let mut servers = self.servers();
        let now = servers.tree.zxid();
        let Some(session) = servers.sessions.get_mut(&coord.session) else { return };
        if session.link == LinkState::Disconnected {
            session.link = LinkState::Connected;
            session.tell(now, Change::Link(LinkState::Connected));
            session.tell(now, Change::Rescan);
        }
    }

    /// The servers end the session, and the client learns of it.
    pub(crate) fn expire(&self, coord: &FakeCoord) {
        self.end(coord.session, "it expired: no server was reached in time");
    }

    /// The servers end the session; its client is gone or does not know.
    pub(crate) fn forget(&self, coord: &FakeCoord) {
        let mut servers = self.servers();
        let effects = servers.tree.end(coord.session);
        servers.tell(&effects);
    }
}
