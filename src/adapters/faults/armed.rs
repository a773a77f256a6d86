//! The fail-points of a build with the feature `failpoints`.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::watch;

static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("ZKDECK_FAULTS").map(PathBuf::from));
/// The orders as they were read last, and how often each point was reached since.
static REACHED: LazyLock<Mutex<(String, HashMap<String, u64>)>> = LazyLock::new(Mutex::default);

fn orders() -> Option<String> {
    std::fs::read_to_string(FILE.as_ref()?).ok()
}

/// Writes down that an order took effect.
fn fired(order: &str) {
    let Some(file) = FILE.as_ref() else { return };
    let mut name = file.clone().into_os_string();
    name.push(".fired");
    let written = OpenOptions::new().create(true).append(true).open(name).and_then(|mut f| writeln!(f, "{order}"));
    if let Err(error) = written {
        tracing::error!("the fault {order:?} cannot be written down: {error}");
    }
}

/// A point that may be the last thing this process does.
pub fn at(point: &str) {
    let Some(orders) = orders() else { return };
    let wanted = orders.lines().find_map(|line| {
        let rest = line.strip_prefix("kill ")?;
        let (name, count) = rest.rsplit_once(' ').unwrap_or((rest, "1"));
        (name == point).then(|| count.parse::<u64>().unwrap_or(1))
    });
    let Some(wanted) = wanted else { return };
    let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    if reached.0 != orders {
        *reached = (orders, HashMap::new());
    }
    let count = reached.1.entry(point.to_owned()).or_default();
    *count += 1;
    if *count == wanted {
        fired(&format!("kill {point}"));
        if let Err(error) = kill_process(getpid(), Signal::KILL) {
            tracing::error!("the process cannot be ended at {point}: {error}");
        }
    }
}

/// Whether the step that was just made is to be made again.
#[must_use]
pub fn twice(point: &str) -> bool {
    ordered("repeat", point)
}

/// Whether a rule is to be broken on purpose.
#[must_use]
pub fn broken(rule: &str) -> bool {
    ordered("break", rule)
}

/// With `break commit-after-loss`, waits a while for the loss of what is watched: a broken rule is then broken
/// just where the fault falls.
pub async fn until_lost<T>(link: &watch::Receiver<Option<T>>) {
    if broken("commit-after-loss") {
        let mut link = link.clone();
        let lost = async { _ = link.wait_for(Option::is_none).await.map(drop) };
        _ = tokio::time::timeout(Duration::from_secs(10), lost).await;
    }
}

fn ordered(verb: &str, name: &str) -> bool {
    let order = format!("{verb} {name}");
    let wanted = orders().is_some_and(|orders| orders.lines().any(|line| line == order));
    if wanted {
        fired(&order);
    }
    wanted
}

/// Milliseconds that the clock is ahead.
#[must_use]
pub fn clock_ahead() -> u64 {
    let ahead = orders().and_then(|orders| orders.lines().find_map(|line| line.strip_prefix("clock ")?.parse().ok()));
    ahead.unwrap_or(0)
}
