//! The pane of files.

use super::*;
use crate::console::input::{Mouse, MouseAct};
use crate::domain::file_list::FileOrder;

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
