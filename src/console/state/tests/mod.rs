mod asked;
mod commands;
mod company;
mod events;
mod leaving;
mod offered;
mod past;
mod pictures;
mod scenes;
mod walk;

use ratatui::buffer::Cell;
use ratatui::style::Modifier;

use super::*;
use crate::console::effect::{Completes, Confirm, Effect, Prompt};
use crate::console::keymap::notation::parse_keys;
use crate::console::order::{Order, Outside, Work};
use crate::console::theme::Glyphs;
use crate::console::view::View;
use crate::domain::command::{Command, Confirmed};
use crate::domain::ensemble::{EnsembleState, Quorum};
use crate::domain::fixtures::{self, NOW};
use crate::domain::ids::InstanceId;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::RunProgress;
use crate::domain::snapshot::{
    ApiView, ControlView, InstanceInfo, LeadershipView, LoopName, LoopView, Notice, SessionState, SessionView,
    StoreView,
};

/// A pane that knows drain for a selected node, and a question.
struct Sample {
    title: &'static str,
    selected: Option<&'static str>,
    answer: String,
}

const ACTIONS: &[Action] =
    &[Action::Drain, Action::Pause, Action::Stress, Action::RunScheduler, Action::Filter, Action::Sort, Action::Copy];

impl Pane for Sample {
    fn title(&self) -> &'static str {
        self.title
    }

    fn actions(&self) -> &'static [Action] {
        match self.title {
            "Health" => ACTIONS,
            "Files" => &[Action::Upload, Action::Delete, Action::Migrate],
            _ => &[],
        }
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        let ask = || Prompt {
            action,
            title: "Where?".into(),
            hint: "a path".into(),
            value: "/tmp".into(),
            completes: Completes::Path,
        };
        match (action, self.selected) {
            (Action::Drain, Some(node)) => vec![crate::console::confirms::drain(snapshot, &fixtures::node_id(node))],
            (Action::Pause, Some(node)) => {
                vec![crate::console::confirms::pause_or_start(snapshot, &fixtures::node_id(node))]
            }
            (Action::Upload, _) => vec![Effect::Prompt(ask())],
            (Action::Copy, _) => vec![Effect::Outside(Outside::Copy("zk1".into()))],
            _ => Vec::new(),
        }
    }

    fn answered(&mut self, action: Action, text: &str, _: &Snapshot) -> Vec<Effect> {
        self.answer = format!("{action:?}: {text}");
        vec![Effect::Work(Work::Upload { path: text.to_owned(), to: None })]
    }

    fn draw(&self, area: Rect, buffer: &mut ratatui::buffer::Buffer, _: &View<'_>) {
        buffer.set_stringn(area.x, area.y, "(the pane)", usize::from(area.width), ratatui::style::Style::new());
    }
}

fn pane(title: &'static str, selected: Option<&'static str>) -> Box<dyn Pane> {
    Box::new(Sample { title, selected, answer: String::new() })
}

fn ui_of(snapshot: Snapshot, config: &ConsoleConfig, selected: Option<&'static str>) -> Console {
    let panes = ["Health", "Files", "History", "Logs", "Scheduler"].map(|title| pane(title, selected));
    Console::new(config, panes.into(), Styles::plain(), Arc::new(snapshot), NOW).expect("default keys")
}

fn ui() -> Console {
    ui_of(fixtures::snapshot(), &ConsoleConfig::default(), Some("zk1"))
}

/// A console that holds nothing up.
fn guest() -> Console {
    let mut snapshot = fixtures::snapshot();
    snapshot.instance.local = None;
    ui_of(snapshot, &ConsoleConfig::default(), Some("zk1"))
}

fn press(ui: &mut Console, keys: &str) -> Vec<Order> {
    parse_keys(keys).into_iter().flat_map(|key| ui.key(key)).collect()
}

/// Rows without the empty ones, trailing blanks cut.
fn screen(ui: &Console, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    ui.draw(area, &mut buffer);
    let rows = buffer.content().chunks(usize::from(width));
    let rows = rows.map(|row| row.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned());
    rows.filter(|row| !row.is_empty()).collect::<Vec<_>>().join("\n")
}

fn header(change: impl Fn(&mut Snapshot), width: u16) -> String {
    let mut snapshot = fixtures::snapshot();
    change(&mut snapshot);
    let ui = ui_of(snapshot, &ConsoleConfig::default(), None);
    screen(&ui, width, 24).lines().take(2).collect::<Vec<_>>().join("\n")
}

/// A console may be shown by any task: a browser's, another machine's.
#[test]
fn a_console_can_be_sent() {
    const fn sent<T: Send>() {}
    sent::<Console>();
    sent::<crate::console::ConsoleSession>();
}

