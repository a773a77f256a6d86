//! The pane of files.

use super::*;

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
fn the_first_start_says_what_to_do() {
    let mut snapshot = fixtures::snapshot();
    snapshot.files = crate::domain::file_table::FileTable::default();
    let text = picture(ready(1, &snapshot).as_ref(), &snapshot, 120, 28);
    let words: Vec<_> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("No files yet. s piles some on one node"), "{text}");
}
