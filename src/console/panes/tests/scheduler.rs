//! The scheduler's pane.

use super::*;
use crate::console::jump::{Jump, JumpTo};
use crate::domain::node::NodeView;
use crate::domain::scheduler::SchedulerView;
use crate::domain::setting::{Origin, Setting};

#[test]
fn whether_the_scheduler_is_on_is_not_known_before_the_records_are_read_nor_without_a_session() {
    let first = |snapshot: &Snapshot| {
        let text = picture(ready(4, snapshot).as_ref(), snapshot, 120, 28);
        text.split_whitespace().next().map(str::to_owned)
    };
    assert_eq!(first(&fixtures::snapshot()).as_deref(), Some("on"));
    let mut unread = fixtures::snapshot();
    (unread.files_complete, unread.files_read) = (false, None);
    assert_eq!(first(&unread).as_deref(), Some("-"));
    let mut lost = fixtures::snapshot();
    lost.session.state = SessionState::Disconnected;
    assert_eq!(first(&lost).as_deref(), Some("-"));
    lost.scheduler.paused = true;
    assert_eq!(first(&lost).as_deref(), Some("paused"), "it was read");
}

#[test]
fn where_nobody_leads_the_scheduler_says_why_nothing_begins() {
    let mut snapshot = fixtures::snapshot();
    snapshot.scheduler.next_run = None;
    let text = picture(ready(4, &snapshot).as_ref(), &snapshot, 120, 28);
    assert!(text.contains("· next -") && !text.contains("leads"), "this one does: {text}");
    (snapshot.leadership.leads, snapshot.leadership.leader, snapshot.scheduler.next_run) = (false, None, None);
    snapshot.workload.next_run = None;
    assert!(picture(ready(4, &snapshot).as_ref(), &snapshot, 120, 28).contains("· no instance leads now"));
    snapshot.instance.read_only = true;
    let text = picture(ready(4, &snapshot).as_ref(), &snapshot, 120, 28);
    assert!(text.contains("· no instance leads: this one only watches") && !text.contains("zkdeck leader"), "{text}");
}

#[test]
fn the_spread_and_the_marks_go_by_the_weights() {
    let mut snapshot = fixtures::snapshot();
    let mut nodes = snapshot.nodes.to_vec();
    for (node, (files, weight)) in nodes.iter_mut().zip([(10, 10), (100, 100), (100, 100)]) {
        (node.files, node.weight) = (files, weight);
    }
    snapshot.nodes = nodes.into();
    snapshot.scheduler.max_difference = Some(0);
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 120, 28);
    assert!(
        text.contains("spread 0") && text.contains("starts when zk1 reaches 13") && text.contains("weight 10"),
        "{text}"
    );
    assert_eq!(words::starts_at(&snapshot, 0..3), [Some(13), Some(105), Some(105)]);
}

