//! The console at a moment that is over.

use super::scenes::{answer, past_of};
use super::*;
use crate::console::fetch::testing;
use crate::console::panes;
use crate::domain::log::{Moment, PageAsk};
use crate::domain::operation::HistoryQuery;
use crate::domain::rewind::{PictureThen, SnapshotAt};

const fn before(seconds: u64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1_000)
}

/// With the panes that it has.
fn whole() -> Console {
    let mut ui =
        Console::new(&ConsoleConfig::default(), panes::all(), Styles::plain(), Arc::new(fixtures::snapshot()), NOW)
            .expect("default keys");
    ui.resize(Rect::new(0, 0, 120, 40));
    ui
}

/// The moments that are asked for.
fn moments(orders: &[Order]) -> Vec<Timestamp> {
    let asked = |order: &Order| {
        let Order::Work(Work::Fetch(fetch)) = order else { return None };
        let any: &dyn std::any::Any = fetch.as_ref();
        any.downcast_ref::<crate::console::fetch::Fetch<SnapshotAt>>().map(|fetch| fetch.ask.at)
    };
    orders.iter().filter_map(asked).collect()
}

/// Answers all that is asked, and what follows from that; which of it were questions of this kind.
fn answered<A: crate::domain::ask::Ask>(ui: &mut Console, mut orders: Vec<Order>) -> Vec<A> {
    let mut found = Vec::new();
    while !orders.is_empty() {
        for order in std::mem::take(&mut orders) {
            let Order::Work(Work::Fetch(fetch)) = order else { continue };
            let effect = Effect::Work(Work::Fetch(fetch));
            found.extend(testing::asked::<A>(&effect).cloned());
            let Effect::Work(Work::Fetch(fetch)) = effect else { continue };
            answer(fetch, &ui.live.clone(), false);
        }
        orders = ui.take_answers();
    }
    found
}

fn typed(ui: &mut Console, text: &str) -> Vec<Order> {
    let mut orders = press(ui, ":");
    orders.extend(ui.paste(text));
    orders.extend(press(ui, "Enter"));
    orders
}

/// At a minute ago.
fn rewound() -> Console {
    let mut ui = whole();
    let orders = typed(&mut ui, "at -60s");
    assert_eq!(moments(&orders), [before(60)]);
    answered::<SnapshotAt>(&mut ui, orders);
    assert_eq!(ui.past(), Some(before(60)));
    ui
}

#[test]
fn the_whole_console_is_at_the_moment_and_esc_leads_back() {
    let mut ui = rewound();
    let shown = screen(&ui, 120, 40);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains("AT RISK 2/3") && lines[0].contains("zk3") && !lines[0].contains("api"), "{shown}");
    assert!(lines[2].starts_with(" PAST 14:01:11, 1m ago") && lines[2].ends_with("Esc now"), "{shown}");
    // A picture of now changes nothing of it.
    assert_eq!(ui.take_snapshot(Arc::new(fixtures::snapshot()), NOW), []);
    assert_eq!(screen(&ui, 120, 40), shown);
    press(&mut ui, "Esc");
    assert!(ui.past().is_none() && screen(&ui, 120, 40).contains("HEALTHY 3/3"));
    assert!(!screen(&ui, 120, 40).contains("PAST"));
}

#[test]
fn every_pane_asks_for_nothing_after_the_moment() {
    let mut ui = rewound();
    let orders = press(&mut ui, "3");
    let asked = answered::<HistoryQuery>(&mut ui, orders);
    assert!(!asked.is_empty() && asked.iter().all(|query| query.as_of == Some(before(60))), "{asked:?}");
    let orders = press(&mut ui, "4");
    let asked = answered::<PageAsk>(&mut ui, orders);
    let end = Some(Moment::At(before(60).plus(crate::domain::ids::Millis(1))));
    assert!(!asked.is_empty() && asked.iter().all(|ask| ask.search.to == end), "{asked:?}");
    let orders = press(&mut ui, "5");
    let asked = answered::<HistoryQuery>(&mut ui, orders);
    assert!(!asked.is_empty() && asked.iter().all(|query| query.as_of == Some(before(60))), "{asked:?}");
    let orders = press(&mut ui, "2");
    assert_eq!(answered::<crate::domain::file_list::FilesAsk>(&mut ui, orders), [], "the list was not kept");
    assert!(screen(&ui, 120, 40).contains("The list of files then was not kept"));
    for key in ["/", "o", "O", "E", "Space", "Enter", "u", "m", "x", "D"] {
        assert_eq!(press(&mut ui, key), [], "{key}");
        assert!(ui.overlay.is_none() && !ui.panes[1].takes_text(), "{key}");
    }
    // Back at now they ask without a bound again.
    press(&mut ui, "Esc");
    let orders = press(&mut ui, "3");
    let asked = answered::<HistoryQuery>(&mut ui, orders);
    assert!(!asked.is_empty() && asked.iter().all(|query| query.as_of.is_none()), "{asked:?}");
}

