//! All panes: at all sizes, with hostile text, with nothing known, and what they say.

mod export;
mod files;
mod scheduler;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::all;
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::testing;
use crate::console::keymap::notation::parse_keys;
use crate::console::keymap::{Keymap, Rebinding};
use crate::console::order::Work;
use crate::console::pane::Pane;
use crate::console::theme::Styles;
use crate::console::theme::built_in::built_in;
use crate::console::theme::depth::Depth;
use crate::console::theme::file::Theme;
use crate::console::view::View;
use crate::console::widgets::words;
use crate::console::{Console, ConsoleConfig};
use crate::domain::ask::PlanAsk;
use crate::domain::command::Command;
use crate::domain::file_list::{FileList, FilesAsk};
use crate::domain::fixtures::{self, NOW, node_id};
use crate::domain::ids::{AttemptId, Bytes, FileId, Millis, OperationId, Timestamp};
use crate::domain::log::{Answered, Bar, EventId, Histogram, HistogramAsk, LogEvent, LogLevel, LogPage, PageAsk};
use crate::domain::migration::Status;
use crate::domain::node::{DrainView, MoveView, NodeCondition};
use crate::domain::operation::{HistoryPage, HistoryQuery};
use crate::domain::planner::{Plan, PlannedMove};
use crate::domain::scheduler::{Decision, MoveReason, NodeTarget, NotChosen, Run, RunProgress};
use crate::domain::server::{HealthRule, HostView, ServerState, ServerView, Verdict};
use crate::domain::snapshot::{Reading, SessionState, Snapshot, WorkloadOff};

const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{202e}b\u{200b}\ttext that goes on and on, wider than any column is";

fn target(node: &str, before: u64, after: u64, not_chosen: Option<NotChosen>) -> NodeTarget {
    let node = node_id(node);
    let (gives, takes) = (before.saturating_sub(after), after.saturating_sub(before));
    NodeTarget { node, before, after, low: 36, high: 36, gives, takes, not_chosen }
}

fn run(decision: Decision) -> Run {
    Run {
        max_difference: 8,
        threshold: 5,
        moves_planned: 5,
        moves_least: 5,
        moves_done: 5,
        bytes: Bytes(640 << 10),
        took: Millis(300),
        nodes: vec![target("zk1", 41, 36, Some(NotChosen::AtLevel)), target("zk2", 33, 36, None)],
        ..Run::new(OperationId::new(77), Timestamp(NOW.0 - 5000), "timer", decision)
    }
}

/// One that found too little to do.
fn below(id: u128) -> Run {
    let nothing =
        Run { id: OperationId::new(id), moves_planned: 0, moves_least: 0, moves_done: 0, ..run(Decision::Ran) };
    Run { decision: Decision::BelowTrigger, nodes: Vec::new(), max_difference: 4, ..nothing }
}

fn plan() -> Plan {
    let moves = (0..5).map(|i| PlannedMove {
        file: FileId::new(400 + i),
        src: node_id("zk1"),
        dst: node_id(if i < 3 { "zk2" } else { "zk3" }),
        size: Bytes(128 << 10),
        reason: MoveReason::OverTrigger,
        src_before: 41,
        dst_before: 33,
    });
    Plan {
        decision: Decision::Ran,
        moves: moves.collect(),
        lower_bound: 5,
        nodes: vec![target("zk1", 41, 36, None), target("zk2", 33, 36, None), target("zk3", 34, 36, None)],
        spread_before: 8,
        spread_after: 0,
        note: None,
    }
}

