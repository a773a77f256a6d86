//! The tabs, in the order of their keys.

mod files;
mod health;
mod history;
mod logs;
mod scheduler;
#[cfg(test)]
mod tests;

use super::pane::Pane;

/// Every pane, first tab first.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![
        Box::<health::Health>::default(),
        Box::<files::Files>::default(),
        Box::<history::History>::default(),
        Box::<logs::Logs>::default(),
        Box::<scheduler::Scheduler>::default(),
    ]
}
