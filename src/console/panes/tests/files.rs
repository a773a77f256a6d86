//! The pane of files.

use super::*;
use crate::console::input::{Mouse, MouseAct};
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::domain::file_list::FileOrder;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::Damage;

#[test]
fn files_are_filtered_marked_and_asked_about() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready(1, &snapshot);
    press(pane.as_mut(), Action::Filter, &snapshot);
    for key in parse_keys("n o d e : z k 2 Enter") {
        let asked = pane.text_key(key, &snapshot);
        serve(pane.as_mut(), asked, &snapshot);
    }
    let text = picture(pane.as_ref(), &snapshot, 110, 28);
    assert!(text.contains("33 of 100, by name"), "{text}");
    press(pane.as_mut(), Action::Mark, &snapshot);
    press(pane.as_mut(), Action::Mark, &snapshot);
    let asked = press(pane.as_mut(), Action::Delete, &snapshot);
    let [Effect::Confirm(confirm)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(confirm.title, "Delete 2 files, 256 KiB");
    press(pane.as_mut(), Action::Migrate, &snapshot);
    let asked = pane.answered(Action::Migrate, "zk3", &snapshot);
    let [Effect::Confirm(confirm)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(confirm.commands.len(), 2);
    let refused = pane.answered(Action::Migrate, "zk9", &snapshot);
    assert!(
        matches!(refused.as_slice(), [Effect::Toast { text, .. }] if text.contains("zk1, zk2, zk3")),
        "{refused:?}"
    );
}

/// What is typed goes to a line below the list.
#[test]
fn a_filter_is_seen_while_it_is_typed() {
    let snapshot = fixtures::snapshot();
    for index in [1, 2] {
        let mut pane = ready(index, &snapshot);
        press(pane.as_mut(), Action::Open, &snapshot);
        press(pane.as_mut(), Action::Filter, &snapshot);
        assert!(pane.takes_text());
        for key in parse_keys("q u x") {
            let asked = pane.text_key(key, &snapshot);
            serve(pane.as_mut(), asked, &snapshot);
        }
        let text = picture(pane.as_ref(), &snapshot, 110, 28);
        assert!(text.contains("/ qux") || text.contains("/qux"), "{text}");
    }
}

/// The list goes on changing while a question is open.
#[test]
fn an_answer_is_about_the_files_that_were_asked_about() {
    let before = fixtures::snapshot();
    let mut after = before.clone();
    after.files.remove(FileId::new(400));
    let mut pane = ready(1, &before);
    let asked = press(pane.as_mut(), Action::Download, &before);
    assert!(matches!(&asked[..], [Effect::Prompt(ask)] if ask.title == "Save report-0400.bin where?"), "{asked:?}");
    pane.refresh(&after);
    let told = |effects: &[Effect]| match effects {
        [Effect::Toast { text, .. }] => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&pane.answered(Action::Download, "x", &after)), "report-0400.bin was deleted meanwhile");
    let mut pane = ready(1, &before);
    press(pane.as_mut(), Action::Migrate, &before);
    pane.refresh(&after);
    assert_eq!(told(&pane.answered(Action::Migrate, "zk3", &after)), "report-0400.bin was deleted meanwhile");
    let mut pane = ready(1, &before);
    press(pane.as_mut(), Action::Mark, &before);
    press(pane.as_mut(), Action::Mark, &before);
    press(pane.as_mut(), Action::Migrate, &before);
    pane.refresh(&after);
    let rest = pane.answered(Action::Migrate, "zk3", &after);
    let [Effect::Confirm(confirm), Effect::Toast { .. }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!(confirm.commands, [Command::Migrate { file: FileId::new(401), target: node_id("zk3") }]);
}

#[test]
fn files_are_saved_under_their_own_names_unless_another_is_typed() {
    let mut snapshot = fixtures::snapshot();
    let name = "a\u{200c}b/c";
    let mut entry = snapshot.files.get(FileId::new(400)).expect("there").clone();
    std::sync::Arc::make_mut(&mut entry).record.name = name.into();
    snapshot.files.insert(entry);
    let mut pane = ready(1, &snapshot);
    let paths = |effects: &[Effect]| {
        let path = |effect: &Effect| match effect {
            Effect::Work(Work::Download { path, .. }) => path.clone(),
            other => panic!("{other:?}"),
        };
        effects.iter().map(path).collect::<Vec<_>>()
    };
    let asked = press(pane.as_mut(), Action::Download, &snapshot);
    let [Effect::Prompt(ask)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(ask.value, "./a<200C>b_c", "what cannot be seen is shown");
    let value = ask.value.clone();
    assert_eq!(paths(&pane.answered(Action::Download, &value, &snapshot)), ["./"], "and saved as it is");
    press(pane.as_mut(), Action::Download, &snapshot);
    assert_eq!(paths(&pane.answered(Action::Download, "~/x y ", &snapshot)), ["~/x y "]);
    press(pane.as_mut(), Action::Mark, &snapshot);
    press(pane.as_mut(), Action::Mark, &snapshot);
    let asked = press(pane.as_mut(), Action::Download, &snapshot);
    assert!(matches!(&asked[..], [Effect::Prompt(ask)] if ask.title == "Save 2 files into which folder?"), "{asked:?}");
    assert_eq!(paths(&pane.answered(Action::Download, "/tmp", &snapshot)), ["/tmp/", "/tmp/"]);
}

/// The row below takes the place of one that is deleted.
#[test]
fn a_file_that_is_shown_in_full_is_the_one_that_is_acted_on() {
    let before = fixtures::snapshot();
    let mut pane = ready(1, &before);
    press(pane.as_mut(), Action::Open, &before);
    let mut after = before.clone();
    after.files.remove(FileId::new(400));
    pane.refresh(&after);
    let asked = press(pane.as_mut(), Action::Delete, &after);
    assert!(matches!(&asked[..], [Effect::Toast { .. }]), "no other is asked about: {asked:?}");
}

#[test]
fn a_click_on_a_heading_sorts_by_that_column_and_the_mark_stands_there() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready(1, &snapshot);
    let area = Rect::new(0, 0, 120, 28);
    let heading = |pane: &dyn Pane| {
        let text = picture(pane, &snapshot, 120, 28);
        let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains("NAME")).expect("a heading");
        (row as u16, line.to_owned())
    };
    let (row, first) = heading(pane.as_ref());
    assert!(first.contains("NAME ▲"), "{first}");
    let mut clicked = |title: &str| {
        let column = first.chars().collect::<String>().find(title).expect("a title");
        let column = first[..column].chars().count() as u16;
        let effects = pane.mouse(Mouse { does: MouseAct::Press, column, row }, area, &snapshot);
        let asked = effects.iter().find_map(|effect| testing::asked::<FilesAsk>(effect)).map(|ask| ask.choice.clone());
        serve(pane.as_mut(), effects, &snapshot);
        (asked.map(|choice| (choice.order, choice.reverse)), heading(pane.as_ref()).1)
    };
    for (title, order, reverse, told) in [
        ("SIZE", FileOrder::Size, false, "SIZE ▼"),
        ("SIZE", FileOrder::Size, true, "SIZE ▲"),
        ("MOVES", FileOrder::Moves, false, "MOVES ▼"),
        ("NODE", FileOrder::Node, false, "NODE ▲"),
        ("AGE", FileOrder::Age, false, "AGE ▲"),
        ("NAME", FileOrder::Name, false, "NAME ▲"),
    ] {
        let (asked, heading) = clicked(title);
        assert_eq!(asked, Some((order, reverse)), "{title}");
        assert!(heading.contains(told) && heading.matches(['▲', '▼']).count() == 1, "{title}: {heading}");
    }
    assert_eq!(clicked("ID").0, None, "no list is sorted by that");
}

