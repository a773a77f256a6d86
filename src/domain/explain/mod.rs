//! What every state word means, by which rule it is said, from which bound on, what was measured and where, since when,
//! and what to do: from the tables and constants that judge.
//!
//! One file for each kind of thing that has a word; `word` is all words by themselves, `topic` what can be asked about.

mod alert;
mod ensemble;
mod explanation;
mod file;
mod incident;
mod instance;
mod metric;
mod node;
mod operation;
mod scheduler;
mod server;
mod setting;
#[cfg(test)]
mod tests;
mod topic;
mod word;

pub use self::explanation::{Explanation, Fact};
pub use self::file::FileStanding;
pub use self::instance::InstancePart;
pub use self::scheduler::SchedulerStanding;
pub use self::topic::{HEADER, Topic};
pub use self::word::StateWord;
