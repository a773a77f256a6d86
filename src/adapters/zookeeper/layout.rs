//! Where everything lies under the root, and what a changed path means.

use std::sync::Arc;

use crate::domain::ids::{AttemptId, FileId, InstanceId, NodeId, OperationId};

/// Hex digits of a bucket's name when nothing else was recorded: 256 buckets, up to 2.5 million files.
pub const BUCKET_DIGITS_DEFAULT: u8 = 2;

/// The paths under one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZnodeLayout {
    root: Arc<str>,
    bucket_digits: u8,
}

/// What a path is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    File(FileId),
    Node(NodeId),
    /// The election: who leads may have changed.
    Leader,
    Epoch,
    Instances,
    /// The scheduler was paused or resumed.
    Scheduler,
    /// A setting was changed at run time.
    Settings,
    /// A run was asked for, answered or dropped.
    Run(OperationId),
    LastRun,
    Scrub,
    /// The store's id and format.
    Store,
    Intent(AttemptId),
    Other,
}

impl ZnodeLayout {
    /// `root` is absolute and has no slash at its end; `bucket_digits` is 1, 2 or 3.
    #[must_use]
    pub fn new(root: &str, bucket_digits: u8) -> Self {
        Self { root: root.into(), bucket_digits }
    }

    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    #[must_use]
    pub const fn bucket_digits(&self) -> u8 {
        self.bucket_digits
    }

    fn under(&self, rest: &str) -> String {
        format!("{}/{rest}", self.root)
    }

    #[must_use]
    pub fn files(&self) -> String {
        self.under("files")
    }

    #[must_use]
    pub fn bucket(&self, bucket: &str) -> String {
        format!("{}/files/{bucket}", self.root)
    }

    /// Names of all buckets, in order.
    #[must_use]
    pub fn bucket_names(&self) -> Vec<String> {
        let digits = usize::from(self.bucket_digits);
        (0..16_u32.pow(u32::from(self.bucket_digits))).map(|i| format!("{i:0digits$x}")).collect()
    }

    /// Name of the bucket that a file lies in.
    #[must_use]
    pub fn bucket_of(&self, file: FileId) -> String {
        file.bucket(usize::from(self.bucket_digits))
    }

    #[must_use]
    pub fn file(&self, file: FileId) -> String {
        format!("{}/files/{}/{file}", self.root, self.bucket_of(file))
    }

    #[must_use]
    pub fn migrations(&self) -> String {
        self.under("migrations")
    }

    #[must_use]
    pub fn intent(&self, attempt: AttemptId) -> String {
        format!("{}/migrations/{attempt}", self.root)
    }

    #[must_use]
    pub fn nodes(&self) -> String {
        self.under("nodes")
    }

    #[must_use]
    pub fn node(&self, node: &NodeId) -> String {
        format!("{}/nodes/{node}", self.root)
    }

    #[must_use]
    pub fn instances(&self) -> String {
        self.under("instances")
    }

    #[must_use]
    pub fn instance(&self, instance: InstanceId) -> String {
        format!("{}/instances/{instance}", self.root)
    }

    #[must_use]
    pub fn epoch(&self) -> String {
        self.under("control/epoch")
    }

    #[must_use]
    pub fn leader(&self) -> String {
        self.under("control/leader")
    }

    #[must_use]
    pub fn store(&self) -> String {
        self.under("control/store")
    }

    #[must_use]
    pub fn scheduler(&self) -> String {
        self.under("control/scheduler")
    }

    /// What was set at run time.
    #[must_use]
    pub fn settings(&self) -> String {
        self.under("control/settings")
    }

    #[must_use]
    pub fn last_run(&self) -> String {
        self.under("control/last_run")
    }

    /// What the leader's scrub has found.
    #[must_use]
    pub fn scrub(&self) -> String {
        self.under("control/scrub")
    }

    #[must_use]
    pub fn canary(&self) -> String {
        self.under("control/canary")
    }

