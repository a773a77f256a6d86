//! How much Java heap a server of the local ensemble gets on this machine.

use std::fs;
use std::path::Path;

/// The part of the machine's memory that the servers take together: the rest is for zkdeck, the
/// system's file cache, on which every write of ZooKeeper's log rests, and what else runs there.
const PART: u64 = 4;
/// Bears about 300,000 files; less than this makes a server that has no room for a busy hour.
const MIB_MIN: u64 = 256;
/// Bears about 2.5 million files, as many as the layout holds; beyond it a full collection of the
/// heap takes longer than a session bears.
const MIB_MAX: u64 = 2048;

/// A quarter of `memory` shared by `servers`, in MiB, within 256 and 2,048.
fn share(memory: Option<u64>, servers: usize) -> u32 {
    let mib = memory.unwrap_or(0) / PART / (servers.max(1) as u64) / (1 << 20);
    u32::try_from(mib.clamp(MIB_MIN, MIB_MAX)).unwrap_or(u32::MAX)
}

/// The heap of each of `servers` that fits this machine, in MiB.
pub(super) fn fitting(servers: usize) -> u32 {
    share(memory(Path::new("/")), servers)
}

/// Bytes of memory that this process may use: the machine's, or its container's limit when that is less.
fn memory(root: &Path) -> Option<u64> {
    let text = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = text("proc/meminfo").and_then(|text| total(&text));
    let limits = ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = limits.iter().filter_map(|path| text(path)?.trim().parse().ok());
    machine.into_iter().chain(limits).min()
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn three_servers_share_a_quarter_within_bounds() {
        let of = |memory| share(Some(memory), 3);
        assert_eq!((of(GIB), of(2 * GIB), of(4 * GIB)), (256, 256, 341));
        assert_eq!((of(12 * GIB), of(24 * GIB), of(512 * GIB)), (1024, 2048, 2048));
        assert_eq!((share(None, 3), share(Some(24 * GIB), 0)), (256, 2048));
    }

    #[test]
    fn the_containers_limit_counts_where_it_is_less() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(memory(root.path()), None);
        write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:  1 kB\n");
        assert_eq!(memory(root.path()), Some(8 * GIB));
        write("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(memory(root.path()), Some(8 * GIB));
        write("sys/fs/cgroup/memory.max", "1073741824\n");
        assert_eq!(memory(root.path()), Some(GIB));
    }
}
