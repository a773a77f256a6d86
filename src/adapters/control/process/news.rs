//! What the keeper tells, in sentences.

use std::time::Duration;

use super::files::LOG;
use super::record::Again;
use super::revive::Revival;
use super::server::ProcessState;
use crate::domain::ids::NodeId;
use crate::domain::snapshot::Level;

/// Something that happened to the local ensemble and that an operator should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub level: Level,
    pub text: String,
    /// The server that does not run, for as long as it does not.
    pub ended: Option<NodeId>,
}

impl News {
    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into(), ended: None }
    }

    pub(super) fn error(text: impl Into<String>) -> Self {
        Self { level: Level::Error, text: text.into(), ended: None }
    }

    fn of_end(self, node: &NodeId) -> Self {
        Self { ended: Some(node.clone()), ..self }
    }

    pub(super) fn log(&self) {
        let text = &self.text;
        match self.level {
            Level::Info => tracing::info!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
    }
}

/// A server ended unasked after it had run for `ran`.
pub(super) fn ended(node: &NodeId, cause: &str, ran: Duration, pause: Duration, revival: &Revival) -> News {
    let pause = pause.as_secs();
    if !revival.hopeless() {
        let text = format!("{node} has ended: {cause}; it is started again automatically in {pause} s");
        return News::warning(text).of_end(node);
    }
    News::error(format!(
        "{node} ends again and again, {} times in a row, the last time {:.1} s after its start: {cause}; it is started \
         again automatically in {pause} s; look into logs/{node}/{LOG} and mend the cause, or stop {node}",
        revival.ends(),
        ran.as_secs_f64()
    ))
    .of_end(node)
}

pub(super) fn revived(node: &NodeId, seen: &ProcessState) -> News {
    let pid = match seen {
        ProcessState::Running { pid, .. }
        | ProcessState::Stopped { pid, .. }
        | ProcessState::Restarting { pid, .. } => pid.to_string(),
        ProcessState::Missing => "-".into(),
    };
    let text = format!("{node} is started again automatically, as process {pid}");
    News { level: Level::Info, text, ended: None }
}

pub(super) fn not_revived(node: &NodeId, why: &str, pause: Duration) -> News {
    News::error(format!("{node} could not be started again: {why}; the next try comes in {} s", pause.as_secs()))
        .of_end(node)
}

/// The detail of a server between its end and its next start.
pub(super) fn restarting(cause: &str, again: Again) -> String {
    let Again { pause_s, ends } = again;
    let row = if ends > 1 { format!(", after {ends} ends in a row") } else { String::new() };
    format!("has ended ({cause}) and is started again automatically {pause_s} s later{row}")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_end_says_its_cause_and_when_it_goes_on() {
        let node = NodeId::new("zk2").unwrap();
        let mut revival = Revival::default();
        let mut told = Vec::new();
        for _ in 0..3 {
            let ran = Duration::from_millis(420);
            let pause = revival.ended(ran, Instant::now());
            told.push(ended(&node, "exit status 1; it said: no memory", ran, pause, &revival));
        }
        assert_eq!(
            told[0],
            News::warning("zk2 has ended: exit status 1; it said: no memory; it is started again automatically in 1 s")
                .of_end(&node)
        );
        assert_eq!(
            told[2],
            News::error(
                "zk2 ends again and again, 3 times in a row, the last time 0.4 s after its start: exit status 1; it said: \
                 no memory; it is started again automatically in 4 s; look into logs/zk2/zookeeper.log and mend the \
                 cause, or stop zk2"
            )
            .of_end(&node)
        );
    }

    #[test]
    fn the_detail_of_a_server_that_waits_for_its_start() {
        assert_eq!(
            restarting("killed by SIGKILL", Again { pause_s: 1, ends: 1 }),
            "has ended (killed by SIGKILL) and is started again automatically 1 s later"
        );
        assert!(restarting("x", Again { pause_s: 60, ends: 9 }).ends_with("60 s later, after 9 ends in a row"));
    }
}
