//! What this process runs in, where that changes what is true or of use to say.

use std::path::Path;

/// Whether this is a container: 127.0.0.1 is the container itself, and its runtime keeps what is printed.
pub(super) fn in_container() -> bool {
    is_container(Path::new("/"), |name| std::env::var_os(name).is_some())
}

/// Whether systemd started this process: its journal keeps what is printed.
pub(super) fn under_systemd() -> bool {
    is_service(|name| std::env::var_os(name).is_some())
}

/// Whether SIGHUP was ignored when this process began, as `nohup` does: its terminal's end is not its own.
pub(super) fn hang_up_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hang_up(&status))
}

/// SIGHUP is the first signal: the lowest bit of the mask.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Docker and Podman leave a file, Kubernetes a variable, others a word in the name of the control group.
fn is_container(root: &Path, is_set: impl Fn(&str) -> bool) -> bool {
    let marked = [".dockerenv", "run/.containerenv"].iter().any(|mark| root.join(mark).exists());
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let grouped = ["docker", "kubepods", "containerd", "libpod", "lxc"].iter().any(|word| groups.contains(word));
    marked || is_set("KUBERNETES_SERVICE_HOST") || grouped
}

fn is_service(is_set: impl Fn(&str) -> bool) -> bool {
    is_set("JOURNAL_STREAM") || is_set("INVOCATION_ID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_known_by_what_their_runtimes_leave() {
        let nothing = |_: &str| false;
        let root = tempfile::tempdir().unwrap();
        assert!(!is_container(root.path(), nothing));
        assert!(is_container(root.path(), |name| name == "KUBERNETES_SERVICE_HOST"));
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let group = |text: &str| std::fs::write(root.path().join("proc/self/cgroup"), text).unwrap();
        group("0::/user.slice/session-1.scope\n");
        assert!(!is_container(root.path(), nothing));
        group("12:cpu:/docker/0123abcd\n");
        assert!(is_container(root.path(), nothing));
        group("0::/\n");
        for mark in [".dockerenv", "run/.containerenv"] {
            std::fs::create_dir_all(root.path().join("run")).unwrap();
            std::fs::write(root.path().join(mark), "").unwrap();
            assert!(is_container(root.path(), nothing), "{mark}");
            std::fs::remove_file(root.path().join(mark)).unwrap();
        }
    }

    #[test]
    fn a_hang_up_that_nohup_ignores_is_known() {
        assert!(ignores_hang_up("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hang_up("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"));
    }

    #[test]
    fn a_service_of_systemds_is_known_by_its_variables() {
        assert!(!is_service(|_| false));
        assert!(is_service(|name| name == "JOURNAL_STREAM") && is_service(|name| name == "INVOCATION_ID"));
    }
}
