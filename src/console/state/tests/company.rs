//! Others at the same ensemble: who they are, whose engine this is, and what they did while nobody was here.

use super::*;
use crate::domain::ids::Timestamp;
use crate::domain::operation::OperationStatus;
use crate::domain::snapshot::{FrontKind, InstanceSeat, SessionState};

fn with_another() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let seat = InstanceSeat {
        person: "ana as root from 10.0.0.7\u{1b}[2J".into(),
        folder: "/srv/zk".into(),
        front: FrontKind::Daemon,
        read_only: false,
    };
    let other = |id, pid, seat| InstanceInfo {
        id: InstanceId::new(id),
        host: "host-b".into(),
        pid,
        since_ms: Timestamp(NOW.0 - 90_000),
        scheduler: None,
        seat,
    };
    let old = other(3, 99, None);
    snapshot.instances = snapshot.instances.iter().cloned().chain([other(2, 4712, Some(seat)), old]).collect();
    snapshot
}

#[test]
fn who_is_attached_is_a_list_of_persons_and_places() {
    let mut ui = ui_of(with_another(), &ConsoleConfig::default(), None);
    press(&mut ui, ": w h o Enter");
    insta::assert_snapshot!(screen(&ui, 100, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3 (epoch 7)   can lose 1           this instance leads · UTC
     1 Health  2 Files  3 History  4 Logs  5 Scheduler             scheduler on, next in 9 s   0 moving
    ┌ Who is attached   / filters, Esc closes ─────────────────────────────────────────────────────────┐
    │ Instances with a session, the oldest first                                                       │
    │   host-a:4711  -        leads      -   this console's                                            │
    │     since 2026-11-23 14:01:11   in -                                                             │
    │   host-b:4712  daemon   standby    ana as root from 10.0.0.7^[[2J                                │
    │     since 2026-11-23 14:00:41   in /srv/zk                                                       │
    │   host-b:99    -        standby    -                                                             │
    │     since 2026-11-23 14:00:41   in -                                                             │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    │                                                                                                  │
    └──────────────────────────────────────────────────────────────────────────────────────────────────┘
     / filter  Esc close
    "#);
    press(&mut ui, "/ a n a Enter");
    let shown = screen(&ui, 100, 24);
    assert!(shown.contains("host-b:4712") && !shown.contains("host-b:99") && !shown.contains('\u{1b}'), "{shown}");
    press(&mut ui, "Esc Esc");
    assert!(ui.overlay.is_none());
    let mut lost = with_another();
    lost.session.state = SessionState::Disconnected;
    let mut ui = ui_of(lost, &ConsoleConfig::default(), None);
    press(&mut ui, ": w h o Enter");
    assert!(screen(&ui, 100, 24).contains("Instances as they were at 14:01:12"), "{}", screen(&ui, 100, 24));
}

#[test]
fn who_leaves_an_attached_console_ends_nothing() {
    let config = ConsoleConfig { attached: true, ..ConsoleConfig::default() };
    let mut snapshot = fixtures::snapshot();
    let me = snapshot.instance.name();
    let upload = fixtures::operation(9, OperationKind::Upload, OperationStatus::Started);
    snapshot.operations = Arc::from([Arc::new(Operation { instance: me.as_str().into(), ..upload })]);
    let mut ui = ui_of(snapshot.clone(), &config, None);
    assert!(screen(&ui, 120, 24).contains("its instance leads"), "{}", screen(&ui, 120, 24));
    assert_eq!(press(&mut ui, "q"), [Order::Outside(Outside::Quit)], "the daemon's work and servers go on");
    ui.set_jobs(vec!["download to a.bin".into()]);
    assert_eq!(press(&mut ui, "q"), [], "what this console saves itself is given up");
    let mut own = ui_of(snapshot, &ConsoleConfig::default(), None);
    assert_eq!(press(&mut own, "q"), [], "an engine of its own ends with it");
}

#[test]
fn who_comes_back_is_told_what_happened_and_any_key_takes_it_away() {
    let later = |minutes: u64| Timestamp(NOW.0 + minutes * 60_000);
    let mut snapshot = fixtures::snapshot();
    snapshot.instance.local = None;
    let quiet = snapshot.clone();
    let drain = fixtures::operation(9, OperationKind::Drain, OperationStatus::Done);
    let drain =
        Operation { started: later(1), finished: Some(later(1)), what: "zk3".into(), by: "ana".into(), ..drain };
    snapshot.operations = Arc::from([Arc::new(drain)]);
    let away = |snapshot: &Snapshot, minutes| {
        let mut ui = ui_of(quiet.clone(), &ConsoleConfig::default(), Some("zk1"));
        ui.take_snapshot(Arc::new(snapshot.clone()), later(minutes));
        ui.tick(later(minutes));
        ui
    };
    let told = |ui: &Console| screen(ui, 80, 24).contains("Since 14:02:11");
    assert!(!told(&away(&snapshot, 4)), "not for who was here a moment ago");
    assert!(!told(&away(&quiet, 41)), "not when nothing happened");
    let mut ui = away(&snapshot, 41);
    let shown = screen(&ui, 80, 24);
    assert!(shown.contains("Since 14:02:11 (41m0s): drain zk3 by ana (Enter: all events)"), "{shown}");
    press(&mut ui, "j");
    assert!(!told(&ui));
    ui.tick(later(42));
    assert!(!told(&ui), "once");
    ui.tick(later(60));
    assert!(!told(&ui), "nothing since that key");
    let mut ui = away(&snapshot, 41);
    assert_eq!(press(&mut ui, "Enter"), []);
    assert!(screen(&ui, 80, 24).contains("Events"), "{}", screen(&ui, 80, 24));
    let mut ui = away(&snapshot, 41);
    press(&mut ui, ": x");
    assert!(!told(&ui), "keys do what they do");
    ui.resize(Rect::new(0, 0, 1, 1));
    ui.tick(later(99));
    screen(&ui, 1, 1);
}
