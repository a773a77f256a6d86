//! Where Java and ZooKeeper's jars are looked for.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where Java and ZooKeeper's jars are looked for. Plain data, so that tests do not depend on the
/// machine; [`Search::from_env`] reads the environment.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// A `java` to use; nothing else is looked at then.
    pub java: Option<PathBuf>,
    /// `JAVA_HOME`.
    pub java_home: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `ZOOKEEPER_HOME`: an unpacked Apache release.
    pub zookeeper_home: Option<PathBuf>,
    /// `ZKDECK_JARS`: a folder of jars; nothing of the following is looked at then.
    pub jars: Option<PathBuf>,
    /// Where `scripts/run` may have put the jars; the first that holds them counts.
    pub jar_folders: Vec<PathBuf>,
    /// The jar of Debian's package.
    pub debian_jar: Option<PathBuf>,
}

impl Search {
    /// Reads `JAVA_HOME`, `PATH`, `ZOOKEEPER_HOME` and `ZKDECK_JARS`; an empty variable is none.
    #[must_use]
    pub fn from_env() -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            java: None,
            java_home: var("JAVA_HOME").map(PathBuf::from),
            path: var("PATH"),
            zookeeper_home: var("ZOOKEEPER_HOME").map(PathBuf::from),
            jars: var("ZKDECK_JARS").map(PathBuf::from),
            jar_folders: fetched_folders(),
            debian_jar: Some("/usr/share/java/zookeeper.jar".into()),
        }
    }
}

/// `target/zookeeper-jars` below the current folder, and beside the build that the program came from.
fn fetched_folders() -> Vec<PathBuf> {
    let below = PathBuf::from("target/zookeeper-jars");
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("zookeeper-jars")));
    std::iter::once(below).chain(beside).collect()
}
