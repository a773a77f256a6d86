//! A console that was opened in a folder that belongs to nobody, on a host where zkdeck runs already: `ssh -t host zkdeck`
//! in one's home. It shows that zkdeck, by its REST, or says where it runs. Nothing is made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::compose;
use super::flags::Flags;
use super::output::say;
use crate::adapters::control::process::Alive;
use crate::adapters::daemon::Address;
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::registry::Registry;
use crate::adapters::zookeeper::{ZkConfig, connect, election};
use crate::config::Config;
use crate::console::panes;
use crate::console::sanitise::clean;
use crate::domain::setting::Origin;
use crate::domain::shell;
use crate::domain::snapshot::{InstanceInfo, InstanceSeat};
use crate::engine::handle::{self, Handle, Remote};
use crate::tui::{self, TuiConfig};

/// How long a zkdeck on this host is waited for.
const LIMIT: Duration = Duration::from_secs(2);
/// Settings that say which ensemble and whose files are meant.
const CHOSEN: [&str; 3] = ["ensemble.servers", "paths.data", "paths.logs"];

/// Opens the console of the zkdeck that runs on this host, when this folder is nobody's; `None` when none runs here.
///
/// # Errors
/// Where it runs, when its console cannot be opened from here; that of the terminal.
pub(super) async fn run(flags: &Flags, config: &Config, screen: TuiConfig) -> anyhow::Result<Option<ExitCode>> {
    if flags.local || !is_nobodys(flags, config) {
        return Ok(None);
    }
    if let Some((address, handle, remote)) = daemon(config).await {
        return show(screen, (address, handle, remote)).await.map(Some);
    }
    match neighbours(config).await.first() {
        Some((one, seat)) => Err(anyhow::anyhow!(elsewhere(one, seat))),
        None => Ok(None),
    }
}

/// Whether nothing here says what it is to be: no settings, no files of before, nothing named.
fn is_nobodys(flags: &Flags, config: &Config) -> bool {
    let by_default = |name: &str| config.configured.iter().any(|one| one.name == name && one.origin == Origin::Default);
    CHOSEN.into_iter().all(by_default)
        && !flags.config_file().exists()
        && !config.paths.data.exists()
        && !config.paths.logs.exists()
}

/// The zkdeck that answers at the address of the settings.
async fn daemon(config: &Config) -> Option<(Address, Handle, Remote)> {
    let listen = &config.api.listen;
    if listen.ends_with(":0") {
        return None;
    }
    let address = Address::new(listen, None).ok()?;
    match timeout(LIMIT, handle::connect(address.clone().dial())).await {
        Ok(Ok((handle, remote))) => Some((address, handle, remote)),
        // Nobody is there, or another program; or it wants a token: then its folder is named.
        Ok(Err(_)) | Err(_) => None,
    }
}

async fn show(screen: TuiConfig, (address, handle, remote): (Address, Handle, Remote)) -> anyhow::Result<ExitCode> {
    let screen = async {
        let exit = tui::run(handle.clone(), attached(screen), panes::all()).await;
        handle.shut_down();
        exit
    };
    let (exit, ()) = tokio::join!(screen, remote.run());
    let exit = exit?;
    match exit {
        tui::Exit::EngineEnded => say(&format!("zkdeck: the zkdeck at {address} has ended")),
        _ => say(&format!("zkdeck: the zkdeck at {address} goes on")),
    }
    Ok(ExitCode::from(exit.code()))
}

/// What is kept of a person lies in a folder of that person's: this one is nobody's.
fn attached(screen: TuiConfig) -> TuiConfig {
    let own = state_folder(|name| std::env::var_os(name).filter(|text| !text.is_empty()).map(PathBuf::from));
    TuiConfig { kept: own.unwrap_or(screen.kept), controls: true, attached: true, ..screen }
}

/// By the XDG base directory specification.
fn state_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let below_home = || variable("HOME").map(|home| home.join(".local/state"));
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute()).or_else(below_home);
    state.map(|state| state.join("zkdeck"))
}

/// The instances of the settings' ensemble that run on this host, the one that leads or keeps on first.
async fn neighbours(config: &Config) -> Vec<(InstanceInfo, InstanceSeat)> {
    let all = timeout(LIMIT, instances(config)).await.ok().flatten().unwrap_or_default();
    let here = compose::host_name();
    let is_here = |one: &InstanceInfo| one.host == here && Alive::of(one.pid).is_some();
    let seated = |one: InstanceInfo| one.seat.clone().map(|seat| (one, seat));
    let mut found: Vec<_> = all.into_iter().filter(is_here).filter_map(seated).collect();
    // What is to watch an ensemble from afar is no place to go to.
    found.retain(|(_, seat)| !seat.read_only);
    found.sort_by_key(|(_, seat)| std::cmp::Reverse(seat.front));
    found
}

async fn instances(config: &Config) -> Option<Vec<InstanceInfo>> {
    let zookeeper =
        ZkConfig { hosts: config.ensemble.servers.clone(), root: config.ensemble.root.clone(), ..ZkConfig::default() };
    let coord: Arc<dyn Coord> = Arc::new(connect(&zookeeper).await.ok()?);
    let registry = Registry::look(Arc::clone(&coord), &zookeeper).await.ok().flatten()?;
    let found = election::instances(&registry).await.ok();
    coord.close().await;
    found
}

/// Where it runs and how to go there.
fn elsewhere(one: &InstanceInfo, seat: &InstanceSeat) -> String {
    let folder = clean(&seat.folder).into_owned();
    format!(
        "nothing of an ensemble lies in this folder, and a {} of zkdeck runs on this host in {folder} (process {}, by {}); \
         open its console there: cd {} && zkdeck",
        seat.front.word(),
        one.pid,
        clean(&seat.person),
        shell::word(&folder),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;
    use crate::domain::snapshot::FrontKind;

    #[test]
    fn where_it_runs_is_told_with_the_command_that_goes_there() {
        let (one, mut seat) = (fixtures::snapshot().instance.info(), fixtures::seat());
        (seat.front, seat.folder) = (FrontKind::Daemon, "/srv/my zk".into());
        let told = elsewhere(&one, &seat);
        assert!(told.contains("a daemon of zkdeck runs on this host in /srv/my zk (process 4711, by root)"), "{told}");
        assert!(told.ends_with("cd '/srv/my zk' && zkdeck"), "{told}");
        seat.folder = "/a\u{1b}[2J".into();
        assert!(!elsewhere(&one, &seat).contains('\u{1b}'));
    }

    #[test]
    fn what_a_person_keeps_lies_in_a_folder_of_the_persons() {
        for (state, home, folder) in [
            (Some("/x"), Some("/home/a"), "/x/zkdeck"),
            (None, Some("/home/a"), "/home/a/.local/state/zkdeck"),
            (Some("relative"), Some("/home/a"), "/home/a/.local/state/zkdeck"),
        ] {
            let variable = |name: &str| if name == "HOME" { home } else { state }.map(PathBuf::from);
            assert_eq!(state_folder(variable), Some(PathBuf::from(folder)));
        }
        assert_eq!(state_folder(|_| None), None);
    }
}
