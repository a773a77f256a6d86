//! Holes, times, and where in time one looks.

use super::*;
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::time::testing as zone;
use crate::domain::fixtures::{NOW, node_id};
use crate::domain::ids::Millis;
use crate::domain::incident::IncidentsAsk;
use crate::domain::log::{Bar, Histogram, instant};

/// An event so many seconds before now.
fn ago(id: usize, seconds: u64, text: &str) -> LogEvent {
    LogEvent { time: Some(Timestamp(NOW.0 - seconds * 1000)), text: text.into(), message_at: 0, ..event(id) }
}

fn timed(events: Vec<LogEvent>) -> LogPage {
    LogPage { events, ..page(0..0) }
}

fn followed(events: Vec<LogEvent>, left_out: u64) -> Followed {
    let answered = Answered { by: "local files".into(), ..Answered::default() };
    Followed { events, mark: FollowMark::Files(Default::default()), left_out, answered }
}

/// The pane with these events, of which the newest is selected.
fn showing(events: Vec<LogEvent>) -> (LogsPane, Vec<Effect>) {
    let mut pane = LogsPane::default();
    pane.resize(Rect::new(0, 0, 100, 20));
    let mut asked = pane.refresh(&fixtures::snapshot());
    let next = answer::<PageAsk>(&mut pane, &mut asked, timed(events));
    asked.extend(next);
    (pane, asked)
}

fn span(search: &crate::domain::log::LogSearch) -> [Option<String>; 2] {
    [search.from, search.to].map(|at| at.map(|at| instant(at.resolve(NOW))))
}

#[test]
fn what_is_not_loaded_is_a_row_that_loads_it() {
    let snapshot = fixtures::snapshot();
    let (mut pane, mut asked) = showing(vec![ago(0, 230, "first"), ago(1, 226, "second")]);
    pane.act(Action::Up, &snapshot);
    answer::<FollowAsk>(&mut pane, &mut asked, followed(vec![ago(9, 12, "last")], 3581));
    let text = picture(&pane, 100, 20);
    let row = "── 3,581 events between 13:58:25 and 14:01:59 are not loaded: Enter loads them ──";
    let lines: Vec<&str> =
        text.lines().filter(|line| ["second", "──", "last"].iter().any(|part| line.contains(part))).collect();
    assert!(lines.len() == 3 && lines[1].contains(row), "{text}");
    assert!(text.contains("3,582 new below (G)"), "{text}");
    pane.act(Action::Down, &snapshot);
    pane.act(Action::Down, &snapshot);
    assert!(picture(&pane, 100, 20).contains(&format!(" > {row}")) && pane.selected().is_none());
    assert_eq!(pane.label(Action::Open, &snapshot), Some("load"));
    let mut asked = pane.act(Action::Open, &snapshot);
    let [ask] = asks::<PageAsk>(&asked)[..] else { panic!("{asked:?}") };
    let query = "since:2026-11-23T13:58:25.000Z until:2026-11-23T14:01:59.001Z";
    assert_eq!((ask.search.whole().to_string().as_str(), ask.way), (query, PageWay::Newer));
    assert!(pane.act(Action::Open, &snapshot).is_empty(), "it is on its way");
    let loaded = LogPage { newer: Some(LogCursor::given("2".into())), ..timed(vec![ago(2, 200, "third")]) };
    answer::<PageAsk>(&mut pane, &mut asked, loaded);
    let text = picture(&pane, 100, 20);
    assert!(text.contains("── 3,580 events between 13:58:51 and 14:01:59 are not") && text.contains("third"), "{text}");
    assert_eq!(pane.selected().map(|event| event.text.as_str()), Some("third"), "the first that was loaded");
    pane.act(Action::Down, &snapshot);
    let mut asked = pane.act(Action::Open, &snapshot);
    assert!(matches!(asks::<PageAsk>(&asked)[..], [ask] if ask.cursor.is_some()), "{asked:?}");
    answer::<PageAsk>(&mut pane, &mut asked, timed(vec![ago(3, 100, "fourth"), ago(9, 12, "last")]));
    let text = picture(&pane, 100, 20);
    assert!(!text.contains("not loaded") && text.matches("last").count() == 1, "{text}");
}

