use std::sync::Arc;

use super::*;
use crate::domain::fixtures;
use crate::domain::log::{Cursor as Place, Expr, Followed, LogAnswer, LogLevel, LogPage, Moment, Way};
use crate::tui::keymap::chord::parse_keys;
use crate::tui::pane::{LogKind, SavedSearches};
use crate::tui::theme::Styles;

fn event(n: usize) -> LogEvent {
    let text = format!("2026-11-23 14:00:00,000 - WARN  [a:B@1] - fsync took {n} ms");
    let level = Some(LogLevel::Warn);
    LogEvent {
        id: n.to_string(),
        node: "zk2".into(),
        level,
        message_at: 42,
        text,
        file: "zk2/a.log".into(),
        ..LogEvent::default()
    }
}

fn page(ids: std::ops::Range<usize>) -> LogPage {
    LogPage {
        events: ids.clone().map(event).collect(),
        older: (ids.start > 0).then(|| Place(ids.start.to_string())),
        mark: Some(FollowMark::Files(Default::default())),
        nodes: vec!["backend".into(), "zk1".into()],
        answered: Answered { by: "local files".into(), ..Answered::default() },
        ..LogPage::default()
    }
}

fn asks(effects: Vec<Effect>) -> Vec<LogAsk> {
    effects
        .into_iter()
        .filter_map(|effect| if let Effect::FetchLogs(ask) = effect { Some(ask) } else { None })
        .collect()
}

fn answer(pane: &mut Logs, kind: LogKind, answer: LogAnswer) -> Vec<LogAsk> {
    asks(pane.fetched(Fetched::Logs(kind, Ok(Arc::new(answer))), &fixtures::snapshot()))
}

fn ready() -> Logs {
    let mut pane = Logs::default();
    let asked = asks(pane.refresh(&fixtures::snapshot()));
    assert!(matches!(asked[..], [LogAsk::Page(_), LogAsk::Histogram(_)]), "{asked:?}");
    let next = answer(&mut pane, LogKind::Page, LogAnswer::Page(page(500..1000)));
    assert!(matches!(next[..], [LogAsk::Follow(_)]), "{next:?}");
    pane
}

