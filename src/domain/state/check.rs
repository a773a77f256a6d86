//! Judges a command against the state: an order for the engine, or a refusal with its reason.

use std::sync::Arc;

use super::nodes::Obstacle;
use super::{SettingChange, State};
use crate::domain::command::{
    Command, Confirmed, LARGE_RUN, Rejected, STRESS_FILES, STRESS_SIZE_KB, ServerAction, Stress, WEIGHTS,
};
use crate::domain::ensemble;
use crate::domain::file::{FileEntry, check_name};
use crate::domain::ids::{Bytes, FileId, NodeId};
use crate::domain::node::{NodeCondition, NodeRecord, NodeState, no_taker};
use crate::domain::number;
use crate::domain::planner::share;
use crate::domain::server::ServerState;

/// A command that may be carried out, with what it was judged on.
#[derive(Clone, Debug)]
pub enum CheckedCommand {
    Drain { node: NodeId, record: NodeRecord, version: i32, files: u64 },
    Undrain { node: NodeId, record: NodeRecord, version: i32 },
    Weight { node: NodeId, record: NodeRecord, version: i32, weight: u32 },
    Server { node: NodeId, action: ServerAction },
    Migrate { entry: Arc<FileEntry>, target: NodeId },
    Delete { entry: Arc<FileEntry> },
    Stress(Stress),
    RunScheduler,
    StopRun,
    PauseScheduler(bool),
    Set(SettingChange),
    RunWorkload,
}

impl State {
    /// Judges a command. Nothing is changed.
    ///
    /// # Errors
    /// [`Rejected`] with the first reason that stands against it.
    pub fn check(&self, command: &Command) -> Result<CheckedCommand, Rejected> {
        match command {
            _ if self.instance.read_only => return Err(Rejected::ReadOnly),
            Command::Server { node, action, confirmed } => return self.check_server(node, *action, *confirmed),
            // It concerns this process alone.
            Command::StopRun => return self.check_stop_run(),
            _ => self.check_steers()?,
        }
        match command {
            Command::Drain { node } => self.check_drain(node),
            Command::Undrain { node } => self.check_undrain(node),
            Command::SetWeight { node, weight } => self.check_weight(node, *weight),
            Command::Migrate { file, target } => self.check_migrate(*file, target),
            Command::Delete { file } => self.check_delete(*file),
            Command::Stress(stress) => self.check_stress(stress),
            Command::RunScheduler => self.check_run(),
            Command::PauseScheduler => self.check_scheduler_pause(true),
            Command::ResumeScheduler => self.check_scheduler_pause(false),
            Command::RunWorkload => self.check_workload(),
            Command::Set { setting, value, why } => {
                self.check_set(*setting, *value, why.as_deref()).map(CheckedCommand::Set)
            }
            Command::StopRun | Command::Server { .. } => {
                Err(Rejected::Internal { cause: format!("{} was judged twice", command.verb()) })
            }
        }
    }

    /// Judges an upload before its first byte, and names the node that takes it.
    ///
    /// # Errors
    /// [`Rejected`] with the reason.
    pub fn check_upload(&self, name: &str, node: Option<&NodeId>, size: Option<u64>) -> Result<NodeId, Rejected> {
        if self.instance.read_only {
            return Err(Rejected::ReadOnly);
        }
        check_name(name).map_err(Rejected::InvalidName)?;
        if let Some(node) = node {
            self.check_known(node)?;
        }
        self.check_store()?;
        match node {
            Some(node) => self.check_takes(node, size.map(Bytes)).map(|()| node.clone()),
            None => self.emptiest(size.map(Bytes)),
        }
    }

    /// Of the nodes that take a file of this size the one furthest under its share.
    ///
    /// # Errors
    /// [`Rejected::NoRoom`], [`Rejected::NotReady`] or [`Rejected::NotPossible`], naming why each node does not.
    pub fn emptiest(&self, size: Option<Bytes>) -> Result<NodeId, Rejected> {
        let servers = &self.settings.servers;
        let best = share::emptiest(&self.counted(), |at| self.cannot_take(&servers[at].node, size).is_none());
        best.map(|at| servers[at].node.clone()).ok_or_else(|| {
            let obstacles = servers.iter().filter_map(|s| Some((&s.node, self.cannot_take(&s.node, size)?)));
            let obstacles: Vec<_> = obstacles.collect();
            let reasons: Vec<_> = obstacles.iter().map(|(node, one)| format!("{node}: {}", one.why())).collect();
            let (what, why) = ("taking a file".into(), reasons.join("; "));
            if servers.iter().any(|server| self.unsettled(&server.node)) {
                Rejected::NotReady { what, why }
            } else if obstacles.iter().any(|(_, one)| matches!(one, Obstacle::NoRoom(_))) {
                Rejected::NoRoom { what, why }
            } else {
                Rejected::NotPossible { what, why }
            }
        })
    }