    #[must_use]
    pub fn recorded(&self) -> String {
        self.under("control/layout")
    }

    #[must_use]
    pub fn runs(&self) -> String {
        self.under("control/run")
    }

    #[must_use]
    pub fn run(&self, operation: OperationId) -> String {
        format!("{}/control/run/{operation}", self.root)
    }

    /// What a changed path is about. A name that is not written as zkdeck writes it is `Other`.
    #[must_use]
    pub fn classify(&self, path: &str) -> Touched {
        let Some(rest) = path.strip_prefix(&*self.root).and_then(|rest| rest.strip_prefix('/')) else {
            return Touched::Other;
        };
        let parts: Vec<&str> = rest.split('/').collect();
        match parts.as_slice() {
            ["files", _, id] => id.parse().ok().filter(|id| self.file(*id) == path).map(Touched::File),
            ["nodes", id] => NodeId::new(id).ok().map(Touched::Node),
            ["migrations", id] => id.parse().ok().filter(|id| self.intent(*id) == path).map(Touched::Intent),
            ["instances", ..] => Some(Touched::Instances),
            ["control", "leader", ..] => Some(Touched::Leader),
            ["control", "epoch"] => Some(Touched::Epoch),
            ["control", "scheduler"] => Some(Touched::Scheduler),
            ["control", "settings"] => Some(Touched::Settings),
            ["control", "last_run"] => Some(Touched::LastRun),
            ["control", "scrub"] => Some(Touched::Scrub),
            ["control", "store"] => Some(Touched::Store),
            ["control", "run", id] => id.parse().ok().filter(|id| self.run(*id) == path).map(Touched::Run),
            _ => None,
        }
        .unwrap_or(Touched::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::node_id;

    #[test]
    fn every_path_is_told_from_the_others() {
        let layout = ZnodeLayout::new("/demo", 2);
        let (file, attempt, operation) = (FileId::new(0xabcd), AttemptId::new(7), OperationId::new(9));
        assert_eq!(layout.file(file), "/demo/files/cd/00000000-0000-0000-0000-00000000abcd");
        for (path, touched) in [
            (layout.file(file), Touched::File(file)),
            (layout.node(&node_id("zk1")), Touched::Node(node_id("zk1"))),
            (layout.intent(attempt), Touched::Intent(attempt)),
            (layout.run(operation), Touched::Run(operation)),
            (layout.instance(InstanceId::new(1)), Touched::Instances),
            (format!("{}/x-0000000001", layout.leader()), Touched::Leader),
            (layout.epoch(), Touched::Epoch),
            (layout.scheduler(), Touched::Scheduler),
            (layout.settings(), Touched::Settings),
            (layout.last_run(), Touched::LastRun),
            (layout.scrub(), Touched::Scrub),
            (layout.store(), Touched::Store),
        ] {
            assert_eq!(layout.classify(&path), touched, "{path}");
        }
    }

    #[test]
    fn strangers_are_other() {
        let layout = ZnodeLayout::new("/demo", 2);
        for path in [
            "",
            "/",
            "/demo",
            "/demo/",
            "/demonstration/nodes/zk1",
            "/other/nodes/zk1",
            "/demo/nodes/ZK1",
            "/demo/nodes/zk1/x",
            "/demo/files/ab",
            "/demo/files/cd/0000000000000000000000000000abcd",
            "/demo/files/00/00000000-0000-0000-0000-00000000abcd",
            "/demo/control/canary",
        ] {
            assert_eq!(layout.classify(path), Touched::Other, "{path:?}");
        }
    }

    #[test]
    fn there_are_16_to_the_digits_buckets_and_every_file_has_one() {
        for (digits, count) in [(1, 16), (2, 256), (3, 4096)] {
            let layout = ZnodeLayout::new("/demo", digits);
            let names = layout.bucket_names();
            assert_eq!(names.len(), count);
            assert!(names.contains(&layout.bucket_of(FileId::new(0xfff0f))));
        }
    }
}
