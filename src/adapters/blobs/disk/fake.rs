//! A disk in memory that loses what was not synced, and fails when it is told to.
//!
//! Bytes and names are kept twice: as a running system sees them, and as they would be found after a
//! loss of power. A sync copies from the first to the second; a loss of power goes the other way, and
//! lets each thing that was not synced survive or not.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Cursor};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;

use super::{Disk, Held, InputFile, OutputFile, Pace, Print};

/// What a test decides about each operation.
pub(crate) trait Trouble: Send + Sync {
    /// The error that this operation fails with, before it has any effect.
    fn strikes(&self, operation: DiskOperation, path: &Path) -> Option<Errno>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DiskOperation {
    Create,
    Open,
    Write,
    Sync,
    Rename,
    Remove,
    SyncFolder,
    Look,
}

type Inode = usize;

#[derive(Clone, Debug, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
struct DiskState {
    inodes: Vec<Contents>,
    /// By their whole paths, as texts: a path is taken apart for each comparison, which took a tenth of a simulated
    /// world's time.
    names: BTreeMap<OsString, Inode>,
    durable: BTreeMap<OsString, Inode>,
    folders: BTreeSet<OsString>,
    /// Files that a living process holds.
    held: BTreeSet<OsString>,
}

/// Whether a path is that of something right in a folder.
fn is_in(path: &OsStr, folder: &Path) -> bool {
    let inside = path.as_bytes().strip_prefix(folder.as_os_str().as_bytes());
    inside.and_then(|rest| rest.strip_prefix(b"/")).is_some_and(|name| !name.contains(&b'/'))
}

/// A disk that several processes use. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Volume(Arc<Mutex<DiskState>>);

/// How one process sees a [`Volume`].
#[derive(Clone)]
pub(crate) struct FakeDisk {
    volume: Volume,
    trouble: Arc<dyn Trouble>,
    time: Duration,
}

impl std::fmt::Debug for FakeDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeDisk")
    }
}

impl Volume {
    /// `time` is what each use of the disk takes.
    pub(crate) fn disk(&self, trouble: Arc<dyn Trouble>, time: Duration) -> FakeDisk {
        FakeDisk { volume: self.clone(), trouble, time }
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power goes and comes back. `survives` decides for each name and each content that was not
    /// synced; what does not survive whole is cut or gone.
    pub(crate) fn lose_power(&self, mut survives: impl FnMut() -> bool) {
        let mut state = self.state();
        let DiskState { inodes, names, durable, .. } = &mut *state;
        let mut after = durable.clone();
        for path in names.keys().chain(durable.keys()).collect::<BTreeSet<_>>() {
            if names.get(path) != durable.get(path) && survives() {
                match names.get(path) {
                    Some(inode) => _ = after.insert(path.clone(), *inode),
                    None => _ = after.remove(path),
                }
            }
        }
        for contents in inodes.iter_mut() {
            if contents.durable.as_ref() != Some(&contents.now) && !survives() {
                let kept = contents.now.len() / 2;
                contents.now = contents.durable.clone().unwrap_or_else(|| contents.now[..kept].to_vec());
            }
            contents.durable = Some(contents.now.clone());
        }
        durable.clone_from(&after);
        *names = after;
    }

    /// Flips a bit of a file, below the file system; whether there was one.
    pub(crate) fn flip(&self, path: &Path) -> bool {
        let mut state = self.state();
        let Some(inode) = state.names.get(path.as_os_str()).copied() else { return false };
        let contents = &mut state.inodes[inode];
        let Some(byte) = contents.now.first_mut() else { return false };
        *byte ^= 1;
        contents.durable = Some(contents.now.clone());
        true
    }

    /// A disk of its own that holds what this one holds.
    pub(crate) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// What a file holds, below the file system.
    pub(crate) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path.as_os_str())?;
        Some(state.inodes[*inode].now.clone())
    }
}

impl FakeDisk {
    fn ask(&self, operation: DiskOperation, path: &Path) -> Result<MutexGuard<'_, DiskState>, Errno> {
        match self.trouble.strikes(operation, path) {
            Some(errno) => Err(errno),
            None => Ok(self.volume.state()),
        }
    }
}

