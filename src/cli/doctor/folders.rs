//! The folders that zkdeck writes: there, writable, on a local disk, with room.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{statfs, statvfs};

use super::finding::Finding;
use super::place::{Site, blocking};
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::shell;

/// Below this the next stress fills the disk.
const FREE_MIN: Bytes = Bytes(1 << 30);

pub(super) async fn check(place: &Site) -> Vec<Finding> {
    let paths = &place.config.paths;
    let reserve = place.config.scheduler.reserve();
    let mut findings = Vec::new();
    for (name, folder, flag) in [("data folder", &paths.data, "--data"), ("log folder", &paths.logs, "--logs")] {
        let (path, floor) = (folder.clone(), reserve.max(FREE_MIN));
        let found = blocking(move || folder_at(name, &path, flag, floor)).await;
        findings.extend(found.into_iter().flatten());
    }
    let nodes = place.servers.iter().map(|server| server.node.clone()).collect::<Vec<_>>();
    let data = paths.data.clone();
    findings.extend(blocking(move || disks_at(&data, &nodes, reserve)).await.into_iter().flatten());
    let backend = paths.logs.join("backend");
    findings.extend(blocking(move || backend_at(&backend)).await.flatten());
    findings
}

/// The disks of nodes that have one of their own, and have no room above the reserve on it.
fn disks_at(data: &Path, nodes: &[NodeId], reserve: Bytes) -> Vec<Finding> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.metadata().ok().map(|data| data.dev());
    let uploads = data.join("uploads");
    let full = |node: &NodeId| {
        let folder = uploads.join(node.as_str());
        device(&folder).filter(|own| Some(*own) != device(data))?;
        lacks_room(node, &folder, free(&folder)?, reserve)
    };
    nodes.iter().filter_map(full).collect()
}

fn lacks_room(node: &NodeId, folder: &Path, free: Bytes, reserve: Bytes) -> Option<Finding> {
    (free <= reserve).then(|| {
        let message = format!("{node} takes no files: {free} free on the disk of {}, {reserve} kept", folder.display());
        Finding::warn("node folder", message, format!("make room on it, or drain {node}: d in the console"))
    })
}

/// What is wrong with the folder of zkdeck's own log and lines, which is made at the first start.
fn backend_at(folder: &Path) -> Option<Finding> {
    const NAME: &str = "log folder";
    let shown = folder.display();
    if !folder.exists() {
        return None;
    }
    if !folder.is_dir() {
        let message = format!("{shown} is not a folder: the lines of operations cannot be written");
        return Some(Finding::fail(NAME, message, "move it away; zkdeck makes the folder and the lines again"));
    }
    let error = writable(folder).err()?;
    let user = rustix::process::getuid().as_raw();
    let fix = give(user, folder, folder);
    Some(Finding::fail(NAME, format!("{shown} cannot be written by uid {user}: {error}"), fix))
}

fn folder_at(name: &'static str, folder: &Path, flag: &str, floor: Bytes) -> Vec<Finding> {
    // A folder that is still to be made is judged by where it will be made.
    let there = nearest(folder);
    let shown = folder.display();
    let mut findings = vec![match (writable(&there), there.as_path() == folder) {
        (Ok(()), true) => Finding::ok(name, format!("{shown} is writable")),
        (Ok(()), false) => Finding::ok(name, format!("{shown} is made at the first start, in {}", there.display())),
        (Err(error), _) => {
            let user = rustix::process::getuid().as_raw();
            let fix = format!("{}, or choose another folder with {flag}", give(user, folder, &there));
            Finding::fail(name, format!("{} cannot be written by uid {user}: {error}", there.display()), fix)
        }
    }];
    findings.extend(kind(name, &there, flag));
    findings.extend(room(name, &there, flag, floor));
    findings
}

/// What gives a folder to a user. The parent of one that is missing is somebody else's: it stays as it is.
fn give(user: u32, folder: &Path, there: &Path) -> String {
    match there == folder {
        true => format!("sudo chown -R {user} {}", shell::path(folder)),
        false => format!("sudo install -d -o {user} {}", shell::path(folder)),
    }
}

