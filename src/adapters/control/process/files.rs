//! The files that a server reads at its start.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::config::LocalNode;
use super::error::LocalError;
use crate::adapters::owner;

/// Lines of one form in every server's log; times in UTC because the server runs with `TZ=UTC`.
const PATTERN: &str = "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n";
/// The log's name in the server's log folder, which is its working folder.
pub(super) const LOG: &str = "zookeeper.log";
/// What Java itself says: a wrong option, a missing class, no memory.
pub(super) const OUT: &str = "zookeeper.out";

/// Where one server's things are. All absolute.
#[derive(Clone, Debug)]
pub(super) struct ServerPaths {
    /// `<root>/<node>`: settings and data.
    pub(super) home: PathBuf,
    /// `<logs>/<node>`.
    pub(super) logs: PathBuf,
}

impl ServerPaths {
    pub(super) fn new(root: &Path, logs: &Path, node: &LocalNode) -> Self {
        Self { home: root.join(node.id.as_str()), logs: logs.join(node.id.as_str()) }
    }

    pub(super) fn record(&self) -> PathBuf {
        self.home.join("server.json")
    }

    /// There while an attached instance asks the owner to start the server.
    pub(super) fn start_request(&self) -> PathBuf {
        self.home.join("start.request")
    }

    /// There while the server is to stay stopped, whoever asked for it. The owner removes it when it
    /// starts the server.
    pub(super) fn stop_mark(&self) -> PathBuf {
        self.home.join("stop.mark")
    }

    pub(super) fn zoo_cfg(&self) -> PathBuf {
        self.home.join("zoo.cfg")
    }
}

/// Writes `zoo.cfg`, `myid` and the log's settings of server `number` (from 1) of `nodes`.
pub(super) fn write(
    places: &ServerPaths,
    number: usize,
    nodes: &[LocalNode],
    prometheus: bool,
) -> Result<(), LocalError> {
    let files = [
        ("zoo.cfg", zoo_cfg(&places.home, number, nodes, prometheus)),
        ("myid", format!("{number}\n")),
        ("logback.xml", logback()),
        ("log4j.properties", log4j()),
    ];
    owner::make_folder(&places.logs).map_err(LocalError::folder("make", &places.logs))?;
    owner::make_folder(&places.home).map_err(LocalError::folder("make", &places.home))?;
    for (name, text) in files {
        let path = places.home.join(name);
        fs::write(&path, text).and_then(|()| owner::follow(&path)).map_err(LocalError::folder("write", &path))?;
    }
    Ok(())
}

fn zoo_cfg(home: &Path, number: usize, nodes: &[LocalNode], prometheus: bool) -> String {
    let mut text = String::from("# Written by zkdeck at every start.\n");
    let mut line = |key: &str, value: &str| _ = writeln!(text, "{key}={value}");
    // Sessions end to the tick: with one of 2 s, a standby takes over up to 3 s after the time-out of
    // the leader's session. What is counted in ticks lasts as long as with that tick.
    line("tickTime", "500");
    line("initLimit", "40");
    line("syncLimit", "20");
    line("minSessionTimeout", "1000");
    line("maxSessionTimeout", "40000");
    line("dataDir", &property(&home.to_string_lossy()));
    line("clientPortAddress", "127.0.0.1");
    if let Some(node) = nodes.get(number - 1) {
        line("clientPort", &node.client_port.to_string());
        if prometheus {
            line("metricsProvider.className", "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider");
            line("metricsProvider.httpHost", "127.0.0.1");
            line("metricsProvider.httpPort", &node.metrics_port.to_string());
        }
    }
    // Every client comes from 127.0.0.1, so the limit per address is one for all of them.
    line("maxClientCnxns", "1000");
    line("admin.enableServer", "false");
    line("4lw.commands.whitelist", "srvr,mntr,ruok,stat,conf,cons,envi,isro,wchs");
    line("autopurge.snapRetainCount", "3");
    line("autopurge.purgeInterval", "1");
    for (i, node) in nodes.iter().enumerate() {
        line(&format!("server.{}", i + 1), &format!("127.0.0.1:{}:{}", node.quorum_port, node.election_port));
    }
    text
}

/// Java reads properties as Latin-1 with `\` as escape; everything else goes as `\uXXXX`.
fn property(value: &str) -> String {
    let mut text = String::new();
    for unit in value.encode_utf16() {
        match u8::try_from(unit).ok().filter(|byte| byte.is_ascii_graphic() && *byte != b'\\') {
            Some(byte) => text.push(char::from(byte)),
            None => _ = write!(text, "\\u{unit:04x}"),
        }
    }
    text
}

/// File names are relative to the server's log folder, so a folder's name needs no escapes here.
fn logback() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <appender name="FILE" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>{LOG}</file>
    <encoder><pattern>{PATTERN}</pattern></encoder>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <minIndex>1</minIndex><maxIndex>5</maxIndex><fileNamePattern>{LOG}.%i</fileNamePattern>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>10MB</maxFileSize>
    </triggeringPolicy>
  </appender>
  <!-- One line for each probe would bury the rest. -->
  <logger name="org.apache.zookeeper.server.NIOServerCnxn" level="WARN"/>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
"#
    )
}

fn log4j() -> String {
    format!(
        "log4j.rootLogger=INFO, FILE\nlog4j.appender.FILE=org.apache.log4j.RollingFileAppender\n\
         log4j.appender.FILE.File={LOG}\nlog4j.appender.FILE.MaxFileSize=10MB\nlog4j.appender.FILE.MaxBackupIndex=5\n\
         log4j.appender.FILE.layout=org.apache.log4j.PatternLayout\nlog4j.appender.FILE.layout.ConversionPattern={PATTERN}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::config::LocalConfig;
    use super::*;

    #[test]
    fn every_server_knows_the_others_and_its_own_ports() {
        let nodes = LocalConfig::new("r", "l").unwrap().nodes;
        let text = zoo_cfg(Path::new("/srv/zk2"), 2, &nodes, true);
        for line in [
            "dataDir=/srv/zk2",
            "clientPort=2182",
            "metricsProvider.httpPort=7002",
            "metricsProvider.httpHost=127.0.0.1",
            "server.1=127.0.0.1:2888:3888",
            "server.3=127.0.0.1:2890:3890",
            "admin.enableServer=false",
            // How soon a standby takes over rests on it.
            "tickTime=500",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(!zoo_cfg(Path::new("/srv/zk2"), 2, &nodes, false).contains("metricsProvider"));
    }

    #[test]
    fn a_hostile_folder_name_stays_one_property() {
        assert_eq!(property("/a b\\c\nd=é😀"), "/a\\u0020b\\u005cc\\u000ad=\\u00e9\\ud83d\\ude00");
    }

    #[test]
    fn all_files_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let nodes = LocalConfig::new("r", "l").unwrap().nodes;
        let places = ServerPaths::new(&folder.path().join("data"), &folder.path().join("logs"), &nodes[2]);
        write(&places, 3, &nodes, true).unwrap();
        assert_eq!(fs::read_to_string(places.home.join("myid")).unwrap(), "3\n");
        assert!(places.logs.is_dir() && places.zoo_cfg().is_file());
        assert!(fs::read_to_string(places.home.join("logback.xml")).unwrap().contains(PATTERN));
    }
}
