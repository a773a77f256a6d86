//! Lists that are written to a file: all rows that the filter takes, whatever is loaded.

use super::*;
use crate::console::order::ExportList;
use crate::domain::file_list::FileOrder;
use crate::domain::log::Expr;

/// What is written when the line is answered by a path; the title of the line.
fn exported(pane: &mut dyn Pane, snapshot: &Snapshot) -> (String, ExportList) {
    let effects = pane.act(Action::Export, snapshot);
    let [Effect::Prompt(prompt)] = &effects[..] else { panic!("{effects:?}") };
    assert!(prompt.value.ends_with(".ndjson") && prompt.hint.contains(".csv"), "{prompt:?}");
    assert!(pane.answered(Action::Export, "  ", snapshot).is_empty(), "no name, no file");
    let mut effects = pane.answered(Action::Export, "out.csv", snapshot);
    let Some(Effect::Work(Work::Export { list, path })) = effects.pop() else { panic!("nothing is written") };
    assert_eq!(path, "out.csv");
    (prompt.title.clone(), list)
}

#[test]
fn history_is_exported_as_it_is_filtered() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready(2, &snapshot);
    let (title, list) = exported(pane.as_mut(), &snapshot);
    let ExportList::History(choice) = list else { panic!("{list:?}") };
    assert_eq!(title, "Export all operations and incidents");
    assert_eq!(choice.operations.map(|query| query.expr), Some(Expr::All));
    press(pane.as_mut(), Action::Filter, &snapshot);
    pane.paste("node:zk1", &snapshot);
    press(pane.as_mut(), Action::IncidentsOnly, &snapshot);
    let (title, list) = exported(pane.as_mut(), &snapshot);
    let ExportList::History(choice) = list else { panic!("{list:?}") };
    assert_eq!((title.as_str(), choice.operations), ("Export all incidents that match", None));
    assert_eq!(choice.incidents.expr.to_string(), "node:zk1");
}

#[test]
fn files_are_exported_in_the_lists_order() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready(1, &snapshot);
    press(pane.as_mut(), Action::Sort, &snapshot);
    let (title, list) = exported(pane.as_mut(), &snapshot);
    let ExportList::Files(choice) = list else { panic!("{list:?}") };
    assert_eq!((title.as_str(), choice.order), ("Export the records of all files", FileOrder::Node));
}
