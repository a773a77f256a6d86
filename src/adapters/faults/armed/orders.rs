//! What the tests have ordered, and whose attempts are under way.

use std::collections::HashMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::AttemptId;
use crate::domain::migration::{Intent, IntentKind, Step};

/// Who makes the steps of an attempt that this process did not begin.
const RECOVERY: &str = "recovery";

/// Orders in a file, read anew at each point.
pub(in crate::adapters::faults) struct Orders {
    file: Option<PathBuf>,
    /// How the process ends.
    end: Box<dyn Fn(&str) + Send + Sync>,
    reached: Mutex<Reached>,
    /// The attempts that this process has begun, and not closed.
    begun: Mutex<HashMap<AttemptId, Begun>>,
}

/// How often each point was reached since the orders were changed.
#[derive(Default)]
struct Reached {
    orders: String,
    counts: HashMap<String, u64>,
}

struct Begun {
    who: &'static str,
    /// The bytes that the attempt replaces.
    source: Option<AttemptId>,
}

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Orders").field(&self.file).finish()
    }
}

/// The point that is reached when `who` has made a step.
pub(super) fn point(who: &str, step: Step) -> String {
    format!("{who}.{}", step.word())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Orders {
    /// Those that `ZKDECK_FAULTS` names; the process ends by SIGKILL.
    #[cfg(feature = "failpoints")]
    pub(super) fn of_process() -> Self {
        use rustix::process::{Signal, getpid, kill_process};
        let end = |point: &str| {
            if let Err(error) = kill_process(getpid(), Signal::KILL) {
                tracing::error!("the process cannot be ended at {point}: {error}");
            }
        };
        Self::new(std::env::var_os("ZKDECK_FAULTS").map(PathBuf::from), end)
    }

    pub(super) fn new(file: Option<PathBuf>, end: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { file, end: Box::new(end), reached: Mutex::default(), begun: Mutex::default() }
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.file.as_ref()?).ok()
    }

    /// Writes down that an order took effect.
    fn fired(&self, order: &str) {
        let Some(file) = &self.file else { return };
        let mut name = file.clone().into_os_string();
        name.push(".fired");
        let written = OpenOptions::new().create(true).append(true).open(name).and_then(|mut f| writeln!(f, "{order}"));
        if let Err(error) = written {
            tracing::error!("the fault {order:?} cannot be written down: {error}");
        }
    }

    /// A point that may be the last thing this process does.
    pub(super) fn at(&self, point: &str) {
        let Some(orders) = self.text() else { return };
        let wanted = orders.lines().find_map(|line| {
            let rest = line.strip_prefix("kill ")?;
            let (name, count) = rest.rsplit_once(' ').unwrap_or((rest, "1"));
            (name == point).then(|| count.parse::<u64>().unwrap_or(1))
        });
        let Some(wanted) = wanted else { return };
        let mut reached = locked(&self.reached);
        if reached.orders != orders {
            *reached = Reached { orders, counts: HashMap::new() };
        }
        let count = reached.counts.entry(point.to_owned()).or_default();
        *count += 1;
        if *count == wanted {
            self.fired(&format!("kill {point}"));
            (self.end)(point);
        }
    }

    /// Whether the call that was just made is to be made again.
    pub(super) fn twice(&self, point: &str) -> bool {
        self.ordered("repeat", point)
    }

    /// Whether a rule is to be broken on purpose.
    pub(super) fn broken(&self, rule: &str) -> bool {
        self.ordered("break", rule)
    }

    fn ordered(&self, verb: &str, name: &str) -> bool {
        let order = format!("{verb} {name}");
        let wanted = self.text().is_some_and(|orders| orders.lines().any(|line| line == order));
        if wanted {
            self.fired(&order);
        }
        wanted
    }

    /// Milliseconds that the clock is ahead.
    #[cfg(feature = "failpoints")]
    pub(super) fn clock_ahead(&self) -> u64 {
        let ahead =
            self.text().and_then(|text| text.lines().find_map(|line| line.strip_prefix("clock ")?.parse().ok()));
        ahead.unwrap_or(0)
    }

    /// An attempt of this process begins.
    pub(super) fn begin(&self, attempt: AttemptId, intent: &Intent) {
        let who = match intent.kind {
            IntentKind::Upload => "upload",
            IntentKind::Move => "move",
            IntentKind::Delete => "delete",
        };
        locked(&self.begun).insert(attempt, Begun { who, source: intent.blob_src });
    }

    pub(super) fn closed(&self, attempt: AttemptId) {
        locked(&self.begun).remove(&attempt);
    }

    /// Who makes the steps of an attempt.
    pub(super) fn who(&self, attempt: AttemptId) -> &'static str {
        locked(&self.begun).get(&attempt).map_or(RECOVERY, |begun| begun.who)
    }

    /// Who puts away the bytes that `blob` wrote.
    pub(super) fn who_replaces(&self, blob: AttemptId) -> &'static str {
        locked(&self.begun).values().find(|begun| begun.source == Some(blob)).map_or(RECOVERY, |begun| begun.who)
    }
}