/// The row that is marked with `>`, counted from the first file.
fn marked(pane: &dyn Pane, snapshot: &Snapshot, height: u16) -> String {
    let text = picture(pane, snapshot, 120, height);
    text.lines().find(|line| line.starts_with(" > ")).unwrap_or_default().split_whitespace().nth(1).unwrap_or("").into()
}

#[test]
fn a_page_key_moves_by_the_height_of_the_list() {
    let snapshot = fixtures::snapshot();
    for (height, name) in [(28, "report-0422.bin"), (60, "report-0454.bin"), (12, "report-0406.bin")] {
        let mut pane = ready(1, &snapshot);
        pane.resize(Rect::new(0, 0, 120, height));
        press(pane.as_mut(), Action::PageDown, &snapshot);
        assert_eq!(marked(pane.as_ref(), &snapshot, height), name, "at {height} rows");
    }
}

#[test]
fn the_first_start_says_what_to_do() {
    let mut snapshot = fixtures::snapshot();
    snapshot.files = crate::domain::file_table::FileTable::default();
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 120, 28);
    let words: Vec<_> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("No files yet. s piles some on one node"), "{text}");
}

/// A snapshot whose history tells of a move of the first file and of the run that made it.
fn moved(why: &str) -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let moved = fixtures::operation(400, OperationKind::Migration, OperationStatus::Done);
    let begun = fixtures::operation(300, OperationKind::Scheduler, OperationStatus::Done);
    let begun = Operation { started: Timestamp(moved.started.0 - 500), run: Some(run(Decision::Ran)), ..begun };
    let quiet = Operation { id: OperationId::new(301), run: Some(below(301)), ..begun.clone() };
    let moved = Operation { why: Some(why.into()), by: "console root".into(), ..moved };
    snapshot.operations = [moved, quiet, begun].map(Arc::new).into();
    snapshot
}