/// Everything at once, with text from outside that wants to write to the terminal.
fn busy() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let mut servers = snapshot.servers.to_vec();
    let cause = Some(HOSTILE.to_owned());
    servers[1].verdict = Verdict {
        state: ServerState::Degraded,
        cause,
        rule: Some(HealthRule::Fsync),
        since: Timestamp(NOW.0 - 12_000),
    };
    servers[1].metrics_missing = Some(HOSTILE.into());
    snapshot.servers = servers.into();
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].condition = NodeCondition::Draining;
    nodes[0].in_flight_out = 2;
    nodes[0].drain = Some(DrainView {
        since: NOW,
        files_at_start: 33,
        files_left: 13,
        files_per_s: Some(9.8),
        left_ms: Some(1300),
        stalled: None,
    });
    snapshot.nodes = nodes.into();
    let mut hostile = fixtures::file(1, "zk2");
    hostile.record.name = HOSTILE.into();
    snapshot.files.insert(Arc::new(hostile));
    snapshot.moves = Arc::from([MoveView {
        attempt: AttemptId::new(1),
        file: FileId::new(400),
        name: HOSTILE.into(),
        src: node_id("zk1"),
        dst: node_id("zk3"),
        size: Bytes(128 << 10),
        copied: Bytes(80 << 10),
        status: Status::Prepared,
        reason: MoveReason::Drain,
        started: NOW,
    }]);
    let mut operations: Vec<_> = snapshot.operations.to_vec();
    operations.push(Arc::new({
        let (kind, status) =
            (crate::domain::operation::OperationKind::Upload, crate::domain::operation::OperationStatus::Failed);
        let mut operation = fixtures::operation(3, kind, status);
        (operation.what, operation.why, operation.run) =
            (HOSTILE.into(), Some(HOSTILE.into()), Some(run(Decision::Ran)));
        operation
    }));
    snapshot.operations = operations.into();
    snapshot.scheduler.recent = Arc::from([Arc::new(run(Decision::Ran)), Arc::new(below(76))]);
    let since = NOW;
    snapshot.scheduler.running = Some(RunProgress {
        id: OperationId::new(1),
        since,
        moves_planned: 8,
        moves_done: 3,
        moves_failed: 1,
        moves_skipped: 0,
    });
    snapshot
}

/// Before the first answer of anything.
fn blank() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let mut servers = snapshot.servers.to_vec();
    for server in &mut servers {
        server.verdict = Verdict::unknown(NOW);
        (server.latency_ms, server.connections, server.seen, server.role, server.zxid) = (None, None, None, None, None);
        (server.outstanding, server.znodes, server.fsync_ms, server.uptime) = (None, None, None, None);
    }
    snapshot.servers = servers.into();
    snapshot.session.state = SessionState::Connecting;
    snapshot.session.cause = Some("connection refused".into());
    (snapshot.files, snapshot.files_complete) = (crate::domain::file_table::FileTable::default(), false);
    (snapshot.operations, snapshot.operations_total) = (Arc::from([]), 0);
    snapshot
}

fn logs() -> LogPage {
    let event = |n: usize| {
        let message = if n == 40 { HOSTILE.into() } else { format!("fsync took {n} ms") };
        let more = "\njava.net.SocketTimeoutException".repeat(n % 3);
        LogEvent {
            id: EventId::Document(n.to_string()),
            time: Some(Timestamp(NOW.0 - 100_000 + n as u64 * 1000)),
            node: "zk2".into(),
            level: Some(LogLevel::Warn),
            thread: Some("SyncThread:2".into()),
            text: format!("{message}{more}"),
            ..LogEvent::default()
        }
    };
    let nodes = vec!["backend".into(), "zk1".into(), "zk2".into()];
    let answered = Answered { by: "local files, 1 MiB".into(), ..Answered::default() };
    LogPage { events: (0..50).map(event).collect(), nodes, answered, ..LogPage::default() }
}

/// Answers what a pane asks for, and returns the rest.
fn serve(pane: &mut dyn Pane, effects: Vec<Effect>, snapshot: &Snapshot) -> Vec<Effect> {
    let mut rest = Vec::new();
    for effect in effects {
        let mut one = vec![effect];
        if let Some(ask) = testing::asked::<FilesAsk>(&one[0]) {
            let page = FileList::of(&snapshot.files, &ask.choice).window(ask);
            testing::answer::<FilesAsk>(&mut one, Ok(page));
        } else if testing::asked::<PageAsk>(&one[0]).is_some() {
            testing::answer::<PageAsk>(&mut one, Ok(logs()));
        } else if testing::asked::<HistogramAsk>(&one[0]).is_some() {
            let bars = vec![Bar { count: 3, ..Bar::default() }; 7];
            testing::answer::<HistogramAsk>(&mut one, Ok(Histogram { bars, ..Histogram::default() }));
        } else if testing::asked::<HistoryQuery>(&one[0]).is_some() {
            let operations = snapshot.operations.iter().map(|o| (**o).clone()).collect();
            testing::answer::<HistoryQuery>(&mut one, Ok(HistoryPage { operations, total: 412 }));
        } else if testing::asked::<PlanAsk>(&one[0]).is_some() {
            testing::answer::<PlanAsk>(&mut one, Ok(plan()));
            rest.extend(pane.take_answers(snapshot));
            continue;
        } else {
            match one.remove(0) {
                Effect::Work(Work::Lines(fetch)) => fetch.reply.send(Ok(Vec::new())).expect("asked"),
                other => {
                    rest.push(other);
                    continue;
                }
            }
        }
        let more = pane.take_answers(snapshot);
        rest.extend(serve(pane, more, snapshot));
    }
    rest
}