#[test]
fn nothing_is_done_from_the_past() {
    let mut ui = rewound();
    let footer = |ui: &Console| screen(ui, 120, 40).lines().last().unwrap_or_default().to_owned();
    assert!(!footer(&ui).contains("drain") && !footer(&ui).contains("pause"), "{}", footer(&ui));
    for key in ["d", "p", "S", "R", "s", "r", "P", "X", "w", "v"] {
        assert_eq!(press(&mut ui, key), [], "{key}");
        assert!(ui.overlay.is_none(), "{key}");
        let shown = screen(&ui, 120, 40);
        assert!(shown.contains("refused: the console shows 14:01:11; Esc returns to now"), "{key}: {shown}");
    }
    for command in [
        "drain zk1",
        "pause zk2",
        "stress zk1 9 9",
        "upload /etc/hosts",
        "weight zk1 50",
        "run-scheduler",
        "set scheduler.threshold 9",
        "unset scheduler.threshold",
        "save",
        "settings",
    ] {
        let orders = typed(&mut ui, command);
        let works = orders.iter().filter(|order| matches!(order, Order::Work(work) if !matches!(work, Work::Lines(_))));
        assert_eq!(works.count(), 0, "{command}: {orders:?}");
        assert!(ui.overlay.is_none(), "{command}");
    }
    let confirm = Effect::Work(Work::Send(Command::RunWorkload));
    assert_eq!(ui.perform(0, vec![confirm]), [], "a pane cannot go around it");
}

#[test]
fn what_is_asked_about_now_is_closed_by_the_past() {
    let mut ui = whole();
    let orders = typed(&mut ui, "at -60s");
    press(&mut ui, "d");
    assert!(matches!(ui.overlay, Some(Overlay::Confirm(_))));
    answered::<SnapshotAt>(&mut ui, orders);
    assert!(ui.overlay.is_none(), "who answers does not see any more what of");
}

#[test]
fn an_alert_of_now_is_not_lost() {
    let mut ui = rewound();
    assert!(!screen(&ui, 120, 40).contains("now: "));
    let mut lost = fixtures::snapshot();
    (lost.ensemble.state, lost.ensemble.quorum.serving) = (EnsembleState::NoQuorum, 1);
    ui.take_snapshot(Arc::new(lost), NOW);
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        assert!(screen(&ui, width, height).contains("now: ✖ NO QUORUM 1/3"), "{}", screen(&ui, width, height));
    }
    let mut lost = fixtures::snapshot();
    lost.session.state = SessionState::Expired;
    ui.take_snapshot(Arc::new(lost), NOW);
    assert!(screen(&ui, 120, 40).contains("now: ✖ no session"));
}

#[test]
fn the_cursor_of_the_charts_puts_the_console_there_and_asks_for_the_last_of_several_moves() {
    let mut ui = whole();
    let orders = press(&mut ui, "Left");
    let first = moments(&orders);
    let later = moments(&press(&mut ui, "Left Left"));
    assert_eq!((first.len(), later.len()), (1, 2));
    assert!(later[1] < later[0] && later[0] < first[0], "{first:?} {later:?}");
    let any = orders.into_iter().find_map(|order| match order {
        Order::Work(Work::Fetch(fetch)) => Some(fetch),
        _ => None,
    });
    assert!(any.is_some_and(|fetch| fetch.is_given_up()), "only the last is waited for");
    let mut ui = whole();
    let orders = press(&mut ui, "Left Left");
    let wanted = moments(&orders)[1];
    answered::<SnapshotAt>(&mut ui, orders);
    assert_eq!(ui.past(), Some(wanted));
    let orders = press(&mut ui, "Right");
    assert_eq!(moments(&orders), [first[0]], "one column on");
    answered::<SnapshotAt>(&mut ui, orders);
    press(&mut ui, "Right");
    assert_eq!(ui.past(), None, "past the newest column it is now");
}

#[test]
fn keys_lead_back_and_on_by_seconds() {
    let mut ui = whole();
    assert_eq!(press(&mut ui, "."), [], "it is now");
    assert_eq!(moments(&press(&mut ui, ",")), [before(10)]);
    let orders = press(&mut ui, ",");
    assert_eq!(moments(&orders), [before(20)], "from where it is on its way to");
    answered::<SnapshotAt>(&mut ui, orders);
    let orders = press(&mut ui, ".");
    assert_eq!(moments(&orders), [before(10)]);
    answered::<SnapshotAt>(&mut ui, orders);
    press(&mut ui, ".");
    assert_eq!(ui.past(), None);
}

