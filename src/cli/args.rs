//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use toml::Value;

use super::flags::Flags;
use super::{doctor, healthcheck, logs, templates};
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

    #[command(flatten)]
    pub(super) flags: Flags,
}

/// What zkdeck does instead of opening the console: one line here, one arm in `cli::dispatch`, one
/// folder or file beside this one. Options that are marked `global` above may stand before and after it;
/// which of them it goes by is in [`GOES_BY`].
#[derive(Debug, Subcommand)]
pub(super) enum Sub {
    /// Check this machine and the stack, and print what to type for each thing that is wrong
    Doctor(doctor::DoctorOptions),
    /// Install the index templates of zkdeck's logs in Elasticsearch
    Templates(templates::TemplatesOptions),
    /// Search the logs of the servers and of zkdeck
    Logs(logs::LogsOptions),
    /// Ask the daemon on this machine whether it answers; for the health check of a container
    Healthcheck(healthcheck::HealthcheckOptions),
}

/// Which global options each command goes by, and what they mean to it. The others are taken, so that
/// one command line begins all of them, and are not in its help.
const GOES_BY: &[(&str, &[(&str, &str)])] = &[
    (
        "doctor",
        &[
            ("local", "Check what --local needs, and the three servers of this folder; starts none"),
            ("zk", "Check the servers at these client addresses [default: those of the settings]"),
            ("data", "Check this folder of uploads, history and local servers [default: data]"),
            ("logs", "Check this folder of log files [default: logs]"),
            ("config", "File with settings [default: zkdeck.toml]"),
        ],
    ),
    ("templates", &[("config", "File with settings [default: zkdeck.toml]")]),
    (
        "logs",
        &[
            ("local", "Search the files in the log folder, not the Elasticsearch of this folder's stack"),
            ("logs", "Folder of log files to search when there is no Elasticsearch [default: logs]"),
            ("config", "File with settings [default: zkdeck.toml]"),
        ],
    ),
    ("healthcheck", &[("config", "File with settings, for the address to ask [default: zkdeck.toml]")]),
];

/// The command line, each command's help with the options that it goes by.
pub(super) fn command() -> Command {
    let whole = Args::command();
    let shared: Vec<Arg> = whole.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    GOES_BY.iter().fold(whole, |whole, (name, goes_by)| {
        let own = shared.iter().cloned().map(|arg| match goes_by.iter().find(|(id, _)| arg.get_id() == *id) {
            Some((_, help)) => arg.help(*help),
            None => arg.hide(true),
        });
        whole.mut_subcommand(name, |sub| sub.args(own))
    })
}

impl Args {
    /// Reads the arguments of the process.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for.
    pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches: ArgMatches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// What the flags set, to win over file and environment.
    pub(super) fn overrides(&self) -> Overrides {
        let flags = &self.flags;
        let mut set: Overrides = Vec::new();
        if !flags.zk.is_empty() {
            let servers = flags.zk.iter().map(|server| Value::String(server.trim().to_owned())).collect();
            set.push(("ensemble", "servers", Value::Array(servers)));
        }
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let path = |value: &Option<PathBuf>| value.as_ref().map(|p| Value::String(p.to_string_lossy().into_owned()));
        let asked = match &self.command {
            Some(Sub::Healthcheck(options)) => options.listen.as_ref(),
            _ => None,
        };
        let given = [
            ("api", "listen", text(&asked.or(flags.listen.as_ref()).cloned())),
            ("paths", "data", path(&flags.data)),
            ("paths", "logs", path(&flags.logs)),
            ("console", "theme", text(&flags.theme)),
            ("log", "to", text(&flags.log_to)),
            ("console", "glyphs", flags.ascii.then(|| Value::String("ascii".into()))),
        ];
        set.extend(given.into_iter().filter_map(|(section, key, value)| Some((section, key, value?))));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<Args, clap::Error> {
        Args::read(line.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// What `zkdeck NAME --help` says.
    fn help(name: &str) -> String {
        command().find_subcommand_mut(name).unwrap().render_help().to_string()
    }

    #[test]
    fn a_commands_help_has_the_options_that_it_goes_by_and_no_other() {
        let names: Vec<String> = command().get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        assert_eq!(names.len(), GOES_BY.len(), "{names:?}");
        let shared = ["--local", "--zk", "--data", "--logs", "--config"];
        for (name, goes_by) in GOES_BY {
            let help = help(name);
            assert!(!help.contains("Start three") && !help.contains("start them"), "{help}");
            for option in shared {
                let listed = help.lines().any(|line| line.trim_start().starts_with(option));
                assert_eq!(listed, goes_by.iter().any(|(id, _)| option == format!("--{id}")), "{option} in {help}");
            }
        }
        assert!(help("healthcheck").contains("--listen"));
    }

    #[test]
    fn the_address_to_ask_may_stand_on_both_sides_of_healthcheck() {
        for line in [["zkdeck", "--listen", "a:1", "healthcheck"], ["zkdeck", "healthcheck", "--listen", "a:1"]] {
            let args = read(&line).unwrap();
            assert_eq!(args.overrides(), [("api", "listen", Value::String("a:1".into()))]);
        }
        let args = read(&["zkdeck", "--local", "logs", "x", "--data", "y"]).unwrap();
        assert!(
            args.flags.local && args.flags.data == Some(PathBuf::from("y")),
            "what a command does not go by is taken"
        );
    }

    #[test]
    fn local_and_addresses_exclude_each_other() {
        assert!(read(&["zkdeck", "--local", "--zk", "a:1"]).is_err());
        let args = read(&["zkdeck", "--zk", "a:1,b:2"]).unwrap();
        assert_eq!(args.flags.zk, ["a:1", "b:2"]);
    }

    #[test]
    fn options_of_the_place_hold_before_and_after_a_command() {
        for line in [["zkdeck", "--data", "x", "doctor", "--json"], ["zkdeck", "doctor", "--json", "--data", "x"]] {
            let args = read(&line).unwrap();
            assert_eq!(args.flags.data, Some(PathBuf::from("x")));
            assert!(matches!(args.command, Some(Sub::Doctor(options)) if options.json));
        }
        assert!(read(&["zkdeck", "doctor", "--daemon"]).is_err());
    }
}
