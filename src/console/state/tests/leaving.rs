//! What is asked before the console is left.

use super::*;

#[test]
fn leaving_the_servers_of_local_asks_and_says_what_stops_and_who_loses_it() {
    let mut ui = ui();
    assert_eq!(press(&mut ui, "q"), []);
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    (the pane)
       ┌ Leave the console ────────────────────────────────────────────────────┐
       │ zk1, zk2 and zk3 stop with it; 100 files stay on disk.                │
       │ zkdeck --local in this folder starts them again.                      │
       │                                     n stay      y stop them and leave │
       └───────────────────────────────────────────────────────────────────────┘
     n no  y yes
    "#);
    assert_eq!(press(&mut ui, "Enter q n"), [], "the default is safe");
    let mut snapshot = fixtures::snapshot();
    let other = InstanceInfo {
        id: InstanceId::new(2),
        host: "host-b".into(),
        pid: 4712,
        since_ms: NOW,
        scheduler: None,
        seat: None,
    };
    snapshot.instances = snapshot.instances.iter().cloned().chain([other]).collect();
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), Some("zk1"));
    press(&mut ui, "q");
    let shown = screen(&ui, 80, 24);
    assert!(
        shown.contains("Attached now: host-b:4712. They lose the ensemble") && !shown.contains("host-a"),
        "{shown}"
    );
    assert_eq!(press(&mut ui, "y"), [Order::Outside(Outside::Quit)]);
}

#[test]
fn leaving_asks_while_something_is_under_way_here_and_says_what_ends() {
    let with = |instance: &str, kind, status| {
        let mut snapshot = fixtures::snapshot();
        let operation = Operation { instance: instance.into(), ..fixtures::operation(9, kind, status) };
        snapshot.operations = Arc::from([Arc::new(operation)]);
        snapshot.instance.local = None;
        let mut ui = guest();
        ui.take_snapshot(Arc::new(snapshot), NOW);
        ui
    };
    let me = fixtures::snapshot().instance.name();
    let mut asked = with(&me, OperationKind::Upload, OperationStatus::Started);
    assert_eq!(press(&mut asked, "q"), []);
    let shown = screen(&asked, 100, 30);
    assert!(shown.contains("Leave the console") && shown.contains("Under way here: upload"), "{shown}");
    assert!(!shown.contains("stop with it"), "it holds nothing up: {shown}");
    assert_eq!(press(&mut asked, "n q y"), [Order::Outside(Outside::Quit)]);
    for (instance, kind, status) in [
        (me.as_str(), OperationKind::Upload, OperationStatus::Done),
        (me.as_str(), OperationKind::Drain, OperationStatus::Started),
        ("elsewhere:1", OperationKind::Upload, OperationStatus::Started),
    ] {
        assert_eq!(
            press(&mut with(instance, kind, status), "q"),
            [Order::Outside(Outside::Quit)],
            "{instance} {kind:?} {status:?}"
        );
    }
}

#[test]
fn leaving_asks_while_a_file_is_being_saved() {
    let mut ui = guest();
    ui.set_jobs(vec!["download to a.bin".into(), "export to b.csv".into()]);
    assert_eq!(press(&mut ui, "q"), []);
    let shown = screen(&ui, 80, 24);
    assert!(shown.contains("Under way here: download to a.bin, and 1 more."), "{shown}");
    assert!(
        shown.contains("saves or sends is given up at once") && !shown.contains("an upload is not stored"),
        "{shown}"
    );
    ui.set_jobs(Vec::new());
    assert_eq!(press(&mut ui, "n q"), [Order::Outside(Outside::Quit)]);
}

/// A question that is too large for the screen cannot be agreed to, and `q` does what the screen says of it.
#[test]
fn on_a_screen_that_is_too_small_only_leaving_works() {
    for (width, height) in [(59, 40), (200, 14), (1, 1)] {
        let mut ui = ui();
        press(&mut ui, "d");
        ui.resize(Rect::new(0, 0, width, height));
        assert_eq!(press(&mut ui, "y P r : x Enter"), []);
        assert_eq!(ui.paste("y"), []);
        assert_eq!(press(&mut ui, "q"), [Order::Outside(Outside::Quit)], "{width}x{height}");
        ui.resize(Rect::new(0, 0, 80, 24));
        assert!(screen(&ui, 80, 24).contains("y drain zk1"), "the question is still there");
    }
}