#[test]
fn the_frame_at_120_columns() {
    let mut ui = ui();
    ui.report(Level::Info, "drain zk1 finished: 33 of 33 files moved in 4.1 s".into());
    ui.toasts.dismiss();
    insta::assert_snapshot!(screen(&ui, 120, 40), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3 (epoch 7)   can lose 1          this instance leads · api 127.0.0.1:8080 · UTC
     1 Health  2 Files  3 History  4 Logs  5 Scheduler                                 scheduler on, next in 9 s   0 moving
    (the pane)
     14:02:11 drain zk1 finished: 33 of 33 files moved in 4.1 s (e: all events)
     d drain  p pause  s stress  r run scheduler  / filter  o sort  y copy  : commands  ? help  q quit
    "#);
}

#[test]
fn the_frame_at_80_columns() {
    insta::assert_snapshot!(screen(&ui(), 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    (the pane)
     d drain  p pause  s stress  r run scheduler  : ? q
    "#);
}

#[test]
fn the_header_tells_what_is_wrong() {
    let degraded = header(
        |s| {
            s.ensemble.state = EnsembleState::Degraded;
            s.ensemble.quorum = Quorum { voters: 3, serving: 2 };
            s.ensemble.cause = Some("zk2 frozen".into());
            s.ensemble.since = crate::domain::ids::Timestamp(NOW.0 - 12_000);
            s.leadership = LeadershipView {
                leads: false,
                leader: Some(InstanceInfo { id: InstanceId::new(2), host: "host-b".into(), ..s.instances[0].clone() }),
                epoch: None,
            };
            s.instance.read_only = true;
            s.scheduler.next_run = None;
        },
        120,
    );
    let lost = header(
        |s| {
            s.ensemble.state = EnsembleState::NoQuorum;
            s.ensemble.quorum = Quorum { voters: 3, serving: 1 };
            s.ensemble.leader = None;
            s.ensemble.since = crate::domain::ids::Timestamp(NOW.0 - 33_000);
            s.session = SessionView {
                state: SessionState::Disconnected,
                since: crate::domain::ids::Timestamp(NOW.0 - 33_000),
                ..s.session.clone()
            };
            s.scheduler.paused = true;
        },
        160,
    );
    let risk = header(
        |s| {
            s.ensemble.state = EnsembleState::AtRisk;
            s.ensemble.quorum = Quorum { voters: 3, serving: 2 };
            s.instance.api = ApiView::Unavailable("127.0.0.1:8080 is taken".into());
            s.scheduler.running = Some(RunProgress {
                id: crate::domain::ids::OperationId::new(1),
                since: NOW,
                moves_planned: 8,
                moves_done: 3,
                moves_failed: 0,
                moves_skipped: 0,
            });
        },
        160,
    );
    let connecting = header(
        |s| {
            s.ensemble.state = EnsembleState::Unknown;
            s.ensemble.leader = None;
            s.ensemble.quorum = Quorum { voters: 3, serving: 0 };
            s.session = SessionView::connecting(crate::domain::ids::Timestamp(NOW.0 - 3_000));
        },
        80,
    );
    insta::assert_snapshot!([degraded, lost, risk, connecting].join("\n\n"), @r#"
    zkdeck  demo   ◐ DEGRADED 2/3     ♛ zk3 (epoch 7)   zk2 frozen for 12 s       read-only · standby of host-b:4711 · UTC
    1 Health  2 Files  3 History  4 Logs  5 Scheduler                                            scheduler is the leader's

    zkdeck  demo   ✖ NO QUORUM 1/3    ♛ -               since 14:01:38 (33 s): writes wait, data is from then                      no session since 14:01:38 · UTC
    1 Health  2 Files  3 History  4 Logs  5 Scheduler                                                                                  scheduler paused   0 moving

    zkdeck  demo   ▲ AT RISK 2/3      ♛ zk3 (epoch 7)   one more loss stops writes                               this instance leads · no api: cannot listen · UTC
    1 Health  2 Files  3 History  4 Logs  5 Scheduler                                                                            scheduler runs, 3 of 8   0 moving

    zkdeck  demo   ○ CONNECTING       ♛ -     for 3.0 s   api 127.0.0.1:8080 · UTC
    1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    "#);
}

/// The columns at which the label, the verdict and the leader begin in the first line.
fn places(line: &str) -> [Option<usize>; 3] {
    let column = |part: &str| line.find(part).map(|at| line[..at].chars().count());
    [column("demo"), ["●", "◐", "▲", "✖", "○"].iter().filter_map(|glyph| column(glyph)).min(), column("♛")]
}

#[test]
fn nothing_in_the_header_changes_its_place_with_the_state() {
    let states = [
        EnsembleState::Healthy,
        EnsembleState::Degraded,
        EnsembleState::AtRisk,
        EnsembleState::NoLeader,
        EnsembleState::NoQuorum,
        EnsembleState::Starting,
        EnsembleState::Unknown,
    ];
    let sessions =
        [SessionState::Connected, SessionState::Connecting, SessionState::Disconnected, SessionState::Expired];
    for width in [60, 80, 100, 120, 200] {
        let mut seen = Vec::new();
        for (state, session) in states.iter().flat_map(|state| sessions.map(|session| (*state, session))) {
            for leader in [Some(fixtures::node_id("zk2")), None] {
                let line = header(
                    |s| {
                        (s.ensemble.state, s.session.state) = (state, session);
                        s.ensemble.leader.clone_from(&leader);
                        s.ensemble.epoch = leader.as_ref().map(|_| 7);
                        s.ensemble.cause = Some("zk1 frozen, zk2 frozen and a cause that is long".repeat(3));
                        s.session.cause = Some("/demo/files: access denied".repeat(5));
                    },
                    width,
                );
                let first = line.lines().next().unwrap_or_default().to_owned();
                assert!(first.chars().count() <= usize::from(width), "{first}");
                seen.push((places(&first), first));
            }
        }
        assert!(seen[0].0[1].is_some() && seen[0].0[2].is_some(), "{}", seen[0].1);
        for (places, line) in &seen {
            assert_eq!(places, &seen[0].0, "{width}: {line}\n{}", seen[0].1);
        }
    }
}

#[test]
fn the_header_says_why_there_is_no_session_and_where_all_of_it_is() {
    let lost = |s: &mut Snapshot| {
        s.session.state = SessionState::Disconnected;
        s.session.cause = Some("/demo/files: access denied, and a remedy that is longer than the line is wide".into());
    };
    let line = header(lost, 120);
    assert!(
        line.contains("✖ no session for 59 s: /demo/files: access denied") && line.contains("… (details: e)"),
        "{line}"
    );
    let line = header(|s| lost(&mut *s), 80);
    assert!(line.contains("✖ no session") && line.contains("(details: e)"), "{line}");
}

#[test]
fn a_narrow_header_says_that_one_only_watches_and_stands_by() {
    let watching = |s: &mut Snapshot| {
        s.instance.read_only = true;
        s.leadership.leads = false;
        s.leadership.leader = Some(InstanceInfo { host: "a-host-with-a-long-name".into(), ..s.instances[0].clone() });
    };
    let line = header(watching, 80);
    assert!(line.contains("read-only · standby\n") || line.contains("read-only · standby "), "{line}");
    assert!(header(watching, 140).contains("read-only · standby of a-host-with-a-long-name:4711"));
}

#[test]
fn the_api_leaves_the_header_before_the_leader() {
    let mut api_seen = true;
    for width in (60..=160).rev() {
        let line = header(|_| {}, width);
        assert!(line.contains("♛ zk3"), "{width}: {line}");
        let api = line.contains("api 127.0.0.1:8080");
        assert!(api_seen || !api, "{width}: it left and came back: {line}");
        api_seen = api;
        assert!(!api || line.contains("UTC"), "{width}: {line}");
    }
    assert!(!api_seen && header(|_| {}, 160).contains("(epoch 7)"));
}

/// A pause holds the next run back, not the one that is under way.
#[test]
fn a_run_under_way_is_told_while_the_scheduler_is_paused() {
    let run = RunProgress {
        id: crate::domain::ids::OperationId::new(1),
        since: NOW,
        moves_planned: 8,
        moves_done: 3,
        moves_failed: 0,
        moves_skipped: 0,
    };
    let change = |s: &mut Snapshot| (s.scheduler.paused, s.scheduler.running) = (true, Some(run.clone()));
    assert!(header(change, 120).contains("scheduler runs, 3 of 8"), "{}", header(change, 120));
    assert!(header(change, 80).contains("running 3 of 8"), "{}", header(change, 80));
}

#[test]
fn servers_that_may_not_tell_how_they_are_are_not_waited_for() {
    let denied = |s: &mut Snapshot| {
        s.ensemble = crate::domain::ensemble::EnsembleView::unknown(3, NOW);
        s.ensemble.cause = Some("zk1, zk2, zk3: it answers, and is not allowed to tell more: add srvr".into());
    };
    for width in [80, 120] {
        let told = header(denied, width);
        assert!(told.contains("○ UNKNOWN ") && told.contains(" zk1, zk2, zk3: it ans"), "{told}");
        assert!(!told.contains("CONNECTING"), "{told}");
    }
}

#[test]
fn a_failing_loop_is_loud() {
    let mut snapshot = fixtures::snapshot();
    let problem = Some("it failed inside: index out of bounds".to_owned());
    let failing = LoopView {
        name: LoopName::Scheduler,
        turns: 1,
        last_turn: None,
        took: None,
        problem,
        panicked: true,
        restarts: 1,
    };
    snapshot.loops = Arc::from([failing]);
    let shown = screen(&ui_of(snapshot, &ConsoleConfig::default(), None), 100, 24);
    assert!(shown.contains("▲ scheduler loop: it failed inside: index out of bounds (e: all events)"), "{shown}");
}

#[test]
fn a_question_is_asked_before_a_pause_and_enter_is_no() {
    let mut ui = ui_of(fixtures::snapshot(), &ConsoleConfig::default(), Some("zk3"));
    assert_eq!(press(&mut ui, "p"), []);
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    (the pane)
       ┌ Pause zk3 ────────────────────────────────────────────────────────────┐
       │ zk3 leads. Pausing it stops all writes until the others give it up,   │
       │ after 10 s here (syncLimit 5 x tickTime 2.0 s), and have elected      │
       │ another; the last election took 235 ms. After it 2 of 3 servers       │
       │ serve; one more loss stops writes.                                    │
       │                                    n keep it running      y pause zk3 │
       └───────────────────────────────────────────────────────────────────────┘
     n no  y yes
    "#);
    assert_eq!(press(&mut ui, "Enter"), [], "the default is safe");
    assert!(ui.overlay.is_none());
    for no in ["n", "Esc"] {
        assert_eq!(press(&mut ui, &format!("p {no}")), []);
        assert!(ui.overlay.is_none());
    }
    let sent = press(&mut ui, "p y");
    assert!(
        matches!(&sent[..], [Order::Work(Work::Send(Command::Server { confirmed: Confirmed::Read, .. }))]),
        "{sent:?}"
    );
}

#[test]
fn breaking_the_quorum_takes_the_name() {
    let mut snapshot = fixtures::snapshot();
    snapshot.ensemble.quorum = Quorum { voters: 3, serving: 2 };
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), Some("zk1"));
    assert_eq!(press(&mut ui, "p y Enter"), [], "y alone is a letter");
    assert!(ui.overlay.is_some());
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 2/3      ♛ zk3   can lose 0       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    (the pane)
       ┌ Pause zk1 ────────────────────────────────────────────────────────────┐
       │ zk1 follows. Pausing it sends its clients to other servers. After it  │
       │ 1 of 3 servers serve, which is no quorum: all writes stop until it is │
       │ back.                                                                 │
       │ type zk1 to stop all writes, Esc to keep it running:                  │
       │ > y                                                                   │
       └───────────────────────────────────────────────────────────────────────┘
     Enter agree  Esc no
    "#);
    ui.paste("zk1");
    assert_eq!(press(&mut ui, "Enter"), [], "a paste is no answer");
    let sent = press(&mut ui, "Backspace z k 1 Enter");
    assert!(matches!(&sent[..], [Order::Work(Work::Send(Command::Server { .. }))]), "{sent:?}");
}

#[test]
fn what_is_typed_is_seen_however_long_the_name_is() {
    let name = "zookeeper-server-in-datacenter-2";
    let mut snapshot = fixtures::snapshot();
    snapshot.ensemble.quorum = Quorum { voters: 3, serving: 2 };
    let mut servers = snapshot.servers.to_vec();
    servers[0].node = fixtures::node_id(name);
    snapshot.servers = servers.into();
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), Some(name));
    let typed: Vec<String> = name.chars().map(String::from).collect();
    press(&mut ui, &format!("p {}", typed.join(" ")));
    let shown = screen(&ui, 80, 24);
    assert!(shown.contains(&format!("│ > {name} ")), "{shown}");
    assert!(shown.contains(&format!("│ type {name} to stop all writes,")), "{shown}");
    let sent = press(&mut ui, "Enter");
    assert!(matches!(&sent[..], [Order::Work(Work::Send(Command::Server { .. }))]), "{sent:?}");
}