#[test]
fn a_plan_is_shown_with_what_each_node_gives_and_is_run_after_a_question() {
    let snapshot = busy();
    let mut pane = ready(4, &snapshot);
    let told = press(pane.as_mut(), Action::Preview, &snapshot);
    assert!(matches!(&told[..], [Effect::Toast { text, .. }] if text == "5 moves planned, the least possible is 5"));
    let text = picture(pane.as_ref(), &snapshot, 110, 28);
    for part in [
        "gives 5",
        "takes 3",
        "PLAN from 14:02:11, 0 s old  (v renews)",
        "5 moves, least possible 5, 640 KiB, spread 8 to 0, about 300 ms",
        "Enter runs the scheduler now, which plans anew   Esc leaves",
        "41 → 36",
        "60 %   20 of 33 files, 4.2 MiB to go   1.3 s left, 9.8 files/s",
        "4 of 8 moves, 1 failed",
        "5 of 5 moves, 300 ms",
        "spread 4 < 5",
        "< zk1 >",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let asked = press(pane.as_mut(), Action::Open, &snapshot);
    let [Effect::Confirm(confirm)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(confirm.commands, [Command::RunScheduler], "a run that is refused leaves the plan");
    assert_eq!(confirm.lines[0], "5 moves, 640 KiB: zk1 gives 5; zk2 takes 3, zk3 takes 2.");
    press(pane.as_mut(), Action::Back, &snapshot);
    press(pane.as_mut(), Action::Open, &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 110, 28).contains("NOT USED AS TARGET"));
    press(pane.as_mut(), Action::Stress, &snapshot);
    assert!(pane.takes_text());
    let text = picture(pane.as_ref(), &snapshot, 110, 28);
    assert!(text.contains("< zk1 >") && !text.contains("NOT USED AS TARGET"), "keys go to what is seen: {text}");
}

#[test]
fn a_plan_goes_when_a_run_begins_or_another_one_has_moved_something() {
    let mut snapshot = busy();
    snapshot.scheduler.running = None;
    let mut pane = ready(4, &snapshot);
    let shows = |pane: &dyn Pane, snapshot: &Snapshot| picture(pane, snapshot, 110, 28).contains("PLAN from");
    let mut begun = snapshot.clone();
    begun.scheduler.running = busy().scheduler.running;
    let mut over = snapshot.clone();
    let other = Run { id: OperationId::new(78), ..run(Decision::Ran) };
    over.scheduler.recent = [Arc::new(other)].into_iter().chain(snapshot.scheduler.recent.iter().cloned()).collect();
    for after in [&begun, &over] {
        press(pane.as_mut(), Action::Preview, &snapshot);
        pane.refresh(&snapshot);
        assert!(shows(pane.as_ref(), &snapshot));
        pane.refresh(after);
        assert!(!shows(pane.as_ref(), after));
    }
}

#[test]
fn the_footer_says_what_makes_sense_for_the_scheduler_now() {
    let words = |snapshot: &Snapshot, planned: bool| {
        let mut pane = ready(4, snapshot);
        if planned {
            press(pane.as_mut(), Action::Preview, snapshot);
        }
        [Action::PauseScheduler, Action::StopRun, Action::Open, Action::Copy].map(|action| pane.label(action, snapshot))
    };
    let mut snapshot = fixtures::snapshot();
    assert_eq!(words(&snapshot, false), [Some("pause scheduler"), None, None, None]);
    assert_eq!(words(&snapshot, true)[2], Some("run it now"));
    snapshot.scheduler.recent = Arc::from([Arc::new(run(Decision::Ran))]);
    snapshot.scheduler.paused = true;
    assert_eq!(words(&snapshot, false), [Some("resume scheduler"), None, Some("details"), Some("copy")]);
    snapshot.scheduler.running = busy().scheduler.running;
    assert_eq!(words(&snapshot, false)[1], Some("stop run"));
}

#[test]
fn a_run_is_copied_whole() {
    let mut snapshot = fixtures::snapshot();
    snapshot.scheduler.recent = Arc::from([Arc::new(run(Decision::Ran))]);
    let copied = press(ready(4, &snapshot).as_mut(), Action::Copy, &snapshot);
    let [Effect::Outside(crate::console::order::Outside::Copy(text))] = &copied[..] else { panic!("{copied:?}") };
    assert!(text.contains("\"moves_planned\":5"), "{text}");
}

fn lines_of(snapshot: &Snapshot, pane: &dyn Pane, width: u16, height: u16) -> Vec<String> {
    picture(pane, snapshot, width, height).lines().map(str::to_owned).collect()
}

fn with_counts(snapshot: &mut Snapshot, counts: [u64; 3]) {
    let nodes = snapshot.nodes.iter().zip(counts);
    snapshot.nodes = nodes.map(|(node, files)| NodeView { files, ..node.clone() }).collect();
}

#[test]
fn a_plan_has_its_own_counts_and_its_age_and_escape_leaves_it() {
    let mut snapshot = fixtures::snapshot();
    let mut pane = ready(4, &snapshot);
    assert!(!pane.is_deep());
    press(pane.as_mut(), Action::Preview, &snapshot);
    assert!(pane.is_deep());
    with_counts(&mut snapshot, [1_053, 77, 88]);
    snapshot.taken_at = Timestamp(NOW.0 + 3_000);
    pane.refresh(&snapshot);
    for (width, height) in [(80, 20), (120, 36), (200, 56)] {
        let text = picture(pane.as_ref(), &snapshot, width, height);
        for part in [
            "41 → 36",
            "33 → 36",
            "gives 5",
            "takes 3",
            "level 36",
            "PLAN from 14:02:11",
            "Esc leaves",
            "least possible 5",
        ] {
            assert!(text.contains(part), "{width}, {part}: {text}");
        }
        assert!(!text.contains("1,053") && !text.contains(" 77") && !text.contains("starts when"), "{width}: {text}");
    }
    press(pane.as_mut(), Action::Back, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 80, 20);
    assert!(!pane.is_deep() && !text.contains("PLAN") && text.contains("1,053"), "{text}");
}

#[test]
fn bars_are_as_wide_as_there_is_room_and_what_moves_is_drawn_between() {
    let mut snapshot = fixtures::snapshot();
    with_counts(&mut snapshot, [1_626, 813, 0]);
    let mut nodes = snapshot.nodes.to_vec();
    (nodes[0].in_flight_out, nodes[2].in_flight_in) = (2, 2);
    snapshot.nodes = nodes.into();
    for (width, height) in [(80, 20), (120, 36), (200, 56)] {
        let lines = lines_of(&snapshot, ready(4, &snapshot).as_ref(), width, height);
        let rows: Vec<&String> = lines.iter().filter(|line| line.starts_with("  zk")).collect();
        let cells = |line: &str, glyph: char| line.chars().filter(|c| *c == glyph).count();
        assert!(rows[0].contains("1,626") && rows[0].contains("2 going") && rows[2].contains("2 coming"), "{lines:?}");
        assert_eq!((cells(rows[0], '░'), cells(rows[2], '▒'), cells(rows[2], '▇')), (1, 1, 0), "{lines:?}");
        let full = cells(rows[0], '▇') + 1;
        assert!(full + 45 >= usize::from(width), "{width}: {full}");
        assert!(cells(rows[1], '▇').abs_diff(full / 2) <= 1, "{lines:?}");
        let starts: Vec<_> = rows.iter().map(|row| row.find(['▇', '░', '▒'])).collect();
        assert!(starts.iter().all(|at| *at == starts[0]), "{lines:?}");
    }
}

#[test]
fn a_stopped_run_says_when_the_next_one_begins_and_what_prevents_it() {
    let mut snapshot = busy();
    snapshot.scheduler.running = None;
    snapshot.scheduler.last_run = Some(Arc::new(run(Decision::Stopped)));
    snapshot.scheduler.next_run = Some(Timestamp(NOW.0 + 3_000));
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].drain.iter_mut().for_each(|drain| drain.left_ms = None);
    snapshot.nodes = nodes.into();
    let told = |snapshot: &Snapshot| picture(ready(4, snapshot).as_ref(), snapshot, 80, 20);
    let text = told(&snapshot);
    assert!(text.contains("STOPPED  the timer starts the next run in 3 s; P prevents it"), "{text}");
    assert!(text.contains("4.2 MiB to go   goes on in 3 s") && !text.contains("files/s"), "{text}");
    (snapshot.scheduler.paused, snapshot.scheduler.next_run) = (true, None);
    let text = told(&snapshot);
    assert!(text.contains("waits: paused") && !text.contains("STOPPED"), "{text}");
    assert!(text.contains("paused: starts nothing"), "{text}");
}

