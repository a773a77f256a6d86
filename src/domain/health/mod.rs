//! Verdicts on one server, from what probes bring back.
//!
//! `tracker` keeps what is known of a server and guards against flapping, `rules` is the table of
//! what makes a serving server degraded, `rates` turns counters into rates.

mod rates;
mod rules;
mod tracker;

use crate::domain::ids::Millis;

pub use self::rules::{DESCRIPTORS_PERCENT_MAX, HEAP_PERCENT_MAX, RULES, Rule, RuleSource, short_of_heap};
pub use self::tracker::{FAILURES_TO_DOWN, JUST_STARTED, START_LIMIT, SUCCESSES_TO_UP, ServerTracker};

/// A server is looked at so often.
pub const LOOK_EVERY: Millis = Millis(1_000);
/// A connection has to come about within this, and the whole reply, from the connection's start, within that.
pub const CONNECT_WITHIN: Millis = Millis(1_000);
pub const ANSWER_WITHIN: Millis = Millis(2_000);
