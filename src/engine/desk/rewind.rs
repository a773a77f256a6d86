//! What the whole was like at a past moment.

use std::collections::BTreeMap;

use super::{Answers, Desk};
use crate::domain::ask::Unanswered;
use crate::domain::ids::{Millis, NodeId, Timestamp};
use crate::domain::rewind::{self, BEFORE, KeptThen, PictureThen, SnapshotAt};
use crate::domain::series::{SERIES_ASKED_MAX, SeriesAsk, SeriesKey, SeriesName, SeriesPage, Tier};
use crate::domain::snapshot::Snapshot;
use crate::engine::clock;

/// So far back it is looked for when files were last counted.
const LOOK_BACK: Millis = Millis(3_600_000);

impl Answers<SnapshotAt> for Desk {
    async fn answer(&self, ask: SnapshotAt) -> Result<PictureThen, Unanswered> {
        let (at, now) = (ask.at, clock::now());
        if at > now {
            return Ok(PictureThen::Ahead { now });
        }
        let present = self.ctx.snapshots.borrow().clone();
        let mut history = self.ctx.history.then(at).await?;
        let measured = match &self.series {
            Some(store) => store.earliest().await.map_err(|error| Unanswered::Failed(error.to_string()))?,
            None => None,
        };
        match measured.into_iter().chain(history.earliest).min() {
            None => return Ok(PictureThen::Nothing),
            Some(earliest) if at < earliest => return Ok(PictureThen::Before { earliest }),
            Some(_) => {}
        }
        history.update(&present.incidents, at);
        let from = Timestamp(at.0.saturating_sub(BEFORE.0));
        let series = self.series_then(&rewind::keys(&present), from, at).await?;
        let counted_before = self.counted_before(&present, at).await?;
        let drain_began = self.drains_began(&rewind::drains_in_force(&history.drains, at)).await?;
        let kept = KeptThen { series, counted_before, history, drain_began };
        Ok(PictureThen::Kept(Box::new(rewind::picture(at, &present, &kept, now))))
    }
}

impl Desk {
    /// The values of these series by a moment; none where no series are kept.
    async fn series_then(
        &self,
        keys: &[SeriesKey],
        from: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<SeriesPage>, Unanswered> {
        let Some(store) = &self.series else { return Ok(Vec::new()) };
        let (until, step) = (at.plus(Millis(1)), Tier::Second.bucket());
        let mut pages = Vec::new();
        for some in keys.chunks(SERIES_ASKED_MAX) {
            let ask = SeriesAsk { series: some.to_vec(), from, until, step };
            pages.push(store.ask(ask).await.map_err(|error| Unanswered::Failed(error.to_string()))?);
        }
        Ok(pages)
    }

    /// When files were last counted, when that was not at the moment itself, and what was counted.
    async fn counted_before(
        &self,
        present: &Snapshot,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<SeriesPage>)>, Unanswered> {
        let Some(marks) = rewind::count_marks(present) else { return Ok(None) };
        let from = Timestamp(at.0.saturating_sub(LOOK_BACK.0));
        let pages = self.series_then(&marks, from, at).await?;
        let last = pages.first().and_then(|page| rewind::last_counted(page, at));
        let Some(last) = last.filter(|last| at.since(*last) > Tier::Second.bucket()) else { return Ok(None) };
        let from = Timestamp(last.0.saturating_sub(BEFORE.0));
        Ok(Some((last, self.series_then(&rewind::count_keys(present), from, last).await?)))
    }

    /// Files that each node had when its drain began.
    async fn drains_began(&self, drains: &[(NodeId, Timestamp)]) -> Result<BTreeMap<NodeId, u64>, Unanswered> {
        let mut began = BTreeMap::new();
        for (node, since) in drains {
            let key = SeriesKey::of_node(SeriesName::Files, node);
            let from = Timestamp(since.0.saturating_sub(BEFORE.0));
            let pages = self.series_then(std::slice::from_ref(&key), from, *since).await?;
            began.extend(rewind::count_then(&pages, &key, *since).map(|files| (node.clone(), files)));
        }
        Ok(began)
    }
}
