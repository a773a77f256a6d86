//! Where doctor runs, and limits of the kernel.

use super::finding::Finding;
use super::place::{Site, blocking};

const MAX_MAP_COUNT: &str = "/proc/sys/vm/max_map_count";
/// What Elasticsearch asks for.
const MAX_MAP_COUNT_MIN: u64 = 262_144;

/// Docker and the kernel's limits are the host's; the paths and servers of this container are its own.
pub(super) async fn container(place: &Site) -> Vec<Finding> {
    let message = "doctor runs in a container: its paths and servers are the container's own, and fixes with docker or \
                   sysctl are to be typed on the host";
    place.container.then(|| Finding::ok("container", message)).into_iter().collect()
}

/// Elasticsearch in a container maps its index files, and the limit is the host's.
pub(super) async fn max_map_count(place: &Site) -> Vec<Finding> {
    if place.local {
        return Vec::new();
    }
    let text = blocking(|| std::fs::read_to_string(MAX_MAP_COUNT)).await;
    vec![judge(text.and_then(Result::ok).and_then(|text| text.trim().parse().ok()))]
}

fn judge(value: Option<u64>) -> Finding {
    const NAME: &str = "vm.max_map_count";
    let fix = format!(
        "sudo sysctl -w vm.max_map_count={MAX_MAP_COUNT_MIN}; to keep it: echo vm.max_map_count={MAX_MAP_COUNT_MIN} | \
         sudo tee /etc/sysctl.d/99-zkdeck.conf"
    );
    match value {
        Some(value) if value >= MAX_MAP_COUNT_MIN => Finding::ok(NAME, value.to_string()),
        Some(value) => {
            let message = format!("{value}, and Elasticsearch in Docker wants {MAX_MAP_COUNT_MIN} or more");
            Finding::warn(NAME, message, fix)
        }
        None => Finding::warn(NAME, format!("- ({MAX_MAP_COUNT} cannot be read)"), fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;

    #[tokio::test]
    async fn in_a_container_what_is_the_hosts_is_told_apart() {
        let inside = Site { container: true, ..crate::cli::doctor::place::tests::place() };
        let said = &container(&inside).await[0].message;
        assert!(said.contains("fixes with docker or sysctl") && !said.contains("what a fix below says"), "{said}");
    }

    #[test]
    fn the_limit_is_elasticsearchs() {
        assert_eq!(judge(Some(262_144)).status, Grade::Ok);
        let low = judge(Some(65_530));
        assert_eq!(low.status, Grade::Warn);
        assert!(low.fix.unwrap().starts_with("sudo sysctl -w vm.max_map_count=262144"));
        assert!(judge(None).message.starts_with('-'));
    }
}
