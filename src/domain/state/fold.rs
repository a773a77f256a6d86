//! Folds events into the state, one small method each.

use std::sync::Arc;

use super::State;
use super::entry::leads;
use crate::domain::command::Automatic;
use crate::domain::ensemble::{self, EnsembleState, EnsembleView};
use crate::domain::event::{Event, Mark};
use crate::domain::file::FileEntry;
use crate::domain::health::START_LIMIT;
use crate::domain::ids::{AttemptId, Epoch, FileId, Millis, NodeId, OperationId, Timestamp};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::number::count;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::{Decision, RUNS_KEPT, Run, RunProgress};
use crate::domain::server::HostView;
use crate::domain::snapshot::{
    CANARY_WAITS, ControlView, LeadershipView, Level, LocalView, MOVE_SECONDS, NOTICES_KEPT, Notice, OPERATIONS_KEPT,
    SessionState, Standing, StoreView,
};

impl State {
    /// Folds one event in.
    pub fn apply(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Session { state, cause } => self.session_changed(state, cause, now),
            Event::Store(store) => self.store_seen(store),
            Event::Leadership(leadership) => self.leadership_changed(leadership, now),
            Event::Epoch(epoch) => self.epoch_seen(epoch, now),
            Event::Instances(instances) => self.instances = instances.into(),
            Event::Reading(reading) => self.reading = Some(reading),
            Event::FilesLoaded { entries, unreadable, since } => self.files_loaded(entries, unreadable, since, now),
            Event::FileChanged { entry, learned } => self.file_learned(Arc::new(*entry), learned, now),
            Event::FileRemoved { file, learned } => self.file_gone(file, learned, now),
            Event::FileUnreadable { path, cause } => _ = self.unreadable.insert(path, cause),
            Event::Node { node, record, version } => self.node_changed(&node, record, version, now),
            Event::Probed(sample) => {
                if let Some(entry) = self.nodes.get_mut(&sample.node) {
                    entry.tracker.observe(&sample);
                }
                self.server_seen(&sample.node, now);
            }
            Event::Hosts(views) => self.hosts_seen(views, now),
            Event::DiskFree { node, free } => _ = free.map(|free| self.disk_seen(&node, free, now)),
            Event::Written { node, problem } => self.written(&node, problem, now),
            Event::BytesChecked { file, blob, problem } => self.bytes_checked(file, blob, problem, now),
            Event::Scrub(view) => self.scrubbed(view, now),
            Event::ScrubReport(report) => self.scrub_reported(*report, now),
            Event::Control(control) => self.control_changed(control, now),
            Event::Local(local) => self.local_changed(local),
            Event::Api(api) => self.instance.api = api,
            Event::MoveStarted(view) => _ = self.moves.insert(view.attempt, *view),
            Event::MoveProgress { attempt, status, copied } => {
                if let Some(view) = self.moves.get_mut(&attempt) {
                    view.status = status;
                    view.copied = copied;
                }
            }
            Event::MoveEnded { attempt, status, took } => self.move_ended(attempt, status, took),
            Event::Operation(operation) => self.operation_changed(*operation, now),
            Event::HistoryLoaded { newest, total } => self.history_loaded(newest, total),
            Event::IncidentsLoaded(incidents) => self.incidents_loaded(incidents, now),
            Event::History(history) => self.history_seen(history, now),
            Event::SchedulerPaused { paused, version } => self.pause_seen(paused, version),
            Event::Settings { shared, version, problem } => self.settings_seen(shared, version, problem, now),
            Event::SchedulerNext(next) => self.scheduler.next_run = next,
            Event::RunStarted { id, planned } => self.run_started(id, planned, now),
            Event::RunProgress { id, done, failed, skipped } => {
                if let Some(running) = self.scheduler.running.as_mut().filter(|running| running.id == id) {
                    running.moves_done = done;
                    running.moves_failed = failed;
                    running.moves_skipped = skipped;
                }
            }
            Event::RunEnded(run) => self.run_ended(run),
            Event::Workload(view) => self.workload = view,
            Event::Canary { took_ms, problem } => {
                self.canary.last_ms = took_ms;
                self.written = if problem.is_none() { Some(now) } else { self.written };
                self.canary.waits = problem.as_ref().map(|_| self.canary.waits.unwrap_or(now));
                self.canary.problem = problem;
            }
            Event::CanaryWaits => {
                self.canary.waits.get_or_insert(Timestamp(now.0.saturating_sub(CANARY_WAITS.0)));
            }
            Event::Loop(view) => _ = self.loops.insert(view.name, view),
            Event::Notice { level, text } => self.notice(level, text, now),
            Event::ServerEnded { node, level, text } => self.stand(level, text, Some(Standing::Ended(node, now)), now),
            Event::Tick => {
                self.tick(now);
                self.tell_alerts(now);
            }
        }
    }

    /// An operation that somebody asked this process for: its end is told, which that of a bulk's single files is not.
    pub fn asked_for(&mut self, operation: OperationId) {
        self.awaited.insert(operation);
    }

    pub(super) fn notice(&mut self, level: Level, text: String, now: Timestamp) {
        self.stand(level, text, None, now);
    }

    /// A notice of what can cease to be so.
    pub(super) fn stand(&mut self, level: Level, text: String, standing: Option<Standing>, now: Timestamp) {
        self.notices_made += 1;
        self.notices.push_back(Arc::new(Notice { number: self.notices_made, at: now, level, text, standing }));
        if self.notices.len() > NOTICES_KEPT {
            self.notices.pop_front();
        }
        self.notices_view = None;
    }

    /// Says once what can be done to the servers, and again when that changes.
    fn control_changed(&mut self, control: ControlView, now: Timestamp) {
        let said = match (&self.control, &control) {
            (before, after) if before == after => None,
            (ControlView::Docker, ControlView::Off(cause)) => {
                Some((Level::Warning, format!("the servers' containers cannot be controlled any more: {cause}")))
            }
            (_, ControlView::Off(cause)) => {
                Some((Level::Info, format!("servers cannot be paused, stopped or started from here: {cause}")))
            }
            (_, ControlView::Docker) => Some((Level::Info, "the servers' containers can be controlled".to_owned())),
            (_, ControlView::Process) => None,
        };
        self.control = control;
        if let Some((level, text)) = said {
            self.notice(level, text, now);
        }
    }

    fn session_changed(&mut self, state: SessionState, cause: Option<String>, now: Timestamp) {
        if self.session.state != state {
            let (level, text) = match state {
                SessionState::Connected => (Level::Info, "connected to the ensemble".to_owned()),
                SessionState::Connecting => (Level::Info, "connecting to the ensemble".to_owned()),
                SessionState::Disconnected | SessionState::Expired => {
                    let why = cause.as_deref().unwrap_or("the connection was lost");
                    (Level::Warning, format!("no session with the ensemble: {why}; shown data is from now on stale"))
                }
            };
            self.stand(level, text, Some(Standing::Session(state)), now);
            self.session.state = state;
            self.session.since = now;
        }
        self.session.cause = cause;
        self.note_session();
        if state != SessionState::Connected {
            if self.files_complete {
                self.files_read = Some(now);
            }
            self.files_complete = false;
            self.paused_version = None;
            self.shared_version = None;
            self.reading = None;
            self.leadership = LeadershipView { epoch: self.leadership.epoch, ..LeadershipView::default() };
            self.scheduler.next_run = None;
        }
    }

    fn leadership_changed(&mut self, leadership: LeadershipView, now: Timestamp) {
        let leader = |view: &LeadershipView| view.leader.as_ref().map(|info| info.id);
        if leader(&self.leadership) != leader(&leadership) || self.leadership.leads != leadership.leads {
            match (&leadership.leader, leadership.leads) {
                (_, true) => {
                    self.notice(Level::Info, "this instance leads: it runs the scheduler and the workload".into(), now);
                }
                (Some(info), false) => {
                    self.notice(Level::Info, format!("{} leads; this instance stands by", info.name()), now);
                }
                (None, false) => {}
            }
        }
        self.note_leadership(&leadership, now);
        let epoch = leadership.epoch.or(self.leadership.epoch);
        self.leadership = LeadershipView { epoch, ..leadership };
        self.reckon_settings(now);
        if !self.leadership.leads {
            self.scheduler.next_run = None;
        }
    }

    /// An epoch above the own one is another leader's: this instance leads no more, whatever the
    /// election says. It never takes on a token that it did not make.
    fn epoch_seen(&mut self, epoch: Epoch, now: Timestamp) {
        if self.leadership.leads && self.leadership.epoch.is_some_and(|own| epoch > own) {
            self.leadership = LeadershipView::default();
            self.scheduler.next_run = None;
            self.notice(Level::Warning, "another instance has taken the lead; this one stands by".into(), now);
        }
        if !self.leadership.leads {
            self.leadership.epoch = Some(epoch);
        }
    }

    fn files_loaded(&mut self, entries: Vec<FileEntry>, unreadable: Vec<String>, since: Mark, now: Timestamp) {
        self.placement.clear();
        let before = std::mem::take(&mut self.files);
        self.files.go_on_from(&before);
        for entry in entries {
            self.file_changed(Arc::new(entry));
        }
        self.write_again(since);
        self.own.all_read(&before, &self.files, now);
        if !unreadable.is_empty() {
            let text =
                format!("{} not readable and left alone: {}", count(unreadable.len() as u64, "record"), unreadable[0]);
            self.notice(Level::Warning, text, now);
        }
        self.unreadable = unreadable.into_iter().map(|line| (line, String::new())).collect();
        let files = &self.files;
        self.damaged.retain(|file, (blob, _)| files.get(*file).is_some_and(|entry| entry.record.blob == *blob));
        self.damaged_view = None;
        self.files_complete = true;
        self.reading = None;
    }

    /// An older version than the known one is an echo that came late.
    pub(super) fn file_changed(&mut self, entry: Arc<FileEntry>) {
        if self.files.get(entry.id).is_some_and(|known| known.version > entry.version) {
            return;
        }
        let record = &entry.record;
        if self.damaged.get(&entry.id).is_some_and(|(blob, _)| *blob != record.blob) {
            self.not_damaged(entry.id);
        }
        self.placement.upsert(entry.id, &record.owner, record.size, record.updated_ms, record.moves());
        self.files.insert(entry);
    }

    pub(super) fn file_removed(&mut self, file: FileId) {
        self.placement.remove(file);
        self.files.remove(file);
        self.not_damaged(file);
    }

    fn node_changed(&mut self, node: &NodeId, record: NodeRecord, version: i32, now: Timestamp) {
        let left = self.placement.count(node);
        let Some(entry) = self.nodes.get_mut(node) else { return };
        if entry.record.as_ref().is_some_and(|(_, known)| *known > version) {
            return;
        }
        match record.state {
            NodeState::Draining { .. } => entry.drain.get_or_insert_default().observe(left, now),
            NodeState::Active => entry.drain = None,
        }
        entry.record = Some((record, version));
    }

    /// Whether what is missing is servers of our own that have just been started: without a quorum as
    /// long as there has been none, with one as long as they have not all been there.
    fn starts(&self, next: &EnsembleView, now: Timestamp) -> bool {
        let early = self.owns_servers() && now.since(self.instance.started) < START_LIMIT;
        let missing = match next.state {
            EnsembleState::NoQuorum => !self.had_quorum,
            EnsembleState::AtRisk | EnsembleState::Degraded | EnsembleState::NoLeader => !self.was_whole,
            EnsembleState::Healthy | EnsembleState::Starting | EnsembleState::Unknown => false,
        };
        early && missing
    }

    fn local_changed(&mut self, local: LocalView) {
        self.instance.local = Some(local);
        if local == LocalView::Owner {
            self.nodes.iter_mut().for_each(|entry| entry.tracker.started(self.instance.started));
        }
    }

    fn owns_servers(&self) -> bool {
        self.instance.local == Some(LocalView::Owner)
    }

    /// All at once: what several servers have in common is one change of the ensemble.
    fn hosts_seen(&mut self, views: Vec<(NodeId, Option<HostView>)>, now: Timestamp) {
        for (node, view) in views {
            if let Some(entry) = self.nodes.get_mut(&node) {
                entry.tracker.host(view, now);
            }
        }
        self.judge_all(now);
    }

    /// Something was learned of one server: the ensemble is judged anew when that server's part in it is another.
    /// What follows from it for the other servers comes with the next second, so that a look at one of many costs
    /// as much as one of few.
    fn server_seen(&mut self, node: &NodeId, now: Timestamp) {
        let alone = self.nodes.len() == 1;
        let Some(entry) = self.nodes.get_mut(node) else { return };
        if leads(entry.tracker.role(), alone) {
            self.leader_zxid = entry.tracker.zxid();
        }
        entry.tracker.compare(self.leader_zxid);
        if entry.renew_member(alone) {
            self.note_server(node);
            self.judge(now);
        }
    }

    /// What each server is beside the leader, and the ensemble's verdict.
    fn judge_all(&mut self, now: Timestamp) {
        let alone = self.nodes.len() == 1;
        self.leader_zxid =
            self.nodes.iter().find(|entry| leads(entry.tracker.role(), alone)).and_then(|entry| entry.tracker.zxid());
        for entry in self.nodes.iter_mut() {
            entry.tracker.compare(self.leader_zxid);
            entry.renew_member(alone);
        }
        self.judge(now);
    }

    /// Takes the ensemble's verdict anew from the servers'.
    fn judge(&mut self, now: Timestamp) {
        let writes = self.leaderless.zip(self.written).is_some_and(|(since, written)| written >= since);
        let mut next = ensemble::judge(&self.nodes.members(), Some(&self.ensemble), writes, now);
        if self.starts(&next, now) {
            next.state = EnsembleState::Starting;
            next.since = self.instance.started;
        }
        if next.state != self.ensemble.state {
            let cause = next.cause.as_ref().map_or(String::new(), |cause| format!(": {cause}"));
            let text = format!("ensemble {}{cause}", next.word());
            self.stand(ensemble::level(next.state), text, Some(Standing::Ensemble(next.state)), now);
        }
        self.note_leader(&next, now);
        self.leaderless = if next.leader.is_some() { None } else { self.leaderless.or(Some(now)) };
        self.had_quorum |= next.quorum.holds();
        self.was_whole |= next.state == EnsembleState::Healthy;
        self.ensemble = next;
        self.note_ensemble();
    }

    fn move_ended(&mut self, attempt: AttemptId, status: OperationStatus, took: Millis) {
        let Some(view) = self.moves.remove(&attempt) else { return };
        let counters = &mut self.counters;
        *counters.moves.entry((status.word(), view.reason.word())).or_default() += 1;
        if status != OperationStatus::Done {
            return;
        }
        counters.moved_bytes += view.size.0;
        let seconds = took.0 as f64 / 1000.0;
        counters.move_seconds_sum += seconds;
        for (bucket, bound) in counters.move_seconds.iter_mut().zip(MOVE_SECONDS.iter().chain([&f64::INFINITY])) {
            *bucket += u64::from(seconds <= *bound);
        }
    }

    fn operation_changed(&mut self, operation: Operation, now: Timestamp) {
        let known = self.operations.iter().position(|known| known.id == operation.id);
        let was_final = known.is_some_and(|at| self.operations[at].status.is_final());
        if was_final {
            return;
        }
        if operation.status.is_final() {
            // The instance that carried it out counts it, so that the instances' counters add up.
            if operation.instance == self.instance.name() {
                let key = (operation.kind.word(), operation.status.word());
                *self.counters.operations.entry(key).or_default() += 1;
            }
            self.tell(&operation, now);
            self.awaited.remove(&operation.id);
        }
        match known {
            Some(at) => self.operations[at] = Arc::new(operation),
            None => {
                self.operations_total += 1;
                let at = self.operations.partition_point(|known| known.started > operation.started);
                self.operations.insert(at, Arc::new(operation));
                self.forget_operation();
            }
        }
        self.operations_view = None;
    }

    /// Keeps the list short: single files of a bulk go first, running operations last.
    fn forget_operation(&mut self) {
        if self.operations.len() <= OPERATIONS_KEPT {
            return;
        }
        let bulk = |kind| matches!(kind, OperationKind::Migration | OperationKind::Upload | OperationKind::Delete);
        let over = self.operations.iter().rposition(|o| o.status.is_final() && bulk(o.kind));
        let over = over.or_else(|| self.operations.iter().rposition(|o| o.status.is_final()));
        self.operations.remove(over.unwrap_or(OPERATIONS_KEPT));
    }

    /// Says what an operator waits for: ends of commands, and every failure.
    fn tell(&mut self, operation: &Operation, now: Timestamp) {
        let took = operation.took().unwrap_or_default();
        let why = operation.why.as_deref().unwrap_or("cause not known");
        let kind = operation.kind;
        match operation.status {
            OperationStatus::Failed => {
                let text = match operation.run.as_ref() {
                    Some(run) => format!("run of the scheduler failed: {}", run.note.as_deref().unwrap_or(why)),
                    None => format!("{} {} failed: {why}", kind.word(), operation.what),
                };
                self.notice(Level::Error, text, now);
            }
            OperationStatus::Aborted if self.is_asked(operation) => {
                let text = format!("{} {}: {}: {why}", kind.word(), operation.what, operation.truth());
                self.notice(Level::Warning, text, now);
            }
            // The asker's footer says that it runs: the end is said there too.
            OperationStatus::None => {
                if let Some(run) = operation.run.as_ref().filter(|run| run.is_waited_for()) {
                    self.notice(Level::Info, run.nothing_moved(), now);
                }
            }
            OperationStatus::Done if self.is_waited_for(operation) => {
                self.notice(Level::Info, format!("{} {} done in {took}", kind.word(), operation.what), now);
            }
            _ => {}
        }
    }

    /// Whether a person asked for it: neither a timer of this program nor a part of a bulk.
    fn is_asked(&self, operation: &Operation) -> bool {
        match operation.kind {
            OperationKind::Upload | OperationKind::Migration | OperationKind::Delete => {
                self.awaited.contains(&operation.id)
            }
            _ => !Automatic::asked(&operation.by),
        }
    }

    /// Whether somebody waits for this very operation. A run of the workload is nobody's.
    fn is_waited_for(&self, operation: &Operation) -> bool {
        match operation.kind {
            OperationKind::Workload => false,
            OperationKind::Upload | OperationKind::Migration | OperationKind::Delete => self.is_asked(operation),
            _ => true,
        }
    }

    fn history_loaded(&mut self, newest: Vec<Operation>, total: u64) {
        let runs = newest.iter().filter_map(|operation| operation.run.clone());
        for run in runs.collect::<Vec<_>>().into_iter().rev() {
            self.keep_run(Arc::new(run));
        }
        self.forget_runs_of_others();
        let mut merged: Vec<Arc<Operation>> = newest.into_iter().map(Arc::new).collect();
        for known in &self.operations {
            match merged.iter_mut().find(|row| row.id == known.id) {
                Some(row) if !row.status.is_final() => *row = known.clone(),
                Some(_) => {}
                None => merged.push(known.clone()),
            }
        }
        merged.sort_by_key(|row| std::cmp::Reverse((row.started, row.id)));
        merged.truncate(OPERATIONS_KEPT);
        self.operations_total = total.max(merged.len() as u64);
        self.operations = merged.into();
        self.operations_view = None;
    }

    fn run_started(&mut self, id: OperationId, planned: u64, now: Timestamp) {
        self.scheduler.running = Some(RunProgress {
            id,
            since: now,
            moves_planned: planned,
            moves_done: 0,
            moves_failed: 0,
            moves_skipped: 0,
        });
    }

    /// An older version than the known one is an echo that came late.
    fn pause_seen(&mut self, paused: bool, version: i32) {
        if self.paused_version.is_none_or(|known| version >= known) {
            self.paused_version = Some(version);
            self.scheduler.paused = paused;
        }
    }

    fn run_ended(&mut self, run: Arc<Run>) {
        if self.scheduler.running.as_ref().is_some_and(|running| running.id == run.id) {
            self.scheduler.running = None;
        }
        if self.scheduler.recent.iter().any(|known| known.id == run.id) {
            return;
        }
        if self.leadership.leads {
            self.count_run(&run);
        }
        self.nodes.iter_mut().for_each(|entry| entry.target = None);
        for target in &run.nodes {
            if let Some(entry) = self.nodes.get_mut(&target.node) {
                entry.target = Some(target.clone());
            }
        }
        self.keep_run(run);
    }

    /// Only the leader counts, so that the instances' counters add up.
    fn count_run(&mut self, run: &Run) {
        *self.counters.decisions.entry(run.decision.word()).or_default() += 1;
        if run.decision == Decision::Ran || run.decision == Decision::Stopped {
            self.counters.moves_planned += run.moves_planned;
            self.counters.moves_least += run.moves_least;
        }
    }

    fn store_seen(&mut self, store: StoreView) {
        self.session.store = store;
        self.forget_runs_of_others();
    }

    /// History holds the runs of every ensemble that its folder was of.
    fn forget_runs_of_others(&mut self) {
        let Some(ours) = self.session.store.id() else { return };
        let of_ours = |run: &&Arc<Run>| run.store.as_ref().is_none_or(|store| *store == ours);
        self.scheduler.recent = self.scheduler.recent.iter().filter(of_ours).cloned().collect();
        self.scheduler.last_run = self.scheduler.recent.first().cloned();
    }

    /// Puts a run among the recent ones, newest first, each once.
    fn keep_run(&mut self, run: Arc<Run>) {
        if self.scheduler.recent.iter().any(|known| known.id == run.id) {
            return;
        }
        let mut recent: Vec<_> = self.scheduler.recent.to_vec();
        let at = recent.partition_point(|known| known.at > run.at);
        recent.insert(at, run);
        recent.truncate(RUNS_KEPT);
        self.scheduler.last_run = recent.first().cloned();
        self.scheduler.recent = recent.into();
    }

    fn tick(&mut self, now: Timestamp) {
        self.own.forget_old(now);
        for entry in self.nodes.iter_mut() {
            entry.tracker.tick(now);
            if let Some(drain) = &mut entry.drain {
                drain.observe(self.placement.count(entry.tracker.node()), now);
            }
        }
        self.judge_all(now);
    }
}
