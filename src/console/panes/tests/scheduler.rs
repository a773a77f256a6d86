//! The scheduler's pane.

use super::*;

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
    assert!(text.contains("spread 0, moves start at 5"), "{text}");
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
        "plan: 5 moves, least possible 5, 640 KiB, spread 8 to 0",
        "60 %   20 of 33 files   9.8 files/s   1.3 s left",
        "4 of 8 moves, 1 failed",
        "5 of 5 moves, 300 ms",
        "spread 8 < 5",
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
    let shows = |pane: &dyn Pane, snapshot: &Snapshot| picture(pane, snapshot, 110, 28).contains("plan: 5 moves");
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
    assert_eq!(words(&snapshot, true)[2], Some("run this plan"));
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
