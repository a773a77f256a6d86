//! What is sick: each store with its cause and the next step, in sentences.

use super::State;
use crate::domain::alert::{Alert, AlertCode};
use crate::domain::ensemble::EnsembleState;
use crate::domain::health;
use crate::domain::ids::{FileId, NodeId, Timestamp};
use crate::domain::node::{NodeCondition, SICK_AFTER};
use crate::domain::number;
use crate::domain::snapshot::{HISTORY_QUEUE_STOP, Level, Standing};

/// What lies in quarantine, and what to do with it.
pub(super) fn quarantined(count: u64) -> String {
    let files = number::count(count, "file");
    format!(
        "no record names {files} that quarantine keeps; zkdeck doctor lists them, zkdeck doctor --adopt makes records \
         for them"
    )
}

impl State {
    /// Everything that wants a person, the most urgent first.
    pub(super) fn alerts(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut say = |code: AlertCode, short: String, text: String| alerts.push(Alert { code, short, text });
        if let Some(refusal) = self.session.store.alarm(self.instance.read_only) {
            say(refusal.code, refusal.short.into(), refusal.text());
        }
        if let Some(text) = self.unnamed_nodes() {
            say(AlertCode::NodesUnnamed, "servers not named".into(), text);
        }
        if let Some(text) = self.no_quorum() {
            // The header says so in its own words.
            say(AlertCode::NoQuorum, String::new(), text);
        }
        if let Some((node, text)) = self.short_of_heap() {
            say(AlertCode::Heap, format!("{node} heap nearly full"), text);
        }
        if let Some((first, cause)) = self.first_damaged() {
            let count = self.damaged.len();
            let more =
                if count > 1 { format!("{count} files are damaged or missing, the first: ") } else { String::new() };
            say(AlertCode::Damaged, format!("{count} damaged"), format!("{more}{first}: {cause}"));
        }
        for trouble in &self.scrub.troubles {
            match &trouble.node {
                Some(node) => say(AlertCode::NodeFolder, format!("{node} folder"), trouble.cause.clone()),
                None => say(AlertCode::StoreGone, "store gone".into(), trouble.cause.clone()),
            }
        }
        if let Some(problem) = self.history_behind() {
            say(AlertCode::HistoryBehind, "history behind".into(), problem);
        } else if let Some(problem) = &self.history.problem {
            say(AlertCode::History, "history not written".into(), format!("history cannot be written: {problem}"));
        }
        if let Some(problem) = &self.history.lines_problem {
            say(AlertCode::HistoryLines, "history lines not written".into(), problem.clone());
        }
        for server in &self.settings.servers {
            if let Some((code, short, text)) = self.disk_alert(&server.node) {
                say(code, short, text);
            }
        }
        if self.scrub.quarantined > 0 {
            let count = self.scrub.quarantined;
            say(AlertCode::Quarantine, format!("{count} in quarantine"), quarantined(count));
        }
        if let Some((path, cause)) = self.unreadable.iter().next() {
            let count = self.unreadable.len();
            let text = format!(
                "{} not readable and left alone: {}",
                number::count(count as u64, "record"),
                format!("{path} {cause}").trim()
            );
            say(AlertCode::Unreadable, format!("{count} unreadable"), text);
        }
        alerts
    }

    /// A server that may run out of memory, with what to do.
    pub(super) fn short_of_heap(&self) -> Option<(NodeId, String)> {
        health::short_of_heap(self.nodes.iter().map(|entry| entry.tracker.as_view()))
    }

    /// Records name nodes that this instance was not told of: it knows a part of the ensemble.
    pub(super) fn unnamed_nodes(&self) -> Option<String> {
        let known: u64 = self.settings.servers.iter().map(|server| self.placement.count(&server.node)).sum();
        let others = self.placement.total().saturating_sub(known);
        (others > 0).then(|| {
            let named: Vec<_> = self.settings.servers.iter().map(|server| server.node.to_string()).collect();
            format!(
                "{} on nodes that are not among the servers named here ({}): this instance knows a part of the ensemble, \
                 and changes no files; name every server (--zk, or ensemble.servers)",
                number::count(others, "file"),
                named.join(", ")
            )
        })
    }

