//! Writes incidents down as they begin and end, and tells the core of those of before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::event::Event;
use crate::domain::ids::IncidentId;
use crate::domain::incident::{INCIDENTS_KEPT, Incident, IncidentsAsk};
use crate::domain::snapshot::LoopName;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);

pub struct IncidentsLoop {
    ctx: Context,
    timer: Interval,
    /// As each was written last, while the picture has it.
    written: BTreeMap<IncidentId, Arc<Incident>>,
    loaded: bool,
    /// The list that was looked at last.
    seen: Arc<[Arc<Incident>]>,
}

impl IncidentsLoop {
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ctx, timer, written: BTreeMap::new(), loaded: false, seen: Arc::from([]) }
    }

    async fn load(&mut self) -> Result<(), String> {
        let ask = IncidentsAsk { limit: INCIDENTS_KEPT, ..IncidentsAsk::default() };
        let page = self.ctx.history.incidents(ask).await.map_err(|error| error.to_string())?;
        for incident in &page.incidents {
            self.written.insert(incident.id, Arc::new(incident.clone()));
        }
        self.ctx.emit(Event::IncidentsLoaded(page.incidents)).await;
        self.loaded = true;
        Ok(())
    }
}

#[async_trait]
impl Loop for IncidentsLoop {
    fn name(&self) -> LoopName {
        LoopName::Incidents
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        if !self.loaded {
            return self.load().await;
        }
        let list = Arc::clone(&self.ctx.snapshots.borrow().incidents);
        if Arc::ptr_eq(&list, &self.seen) {
            return Ok(());
        }
        for incident in list.iter() {
            if self.written.get(&incident.id).is_none_or(|written| written != incident) {
                self.ctx.history.record_incident((**incident).clone()).await.map_err(|error| error.to_string())?;
                self.written.insert(incident.id, Arc::clone(incident));
            }
        }
        self.written.retain(|id, _| list.iter().any(|incident| incident.id == *id));
        self.seen = list;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::adapters::history::{History, HistoryConfig};
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::{Millis, Timestamp};
    use crate::domain::incident::IncidentWhat;
    use crate::domain::server::ServerState;
    use crate::domain::snapshot::Snapshot;
    use crate::engine::context::testing::context;

    fn incident(id: u128, instance: &str, ended: Option<Timestamp>) -> Arc<Incident> {
        Arc::new(Incident {
            id: IncidentId::new(id),
            what: IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen },
            began: NOW,
            ended,
            cause: Some("silent".into()),
            begun_by: Some("pause zk2, console root".into()),
            ended_by: None,
            instance: instance.into(),
        })
    }

    fn with(incidents: &[Arc<Incident>]) -> Arc<Snapshot> {
        Arc::new(Snapshot { incidents: incidents.into(), ..fixtures::snapshot() })
    }

    #[tokio::test]
    async fn incidents_are_written_as_they_change_and_told_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let config = HistoryConfig {
            path: folder.path().join("zkdeck.db"),
            ndjson_dir: folder.path().join("logs"),
            any_filesystem: true,
        };
        let (events, mut heard) = mpsc::channel(64);
        let (mut ctx, _clerk) = context(folder.path(), &[], events, watch::channel(None).1);
        ctx.history = History::open(config).unwrap();
        let (pictures, snapshots) = watch::channel(with(&[]));
        ctx.snapshots = snapshots;
        let mut work = IncidentsLoop::new(ctx.clone());
        work.turn().await.unwrap();
        let ended = Some(NOW.plus(Millis(9_000)));
        // The second is the same, seen by another process of this folder.
        for list in [vec![incident(1, "a:1", None)], vec![incident(2, "b:2", None), incident(1, "a:1", ended)]] {
            pictures.send_replace(with(&list));
            work.turn().await.unwrap();
        }
        let ask = |from, until| IncidentsAsk { from, until, limit: 10, ..IncidentsAsk::default() };
        let found = ctx.history.incidents(ask(None, None)).await.unwrap();
        assert_eq!((found.total, &found.incidents[..]), (1, &[(*incident(1, "a:1", ended)).clone()][..]));
        for (from, until, total) in
            [(ended, None, 1), (ended.map(|at| at.plus(Millis(1))), None, 0), (None, Some(NOW), 0)]
        {
            assert_eq!(ctx.history.incidents(ask(from, until)).await.unwrap().total, total, "{from:?} {until:?}");
        }
        IncidentsLoop::new(ctx).turn().await.unwrap();
        let mut told = Vec::new();
        while let Ok(event) = heard.try_recv() {
            if let Event::IncidentsLoaded(list) = event {
                told.extend(list.into_iter().map(|incident| incident.ended));
            }
        }
        assert_eq!(told, [ended]);
    }
}