impl DiskState {
    fn find(&self, path: &Path) -> Result<Inode, Errno> {
        self.names.get(path.as_os_str()).copied().ok_or(Errno::NOENT)
    }

    fn folder_of(&self, path: &Path) -> Result<(), Errno> {
        let folder = path.parent().unwrap_or(path);
        if self.folders.contains(folder.as_os_str()) { Ok(()) } else { Err(Errno::NOENT) }
    }
}

#[derive(Debug)]
struct FakeHeld {
    volume: Volume,
    path: PathBuf,
}

impl Held for FakeHeld {
    fn is_there(&self) -> bool {
        self.volume.state().names.contains_key(self.path.as_os_str())
    }
}

impl Drop for FakeHeld {
    fn drop(&mut self) {
        self.volume.state().held.remove(self.path.as_os_str());
    }
}

struct FakeFile {
    disk: FakeDisk,
    path: PathBuf,
    inode: Inode,
}

impl std::fmt::Debug for FakeFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl io::Write for FakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.ask(DiskOperation::Write, &self.path)?;
        state.inodes[self.inode].now.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OutputFile for FakeFile {
    fn allocate(&self, _: u64) -> Result<(), Errno> {
        Ok(())
    }

    fn cut(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.ask(DiskOperation::Sync, &self.path)?;
        let contents = &mut state.inodes[self.inode];
        contents.durable = Some(contents.now.clone());
        Ok(())
    }
}

impl InputFile for Cursor<Vec<u8>> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.get_ref().len() as u64)
    }
}