#[test]
fn without_a_selection_the_node_is_asked_for() {
    let mut ui = ui_of(fixtures::snapshot(), &ConsoleConfig::default(), None);
    press(&mut ui, "d");
    assert!(screen(&ui, 80, 24).contains("Drain which node?"));
    press(&mut ui, "z k 2 Enter");
    assert!(screen(&ui, 80, 24).contains("Drain zk2"));
    let node = fixtures::node_id("zk2");
    assert_eq!(press(&mut ui, "y"), [Order::Work(Work::Send(Command::Drain { node }))]);
    press(&mut ui, "d z k 9 Enter");
    assert!(screen(&ui, 80, 24).contains("there is no node \"zk9\""));
}

#[test]
fn keys_of_the_ensemble_work_in_every_pane() {
    let mut ui = ui_of(fixtures::snapshot(), &ConsoleConfig::default(), None);
    press(&mut ui, "3");
    assert_eq!(press(&mut ui, "r"), [Order::Work(Work::Send(Command::RunScheduler))]);
    assert_eq!(press(&mut ui, "P"), [Order::Work(Work::Send(Command::PauseScheduler))]);
    assert_eq!(press(&mut ui, "w"), [Order::Work(Work::Send(Command::RunWorkload))]);
    assert_eq!(press(&mut ui, "x u"), [], "keys of another pane do nothing");
    assert_eq!(ui.active, 2);
    press(&mut ui, "s");
    assert_eq!(ui.active, 0, "stress is in the pane that has its form");
}