    /// The file of a download.
    ///
    /// # Errors
    /// [`Rejected`] when it is not known or this folder does not hold its bytes.
    pub fn check_download(&self, file: FileId) -> Result<Arc<FileEntry>, Rejected> {
        self.check_store_matches()?;
        let entry = self.entry(file)?;
        self.check_in_sight(&entry, "the download")?;
        Ok(entry)
    }

    /// The folder with the file's bytes can be looked into.
    fn check_in_sight(&self, entry: &FileEntry, what: &str) -> Result<(), Rejected> {
        match self.unread(&entry.record.owner) {
            Some(why) => Err(Rejected::NotReady { what: what.into(), why: why.to_owned() }),
            None => Ok(()),
        }
    }

    fn check_known(&self, node: &NodeId) -> Result<(), Rejected> {
        if self.knows(node) {
            Ok(())
        } else {
            Err(Rejected::UnknownNode { given: node.to_string(), known: self.node_ids() })
        }
    }

    fn check_session(&self) -> Result<(), Rejected> {
        if self.connected() {
            return Ok(());
        }
        let cause = self.session.cause.clone().unwrap_or_else(|| "still connecting".into());
        Err(Rejected::Disconnected { since: Some(self.session.since), cause })
    }

    /// Without a quorum or a leader nothing can be written, whatever session is still thought to be there.
    fn check_quorum(&self, what: &str) -> Result<(), Rejected> {
        match self.no_quorum().or_else(|| self.no_leader()) {
            Some(why) => Err(Rejected::NotReady { what: what.into(), why }),
            None => Ok(()),
        }
    }

    /// The folder is the ensemble's, and there.
    fn check_store_matches(&self) -> Result<(), Rejected> {
        self.session.store.check()?;
        match self.scrub.trouble(None) {
            Some(gone) => Err(Rejected::NotReady { what: "touching files".into(), why: gone.cause.clone() }),
            None => Ok(()),
        }
    }

    /// All nodes that records name are known here.
    fn check_whole(&self) -> Result<(), Rejected> {
        match self.unnamed_nodes() {
            Some(why) => Err(Rejected::NotPossible { what: "changing files".into(), why }),
            None => Ok(()),
        }
    }

    fn check_steers(&self) -> Result<(), Rejected> {
        self.check_session()?;
        self.check_quorum("changing the ensemble's records")?;
        self.session.store.check_steers()
    }

    /// What showing everything needs.
    pub(super) fn check_read(&self) -> Result<(), Rejected> {
        self.check_session()?;
        if self.files_complete {
            Ok(())
        } else {
            Err(Rejected::NotReady { what: "showing the files".into(), why: "their records are being read".into() })
        }
    }

    /// Session, store and a complete picture: what every change of files needs.
    pub(super) fn check_store(&self) -> Result<(), Rejected> {
        self.check_session()?;
        self.check_quorum("changing files")?;
        self.check_store_matches()?;
        self.check_whole()?;
        if let Some(why) = self.history_behind() {
            return Err(Rejected::NotReady { what: "changing files".into(), why });
        }
        if self.files_complete {
            Ok(())
        } else {
            let why = "the files' records are being read".into();
            Err(Rejected::NotReady { what: "changing files".into(), why })
        }
    }

    fn check_takes(&self, node: &NodeId, size: Option<Bytes>) -> Result<(), Rejected> {
        match self.cannot_take(node, size) {
            None => Ok(()),
            Some(one) if self.unsettled(node) => {
                Err(Rejected::NotReady { what: format!("using {node}"), why: one.why().to_owned() })
            }
            Some(Obstacle::NoRoom(why)) => Err(Rejected::NoRoom { what: format!("using {node}"), why }),
            Some(Obstacle::Other(why)) => Err(Rejected::NodeCannotTake { node: node.clone(), why }),
        }
    }

