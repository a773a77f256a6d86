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
        Box::<health::HealthPane>::default(),
        Box::<files::FilesPane>::default(),
        Box::<history::HistoryPane>::default(),
        Box::<logs::LogsPane>::default(),
        Box::<scheduler::SchedulerPane>::default(),
    ]
}