#[test]
fn times_are_of_the_zone_and_dates_stand_where_there_is_more_than_one_day() {
    let snapshot = fixtures::snapshot();
    zone::ahead(330, || {
        let (mut pane, _) = showing(vec![ago(0, 60, "a"), ago(1, 11, "b")]);
        let text = picture(&pane, 100, 20);
        assert!(text.contains(" >19:32:00.000 zk2") && !text.contains("Nov") && !text.contains("UTC"), "{text}");
        pane.answered(Action::TypeRange, "19:00 19:30", &snapshot);
        assert_eq!(span(&pane.query.search)[0].as_deref(), Some("2026-11-23T13:30:00.000Z"));
        assert!(picture(&pane, 100, 20).contains("19:00 to 19:30"));
        let prompt = |pane: &mut LogsPane, action| match pane.act(action, &snapshot).pop() {
            Some(Effect::Prompt(prompt)) => prompt.title,
            other => panic!("{other:?}"),
        };
        assert_eq!(prompt(&mut pane, Action::TypeRange), "Span of time (UTC+5:30)");
        assert_eq!(prompt(&mut pane, Action::Export), "Export all events that match, 19:00 to 19:30 (UTC+5:30)");
        type_query(&mut pane, "since:19:15");
        let query = pane.query.search.expr.to_string();
        assert_eq!(query, "since:13:45:00.000", "in UTC, as all that is asked");
        // 14 hours ago it was another day in New York, and the same here.
        let (pane, _) = showing(vec![ago(0, 14 * 3600, "a"), ago(1, 11, "b")]);
        assert!(picture(&pane, 100, 20).contains("  05:32:11.000"), "{}", picture(&pane, 100, 20));
        let (pane, _) = showing(vec![ago(0, 20 * 3600, "a"), ago(1, 11, "b")]);
        assert!(picture(&pane, 100, 20).contains("  22 Nov 23:32:11.000"), "{}", picture(&pane, 100, 20));
    });
}

#[test]
fn a_way_from_another_pane_leads_to_the_events_of_a_moment() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _) = showing(vec![ago(0, 60, "a")]);
    let at = Some(Timestamp(NOW.0 - 600_000));
    let around = Focus { node: Some(node_id("zk3")), at, query: Some("level>=WARN".into()) };
    let mut asked = pane.visit(&JumpTo::Logs(around), &snapshot).expect("it leads here");
    let [ask] = asks::<PageAsk>(&asked)[..] else { panic!("{asked:?}") };
    let wide = |from: &str, to: &str| [from, to].map(|at| Some(format!("2026-11-23T{at}:11.000Z")));
    assert_eq!((span(&ask.search), ask.search.node.as_deref()), (wide("13:51", "13:53"), Some("zk3")));
    assert_eq!((pane.query.text.as_str(), pane.is_deep()), ("level>=WARN", false));
    // Nothing was then: more of the time is searched.
    let mut asked = answer::<PageAsk>(&mut pane, &mut asked, timed(Vec::new()));
    let [ask] = asks::<PageAsk>(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((span(&ask.search), pane.is_deep()), (wide("13:42", "14:02"), false));
    // The newest of them do not reach back to it.
    let newest = LogPage { older: Some(LogCursor::given("7".into())), ..timed(vec![ago(8, 100, "later")]) };
    let mut asked = answer::<PageAsk>(&mut pane, &mut asked, newest);
    assert!(matches!(asks::<PageAsk>(&asked)[..], [ask] if ask.cursor.is_some()), "{asked:?}");
    let older = timed(vec![ago(5, 601, "before"), ago(6, 600, "then"), ago(7, 599, "after")]);
    answer::<PageAsk>(&mut pane, &mut asked, older);
    assert_eq!(pane.selected().map(|event| event.text.as_str()), Some("then"));
    assert!(!pane.list.follow && !pane.is_deep());
    // What is narrowed further is Esc's own.
    pane.act(Action::LevelFilter, &snapshot);
    assert!(pane.is_deep());
    pane.act(Action::Back, &snapshot);
    assert!(!pane.is_deep() && pane.query.search.node.is_some() && pane.query.search.level.is_none());
    pane.act(Action::Back, &snapshot);
    assert!(!pane.query.is_narrowed(), "nobody came from anywhere: all again");
    let asked = pane.visit(&JumpTo::Logs(Focus::default()), &snapshot).expect("it leads here");
    assert!(matches!(asks::<PageAsk>(&asked)[..], [ask] if ask.search.from.is_none()) && pane.list.follow);
    assert!(pane.visit(&JumpTo::Server(node_id("zk1")), &snapshot).is_none());
}

#[test]
fn from_an_event_a_way_leads_to_the_operations_then() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _) = showing(vec![ago(0, 60, "a")]);
    let [Effect::Go(Jump { from, to: JumpTo::History(around) })] = &pane.act(Action::HistoryThen, &snapshot)[..] else {
        panic!("no way")
    };
    assert_eq!(
        (from.as_str(), &around.node, around.at),
        ("zk1 at 14:01:11", &Some(node_id("zk1")), pane.list.moment())
    );
}

