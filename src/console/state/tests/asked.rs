//! What `?` and `:why` answer, of every row and of every word.

use std::panic::catch_unwind;

use super::pictures::{HOW_TO_ACCEPT, SIZES, kept, painted, pane_of, showing, told};
use super::scenes::{SCENES, Scene};
use super::*;
use crate::console::theme::built_in::fallback;
use crate::console::theme::depth::Depth;
use crate::domain::ids::{AttemptId, FileId};
use crate::domain::node::NodeCondition;
use crate::domain::snapshot::Damage;

fn damaged() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let file = snapshot.files.iter().map(|file| file.id).min().unwrap_or(FileId::new(400));
    let cause = "its BLAKE3 differs: the record says 0000, the bytes say 7f3a".to_owned();
    snapshot.damaged = [Damage { file, blob: AttemptId::new(400), cause }].into();
    snapshot
}

fn scene(name: &str) -> Scene {
    *SCENES.iter().find(|(own, _)| *own == name).expect("a scene of this name")
}

/// Name, pane, state, and the keys that lead to the row and ask.
type Asking = (&'static str, &'static str, fn() -> Snapshot, &'static str);

fn asked() -> Vec<Asking> {
    vec![
        ("healthy", "Health", fixtures::snapshot, "?"),
        ("degraded", "Health", scene("degraded").1, "?"),
        ("paused", "Health", scene("degraded").1, "j ?"),
        ("no-quorum", "Health", scene("no-quorum").1, "j ?"),
        ("no-leader", "Scheduler", scene("no-leader").1, "?"),
        ("draining", "Health", scene("busy").1, "?"),
        ("draining-scheduler", "Scheduler", scene("busy").1, "?"),
        ("metric", "Health", fixtures::snapshot, "Enter j ?"),
        ("file", "Files", fixtures::snapshot, "?"),
        ("damaged", "Files", damaged, "?"),
        ("operation", "History", fixtures::snapshot, "?"),
        ("incident", "History", scene("degraded").1, "i ?"),
        ("line", "Logs", fixtures::snapshot, "?"),
        ("standby", "Health", scene("standby").1, "?"),
        ("hostile", "Health", scene("hostile").1, "?"),
    ]
}

#[test]
fn every_answer_looks_as_it_was_reviewed() {
    let styles = fallback(Depth::True, false);
    let mut changed = Vec::new();
    for (name, title, snapshot, keys) in asked() {
        let pictures = SIZES.map(|size| {
            let mut console = showing(pane_of(title), snapshot(), styles.clone(), size);
            press(&mut console, keys);
            format!("{}x{}\n{}", size.0, size.1, told(&painted(&console, size), &styles))
        });
        let name = format!("why-{name}");
        if catch_unwind(|| kept(&name, &pictures.join("\n"))).is_err() {
            changed.push(name);
        }
    }
    assert!(changed.is_empty(), "look at the differences above; {HOW_TO_ACCEPT}\n{}", changed.join("\n"));
}

/// At the smallest of the common sizes the whole answer about the row is on the first screen.
#[test]
fn the_first_screen_holds_what_was_asked() {
    for (name, title, snapshot, keys) in asked() {
        let mut console = showing(pane_of(title), snapshot(), Styles::plain(), (80, 24));
        press(&mut console, keys);
        let shown = screen(&console, 80, 24);
        assert!(shown.contains("Why"), "{name}: {shown}");
        if name != "line" {
            for part in ["means", "rule", "bound", "measured", "source", "since", "what to do"] {
                assert!(shown.contains(part), "{name} lacks {part}:\n{shown}");
            }
        }
    }
}

#[test]
fn why_leads_to_all_keys_and_back_and_scrolls_and_closes() {
    let mut console = showing(0, fixtures::snapshot(), Styles::plain(), (80, 24));
    press(&mut console, "?");
    assert!(screen(&console, 80, 24).contains("server zk1"));
    press(&mut console, "G");
    assert!(screen(&console, 80, 24).contains("the operations around this row"), "{}", screen(&console, 80, 24));
    press(&mut console, "g Tab");
    assert!(screen(&console, 80, 24).contains("Help"));
    press(&mut console, "/ d r a i n Enter");
    assert!(screen(&console, 80, 24).contains("move all files off a node"));
    press(&mut console, "Tab");
    assert!(screen(&console, 80, 24).contains("server zk1"));
    press(&mut console, "? ?");
    assert!(console.overlay.is_none(), "the keys close by their key");
    press(&mut console, "? Esc");
    assert!(console.overlay.is_none());
    let copied = press(&mut console, "? y");
    assert!(
        matches!(&copied[..], [Order::Outside(Outside::Copy(text))] if text.contains("server zk1") && text.contains("bound: ")),
        "{copied:?}"
    );
}

#[test]
fn where_there_is_no_row_the_keys_are_shown() {
    let mut console = ui();
    press(&mut console, "?");
    assert!(matches!(console.overlay, Some(Overlay::Help(_))));
}

/// The footer of a console of this width.
fn footer(ui: &Console, (width, height): (u16, u16)) -> String {
    screen(ui, width, height).lines().last().map(str::to_owned).expect("a footer")
}

#[test]
fn the_footer_says_what_the_key_of_help_does_in_every_pane_and_state() {
    let (size, mut seen) = ((200, 60), [0, 0]);
    for (name, snapshot) in SCENES {
        for title in ["Health", "Files", "History", "Logs", "Scheduler"] {
            let mut console = showing(pane_of(title), snapshot(), Styles::plain(), size);
            let said = footer(&console, size);
            press(&mut console, "?");
            let why = matches!(console.overlay, Some(Overlay::Why(_)));
            assert_eq!((said.contains("? why"), said.contains("? help")), (why, !why), "{title}, {name}: {said}");
            seen[usize::from(why)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    let mut console = showing(pane_of("History"), fixtures::snapshot(), Styles::plain(), size);
    press(&mut console, "/");
    assert_eq!(footer(&console, size).trim(), "Enter go on  Esc leave", "every other key is text");
}

#[test]
fn the_key_that_mends_stands_first_where_four_have_room() {
    let first = |pane: &str, snapshot: Snapshot, keys: &str| {
        let mut console = showing(pane_of(pane), snapshot, Styles::plain(), (80, 24));
        press(&mut console, keys);
        footer(&console, (80, 24))
    };
    assert!(first("Health", fixtures::snapshot(), "").starts_with(" d drain  p pause"));
    let paused = first("Health", scene("degraded").1(), "j");
    assert!(paused.starts_with(" p resume  l logs then"), "{paused}");
    let slow = first("Health", scene("degraded").1(), "");
    assert!(slow.starts_with(" l logs then  h history then  R restart"), "{slow}");
    let mut stopped = fixtures::snapshot();
    stopped.scheduler.paused = true;
    assert!(first("Scheduler", stopped, "").starts_with(" P resume scheduler"));
    let cut = first("Files", damaged(), "");
    assert!(cut.starts_with(" Enter details"), "{cut}");
}

#[test]
fn an_event_and_a_setting_are_explained_where_they_are_listed() {
    let mut ui = ui();
    ui.report(Level::Warning, "zk2 has ended: killed".into());
    press(&mut ui, "e ?");
    let shown = screen(&ui, 120, 40);
    assert!(shown.contains("zk2 has ended: killed") && shown.contains("server zk2"), "{shown}");
    assert!(!shown.contains("server zk1"), "it does not name it: {shown}");
    press(&mut ui, "Esc");
    assert!(screen(&ui, 120, 40).contains("Events: 1 of"), "back at the list");
    press(&mut ui, "Esc : s e t t i n g s Enter j j ?");
    let named = ui.snapshot.settings[2].name.clone();
    let shown = screen(&ui, 120, 40);
    assert!(shown.contains("Why") && shown.contains(&named), "{named}: {shown}");
    press(&mut ui, "Esc");
    assert!(screen(&ui, 120, 40).contains("Settings   :set"), "{}", screen(&ui, 120, 40));
}

#[test]
fn any_word_can_be_asked_by_name_and_is_completed() {
    let mut console = showing(0, scene("no-quorum").1(), Styles::plain(), (120, 40));
    let ask = |console: &mut Console, text: &str| {
        let keys: String = text.chars().map(|c| if c == ' ' { "Space ".to_owned() } else { format!("{c} ") }).collect();
        press(console, &format!(": {keys}Enter"));
        screen(console, 120, 40)
    };
    let shown = ask(&mut console, "why NO_QUORUM");
    assert!(
        shown.contains("1 of 3 serve: 1 more server needed for a quorum") && shown.contains("2 of 3 voting servers"),
        "{shown}"
    );
    press(&mut console, "Esc");
    let shown = ask(&mut console, "why zk2");
    assert!(shown.contains("server zk2") && shown.contains("connection refused"), "{shown}");
    press(&mut console, "Esc");
    let shown = ask(&mut console, "why drain zk1");
    assert!(shown.contains("node zk1"), "{shown}");
    press(&mut console, "Esc");
    let shown = ask(&mut console, "why nothing like it");
    assert!(shown.contains("nothing is called") && console.overlay.is_none(), "{shown}");
    press(&mut console, ": w h y Space q u o r");
    let shown = screen(&console, 120, 40);
    assert!(shown.contains("no-quorum") && shown.contains("the ensemble; a run of the scheduler; alert"), "{shown}");
}

#[test]
fn the_answer_is_of_now_while_it_is_open() {
    let mut snapshot = fixtures::snapshot();
    let mut console = showing(0, snapshot.clone(), Styles::plain(), (120, 40));
    press(&mut console, "?");
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].condition = NodeCondition::Full;
    snapshot.nodes = nodes.into();
    console.take_snapshot(Arc::new(snapshot), NOW);
    let shown = screen(&console, 120, 40);
    assert!(shown.contains("full   node zk1") && shown.contains("make room on its disk"), "{shown}");
}
