//! What a key held in a list costs on a slow link.

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::fetch::testing;
use crate::console::keymap::Keymap;
use crate::console::pane::Pane;
use crate::console::panes;
use crate::console::picture::{Easel, Picture, Size};
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::domain::fixtures;
use crate::domain::ids::Timestamp;
use crate::domain::log::{EventId, LogEvent, LogPage, PageAsk};
use crate::tui::encode::changes;
use crate::tui::scroll::scroll;

const SIZE: Size = Size { columns: 120, rows: 36 };

fn logs() -> Box<dyn Pane> {
    let snapshot = fixtures::snapshot();
    let mut pane = panes::all().remove(3);
    pane.resize(Rect::new(0, 0, SIZE.columns, SIZE.rows));
    let event = |n: usize| LogEvent {
        id: EventId::Document(n.to_string()),
        time: Some(Timestamp(fixtures::NOW.0 - 500_000 + n as u64 * 977)),
        node: format!("zk{}", n % 3 + 1),
        text: format!("{} of a row that says something about {n} sessions", "word ".repeat(n % 9)),
        ..LogEvent::default()
    };
    let mut asked = pane.refresh(&snapshot);
    let page = LogPage { events: (0..400).map(event).collect(), ..LogPage::default() };
    testing::answer::<PageAsk>(&mut asked, Ok(page));
    pane.take_answers(&snapshot);
    pane
}

fn picture(pane: &dyn Pane) -> Picture {
    let (snapshot, styles) = (fixtures::snapshot(), Styles::plain());
    let keymap = Keymap::new(&Default::default()).expect("default keys");
    let view = View { snapshot: &snapshot, now: fixtures::NOW, styles: &styles, keymap: &keymap, read_only: false };
    let mut picture = Picture::default();
    Easel::default().draw(SIZE, &mut picture, |area, buffer| pane.draw(area, buffer, &view));
    picture
}

/// Bytes of so many keys, one picture each.
fn bytes(pane: &mut dyn Pane, action: Action, keys: usize) -> usize {
    let snapshot = fixtures::snapshot();
    let (mut shown, mut out) = (picture(pane), Vec::new());
    for _ in 0..keys {
        pane.act(action, &snapshot);
        let next = picture(pane);
        scroll(&mut shown, &next, &mut out);
        changes(&shown, &next, &mut out);
        shown = next;
    }
    out.len()
}

#[test]
fn a_key_in_the_middle_of_the_logs_changes_two_rows_and_one_at_the_edge_moves_the_list_by_one() {
    let mut pane = logs();
    let inside = bytes(pane.as_mut(), Action::Up, 10);
    assert!(inside <= 10 * MOST, "{inside} bytes inside the list");
    // The list has less than forty rows.
    bytes(pane.as_mut(), Action::Up, 30);
    let edge = bytes(pane.as_mut(), Action::Up, 10);
    assert!(edge <= 10 * MOST, "{edge} bytes at its edge");
}

/// A key used to cost 2,900 bytes.
const MOST: usize = 400;