/// The folder, or its nearest parent that exists.
fn nearest(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    match absolute.ancestors().find(|path| path.is_dir()) {
        Some(found) if found == absolute => folder.to_owned(),
        Some(found) => found.to_owned(),
        None => PathBuf::from("/"),
    }
}

/// Asks by making a file without a name, which leaves nothing behind; where the file system has
/// none, by the access rights.
fn writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, Mode, OFlags, access, open};
    match open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::from_raw_mode(0o600)) {
        Ok(_) => Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {
            Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// File systems on which a rename or a sync promises less than the migration protocol asks for.
fn kind(name: &'static str, folder: &Path, flag: &str) -> Option<Finding> {
    let number = statfs(folder).ok()?.f_type;
    let what = match number as u64 & 0xffff_ffff {
        0x6969 => "NFS",
        0x0102_1997 => "9p (a folder shared from the host of this virtual machine)",
        0x6573_5546 => "FUSE",
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => "SMB",
        0x0102_1994 => {
            return Some(Finding::warn(
                name,
                format!("{} is in memory (tmpfs): it is empty after a reboot", folder.display()),
                format!("choose a folder on a disk with {flag}"),
            ));
        }
        _ => return None,
    };
    let message = format!("{} is on {what}, where what was synced may still be lost in a crash", folder.display());
    Some(Finding::warn(name, message, format!("choose a folder on a local disk with {flag}")))
}

/// What may still be written on the disk of a folder.
fn free(folder: &Path) -> Option<Bytes> {
    let stat = statvfs(folder).ok()?;
    Some(Bytes(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

fn room(name: &'static str, folder: &Path, flag: &str, floor: Bytes) -> Option<Finding> {
    let free = free(folder)?;
    if free >= floor {
        return Some(Finding::ok(name, format!("{free} free")));
    }
    let message = format!("{free} free on the disk of {}, less than {floor}", folder.display());
    Some(Finding::warn(
        name,
        message,
        format!("make room, delete files in the console (x), or choose another disk with {flag}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_room_on_a_disk_of_its_own_is_told() {
        let (zk3, folder) = (crate::domain::fixtures::node_id("zk3"), Path::new("data/uploads/zk3"));
        let found = lacks_room(&zk3, folder, Bytes(10), Bytes(10)).unwrap();
        assert!(
            found.message.starts_with("zk3 takes no files: 10 B free on the disk of data/uploads/zk3"),
            "{found:?}"
        );
        assert_eq!(lacks_room(&zk3, folder, Bytes(11), Bytes(10)), None);
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(data.path().join("uploads/zk3")).unwrap();
        assert_eq!(disks_at(data.path(), &[zk3], Bytes(u64::MAX)), [], "its disk is that of the data folder");
    }

    #[test]
    fn a_file_where_the_lines_belong_is_told() {
        let logs = tempfile::tempdir().unwrap();
        let backend = logs.path().join("backend");
        assert!(backend_at(&backend).is_none(), "it is made at the first start");
        std::fs::write(&backend, "").unwrap();
        assert!(backend_at(&backend).unwrap().message.contains("is not a folder"));
        std::fs::remove_file(&backend).unwrap();
        std::fs::create_dir(&backend).unwrap();
        assert!(backend_at(&backend).is_none());
    }

    use crate::cli::doctor::finding::Grade;

    #[test]
    fn a_folder_to_be_made_is_judged_by_its_parent_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let found = folder_at("data folder", &folder.path().join("a/b"), "--data", Bytes(1));
        assert_eq!(found[0].status, Grade::Ok, "{found:?}");
        assert!(found[0].message.contains("is made at the first start"), "{found:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn nobody_is_told_to_take_what_is_there_already() {
        let (missing, there) = (Path::new("/var/lib/my zkdeck"), Path::new("/var/lib"));
        assert_eq!(give(1000, missing, there), "sudo install -d -o 1000 '/var/lib/my zkdeck'");
        assert_eq!(give(1000, there, there), "sudo chown -R 1000 /var/lib");
    }

    #[test]
    fn too_little_room_is_told_with_the_number() {
        let folder = tempfile::tempdir().unwrap();
        let found = room("data folder", folder.path(), "--data", Bytes(u64::MAX)).unwrap();
        assert_eq!(found.status, Grade::Warn);
        assert!(found.message.contains("free on the disk of"), "{found:?}");
    }
}