#[test]
fn runs_that_moved_nothing_are_one_row_and_ways_lead_on_from_a_run() {
    let mut snapshot = fixtures::snapshot();
    let quiet = (70..82).rev().map(|id| Arc::new(below(id)));
    snapshot.scheduler.recent =
        std::iter::once(Arc::new(Run { id: OperationId::new(90), ..run(Decision::Ran) })).chain(quiet).collect();
    let mut pane = ready(4, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 120, 36);
    assert!(text.contains("×12  spread 4 < 5"), "{text}");
    let balanced = Arc::new(Run { decision: Decision::Balanced, ..below(60) });
    let alone = Snapshot {
        scheduler: SchedulerView {
            last_run: Some(Arc::clone(&balanced)),
            recent: [balanced].into(),
            ..snapshot.scheduler.clone()
        },
        ..snapshot.clone()
    };
    let text = picture(ready(4, &alone).as_ref(), &alone, 120, 36);
    assert_eq!(text.matches("balanced (spread 4)").count(), 3, "in one way wherever it stands: {text}");
    press(pane.as_mut(), Action::Down, &snapshot);
    let newer = Run { id: OperationId::new(95), ..run(Decision::Ran) };
    snapshot.scheduler.recent =
        std::iter::once(Arc::new(newer)).chain(snapshot.scheduler.recent.iter().cloned()).collect();
    pane.refresh(&snapshot);
    press(pane.as_mut(), Action::Open, &snapshot);
    let text = picture(pane.as_ref(), &snapshot, 120, 36);
    assert!(text.contains("below-trigger") && text.contains("l logs then"), "the row in hand stays in hand: {text}");
    assert!(pane.is_deep());
    for (action, leads) in [(Action::LogsThen, None), (Action::HistoryThen, Some("kind:(scheduler OR migration)"))] {
        let went = press(pane.as_mut(), action, &snapshot);
        let [Effect::Go(Jump { to: JumpTo::Logs(around) | JumpTo::History(around), .. })] = &went[..] else {
            panic!("{went:?}")
        };
        assert_eq!((around.at, around.query.as_deref()), (Some(below(70).at), leads));
    }
}

