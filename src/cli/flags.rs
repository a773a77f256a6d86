//! The flags: what is chosen for the console, the daemon and the commands alike.

use std::path::PathBuf;

// No doc comment: it would take the place of the program's own in the help.
#[derive(Debug, clap::Args)]
pub(super) struct Flags {
    /// Run on three local ZooKeeper servers: start them as children, or attach to those of this folder
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

    /// Where --daemon writes its own log: auto, files, stderr or both [default: auto: files, and stderr
    /// too in a container or under systemd]
    #[arg(long, value_name = "WHERE", value_parser = ["auto", "files", "stderr", "both"], hide_possible_values = true)]
    pub(super) log_to: Option<String>,

    /// Theme: the name of a file in themes/
    #[arg(long, value_name = "NAME")]
    pub(super) theme: Option<String>,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,
}

impl Flags {
    pub(super) fn config_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| PathBuf::from("zkdeck.toml"))
    }
}