    /// The record of a file, wherever its bytes are.
    ///
    /// # Errors
    /// [`Rejected`] when it is not known.
    pub fn entry(&self, file: FileId) -> Result<Arc<FileEntry>, Rejected> {
        self.files.get(file).cloned().ok_or(Rejected::UnknownFile { given: file })
    }

    fn node_record(&self, node: &NodeId) -> Result<(NodeRecord, i32), Rejected> {
        self.check_known(node)?;
        self.nodes.record(node).cloned().ok_or_else(|| Rejected::NotReady {
            what: format!("changing {node}"),
            why: "its record is being read".into(),
        })
    }

    fn check_drain(&self, node: &NodeId) -> Result<CheckedCommand, Rejected> {
        let (record, version) = self.node_record(node)?;
        if record.state.is_draining() {
            let word = NodeCondition::Draining.shown_word(self.files_left(node));
            return Err(Rejected::AlreadySo { what: format!("{node} is {word} already") });
        }
        self.check_store()?;
        let files = self.placement.count(node);
        let others = self.settings.servers.iter().map(|server| &server.node).filter(|other| *other != node);
        match no_taker(node, files, others.map(|other| (other, self.condition(other), self.shown_word(other)))) {
            Some(refused) => Err(refused),
            None => Ok(CheckedCommand::Drain { node: node.clone(), record, version, files }),
        }
    }

    fn check_undrain(&self, node: &NodeId) -> Result<CheckedCommand, Rejected> {
        let (record, version) = self.node_record(node)?;
        if record.state == NodeState::Active {
            return Err(Rejected::AlreadySo { what: format!("{node} does not drain") });
        }
        Ok(CheckedCommand::Undrain { node: node.clone(), record, version })
    }

    fn check_weight(&self, node: &NodeId, weight: u32) -> Result<CheckedCommand, Rejected> {
        if !WEIGHTS.contains(&u64::from(weight)) {
            let rule = format!("must be {}; to empty a node, drain it", number::range(&WEIGHTS));
            return Err(Rejected::InvalidField { field: "weight".into(), rule });
        }
        let (record, version) = self.node_record(node)?;
        if record.weight == weight {
            return Err(Rejected::AlreadySo { what: format!("{node} has weight {weight} already") });
        }
        Ok(CheckedCommand::Weight { node: node.clone(), record, version, weight })
    }

    fn check_server(
        &self,
        node: &NodeId,
        action: ServerAction,
        confirmed: Confirmed,
    ) -> Result<CheckedCommand, Rejected> {
        self.check_known(node)?;
        self.control.check()?;
        let state = self.server_state(node);
        if action == ServerAction::Restart && state == ServerState::Stopped {
            let why = "it is stopped; start it instead".into();
            return Err(Rejected::NotPossible { what: format!("restarting {node}"), why });
        }
        if matches!(action, ServerAction::Pause | ServerAction::Resume) && state == ServerState::Stopped {
            let why = "it is stopped; start it instead".into();
            return Err(Rejected::NotPossible { what: format!("a {} of {node}", action.word()), why });
        }
        let already = match action {
            ServerAction::Pause => state == ServerState::Paused,
            ServerAction::Stop => state == ServerState::Stopped,
            ServerAction::Resume => state.serves(),
            ServerAction::Start => !matches!(state, ServerState::Stopped | ServerState::Down | ServerState::Unknown),
            ServerAction::Restart => false,
        };
        if already {
            return Err(Rejected::AlreadySo { what: format!("{node} is {}", state.word()) });
        }
        if action.takes_away() {
            let views: Vec<_> = self.nodes.iter().map(|entry| entry.tracker.view()).collect();
            let consequence = ensemble::consequence(action, node, &views, &self.ensemble);
            let wanted = if consequence.type_name {
                Confirmed::Named
            } else if consequence.endangers {
                Confirmed::Read
            } else {
                Confirmed::No
            };
            if confirmed < wanted {
                return Err(Rejected::NeedsConfirm { consequence: consequence.text, type_name: consequence.type_name });
            }
        }
        Ok(CheckedCommand::Server { node: node.clone(), action })
    }