fn counted(from: u64, step: u64, bars: Vec<Bar>) -> Histogram {
    let nodes = [("zk1".to_owned(), bars.clone())].into();
    Histogram { from: Timestamp(from), step: Millis(step), bars, nodes, ..Histogram::default() }
}

#[test]
fn the_time_is_zoomed_around_the_event_in_hand_and_moved() {
    let snapshot = fixtures::snapshot();
    let (mut pane, mut asked) = showing((0..400).map(|n| ago(n, 400 - n as u64, &"x".repeat(n % 7 + 1))).collect());
    assert!(matches!(&pane.act(Action::Left, &snapshot)[..], [Effect::Toast { .. }]), "all of the time is shown");
    answer::<HistogramAsk>(&mut pane, &mut asked, counted(NOW.0 - 400_000, 10_000, vec![Bar::default(); 40]));
    for _ in 0..200 {
        pane.act(Action::Up, &snapshot);
    }
    let moment = pane.list.moment().expect("selected");
    let mut zoomed = pane.act(Action::ShorterRange, &snapshot);
    let [ask] = asks::<PageAsk>(&zoomed)[..] else { panic!("{zoomed:?}") };
    let ends = |ask: &PageAsk| [ask.search.from, ask.search.to].map(|at| at.map(|at| at.resolve(NOW).0));
    assert_eq!(ends(ask), [Some(moment.0 - 50_000), Some(moment.0 + 50_000)]);
    answer::<PageAsk>(&mut pane, &mut zoomed, timed((150..250).map(|n| ago(n, 400 - n as u64, "y")).collect()));
    assert_eq!(pane.list.moment().map(|at| at.0 >= moment.0), Some(true));
    let moved = pane.act(Action::Left, &snapshot);
    let [ask] = asks::<PageAsk>(&moved)[..] else { panic!("{moved:?}") };
    assert_eq!(ends(ask), [Some(moment.0 - 100_000), Some(moment.0)]);
    let wider = pane.act(Action::LongerRange, &snapshot);
    let [ask] = asks::<PageAsk>(&wider)[..] else { panic!("{wider:?}") };
    let [Some(from), to] = ends(ask) else { panic!("{ask:?}") };
    assert_eq!(to.unwrap_or(NOW.0) - from, 400_000);
    let all = pane.act(Action::Newest, &snapshot);
    assert!(matches!(asks::<PageAsk>(&all)[..], [ask] if ends(ask) == [None, None]) && pane.list.follow);
}

#[test]
fn the_histogram_has_a_scale_a_time_axis_lanes_and_what_else_happened() {
    let (mut pane, mut asked) = showing(vec![ago(0, 300, "a"), ago(1, 11, "b")]);
    let bars = [(40, 0, 0), (0, 0, 0), (12, 3, 1)].map(|(count, warnings, errors)| Bar { count, warnings, errors });
    let mut bars = bars.to_vec();
    bars.resize(50, Bar::default());
    let next = answer::<HistogramAsk>(&mut pane, &mut asked, counted(NOW.0 - 301_000, 6_000, bars));
    let [ask] = asks::<IncidentsAsk>(&next)[..] else { panic!("{next:?}") };
    assert_eq!((ask.from, ask.until), (Some(Timestamp(NOW.0 - 301_000)), Some(Timestamp(NOW.0 - 1_000))));
    let small = picture(&pane, 80, 20);
    let lines: Vec<&str> = small.lines().collect();
    assert!(
        lines[1].starts_with("     40 │█") && lines[2].starts_with("      0 │█ ▄") && lines[3].contains("13:58"),
        "{small}"
    );
    assert!(
        lines[1].ends_with("▇ 1 error") && lines[2].ends_with("▇ 3 warn") && lines[3].ends_with("▇ 48 info"),
        "{small}"
    );
    let tall = picture(&pane, 120, 36);
    let lines: Vec<&str> = tall.lines().collect();
    assert!(lines[4].starts_with(" backend") && lines[5].starts_with(" zk1     █ ▂"), "{tall}");
    assert!(lines[6].contains("13:58"), "{tall}");
}

#[test]
fn ten_rows_up_and_down_change_two_rows_each() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    for _ in 0..30 {
        pane.act(Action::Up, &snapshot);
    }
    let mut before = picture(&pane, 100, 12);
    let mut changed = Vec::new();
    for action in [[Action::Down; 5], [Action::Up; 5]].concat() {
        pane.act(action, &snapshot);
        let after = picture(&pane, 100, 12);
        changed.push(before.lines().zip(after.lines()).filter(|(one, other)| one != other).count());
        before = after;
    }
    // The two rows, and how many are below.
    assert!(changed.iter().all(|rows| *rows <= 3), "{changed:?}");
}