#[test]
fn a_moment_of_which_nothing_was_kept_is_refused_by_the_earliest() {
    let mut ui = whole();
    let orders = typed(&mut ui, "at 2026-11-20");
    answered::<SnapshotAt>(&mut ui, orders);
    assert_eq!(ui.past(), None);
    assert!(screen(&ui, 120, 40).contains("the earliest moment is 2026-11-22 14:02:11"), "{}", screen(&ui, 120, 40));
    let orders = typed(&mut ui, "at 2026-12-01");
    answered::<SnapshotAt>(&mut ui, orders);
    assert!(screen(&ui, 120, 40).contains("has not come yet"));
    assert_eq!(moments(&typed(&mut ui, "at soon")), []);
    assert!(screen(&ui, 120, 40).contains("\"soon\" is no moment"), "{}", screen(&ui, 120, 40));
    assert_eq!(moments(&typed(&mut ui, "at")), []);
}

#[test]
fn a_play_goes_on_by_the_clock_and_stops_by_a_key() {
    let mut ui = whole();
    let orders = typed(&mut ui, "play 14:00:11 10x");
    assert_eq!(moments(&orders), [before(120)]);
    answered::<SnapshotAt>(&mut ui, orders);
    let tick = |ui: &mut Console, seconds: u64| {
        let orders = ui.tick(Timestamp(NOW.0 + seconds * 1_000));
        let asked = moments(&orders);
        answered::<SnapshotAt>(ui, orders);
        asked
    };
    assert_eq!(tick(&mut ui, 1), [before(110)]);
    assert!(screen(&ui, 120, 40).contains("plays 10x"));
    press(&mut ui, "Space");
    assert_eq!(tick(&mut ui, 2), []);
    assert!(screen(&ui, 120, 40).contains("stopped, 10x"));
    press(&mut ui, "Space");
    assert_eq!(tick(&mut ui, 3), [before(100)], "from where it was stopped");
    tick(&mut ui, 60);
    assert_eq!(ui.past(), None, "it has come to now");
    assert_eq!(moments(&typed(&mut ui, "play")), []);
    assert!(screen(&ui, 120, 40).contains("from which moment"));
}

#[test]
fn a_row_leads_to_its_moment_and_an_incident_is_played() {
    let mut ui = whole();
    let mut snapshot = fixtures::snapshot();
    snapshot.incidents = past_of(before(60), &snapshot).incidents;
    snapshot.operations = [].into();
    let began = snapshot.incidents[0].began;
    ui.take_snapshot(Arc::new(snapshot), NOW);
    let orders = press(&mut ui, "3");
    answered::<SnapshotAt>(&mut ui, orders);
    assert_eq!(moments(&press(&mut ui, "a")), [began]);
    let orders = typed(&mut ui, "play 4x");
    assert_eq!(moments(&orders), [Timestamp(began.0 - 10_000)]);
    assert!(ui.rewind.play.is_some_and(|play| play.until.is_none()), "it goes on");
}

#[test]
fn a_failure_is_told_and_leaves_what_is_shown() {
    let mut ui = rewound();
    let mut effects: Vec<Effect> = press(&mut ui, ",")
        .into_iter()
        .filter_map(|order| match order {
            Order::Work(work) => Some(Effect::Work(work)),
            Order::Outside(_) => None,
        })
        .collect();
    testing::answer::<SnapshotAt>(&mut effects, Err("the series gave no answer".into()));
    ui.take_answers();
    assert_eq!(ui.past(), Some(before(60)));
    assert!(screen(&ui, 120, 40).contains("the series gave no answer"));
    let nothing = press(&mut ui, ",").into_iter().filter_map(|order| match order {
        Order::Work(work) => Some(Effect::Work(work)),
        Order::Outside(_) => None,
    });
    testing::answer::<SnapshotAt>(&mut nothing.collect(), Ok(PictureThen::Nothing));
    ui.take_answers();
    assert_eq!(ui.past(), Some(before(60)));
}

#[test]
fn the_lines_beside_an_event_end_with_the_moment() {
    let shown = |at: &str| {
        let mut ui = whole();
        let orders = typed(&mut ui, at);
        answered::<SnapshotAt>(&mut ui, orders);
        let orders = press(&mut ui, "4");
        answered::<SnapshotAt>(&mut ui, orders);
        let orders = press(&mut ui, "c");
        answered::<SnapshotAt>(&mut ui, orders);
        screen(&ui, 120, 40)
    };
    assert!(shown("now").contains("fsync took 5 ms"), "{}", shown("now"));
    let then = shown("at -96s");
    assert!(then.contains("PAST") && then.contains("fsync took 4 ms") && !then.contains("fsync took 5 ms"), "{then}");
}

#[test]
fn what_is_relative_in_a_filter_is_so_to_the_moment() {
    let mut ui = whole();
    press(&mut ui, "3 /");
    ui.paste("since:30s");
    press(&mut ui, "Enter");
    let orders = typed(&mut ui, "at -60s");
    let asked = answered::<HistoryQuery>(&mut ui, orders);
    let since = crate::domain::log::Expr::Time(crate::domain::log::Side::Since, Moment::At(before(90)));
    assert!(!asked.is_empty() && asked.iter().all(|query| query.expr == since), "{asked:?}");
}