    /// How many servers are missing, and what follows.
    pub(super) fn no_quorum(&self) -> Option<String> {
        let view = &self.ensemble;
        let (serving, voters) = (view.quorum.serving, view.quorum.voters);
        let cause = view.cause.as_deref().unwrap_or("-");
        (view.state == EnsembleState::NoQuorum).then(|| {
            format!(
                "{serving} of {voters} servers serve, which is no quorum ({cause}): no change of files begins, nothing \
                 is removed, and what is shown is from before; {}",
                view.quorum.way_back()
            )
        })
    }

    /// Nobody is seen to lead, and no write has gone through since. Where one has, the leader is only out of sight.
    pub(super) fn no_leader(&self) -> Option<String> {
        let since = self.leaderless?;
        let waits = self.written.is_none_or(|at| at < since);
        let cause = self.ensemble.cause.as_deref().unwrap_or("no leader");
        let judged =
            matches!(self.ensemble.state, EnsembleState::Degraded | EnsembleState::AtRisk | EnsembleState::NoLeader);
        (waits && judged).then(|| {
            format!("no ZooKeeper server is seen to lead ({cause}): writes wait until one is elected, which takes some seconds")
        })
    }

    /// Tells each alert once, when it appears. Those that count files are told where they are counted.
    pub(super) fn tell_alerts(&mut self, now: Timestamp) {
        let alerts = self.alerts();
        self.note_all(&alerts, now);
        let fresh = alerts.iter().filter(|alert| !alert.code.counts_files());
        let fresh = fresh.filter(|alert| !self.alerts_told.contains(&(alert.code, alert.short.clone())));
        let fresh: Vec<_> = fresh.map(|alert| (alert.code, alert.text.clone())).collect();
        self.alerts_told = alerts.into_iter().map(|alert| (alert.code, alert.short)).collect();
        for (code, text) in fresh {
            let level = if code.is_warning() { Level::Warning } else { Level::Error };
            self.stand(level, text, Some(Standing::Alert(code)), now);
        }
    }

    /// Why no file may be changed now: too many rows of history wait.
    pub(super) fn history_behind(&self) -> Option<String> {
        let queued = self.history.queued;
        (queued > HISTORY_QUEUE_STOP).then(|| {
            let cause = self.history.problem.as_deref().unwrap_or("its disk is slower than the changes");
            format!(
                "{} of history not written yet, so no new change of files begins: {cause}",
                number::count(queued as u64, "row")
            )
        })
    }

    /// Why a node's disk takes no files; `None` while it does.
    pub(super) fn disk_trouble(&self, node: &NodeId) -> Option<&str> {
        self.sick(node).or_else(|| self.nodes.full(node).map(|mark| mark.cause.as_str()))
    }

    fn disk_alert(&self, node: &NodeId) -> Option<(AlertCode, String, String)> {
        if let Some(cause) = self.failing(node) {
            let text = format!(
                "{node} takes no files, its last {SICK_AFTER} writes failed: {cause}; it is tried again every few seconds \
                 and goes on by itself"
            );
            return Some((AlertCode::NodeUnhealthy, format!("{node} unhealthy"), text));
        }
        if !self.full(node) {
            return None;
        }
        let cause = match (self.nodes.full(node), self.nodes.free(node)) {
            (Some(mark), _) => mark.cause.clone(),
            (None, Some(free)) => {
                format!(
                    "it has {free} free, and {} is kept as a reserve; make room on its disk",
                    self.scheduling().reserve()
                )
            }
            (None, None) => "its disk is full".into(),
        };
        let drained = self.condition(node) == NodeCondition::Draining;
        let short = if drained { format!("{node} full, drains") } else { format!("{node} full") };
        Some((
            AlertCode::NodeFull,
            short,
            format!("{node} takes no files: {cause}; it goes on by itself when there is room"),
        ))
    }

    fn first_damaged(&self) -> Option<(String, &str)> {
        let (file, (_, cause)) = self.damaged.iter().next()?;
        let name = self.files.get(*file).map_or_else(|| file.to_string(), |entry| entry.record.name.clone());
        Some((name, cause.as_str()))
    }

    /// Why a file's bytes may not be moved: they are not those of its record.
    pub(super) fn damage(&self, file: FileId) -> Option<&str> {
        self.damaged.get(&file).map(|(_, cause)| cause.as_str())
    }
}