fn picture(pane: &Logs, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let (snapshot, styles) = (fixtures::snapshot(), Styles::plain());
    let keymap = crate::tui::keymap::Keymap::new(&Default::default()).expect("default keys");
    let (snapshot, styles, keymap) = (&snapshot, &styles, &keymap);
    pane.draw(area, &mut buffer, &View { snapshot, now: fixtures::NOW, styles, keymap, read_only: false });
    let rows = buffer.content().chunks(usize::from(width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

fn type_query(pane: &mut Logs, text: &str) -> Vec<LogAsk> {
    let snapshot = fixtures::snapshot();
    pane.act(Action::Filter, &snapshot);
    pane.line = Line::new(text);
    asks(pane.text_key(parse_keys("Enter")[0], &snapshot))
}

#[test]
fn a_mistake_is_shown_under_the_query_and_nothing_is_asked() {
    let mut pane = ready();
    assert!(type_query(&mut pane, "level>=WRN").is_empty());
    let text = picture(&pane, 100, 12);
    assert!(text.contains("column 8: expected a level"), "{text}");
    assert!(text.contains("fsync took 999 ms"), "the last result stays: {text}");
    let asked = asks(pane.text_key(parse_keys("Enter")[0], &fixtures::snapshot()));
    assert!(asked.is_empty() && pane.takes_text());
    pane.text_key(parse_keys("Esc")[0], &fixtures::snapshot());
    assert!(!pane.takes_text());
    let asked = type_query(&mut pane, "fsync");
    assert!(matches!(&asked[0], LogAsk::Page(ask) if ask.search.expr != Expr::All), "{asked:?}");
}

#[test]
fn scrolling_up_pauses_and_says_how_many_are_new() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    let news = |ids: std::ops::Range<usize>| {
        let answered = Answered { by: "local files".into(), ..Answered::default() };
        let mark = FollowMark::Files(Default::default());
        LogAnswer::Follow(Followed { events: ids.map(event).collect(), mark, left_out: 0, answered })
    };
    let next = answer(&mut pane, LogKind::Follow, news(1000..1001));
    assert!(matches!(next[..], [LogAsk::Follow(_)]), "{next:?}");
    assert!(picture(&pane, 100, 12).contains("took 1000 ms") && picture(&pane, 100, 12).contains(" following"));
    pane.act(Action::Up, &snapshot);
    answer(&mut pane, LogKind::Follow, news(1001..1004));
    let text = picture(&pane, 100, 12);
    assert!(text.contains("3 new below (G)") && text.contains(">") && !text.contains("took 1003 ms"), "{text}");
    pane.act(Action::Bottom, &snapshot);
    let text = picture(&pane, 100, 12);
    assert!(text.contains(" following") && text.contains("took 1003 ms"), "{text}");
}

#[test]
fn the_page_before_is_asked_for_near_the_top() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    let asked = asks(pane.act(Action::Top, &snapshot));
    let [LogAsk::Page(ask)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((ask.cursor.as_ref(), ask.way), (Some(&Place("500".into())), Way::Older));
    assert!(asks(pane.act(Action::Top, &snapshot)).is_empty(), "one page at a time");
    answer(&mut pane, LogKind::Page, LogAnswer::Page(page(0..500)));
    assert_eq!((pane.window.events.len(), pane.cursor.at), (1000, 500));
    assert_eq!(pane.selected().map(|event| event.id.as_str()), Some("500"));
}

#[test]
fn filters_ask_anew_and_a_failure_keeps_what_is_shown() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    pane.act(Action::LevelFilter, &snapshot);
    answer(&mut pane, LogKind::Page, LogAnswer::Page(page(500..1000)));
    let asked = asks(pane.act(Action::SourceFilter, &snapshot));
    let [LogAsk::Page(ask), ..] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((ask.search.level, ask.search.node.as_deref()), (Some(LogLevel::Info), Some("backend")));
    pane.fetched(Fetched::Logs(LogKind::Page, Err("Elasticsearch refused: 503".into())), &snapshot);
    let text = picture(&pane, 100, 12);
    assert!(text.contains("refused: 503") && text.contains("took 999 ms") && text.contains("node:backend"), "{text}");
    pane.answered("range", "2h 1h", &snapshot);
    assert!(matches!(pane.query.search.to, Some(Moment::Ago(_))));
    let refused = pane.answered("range", "soon", &snapshot);
    assert!(matches!(&refused[..], [Effect::Toast { text, .. }] if text.contains("\"soon\"")), "{refused:?}");
}

#[test]
fn neighbours_are_shown_and_more_of_them_by_the_same_key() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    let asked = asks(pane.act(Action::Context, &snapshot));
    assert!(matches!(&asked[..], [LogAsk::Context(ask)] if ask.before == 20 && ask.id == "999"), "{asked:?}");
    let found = Context { events: (0..9).map(event).collect(), at: 4, ..Context::default() };
    answer(&mut pane, LogKind::Context, LogAnswer::Context(found));
    let text = picture(&pane, 100, 14);
    assert!(
        text.contains("around it in logs/zk2/a.log") && text.contains(">  - ") || text.contains("took 4 ms"),
        "{text}"
    );
    let asked = asks(pane.act(Action::Context, &snapshot));
    assert!(matches!(&asked[..], [LogAsk::Context(ask)] if ask.before == 40 && ask.id == "4"), "{asked:?}");
    pane.act(Action::Back, &snapshot);
    assert!(picture(&pane, 100, 12).contains("took 999 ms"));
}