fn press(pane: &mut dyn Pane, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
    let effects = pane.act(action, snapshot);
    serve(pane, effects, snapshot)
}

fn ready(index: usize, snapshot: &Snapshot) -> Box<dyn Pane> {
    let mut pane = all().remove(index);
    let effects = pane.refresh(snapshot);
    serve(pane.as_mut(), effects, snapshot);
    pane
}

fn picture(pane: &dyn Pane, snapshot: &Snapshot, width: u16, height: u16) -> String {
    picture_with(pane, snapshot, &Rebinding::new(), width, height)
}

fn picture_with(pane: &dyn Pane, snapshot: &Snapshot, keys: &Rebinding, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let styles = Styles::plain();
    let keymap = Keymap::new(keys).expect("no clash");
    let read_only = snapshot.instance.read_only;
    pane.draw(area, &mut buffer, &View { snapshot, now: NOW, styles: &styles, keymap: &keymap, read_only });
    let rows = buffer.content().chunks(usize::from(width.max(1)));
    let text = |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    rows.map(|row| text(row).trim_end().to_owned() + "\n").collect()
}

#[test]
fn every_pane_is_drawn_at_every_size_and_lets_nothing_hostile_through() {
    let keys =
        [None, Some(Action::Open), Some(Action::Down), Some(Action::Wrap), Some(Action::Stress), Some(Action::Filter)];
    for snapshot in [fixtures::snapshot(), busy(), blank()] {
        for index in 0..all().len() {
            for key in keys {
                let mut pane = ready(index, &snapshot);
                if let Some(action) = key {
                    press(pane.as_mut(), action, &snapshot);
                }
                for (width, height) in [(0, 0), (1, 1), (5, 3), (3, 50), (79, 2), (80, 20), (110, 28), (200, 56)] {
                    let text = picture(pane.as_ref(), &snapshot, width, height);
                    let bad = text.chars().find(|c| *c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(*c)));
                    assert_eq!(bad, None, "pane {index} after {key:?}: {text}");
                }
            }
        }
    }
}

/// The frame, every pane in it, and all that can lie over one.
#[test]
fn a_theme_that_paints_its_background_paints_every_cell() {
    let read = |name: &str| built_in(name).ok_or_else(String::new);
    for name in ["light", "high-contrast", "catppuccin-mocha", "gruvbox-dark"] {
        let styles = Theme::load(name, &read).and_then(|theme| theme.styles(Depth::True, false)).expect("built in");
        let own = [styles.ground.bg, styles.selected.bg];
        let mut console =
            Console::new(&ConsoleConfig::default(), all(), styles, Arc::new(busy()), NOW).expect("default keys");
        for keys in
            ["1", "Enter", "Esc 2", "/", "Esc 3", "4", "5", "s", "Esc ?", "Esc e", "Enter", "Esc Esc :", "Esc q"]
        {
            parse_keys(keys).into_iter().for_each(|key| drop(console.key(key)));
            let area = Rect::new(0, 0, 120, 40);
            let mut buffer = Buffer::empty(area);
            console.draw(area, &mut buffer);
            let bare = buffer.content().iter().position(|cell| !own.contains(&Some(cell.bg)));
            assert_eq!(bare, None, "{name} after {keys}");
        }
    }
}

#[test]
fn what_is_unknown_is_a_dash_and_the_cause_is_told() {
    let snapshot = blank();
    let text = picture(ready(0, &snapshot).as_ref(), &snapshot, 110, 28);
    let row = text.lines().nth(1).unwrap_or_default();
    assert!(row.contains("unknown") && row.matches(" -").count() >= 5 && !row.contains(" 0 "), "{row}");
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 110, 28);
    assert!(text.contains("Not connected for 59 s: connection refused"), "{text}");
}

/// What a server counts is that it took part, whoever won.
#[test]
fn elections_are_told_as_seen() {
    let snapshot = fixtures::snapshot();
    let text = picture(ready(0, &snapshot).as_ref(), &snapshot, 110, 28);
    assert!(text.contains("elections seen 0") && !text.contains("won"), "{text}");
    let mut unknown = snapshot;
    unknown.servers = unknown.servers.iter().map(|server| ServerView { elections: None, ..server.clone() }).collect();
    let text = picture(ready(0, &unknown).as_ref(), &unknown, 110, 28);
    assert!(text.contains("elections seen -"), "{text}");
}

