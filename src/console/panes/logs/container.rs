//! What a server's container prints, read from Docker: also what never reached a log file.

use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::widgets::list::Cursor;
use crate::domain::ask::OutputAsk;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::log::{Dataset, EventId, LogEvent, read_stamp};
use crate::domain::server::{OUTPUT_LINES_MAX, Output, OutputLine, ServerView};
use crate::domain::snapshot::{ControlView, Snapshot};

/// It is read again this often.
const AGAIN_MS: u64 = 2_000;

/// The last lines of one container, over the list.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) node: NodeId,
    /// `container demo-zk1-1`; empty until it was read.
    pub(super) name: String,
    pub(super) events: Vec<LogEvent>,
    pub(super) cursor: Cursor,
    /// The cursor stays at the newest line.
    pub(super) follow: bool,
    pub(super) problem: Option<String>,
    asked: Timestamp,
    output: Asked<OutputAsk>,
}

impl Printed {
    fn new(node: NodeId, now: Timestamp) -> Self {
        Self {
            node,
            name: String::new(),
            events: Vec::new(),
            cursor: Cursor::default(),
            follow: true,
            problem: None,
            asked: now,
            output: Asked::default(),
        }
    }

    /// The container of the server that is looked at; when one is `shown`, that of the next server. Also what to ask
    /// for it.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn next(
        shown: Option<&Self>,
        looked_at: Option<&str>,
        snapshot: &Snapshot,
    ) -> Result<(Self, Effect), String> {
        let contained = |node: &&NodeId| snapshot.server(node).is_some_and(ServerView::is_contained);
        let nodes = snapshot.node_ids();
        let nodes: Vec<&NodeId> = nodes.iter().filter(contained).collect();
        let of = |name: &str| nodes.iter().position(|node| node.as_str() == name);
        let at = match shown {
            Some(printed) => of(printed.node.as_str()).map_or(0, |at| (at + 1) % nodes.len().max(1)),
            None => looked_at.and_then(of).unwrap_or(0),
        };
        let Some(node) = nodes.get(at) else {
            return Err(match &snapshot.control {
                ControlView::Off(cause) => format!("what containers print cannot be read: {cause}"),
                _ => "no server runs in a container here: all they write is in the list".into(),
            });
        };
        let mut printed = Self::new((*node).clone(), snapshot.taken_at);
        let effect = printed.ask();
        Ok((printed, effect))
    }

    /// Whose lines these are, above them.
    pub(super) fn title(&self) -> String {
        let name = if self.name.is_empty() { self.node.as_str() } else { &self.name };
        format!("  printed by {name}   I next server   Esc back")
    }

    /// What stands where there are no lines.
    pub(super) const fn empty(&self) -> &'static str {
        match (&self.problem, self.name.is_empty()) {
            (Some(_), _) => "",
            (None, true) => "  Reading.",
            (None, false) => "  Nothing was printed yet.",
        }
    }

    fn ask(&mut self) -> Effect {
        self.output.put(OutputAsk { node: self.node.clone(), lines: OUTPUT_LINES_MAX }).into()
    }

    /// What is to be asked now.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Effect> {
        (!self.output.is_open() && now.since(self.asked).0 >= AGAIN_MS).then(|| {
            self.asked = now;
            self.ask()
        })
    }

    pub(super) fn act(&mut self, action: Action) -> bool {
        let known = match action {
            Action::Follow => {
                self.follow = !self.follow;
                true
            }
            _ => self.cursor.act(action, self.events.len()),
        };
        if known && action != Action::Follow {
            self.follow = self.cursor.at + 1 >= self.events.len();
        }
        if self.follow {
            self.cursor.at = self.events.len().saturating_sub(1);
        }
        known
    }

    pub(super) fn take_answer(&mut self) {
        if let Some(output) = self.output.take() {
            self.take(output);
        }
    }

    /// The last lines stay when they cannot be read any more, with the reason above them.
    fn take(&mut self, output: Result<Output, String>) {
        let output = match output {
            Ok(output) => output,
            Err(why) => {
                self.problem = Some(why);
                return;
            }
        };
        let selected = self.events.get(self.cursor.at).map(|event| (event.time, event.text.clone()));
        self.events = output.lines.iter().enumerate().map(|(at, line)| event(&self.node, at, line)).collect();
        let last = self.events.len().saturating_sub(1);
        let kept = selected.and_then(|(time, text)| self.events.iter().rposition(|e| e.time == time && e.text == text));
        self.cursor.at = if self.follow { last } else { kept.unwrap_or(0) };
        (self.name, self.problem) = (output.container, None);
    }
}

fn event(node: &NodeId, at: usize, line: &OutputLine) -> LogEvent {
    let time = line.time.as_ref().and_then(|time| read_stamp(time.as_bytes())).map(|(time, _)| time);
    LogEvent {
        id: EventId::Document(at.to_string()),
        time,
        node: node.to_string(),
        dataset: Some(Dataset::Docker),
        level: line.level,
        thread: line.thread.clone(),
        text: line.text.clone(),
        message_at: line.message_at,
        ..LogEvent::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(from: usize, to: usize) -> Output {
        let line = |n: usize| OutputLine {
            time: Some(format!("2026-11-23T14:01:{n:02}.000")),
            level: None,
            thread: None,
            text: format!("line {n}"),
            message_at: 0,
        };
        Output { container: "container demo-zk1-1".into(), lines: (from..to).map(line).collect() }
    }

    fn shown() -> Printed {
        let mut printed = Printed::new(NodeId::new("zk1").expect("id"), Timestamp(0));
        printed.take(Ok(output(0, 10)));
        printed
    }

    #[test]
    fn the_newest_line_is_followed_until_one_looks_up() {
        let mut printed = shown();
        assert_eq!((printed.cursor.at, printed.events[9].message()), (9, "line 9"));
        printed.take(Ok(output(0, 12)));
        assert_eq!(printed.cursor.at, 11);
        assert!(printed.act(Action::Up));
        printed.take(Ok(output(5, 15)));
        assert_eq!((printed.cursor.at, printed.follow), (5, false), "the same line stays selected");
        assert!(printed.act(Action::Bottom));
        assert!(printed.follow);
    }

    #[test]
    fn what_was_read_stays_when_docker_fails() {
        let mut printed = shown();
        printed.take(Err("docker: no answer".into()));
        assert_eq!((printed.events.len(), printed.problem.as_deref()), (10, Some("docker: no answer")));
        printed.take(Ok(output(0, 10)));
        assert_eq!(printed.problem, None);
    }
}