#[test]
fn matches_are_gone_through_and_searches_are_saved() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    assert!(matches!(&pane.act(Action::NextMatch, &snapshot)[..], [Effect::Toast { .. }]));
    type_query(&mut pane, "777 OR 778");
    answer(&mut pane, LogKind::Page, LogAnswer::Page(page(500..1000)));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(pane.selected().map(|event| event.id.as_str()), Some("778"));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(pane.selected().map(|event| event.id.as_str()), Some("777"));
    type_query(&mut pane, "level>=WARN");
    answer(&mut pane, LogKind::Page, LogAnswer::Page(page(500..1000)));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(pane.selected().map(|event| event.id.as_str()), Some("776"), "also where no word is marked");
    type_query(&mut pane, "777 OR 778");
    let saved = pane.act(Action::SaveSearch, &snapshot);
    let add = SavedSearches::Add("777 OR 778".into());
    assert!(matches!(&saved[..], [Effect::Searches(asked)] if *asked == add), "nothing is said yet: {saved:?}");
    let refused = pane.fetched(Fetched::Searches(add.clone(), Err("disk full".into())), &snapshot);
    assert!(matches!(&refused[..], [Effect::Toast { level: Level::Warning, .. }]), "{refused:?}");
    assert!(pane.saved.list.is_empty(), "what is not kept is not shown");
    let told = pane.fetched(Fetched::Searches(add, Ok(vec!["777 OR 778".into()])), &snapshot);
    assert!(matches!(&told[..], [Effect::Toast { text, .. }] if text == "saved: 777 OR 778"), "{told:?}");
    pane.act(Action::Back, &snapshot);
    pane.act(Action::Searches, &snapshot);
    assert!(picture(&pane, 80, 12).contains(" > 777 OR 778"));
    pane.act(Action::Open, &snapshot);
    assert_eq!(pane.query.text, "777 OR 778");
}

#[test]
fn it_is_drawn_at_every_size() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    for action in
        [Action::Wrap, Action::LogColumns, Action::LogColumns, Action::LogColumns, Action::Open, Action::Filter]
    {
        pane.act(action, &snapshot);
        for (width, height) in [(1, 1), (3, 50), (9, 2), (80, 20), (120, 36), (200, 56)] {
            picture(&pane, width, height);
        }
    }
}

#[test]
fn what_came_soon_is_shown_while_the_rest_is_searched() {
    let mut pane = ready();
    type_query(&mut pane, "fsync");
    let first = LogPage { unfinished: true, ..page(990..1000) };
    let next = answer(&mut pane, LogKind::Page, LogAnswer::Page(first));
    let [LogAsk::Page(rest), ..] = &next[..] else { panic!("{next:?}") };
    assert_eq!((rest.cursor.as_ref(), rest.way, rest.soon), (Some(&Place("990".into())), Way::Older, None));
    assert!(picture(&pane, 100, 12).contains("fsync took 999 ms"));
    answer(&mut pane, LogKind::Page, LogAnswer::Page(page(500..990)));
    assert_eq!((pane.window.events.len(), pane.cursor.at, pane.follow), (500, 499, true));
}

#[test]
fn the_query_is_shown_and_copied() {
    let snapshot = fixtures::snapshot();
    let mut pane = ready();
    assert!(matches!(&pane.act(Action::CopyQuery, &snapshot)[..], [Effect::Toast { .. }]), "files are not asked so");
    let curl = "curl -s -u 'me':\"$ELASTIC_PASSWORD\" 'http://h:1/_search' -d '{\"size\":1,\"query\":{}}'".to_owned();
    pane.answered = Answered { by: "Elasticsearch".into(), curl: Some(curl.clone()), ..Answered::default() };
    assert!(matches!(&pane.act(Action::CopyQuery, &snapshot)[..], [Effect::Copy(copied)] if *copied == curl));
    let text = picture(&pane, 90, 12);
    assert!(text.contains("What Elasticsearch was asked") && text.contains("{\"size\":1,\"query\":{}}"), "{text}");
    pane.act(Action::Back, &snapshot);
    assert!(picture(&pane, 90, 12).contains("took 999 ms"));
    // A word longer than a row is there to its end.
    let long = format!("{}end", "x".repeat(200));
    pane.answered.curl = Some(long);
    pane.act(Action::CopyQuery, &snapshot);
    assert!(picture(&pane, 90, 12).contains("xend"));
}