    fn check_migrate(&self, file: FileId, target: &NodeId) -> Result<CheckedCommand, Rejected> {
        self.check_known(target)?;
        self.check_store()?;
        let entry = self.entry(file)?;
        if entry.record.owner == *target {
            return Err(Rejected::SameNode { node: target.clone() });
        }
        self.check_idle(file, &entry)?;
        let what = format!("moving {}", entry.record.name);
        self.check_in_sight(&entry, &what)?;
        if let Some(cause) = self.damage(file) {
            return Err(Rejected::Damaged { what, why: cause.to_owned() });
        }
        self.check_takes(target, Some(entry.record.size))?;
        Ok(CheckedCommand::Migrate { entry, target: target.clone() })
    }

    fn check_delete(&self, file: FileId) -> Result<CheckedCommand, Rejected> {
        self.check_store()?;
        let entry = self.entry(file)?;
        self.check_idle(file, &entry)?;
        self.check_in_sight(&entry, &format!("deleting {}", entry.record.name))?;
        Ok(CheckedCommand::Delete { entry })
    }

    fn check_idle(&self, file: FileId, entry: &FileEntry) -> Result<(), Rejected> {
        match self.moves.values().find(|m| m.file == file) {
            Some(m) => Err(Rejected::NotPossible {
                what: format!("changing {}", entry.record.name),
                why: format!("it is being moved from {} to {}; try again when that is done", m.src, m.dst),
            }),
            None => Ok(()),
        }
    }

    fn check_stress(&self, stress: &Stress) -> Result<CheckedCommand, Rejected> {
        self.check_known(&stress.node)?;
        let refused = |field: &'static str, range: &_| Rejected::InvalidField {
            field: field.into(),
            rule: format!("must be {}", number::range(range)),
        };
        if !STRESS_FILES.contains(&stress.files) {
            return Err(refused("files", &STRESS_FILES));
        }
        // The size is in bytes here: the largest in KiB, to the byte.
        if stress.size.0 == 0 || stress.size.0 > STRESS_SIZE_KB.end() * 1024 {
            return Err(refused("size_kb", &STRESS_SIZE_KB));
        }
        self.check_store()?;
        if stress.files > LARGE_RUN
            && let Some((_, why)) = self.short_of_heap()
        {
            return Err(Rejected::NotPossible {
                what: format!("a stress of {}", number::count(stress.files, "file")),
                why,
            });
        }
        self.check_takes(&stress.node, Some(Bytes(stress.size.0.saturating_mul(stress.files))))?;
        Ok(CheckedCommand::Stress(stress.clone()))
    }

    /// Judges whether a plan can be made now.
    ///
    /// # Errors
    /// [`Rejected`] with the reason.
    pub fn check_plan(&self) -> Result<(), Rejected> {
        match self.cannot_plan() {
            Some(decision) if decision.lacks_data() => {
                // Where only watching is allowed, nothing is read that would be waited for.
                self.session.store.check()?;
                Err(Rejected::NotReady { what: "a plan".into(), why: decision.sentence().into() })
            }
            Some(decision) => Err(Rejected::NotPossible { what: "a plan".into(), why: decision.sentence().into() }),
            None => Ok(()),
        }
    }

    pub(super) fn check_run(&self) -> Result<CheckedCommand, Rejected> {
        self.check_store_matches()?;
        self.check_whole()?;
        if self.leadership.leads || self.leadership.leader.is_some() {
            return Ok(CheckedCommand::RunScheduler);
        }
        let why = "no instance leads at the moment; an election takes a few seconds".into();
        Err(Rejected::NotReady { what: "running the scheduler".into(), why })
    }

    fn check_stop_run(&self) -> Result<CheckedCommand, Rejected> {
        if self.scheduler.running.is_some() {
            return Ok(CheckedCommand::StopRun);
        }
        Err(Rejected::AlreadySo { what: "no run of the scheduler is in progress on this instance".into() })
    }

    fn check_scheduler_pause(&self, paused: bool) -> Result<CheckedCommand, Rejected> {
        if self.scheduler.paused == paused {
            let what = if paused { "the scheduler is paused already" } else { "the scheduler is on already" };
            return Err(Rejected::AlreadySo { what: what.into() });
        }
        Ok(CheckedCommand::PauseScheduler(paused))
    }

    fn check_workload(&self) -> Result<CheckedCommand, Rejected> {
        self.check_store()?;
        if self.workload.running {
            return Err(Rejected::AlreadySo { what: "the workload is running already".into() });
        }
        Ok(CheckedCommand::RunWorkload)
    }
}