#[test]
fn panes_are_reached_by_number_tab_and_click() {
    let mut ui = ui();
    let mut seen = Vec::new();
    for keys in ["2", "Tab", "BackTab", "BackTab", "BackTab", "9"] {
        press(&mut ui, keys);
        seen.push(ui.active);
    }
    assert_eq!(seen, [1, 2, 1, 0, 4, 4]);
    ui.resize(Rect::new(0, 0, 80, 24));
    let click = |column| Mouse { does: MouseAct::Press, column, row: 1 };
    ui.mouse(click(12));
    assert_eq!(ui.active, 1);
    ui.mouse(click(70));
    assert_eq!(ui.active, 1, "beside the tabs is nothing");
}

#[test]
fn a_pane_asks_and_gets_the_answer() {
    let mut ui = ui();
    press(&mut ui, "2 u");
    assert!(screen(&ui, 80, 24).contains("> /tmp"));
    let upload = |path: &str| [Order::Work(Work::Upload { path: path.into(), to: None })];
    ui.paste("/a\nb");
    assert_eq!(press(&mut ui, "Enter"), upload("/a b"), "what was proposed is replaced");
    assert_eq!(press(&mut ui, "u / x Enter"), upload("/x"));
    assert_eq!(press(&mut ui, "u End / x Enter"), upload("/tmp/x"), "and an editing key keeps it");
}