#[test]
fn the_first_reading_of_the_records_tells_how_far_it_is() {
    let mut snapshot = fixtures::snapshot();
    (snapshot.files, snapshot.files_complete) = (crate::domain::file_table::FileTable::default(), false);
    snapshot.reading = Some(Reading { read: 1_200, total: 10_000 });
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 110, 28);
    assert!(text.contains("Reading the records of the files: 1,200 of 10,000."), "{text}");
    snapshot.reading = None;
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 110, 28);
    assert!(text.contains("Reading the records of the files.") && !text.contains("No files yet"), "{text}");
}

/// After a new connection the list of before stays until the records are read.
#[test]
fn a_list_from_before_says_of_when_it_is() {
    let mut snapshot = fixtures::snapshot();
    (snapshot.files_complete, snapshot.files_read) = (false, Some(Timestamp(NOW.0 - 9_000)));
    let mut pane = ready(1, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 80, 20);
    assert!(text.contains(" records are being read anew; the list is of 14:02:02"), "{text}");
    press(pane.as_mut(), Action::Filter, &snapshot);
    pane.text_key(parse_keys("x")[0], &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 80, 20).contains(" / x"), "what is typed is seen");
}

#[test]
fn a_state_that_is_not_up_has_its_cause_below_it() {
    let snapshot = busy();
    let text = picture(ready(0, &snapshot).as_ref(), &snapshot, 80, 20);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[2].contains("drain 60 %, 1.3 s left"), "{text}");
    assert!(lines[3].contains("zk2") && lines[3].contains("◐ degraded"), "{text}");
    assert!(lines[4].trim_start().starts_with('a'), "{text}");
    assert!(lines[0].contains("LAT p50/p99") && !lines[0].contains("FSYNC"), "{text}");
    let wide = picture(ready(0, &snapshot).as_ref(), &snapshot, 160, 50);
    assert!(
        wide.lines().nth(1).is_some_and(|line| line.contains("drain 60 %")),
        "beside it where there is room: {wide}"
    );
}

/// What a host tells of a server's end may be longer than the line.
#[test]
fn a_long_word_of_the_host_leaves_room_for_when_the_server_was_seen() {
    let mut snapshot = busy();
    let detail = Some("has ended (killed by SIGKILL) and is started again automatically 1 s later ".repeat(3));
    let mut servers = snapshot.servers.to_vec();
    for server in &mut servers {
        server.host = Some(HostView { detail: detail.clone(), ..fixtures::host("process 1") });
    }
    snapshot.servers = servers.into();
    let shown = picture(&*ready(0, &snapshot), &snapshot, 100, 30);
    let line = shown.lines().find(|line| line.contains("process 1: has ended")).unwrap();
    assert!(line.contains('…') && (line.ends_with("ago") || line.ends_with("not seen yet")), "{line}");
}

#[test]
fn history_shows_its_rows_and_one_in_full() {
    let snapshot = busy();
    let mut pane = ready(2, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 120, 28);
    assert!(
        text.contains("report-0414.bin  zk1 → zk3") && text.contains("✖ failed: ") && text.contains("412 operations"),
        "{text}"
    );
    press(pane.as_mut(), Action::Bottom, &snapshot);
    press(pane.as_mut(), Action::Open, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 120, 28);
    assert!(text.contains("carried out by host-a:4711") && text.contains("at-level"), "{text}");
    press(pane.as_mut(), Action::Back, &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 120, 28).contains("TODAY  Monday 23 November"));
    let later = Snapshot { operations_total: 415, ..snapshot };
    pane.refresh(&later);
    assert!(picture(pane.as_ref(), &later, 120, 28).contains("415 operations"), "the number goes on");
}

