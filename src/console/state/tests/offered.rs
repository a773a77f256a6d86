//! What can be asked for here, and what is told when it cannot.

use super::*;
use crate::domain::node::NodeCondition;

#[test]
fn read_only_hides_and_refuses() {
    let config = ConsoleConfig { read_only: true, ..ConsoleConfig::default() };
    let mut ui = ui_of(fixtures::snapshot(), &config, Some("zk1"));
    let shown = screen(&ui, 120, 40);
    assert!(shown.contains("read-only") && !shown.contains("d drain") && shown.contains("/ filter"), "{shown}");
    assert_eq!(press(&mut ui, "d r P"), []);
    assert!(ui.overlay.is_none() && screen(&ui, 120, 40).contains("refused: this zkdeck runs with --read-only"));
    let confirm = Confirm {
        title: "Delete".into(),
        lines: Vec::new(),
        no: "no".into(),
        yes: "yes".into(),
        type_text: None,
        about: None,
        commands: vec![Command::RunScheduler],
    };
    ui.perform(0, vec![Effect::Confirm(confirm), Effect::Work(Work::Send(Command::RunWorkload))]);
    assert!(ui.overlay.is_none(), "a pane cannot go around it");
}

#[test]
fn what_a_foreign_folder_refuses_is_not_offered() {
    let mut snapshot = fixtures::snapshot();
    snapshot.session.store = StoreView::Foreign { ours: "a".into(), theirs: "b".into() };
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), Some("zk1"));
    let shown = screen(&ui, 120, 40);
    assert!(!shown.contains("s stress") && !shown.contains("r run"), "{shown}");
    assert!(shown.contains("d drain"), "a drain can be lifted: {shown}");
    for key in ["s", "r", "w"] {
        assert_eq!(press(&mut ui, key), []);
    }
    assert!(screen(&ui, 120, 40).contains("refused: "));
    press(&mut ui, ":");
    let shown = screen(&ui, 120, 40);
    assert!(!shown.contains("migrate FILE NODE") && shown.contains("weight"), "{shown}");
}

#[test]
fn what_control_lacks_now_is_told_when_its_key_is_pressed() {
    let mut snapshot = fixtures::snapshot();
    snapshot.control = ControlView::Off("nothing answers at the socket".into());
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), Some("zk1"));
    assert!(!screen(&ui, 120, 40).contains("p pause"));
    assert_eq!(press(&mut ui, "p"), []);
    assert!(screen(&ui, 120, 40).contains("nothing answers at the socket"));
}

#[test]
fn control_that_is_disabled_has_no_keys() {
    let mut snapshot = fixtures::snapshot();
    snapshot.control = ControlView::Off("DOCKER_CONTROL_ENABLED is false".into());
    let config = ConsoleConfig { controls: false, ..ConsoleConfig::default() };
    let mut ui = ui_of(snapshot, &config, Some("zk1"));
    let before = screen(&ui, 120, 40);
    for key in ["p", "S", "R"] {
        assert_eq!(press(&mut ui, key), []);
        assert_eq!(screen(&ui, 120, 40), before, "{key} means nothing");
    }
    press(&mut ui, "?");
    assert!(!screen(&ui, 120, 40).contains("restart"));
}

#[test]
fn a_question_tells_what_the_act_would_do_now() {
    let mut ui = ui_of(fixtures::snapshot(), &ConsoleConfig::default(), Some("zk1"));
    press(&mut ui, "p");
    let mut meanwhile = fixtures::snapshot();
    meanwhile.ensemble.quorum = Quorum { voters: 3, serving: 2 };
    ui.take_snapshot(Arc::new(meanwhile), NOW);
    assert!(screen(&ui, 80, 24).contains("all writes stop"), "{}", screen(&ui, 80, 24));
    assert_eq!(press(&mut ui, "y Enter"), [], "the name has to be typed now");
    let sent = press(&mut ui, "Backspace z k 1 Enter");
    assert!(
        matches!(&sent[..], [Order::Work(Work::Send(Command::Server { confirmed: Confirmed::Named, .. }))]),
        "{sent:?}"
    );
}

#[test]
fn a_question_about_a_drain_tells_what_it_would_move_now_and_goes_when_it_would_be_refused() {
    let of = |condition| {
        let mut snapshot = fixtures::snapshot();
        let mut nodes = snapshot.nodes.to_vec();
        (nodes[0].files, nodes[1].condition, nodes[2].condition) = (35, condition, condition);
        snapshot.nodes = nodes.into();
        Arc::new(snapshot)
    };
    let mut ui = ui();
    press(&mut ui, "d");
    assert!(screen(&ui, 80, 24).contains("34 files, 4.2 MiB of zk1 move"), "{}", screen(&ui, 80, 24));
    ui.take_snapshot(of(NodeCondition::Active), NOW);
    assert!(screen(&ui, 80, 24).contains("35 files, 4.2 MiB of zk1 move"), "{}", screen(&ui, 80, 24));
    ui.take_snapshot(of(NodeCondition::Paused), NOW);
    let told = screen(&ui, 120, 40);
    assert!(told.contains("zk2 is paused, zk3 is paused") && !told.contains("leave it"), "{told}");
    let sent = press(&mut ui, "y");
    assert!(sent.iter().all(|order| !matches!(order, Order::Work(_))), "there is no question any more: {sent:?}");
}