#[test]
fn the_settings_have_a_place_where_there_is_room() {
    let mut snapshot = fixtures::snapshot();
    snapshot.scheduler.trigger = 1_500;
    let mut settings = snapshot.settings.to_vec();
    let threshold = settings.iter_mut().find(|one| one.setting == Some(Setting::Threshold)).expect("there");
    threshold.value = "1500".into();
    threshold.origin = Origin::Ensemble { by: "api".into(), at: fixtures::NOW, why: None };
    snapshot.settings = settings.into();
    let pane = ready(4, &snapshot);
    for width in [120, 200] {
        let text = picture(pane.as_ref(), &snapshot, width, 36);
        assert!(text.contains("SETTINGS") && text.contains("threshold    1,500    set by api"), "{text}");
    }
    let text = picture(pane.as_ref(), &snapshot, 80, 20);
    assert!(!text.contains("SETTINGS") && text.contains("threshold 1,500"), "{text}");
    with_counts(&mut snapshot, [0; 3]);
    let nodes = snapshot.nodes.iter().map(|node| NodeView { target: Some((0, 0)), ..node.clone() });
    snapshot.nodes = nodes.collect();
    let text = picture(pane.as_ref(), &snapshot, 80, 20);
    assert!(!text.contains('┆') && !text.contains("level"), "nothing is level with nothing: {text}");
    let none = Snapshot { nodes: Arc::from([]), ..snapshot };
    picture(ready(4, &none).as_ref(), &none, 80, 20);
}

#[test]
fn a_standby_says_who_runs_it_and_offers_what_it_can_do() {
    let mut snapshot = busy();
    (snapshot.scheduler.next_run, snapshot.scheduler.running) = (None, None);
    snapshot.leadership.leads = false;
    let leader = snapshot.leadership.leader.as_ref().map(|leader| leader.name()).unwrap_or_default();
    let text = picture(ready(4, &snapshot).as_ref(), &snapshot, 120, 36);
    assert!(!leader.is_empty() && text.contains(&format!("{leader} leads and runs it")), "{text}");
}

#[test]
fn the_run_in_hand_is_told_below_the_list_where_there_is_room() {
    let snapshot = busy();
    let pane = ready(4, &snapshot);
    for (width, height, told) in [(80, 20, false), (120, 36, true), (200, 56, true)] {
        let text = picture(pane.as_ref(), &snapshot, width, height);
        assert_eq!(text.contains("NOT USED AS TARGET") && text.contains("at-level"), told, "{width}: {text}");
        assert!(text.contains("5 of 5 moves, 300 ms") && text.contains("spread 4 < 5"), "{width}: {text}");
    }
}

#[test]
fn what_starts_a_run_is_told_with_any_names_and_counts() {
    let mut snapshot = busy();
    with_counts(&mut snapshot, [1_117, 1_000, 1_000]);
    let nodes = snapshot.nodes.iter().map(|node| NodeView { condition: NodeCondition::Active, ..node.clone() });
    snapshot.nodes = nodes.map(|node| NodeView { target: Some((1_039, 1_039)), ..node }).collect();
    for width in [60, 80, 120, 200] {
        let text = picture(ready(4, &snapshot).as_ref(), &snapshot, width, 40);
        assert!(text.contains("moves are due: zk1 has reached 1,005") && text.contains('┆'), "{width}: {text}");
    }
}
