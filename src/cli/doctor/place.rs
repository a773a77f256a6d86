//! What the checks look at: the settings, and what was asked for on the command line.

use crate::cli::args::Args;
use crate::cli::compose::{self, Server};
use crate::config::Config;

pub(super) struct Place {
    pub(super) config: Config,
    /// `--local`: the servers are to be children of zkdeck; else they run in Docker or elsewhere.
    pub(super) local: bool,
    pub(super) servers: Vec<Server>,
}

impl Place {
    pub(super) fn new(args: &Args, config: Config) -> anyhow::Result<Self> {
        Ok(Self { servers: compose::servers(args, &config)?, local: args.local, config })
    }

    /// The one that logs are searched in, else the stack's.
    pub(super) fn elasticsearch(&self) -> &str {
        let searched = self.config.elastic.url.as_str();
        if searched.is_empty() { &self.config.doctor.elasticsearch } else { searched }
    }
}

/// Runs what may block (a disk, `/proc`) off the loop, so that a hanging share holds up its own check only.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    /// A place with the default settings.
    pub(in crate::cli::doctor) fn place() -> Place {
        let config = crate::config::load(Path::new("/nonexistent"), false, |_| None, Vec::new()).unwrap();
        Place::new(&Args::try_parse_from(["zkdeck"]).unwrap(), config).unwrap()
    }
}
