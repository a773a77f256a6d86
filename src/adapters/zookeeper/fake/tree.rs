//! The znodes: versions, ephemerals, sequences, transactions, and every earlier state of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapters::zookeeper::coord::{Mode, Op, PathKind, Versioned};
use crate::adapters::zookeeper::error::Refusal;

pub(super) type SessionId = u64;

#[derive(Clone, Debug)]
struct Znode {
    data: Vec<u8>,
    version: i32,
    /// The session that an ephemeral ends with.
    owner: Option<SessionId>,
    /// What the next sequential child is numbered.
    next: u32,
}

/// What a path held from a transaction on.
type PathState = (u64, Option<Versioned>);

/// What a transaction did to one path; `data` is what the path holds after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeChange {
    pub(crate) path: String,
    pub(crate) kind: PathKind,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    znodes: BTreeMap<String, Znode>,
    /// Names of all children that a path has ever had.
    children: BTreeMap<String, BTreeSet<String>>,
    past: BTreeMap<String, Vec<PathState>>,
    zxid: u64,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

const fn fits(known: i32, demanded: i32) -> bool {
    demanded == -1 || known == demanded
}

impl Tree {
    pub(super) const fn zxid(&self) -> u64 {
        self.zxid
    }

    /// What `path` held after transaction `at`.
    pub(super) fn get(&self, path: &str, at: u64) -> Option<Versioned> {
        let past = self.past.get(path)?;
        past.iter().rev().find(|(zxid, _)| *zxid <= at)?.1.clone()
    }

    pub(super) fn children(&self, path: &str, at: u64) -> Option<Vec<String>> {
        if !path.is_empty() && path != "/" {
            self.get(path, at)?;
        }
        let path = path.trim_end_matches('/');
        let names = self.children.get(path).into_iter().flatten();
        Some(names.filter(|name| self.get(&format!("{path}/{name}"), at).is_some()).cloned().collect())
    }

    pub(super) fn create(
        &mut self,
        path: &str,
        data: &[u8],
        mode: Mode,
        owner: SessionId,
    ) -> Result<(String, Vec<TreeChange>), Refusal> {
        let mut path = path.to_owned();
        if mode == Mode::EphemeralSequential {
            let parent = self.znodes.get_mut(parent(&path)).ok_or(Refusal::NoNode)?;
            path = format!("{path}{:010}", parent.next);
            parent.next += 1;
        }
        let owner = (mode != Mode::Persistent).then_some(owner);
        let mut draft = Transaction::new(self);
        draft.create(&path, data, owner)?;
        let effects = draft.commit();
        Ok((path, effects))
    }

    /// All operations or none.
    pub(super) fn multi(&mut self, ops: &[Op]) -> Result<Vec<TreeChange>, (usize, Refusal)> {
        let mut draft = Transaction::new(self);
        for (index, op) in ops.iter().enumerate() {
            let done = match op {
                Op::Check { path, version } => draft.check(path, *version),
                Op::Create { path, data } => draft.create(path, data, None),
                Op::Set { path, data, version } => draft.set(path, data, *version),
                Op::Delete { path, version } => draft.delete(path, *version),
            };
            done.map_err(|why| (index, why))?;
        }
        Ok(draft.commit())
    }

    /// Removes the ephemerals of a session that ended.
    pub(super) fn end(&mut self, session: SessionId) -> Vec<TreeChange> {
        let mine = |(path, znode): (&String, &Znode)| (znode.owner == Some(session)).then(|| path.clone());
        let paths: Vec<String> = self.znodes.iter().filter_map(mine).collect();
        let ops: Vec<Op> = paths.into_iter().map(|path| Op::Delete { path, version: -1 }).collect();
        self.multi(&ops).unwrap_or_default()
    }
}

/// A transaction before it is known to go through.
struct Transaction<'a> {
    tree: &'a mut Tree,
    /// `None`: deleted.
    changed: BTreeMap<String, Option<Znode>>,
    effects: Vec<TreeChange>,
}

impl<'a> Transaction<'a> {
    fn new(tree: &'a mut Tree) -> Self {
        Self { tree, changed: BTreeMap::new(), effects: Vec::new() }
    }

    fn find(&self, path: &str) -> Option<&Znode> {
        match self.changed.get(path) {
            Some(changed) => changed.as_ref(),
            None => self.tree.znodes.get(path),
        }
    }

    fn check(&self, path: &str, version: i32) -> Result<(), Refusal> {
        let znode = self.find(path).ok_or(Refusal::NoNode)?;
        if fits(znode.version, version) { Ok(()) } else { Err(Refusal::BadVersion) }
    }

    fn create(&mut self, path: &str, data: &[u8], owner: Option<SessionId>) -> Result<(), Refusal> {
        let parent = parent(path);
        if !parent.is_empty() {
            let parent = self.find(parent).ok_or(Refusal::NoNode)?;
            if parent.owner.is_some() {
                return Err(Refusal::NoChildrenForEphemerals);
            }
        }
        if self.find(path).is_some() {
            return Err(Refusal::NodeExists);
        }
        let znode = Znode { data: data.to_vec(), version: 0, owner, next: 0 };
        self.note(path, PathKind::Created, Some(znode));
        Ok(())
    }

    fn set(&mut self, path: &str, data: &[u8], version: i32) -> Result<(), Refusal> {
        self.check(path, version)?;
        let mut znode = self.find(path).ok_or(Refusal::NoNode)?.clone();
        znode.version += 1;
        data.clone_into(&mut znode.data);
        self.note(path, PathKind::Data, Some(znode));
        Ok(())
    }

    fn delete(&mut self, path: &str, version: i32) -> Result<(), Refusal> {
        self.check(path, version)?;
        let start = format!("{path}/");
        let stored = self.tree.znodes.range(start.clone()..).map(|(child, _)| child);
        let fresh = self.changed.range(start.clone()..).map(|(child, _)| child);
        let mut below = stored.take_while(|p| p.starts_with(&start)).chain(fresh.take_while(|p| p.starts_with(&start)));
        if below.any(|child| self.find(child).is_some()) {
            return Err(Refusal::NotEmpty);
        }
        self.note(path, PathKind::Deleted, None);
        Ok(())
    }

    fn note(&mut self, path: &str, kind: PathKind, znode: Option<Znode>) {
        let data = znode.as_ref().map(|znode| znode.data.clone()).unwrap_or_default();
        self.effects.push(TreeChange { path: path.to_owned(), kind, data });
        self.changed.insert(path.to_owned(), znode);
    }

    fn commit(self) -> Vec<TreeChange> {
        let tree = self.tree;
        tree.zxid += 1;
        for (path, znode) in self.changed {
            let state = znode.as_ref().map(|znode| (znode.data.clone(), znode.version));
            tree.past.entry(path.clone()).or_default().push((tree.zxid, state));
            if let Some((parent, name)) = path.rsplit_once('/') {
                tree.children.entry(parent.to_owned()).or_default().insert(name.to_owned());
            }
            match znode {
                Some(znode) => _ = tree.znodes.insert(path, znode),
                None => _ = tree.znodes.remove(&path),
            }
        }
        self.effects
    }
}
