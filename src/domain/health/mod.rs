//! Verdicts on one server, from what probes bring back.
//!
//! `tracker` keeps what is known of a server and guards against flapping, `rules` is the table of
//! what makes a serving server degraded, `rates` turns counters into rates.

mod rates;
mod rules;
mod tracker;

pub use self::rules::{DESCRIPTORS_PERCENT_MAX, HEAP_PERCENT_MAX, RULES, short_of_heap};
pub use self::tracker::{START_LIMIT, ServerTracker};
