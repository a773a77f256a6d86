//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use toml::Value;

use super::{doctor, logs, templates};
use crate::config::Overrides;

/// A terminal console to watch and operate an Apache ZooKeeper ensemble, and to keep files spread over one folder per
/// server
///
/// The files' bytes lie on disk in data/uploads/<server>/, their records in ZooKeeper. Without a command it opens the
/// console. Without --read-only it writes under its root in ZooKeeper.
#[derive(Debug, Parser)]
#[command(name = "zkdeck", version, about, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Sub>,

    /// Start three real ZooKeeper servers as children, or attach to those of this folder
    #[arg(long, conflicts_with = "zk", global = true)]
    pub(super) local: bool,

    /// Client addresses of the servers [default: 127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183]
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', global = true)]
    pub(super) zk: Vec<String>,

    /// Run without a screen: the engine with REST and /metrics
    #[arg(long)]
    pub(super) daemon: bool,

    /// Serve no REST
    #[arg(long)]
    pub(super) no_api: bool,

    /// Address of REST and /metrics [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "no_api")]
    pub(super) listen: Option<String>,

    /// Watch only: hide and refuse everything that changes something
    #[arg(long)]
    pub(super) read_only: bool,

    /// Folder of uploads, history and local servers [default: data]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(super) data: Option<PathBuf>,

    /// Folder of log files [default: logs]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(super) logs: Option<PathBuf>,

    /// File with settings [default: zkdeck.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,

    /// Theme: the name of a file in themes/
    #[arg(long, value_name = "NAME")]
    pub(super) theme: Option<String>,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,
}

/// What zkdeck does instead of opening the console: one line here, one arm in `cli::dispatch`, one
/// folder or file beside this one. Options that are marked `global` above hold for all of them.
#[derive(Debug, Subcommand)]
pub(super) enum Sub {
    /// Check this machine and the stack, and print what to type for each thing that is wrong
    Doctor(doctor::Options),
    /// Install the index templates of zkdeck's logs in Elasticsearch
    Templates(templates::Options),
    /// Search the logs of the servers and of zkdeck
    Logs(logs::Options),
    /// Ask the daemon on this machine whether it answers; for the health check of a container
    Healthcheck,
}

impl Args {
    pub(super) fn config_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| PathBuf::from("zkdeck.toml"))
    }

    /// What the flags set, to win over file and environment.
    pub(super) fn overrides(&self) -> Overrides {
        let mut set: Overrides = Vec::new();
        if !self.zk.is_empty() {
            let servers = self.zk.iter().map(|server| Value::String(server.trim().to_owned())).collect();
            set.push(("ensemble", "servers", Value::Array(servers)));
        }
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let path = |value: &Option<PathBuf>| value.as_ref().map(|p| Value::String(p.to_string_lossy().into_owned()));
        let given = [
            ("api", "listen", text(&self.listen)),
            ("paths", "data", path(&self.data)),
            ("paths", "logs", path(&self.logs)),
            ("console", "theme", text(&self.theme)),
            ("console", "glyphs", self.ascii.then(|| Value::String("ascii".into()))),
        ];
        set.extend(given.into_iter().filter_map(|(section, key, value)| Some((section, key, value?))));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn local_and_addresses_exclude_each_other() {
        assert!(Args::try_parse_from(["zkdeck", "--local", "--zk", "a:1"]).is_err());
        let args = Args::try_parse_from(["zkdeck", "--zk", "a:1,b:2"]).unwrap();
        assert_eq!(args.zk, ["a:1", "b:2"]);
    }

    #[test]
    fn options_of_the_place_hold_before_and_after_a_command() {
        for line in [["zkdeck", "--data", "x", "doctor", "--json"], ["zkdeck", "doctor", "--json", "--data", "x"]] {
            let args = Args::try_parse_from(line).unwrap();
            assert_eq!(args.data, Some(PathBuf::from("x")));
            assert!(matches!(args.command, Some(Sub::Doctor(options)) if options.json));
        }
        assert!(Args::try_parse_from(["zkdeck", "doctor", "--daemon"]).is_err());
    }
}