#[test]
fn logs_show_their_events_and_who_answered() {
    let snapshot = fixtures::snapshot();
    let pane = ready(3, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 120, 28);
    for part in ["fsync took 49 ms", "following", "(+1 line, Enter)", "SyncThread:2", "local files, 1 MiB", "all time"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_workload_says_why_it_is_off_and_how_it_is_turned_on() {
    let mut snapshot = fixtures::snapshot();
    let pane = ready(4, &snapshot);
    for (off, line) in [
        (WorkloadOff::NotLocal, "WORKLOAD  off: not started with --local; workload.enabled = true turns it on"),
        (WorkloadOff::Disabled, "WORKLOAD  off: workload.enabled is false; true turns it on; w runs it once"),
        (WorkloadOff::ReadOnly, "WORKLOAD  off: --read-only"),
    ] {
        snapshot.workload.off = Some(off);
        let text = picture(pane.as_ref(), &snapshot, 80, 24);
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn the_stress_form_says_where_it_cannot_be_used() {
    let mut snapshot = fixtures::snapshot();
    let pane = ready(4, &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 120, 28).contains("run the scheduler afterwards"));
    snapshot.instance.read_only = true;
    let text = picture(pane.as_ref(), &snapshot, 120, 28);
    assert!(text.contains("STRESS  off") && !text.contains("run the scheduler afterwards"), "{text}");
}

#[test]
fn a_drained_node_has_one_word_and_one_that_is_down_is_down() {
    let mut snapshot = busy();
    snapshot.scheduler.running = None;
    for (condition, left, known, word) in [
        (NodeCondition::Draining, 0, true, "drained"),
        (NodeCondition::Draining, 3, true, "draining"),
        (NodeCondition::Draining, 0, false, "draining"),
        (NodeCondition::Down, 0, true, "down"),
    ] {
        let mut nodes = snapshot.nodes.to_vec();
        nodes[0].condition = condition;
        nodes[0].drain.iter_mut().for_each(|drain| drain.files_left = left);
        snapshot.nodes = nodes.into();
        snapshot.files_complete = known;
        if !known {
            snapshot.files = crate::domain::file_table::FileTable::default();
        }
        for pane in [1, 4] {
            let text = picture(ready(pane, &snapshot).as_ref(), &snapshot, 120, 40);
            let of_zk1 = |line: &&str| line.contains("zk1 ");
            let lines: Vec<_> = text.lines().filter(of_zk1).collect();
            let others = ["drained", "draining", "down"].iter().filter(|other| **other != word);
            assert!(lines[0].contains(word), "{pane}: {text}");
            for other in others {
                assert!(!lines.iter().any(|line| line.contains(other)), "{pane}, {other}: {text}");
            }
            assert!(known || !lines.iter().any(|line| line.contains('%')), "{text}");
        }
        snapshot = Snapshot { files: busy().files, ..snapshot };
    }
}

#[test]
fn hints_name_the_keys_that_are_bound_and_only_what_can_be_done_here() {
    let mut paused = busy();
    (paused.scheduler.paused, paused.scheduler.next_run) = (true, None);
    paused.scheduler.running = None;
    let mut nodes = paused.nodes.to_vec();
    nodes[0].drain.iter_mut().for_each(|drain| drain.files_left = 0);
    paused.nodes = nodes.into();
    paused.workload.off = Some(WorkloadOff::NotLocal);
    let mut idle = fixtures::snapshot();
    idle.scheduler.recent = Arc::from([]);
    let mut stopped = busy();
    stopped.scheduler.last_run = Some(Arc::new(run(Decision::Stopped)));
    let mut empty = fixtures::snapshot();
    empty.files = crate::domain::file_table::FileTable::default();
    let own = ["pause-scheduler", "drain", "run-scheduler", "run-workload", "open", "stop-run", "stress"];
    let own = own.iter().enumerate().map(|(at, name)| ((*name).to_owned(), vec![format!("F{}", at + 1)])).collect();
    let cases = [
        (4, &paused, vec![("P", "F1", "resumes it"), ("d", "F2", "lifts it"), ("w", "F4", "runs it once")]),
        (4, &paused, vec![("Enter", "F5", "runs the scheduler now"), ("STRESS  s", "STRESS  F7", "")]),
        (4, &idle, vec![("r", "F3", "runs the scheduler")]),
        (4, &stopped, vec![("X", "F6", "stops it")]),
        (1, &empty, vec![("s", "F7", "piles some on one node"), ("r", "F3", "lets the scheduler level them")]),
    ];
    for (index, snapshot, hints) in cases {
        let planned = hints[0].2 == "runs the scheduler now";
        let told = |snapshot: &Snapshot, keys: &Rebinding| {
            let mut pane = ready(index, snapshot);
            press(pane.as_mut(), if planned { Action::Preview } else { Action::Back }, snapshot);
            let text = picture_with(pane.as_ref(), snapshot, keys, 160, 40);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let mut watching = snapshot.clone();
        watching.instance.read_only = true;
        let (default, bound, watched) =
            (told(snapshot, &Rebinding::new()), told(snapshot, &own), told(&watching, &Rebinding::new()));
        for (key, other, does) in hints {
            let hint = |key: &str| format!("{key} {does}").split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(default.contains(&hint(key)), "{key} {does}: {default}");
            assert!(bound.contains(&hint(other)), "{other} {does}: {bound}");
            assert!(!watched.contains(&hint(key)), "{key} {does}: {watched}");
        }
    }
}