impl Disk for FakeDisk {
    fn pace(&self) -> Pace {
        Pace::Simulated(self.time)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let mut state = self.ask(DiskOperation::Create, path)?;
        state.folder_of(path)?;
        if state.names.contains_key(path.as_os_str()) {
            return Err(Errno::EXIST.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Contents::default());
        state.names.insert(path.into(), inode);
        Ok(Box::new(FakeFile { disk: self.clone(), path: path.to_owned(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn InputFile>> {
        let state = self.ask(DiskOperation::Open, path)?;
        let inode = state.find(path)?;
        Ok(Box::new(Cursor::new(state.inodes[inode].now.clone())))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        let mut state = self.ask(DiskOperation::Rename, from)?;
        state.folder_of(to)?;
        let inode = state.find(from)?;
        if state.names.contains_key(to.as_os_str()) {
            return Err(Errno::EXIST);
        }
        state.names.remove(from.as_os_str());
        state.names.insert(to.into(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.ask(DiskOperation::Remove, path)?;
        state.find(path)?;
        state.names.remove(path.as_os_str());
        Ok(())
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        let state = self.ask(DiskOperation::Look, path)?;
        if state.folders.contains(path.as_os_str()) {
            return Ok(None);
        }
        let inode = state.find(path)?;
        Ok(Some(state.inodes[inode].now.len() as u64))
    }

    fn print(&self, path: &Path) -> io::Result<Print> {
        let state = self.ask(DiskOperation::Look, path)?;
        let inode = state.find(path)?;
        let bytes = &state.inodes[inode].now;
        let sum = bytes.iter().fold(0_i64, |sum, byte| sum.wrapping_mul(31).wrapping_add(i64::from(*byte)));
        Ok(Print { file: (0, inode as u64), size: bytes.len() as u64, changed: [sum, 0, 0, 0] })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let state = self.ask(DiskOperation::Look, folder)?;
        if !state.folders.contains(folder.as_os_str()) {
            return Err(Errno::NOENT.into());
        }
        let all = state.names.keys().chain(&state.folders);
        let inside = all.filter(|path| is_in(path, folder));
        Ok(inside.filter_map(|path| Path::new(path).file_name().map(OsString::from)).collect())
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.ask(DiskOperation::Create, path)?;
        let missing: Vec<_> = path.ancestors().map(OsString::from).collect();
        state.folders.extend(missing);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.ask(DiskOperation::SyncFolder, path)?;
        let DiskState { names, durable, .. } = &mut *state;
        durable.retain(|name, _| !is_in(name, path));
        let inside = names.iter().filter(|(name, _)| is_in(name, path));
        durable.extend(inside.map(|(name, inode)| (name.clone(), *inode)));
        Ok(())
    }

    fn hold(&self, path: &Path, text: &str) -> io::Result<Option<Box<dyn Held>>> {
        let mut state = self.ask(DiskOperation::Create, path)?;
        state.folder_of(path)?;
        if !state.names.contains_key(path.as_os_str()) {
            let inode = state.inodes.len();
            state.inodes.push(Contents::default());
            state.names.insert(path.into(), inode);
        }
        let inode = state.find(path)?;
        state.inodes[inode].now = text.as_bytes().to_vec();
        state.held.insert(path.into());
        Ok(Some(Box::new(FakeHeld { volume: self.volume.clone(), path: path.to_owned() })))
    }

    fn is_held(&self, path: &Path) -> Result<bool, Errno> {
        let mut state = self.ask(DiskOperation::Look, path)?;
        state.find(path)?;
        let held = state.held.contains(path.as_os_str());
        if !held {
            state.names.remove(path.as_os_str());
        }
        Ok(held)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        drop(self.ask(DiskOperation::Look, folder)?);
        Ok(1 << 40)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct None;

    impl Trouble for None {
        fn strikes(&self, _: DiskOperation, _: &Path) -> Option<Errno> {
            Option::None
        }
    }

    fn disk() -> (Volume, FakeDisk) {
        let volume = Volume::default();
        let disk = volume.disk(Arc::new(None), Duration::ZERO);
        disk.make_folder(Path::new("/a")).unwrap();
        (volume, disk)
    }

    fn read(disk: &FakeDisk, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        disk.open(Path::new(path)).ok()?.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    #[test]
    fn what_was_not_synced_may_be_lost_and_what_was_is_kept() {
        for (sync, sync_folder, kept) in [(true, true, Some(b"12".to_vec())), (false, true, Some(b"1".to_vec()))] {
            let (volume, disk) = disk();
            let mut file = disk.create_new(Path::new("/a/x")).unwrap();
            file.write_all(b"12").unwrap();
            if sync {
                file.sync().unwrap();
            }
            if sync_folder {
                disk.sync_folder(Path::new("/a")).unwrap();
            }
            volume.lose_power(|| false);
            assert_eq!(read(&disk, "/a/x"), kept);
        }
        let (volume, disk) = disk();
        disk.create_new(Path::new("/a/x")).unwrap().sync().unwrap();
        volume.lose_power(|| false);
        assert_eq!(read(&disk, "/a/x"), Option::None, "a name that was not synced");
    }

    #[test]
    fn a_rename_is_forgotten_unless_its_folders_were_synced() {
        let (volume, disk) = disk();
        disk.make_folder(Path::new("/b")).unwrap();
        disk.create_new(Path::new("/a/x")).unwrap().sync().unwrap();
        disk.sync_folder(Path::new("/a")).unwrap();
        disk.rename_new(Path::new("/a/x"), Path::new("/b/x")).unwrap();
        volume.lose_power(|| false);
        assert!(read(&disk, "/a/x").is_some() && read(&disk, "/b/x").is_none());
        disk.rename_new(Path::new("/a/x"), Path::new("/b/x")).unwrap();
        disk.sync_folder(Path::new("/b")).unwrap();
        disk.sync_folder(Path::new("/a")).unwrap();
        volume.lose_power(|| false);
        assert!(read(&disk, "/a/x").is_none() && read(&disk, "/b/x").is_some());
    }

    #[test]
    fn nothing_is_overwritten() {
        let (_, disk) = disk();
        drop(disk.create_new(Path::new("/a/x")).unwrap());
        drop(disk.create_new(Path::new("/a/y")).unwrap());
        assert_eq!(disk.rename_new(Path::new("/a/x"), Path::new("/a/y")), Err(Errno::EXIST));
        assert!(disk.create_new(Path::new("/a/x")).is_err());
        assert!(disk.create_new(Path::new("/none/x")).is_err());
    }
}