#[test]
fn ends_and_stops_work_whatever_is_open() {
    for before in ["", "?", ":", "p", "2 u", "e"] {
        let mut ui = ui();
        press(&mut ui, before);
        assert_eq!(press(&mut ui, "Ctrl-c"), [Order::Outside(Outside::Quit)], "after {before:?}");
        assert_eq!(press(&mut ui, "Ctrl-z"), [Order::Outside(Outside::Suspend)], "after {before:?}");
    }
    assert_eq!(press(&mut guest(), "q"), [Order::Outside(Outside::Quit)]);
}

#[test]
fn no_size_panics_and_a_small_one_says_what_is_missing() {
    for keys in ["", "?", ":", "p", "2 u", "e"] {
        let mut ui = ui();
        ui.report(Level::Error, "a message that is longer than the screen is wide, by far".into());
        press(&mut ui, keys);
        for (width, height) in [(0, 0), (1, 1), (2, 3), (10, 2), (40, 10), (60, 15), (61, 16), (200, 60), (300, 5)] {
            screen(&ui, width.max(1), height);
        }
    }
    let shown = screen(&ui(), 40, 10);
    assert!(shown.contains("zkdeck needs 60x15") && shown.contains("has 40x10"), "{shown}");
}

#[test]
fn ascii_is_ascii_everywhere() {
    let mut ui = ui();
    ui.set_styles(Styles { glyphs: Glyphs::ASCII, ..Styles::plain() });
    ui.report(Level::Warning, "naïve → 文字 …".into());
    for keys in ["", "?", "Esc p", "n e"] {
        press(&mut ui, keys);
        let shown = screen(&ui, 120, 40);
        assert!(shown.is_ascii(), "{shown}");
    }
}

#[test]
fn the_active_tab_stands_out_without_colour() {
    let area = Rect::new(0, 0, 80, 24);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    ui().draw(area, &mut buffer);
    assert!(buffer[(1, 1)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(12, 1)].modifier.contains(Modifier::REVERSED));
}