#[test]
fn a_file_tells_why_it_is_here_and_not_there() {
    for (why, told, of_a_run) in [
        ("over-trigger: 41 > 33 + 5", "zk1 had more than its share", true),
        ("drain", "zk1 was being drained", true),
        ("manual", "asked for by console root", false),
    ] {
        let snapshot = moved(why);
        let mut pane = ready(1, &snapshot);
        press(pane.as_mut(), Action::Open, &snapshot);
        assert!(pane.is_deep());
        for (width, height) in [(80, 20), (120, 36), (200, 56)] {
            let text = picture(pane.as_ref(), &snapshot, width, height);
            assert!(text.contains("WHY HERE") && text.contains("moved zk1 → zk3 at") && text.contains(told), "{text}");
            assert_eq!(text.contains("5 of 5 moves, 300 ms"), of_a_run, "{why}: {text}");
            assert_eq!(text.contains("at-level") && text.contains("NOT USED AS TARGET"), of_a_run, "{why}: {text}");
        }
    }
    let snapshot = fixtures::snapshot();
    let none = Snapshot { operations: Arc::from([]), ..snapshot };
    let mut pane = ready(1, &none);
    press(pane.as_mut(), Action::Open, &none);
    let text = picture(pane.as_ref(), &none, 80, 20);
    assert!(text.contains("WHY HERE") && !text.contains("at-level"), "{text}");
}

#[test]
fn ways_lead_to_a_file_and_on_from_it() {
    let snapshot = moved("drain");
    let mut pane = ready(1, &snapshot);
    let asked = pane.visit(&JumpTo::File(FileId::new(402)), &snapshot).expect("it leads here");
    serve(pane.as_mut(), asked, &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 80, 20).contains("report-0402.bin"));
    assert!(pane.visit(&JumpTo::Server(node_id("zk1")), &snapshot).is_none());
    let went = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Go(Jump { to, .. })] => to.clone(),
        other => panic!("{other:?}"),
    };
    let query = Some(format!("file_id:{}", FileId::new(402)));
    let all = JumpTo::History(Focus { query, ..Focus::default() });
    assert_eq!(went(press(pane.as_mut(), Action::HistoryThen, &snapshot)), all);
    let JumpTo::Logs(around) = went(press(pane.as_mut(), Action::LogsThen, &snapshot)) else { panic!("no logs") };
    assert!(around.node.is_some() && around.at.is_some());
    press(pane.as_mut(), Action::Open, &snapshot);
    assert!(picture(pane.as_ref(), &snapshot, 80, 20).contains("report-0402.bin"), "it is the one that is seen");
    press(pane.as_mut(), Action::Back, &snapshot);
    assert!(!pane.is_deep());
}

#[test]
fn a_row_says_how_far_its_move_is_and_what_is_wrong_with_its_bytes() {
    let mut snapshot = busy();
    snapshot.damaged =
        Arc::from([Damage { file: FileId::new(401), blob: AttemptId::new(1), cause: "hash differs".into() }]);
    for (width, height) in [(80, 20), (120, 36), (200, 56)] {
        let text = picture(ready(1, &snapshot).as_ref(), &snapshot, width, height);
        let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
        assert!(row("report-0400").contains("zk1 → zk3") && row("report-0400").contains("copying 62 %"), "{text}");
        assert!(row("report-0401").contains("✖ damaged: hash"), "{text}");
        assert!(width == 80 || row("report-0401").contains("hash differs"), "{text}");
    }
}
