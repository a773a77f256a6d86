mod finding;
mod time;

use super::*;
use crate::console::fetch::testing;
use crate::console::keymap::notation::parse_keys;
use crate::console::place::LineChange;
use crate::console::theme::Styles;
use crate::domain::ask::Ask;
use crate::domain::fixtures;
use crate::domain::log::{
    EventId, Expr, FollowAsk, Followed, HistogramAsk, LogCursor, LogLevel, LogPage, Moment, PageAsk, PageWay,
};

fn event(n: usize) -> LogEvent {
    let text = format!("2026-11-23 14:00:00,000 - WARN  [a:B@1] - fsync took {n} ms");
    let level = Some(LogLevel::Warn);
    LogEvent {
        id: EventId::Document(n.to_string()),
        node: if n.is_multiple_of(2) { "zk1" } else { "zk2" }.into(),
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
        older: (ids.start > 0).then(|| LogCursor::given(ids.start.to_string())),
        mark: Some(FollowMark::Files(Default::default())),
        nodes: vec!["backend".into(), "zk1".into()],
        answered: Answered { by: "local files".into(), ..Answered::default() },
        ..LogPage::default()
    }
}

/// Answers a question of this kind, and returns what the pane asks then, with what was asked before.
fn answer<A: Ask>(pane: &mut LogsPane, asked: &mut Vec<Effect>, answer: A::Answer) -> Vec<Effect> {
    testing::answer::<A>(asked, Ok(answer));
    pane.take_answers(&fixtures::snapshot())
}

fn asks<A: Ask>(effects: &[Effect]) -> Vec<&A> {
    effects.iter().filter_map(testing::asked::<A>).collect()
}

fn is_asked<A: Ask>(effects: &[Effect]) -> bool {
    !asks::<A>(effects).is_empty()
}

/// The pane with its first page, and the questions that wait for their answers.
fn ready() -> (LogsPane, Vec<Effect>) {
    let mut pane = LogsPane::default();
    pane.resize(Rect::new(0, 0, 100, 12));
    let mut asked = pane.refresh(&fixtures::snapshot());
    assert!(is_asked::<PageAsk>(&asked) && is_asked::<HistogramAsk>(&asked), "{asked:?}");
    let next = answer::<PageAsk>(&mut pane, &mut asked, page(500..1000));
    assert!(is_asked::<FollowAsk>(&next), "{next:?}");
    asked.extend(next);
    (pane, asked)
}

fn picture(pane: &LogsPane, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let (snapshot, styles) = (fixtures::snapshot(), Styles::plain());
    let keymap = crate::console::keymap::Keymap::new(&Default::default()).expect("default keys");
    let (snapshot, styles, keymap) = (&snapshot, &styles, &keymap);
    pane.draw(area, &mut buffer, &View { snapshot, now: fixtures::NOW, styles, keymap, read_only: false });
    let rows = buffer.content().chunks(usize::from(width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

fn type_query(pane: &mut LogsPane, text: &str) -> Vec<Effect> {
    let snapshot = fixtures::snapshot();
    pane.act(Action::Filter, &snapshot);
    pane.line = Line::new(text);
    pane.text_key(parse_keys("Enter")[0], &snapshot)
}

#[test]
fn a_mistake_is_shown_under_the_query_and_nothing_is_asked() {
    let (mut pane, _asked) = ready();
    assert!(!is_asked::<PageAsk>(&type_query(&mut pane, "level>=WRN")));
    let text = picture(&pane, 100, 12);
    assert!(text.contains("column 8: expected a level"), "{text}");
    assert!(text.contains("fsync took 999 ms"), "the last result stays: {text}");
    let asked = pane.text_key(parse_keys("Enter")[0], &fixtures::snapshot());
    assert!(!is_asked::<PageAsk>(&asked) && pane.takes_text());
    pane.text_key(parse_keys("Esc")[0], &fixtures::snapshot());
    assert!(!pane.takes_text());
    let asked = type_query(&mut pane, "fsync");
    assert!(matches!(asks::<PageAsk>(&asked)[..], [ask] if ask.search.expr != Expr::All), "{asked:?}");
}

#[test]
fn scrolling_up_pauses_and_says_how_many_are_new() {
    let snapshot = fixtures::snapshot();
    let (mut pane, mut asked) = ready();
    let news = |ids: std::ops::Range<usize>| {
        let answered = Answered { by: "local files".into(), ..Answered::default() };
        let mark = FollowMark::Files(Default::default());
        Followed { events: ids.map(event).collect(), mark, left_out: 0, answered }
    };
    let mut next = answer::<FollowAsk>(&mut pane, &mut asked, news(1000..1001));
    assert!(is_asked::<FollowAsk>(&next), "{next:?}");
    assert!(picture(&pane, 100, 12).contains("took 1000 ms") && picture(&pane, 100, 12).contains(" following"));
    pane.act(Action::Up, &snapshot);
    answer::<FollowAsk>(&mut pane, &mut next, news(1001..1004));
    let text = picture(&pane, 100, 12);
    assert!(text.contains("3 new below (G)") && text.contains(">") && !text.contains("took 1003 ms"), "{text}");
    pane.act(Action::Bottom, &snapshot);
    let text = picture(&pane, 100, 12);
    assert!(text.contains(" following") && text.contains("took 1003 ms"), "{text}");
}

#[test]
fn the_page_before_is_asked_for_near_the_top() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    let mut asked = pane.act(Action::Top, &snapshot);
    let [ask] = asks::<PageAsk>(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((ask.cursor.as_ref(), ask.way), (Some(&LogCursor::given("500".into())), PageWay::Older));
    assert!(!is_asked::<PageAsk>(&pane.act(Action::Top, &snapshot)), "one page at a time");
    answer::<PageAsk>(&mut pane, &mut asked, page(0..500));
    assert_eq!((pane.list.window.events.len(), pane.list.cursor.at), (1000, 500));
    assert_eq!(pane.selected().map(|event| event.id.to_string()).as_deref(), Some("500"));
}

#[test]
fn filters_ask_anew_and_a_failure_keeps_what_is_shown() {
    let snapshot = fixtures::snapshot();
    let (mut pane, before) = ready();
    assert!(testing::is_waited_for::<FollowAsk>(&before));
    let first = pane.act(Action::LevelFilter, &snapshot);
    assert!(is_asked::<PageAsk>(&first));
    let mut asked = pane.act(Action::SourceFilter, &snapshot);
    let given_up = |effects: &[Effect]| !testing::is_waited_for::<FollowAsk>(effects);
    assert!(given_up(&before), "news of the search before belong to no other");
    let [ask] = asks::<PageAsk>(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((ask.search.level, ask.search.node.as_deref()), (Some(LogLevel::Info), Some("backend")));
    testing::answer::<PageAsk>(&mut asked, Err("Elasticsearch refused: 503".into()));
    pane.take_answers(&snapshot);
    let text = picture(&pane, 100, 12);
    assert!(text.contains("refused: 503") && text.contains("took 999 ms") && text.contains("node:backend"), "{text}");
    pane.answered(Action::TypeRange, "2h 1h", &snapshot);
    assert!(matches!(pane.query.search.to, Some(Moment::Ago(_))));
    let refused = pane.answered(Action::TypeRange, "soon", &snapshot);
    assert!(matches!(&refused[..], [Effect::Toast { text, .. }] if text.contains("\"soon\"")), "{refused:?}");
}

#[test]
fn neighbours_are_shown_and_more_of_them_by_the_same_key() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    let mut asked = pane.act(Action::Context, &snapshot);
    assert!(
        matches!(asks::<ContextAsk>(&asked)[..], [ask] if ask.before == 20 && ask.id.to_string() == "999"),
        "{asked:?}"
    );
    let found = LogContext { events: (0..9).map(event).collect(), at: 4, ..LogContext::default() };
    answer::<ContextAsk>(&mut pane, &mut asked, found);
    let text = picture(&pane, 100, 14);
    assert!(
        text.contains("around it in logs/zk2/a.log") && text.contains(">  - ") || text.contains("took 4 ms"),
        "{text}"
    );
    let asked = pane.act(Action::Context, &snapshot);
    assert!(
        matches!(asks::<ContextAsk>(&asked)[..], [ask] if ask.before == 40 && ask.id.to_string() == "4"),
        "{asked:?}"
    );
    pane.act(Action::Back, &snapshot);
    assert!(picture(&pane, 100, 12).contains("took 999 ms"));
}

#[test]
fn matches_are_gone_through_and_searches_are_saved() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    assert!(matches!(&pane.act(Action::NextMatch, &snapshot)[..], [Effect::Toast { .. }]));
    let mut asked = type_query(&mut pane, "777 OR 778");
    answer::<PageAsk>(&mut pane, &mut asked, page(500..1000));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(pane.selected().map(|event| event.id.to_string()).as_deref(), Some("778"));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(pane.selected().map(|event| event.id.to_string()).as_deref(), Some("777"));
    let mut asked = type_query(&mut pane, "level>=WARN");
    answer::<PageAsk>(&mut pane, &mut asked, page(500..1000));
    pane.act(Action::PreviousMatch, &snapshot);
    assert_eq!(
        pane.selected().map(|event| event.id.to_string()).as_deref(),
        Some("776"),
        "also where no word is marked"
    );
    type_query(&mut pane, "777 OR 778");
    let save = |pane: &mut LogsPane, answer| {
        let mut saved = pane.act(Action::SaveSearch, &snapshot);
        let (Some(Effect::Work(Work::Lines(fetch))), []) = (saved.pop(), &saved[..]) else {
            panic!("more than the question: {saved:?}")
        };
        assert_eq!(fetch.ask.change, LineChange::Add("777 OR 778".into()));
        fetch.reply.send(answer).expect("asked");
        pane.take_answers(&snapshot)
    };
    let refused = save(&mut pane, Err("disk full".into()));
    assert!(matches!(&refused[0], Effect::Toast { level: Level::Warning, .. }), "{refused:?}");
    assert!(pane.saved.list.is_empty(), "what is not kept is not shown");
    let told = save(&mut pane, Ok(vec!["777 OR 778".into()]));
    assert!(matches!(&told[0], Effect::Toast { text, .. } if text == "saved: 777 OR 778"), "{told:?}");
    pane.act(Action::Back, &snapshot);
    pane.act(Action::Searches, &snapshot);
    assert!(picture(&pane, 80, 12).contains(" > 777 OR 778"));
    pane.act(Action::Open, &snapshot);
    assert_eq!(pane.query.text, "777 OR 778");
}

#[test]
fn it_is_drawn_at_every_size() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    for action in
        [Action::Wrap, Action::LogColumns, Action::LogColumns, Action::LogColumns, Action::Open, Action::Filter]
    {
        pane.act(action, &snapshot);
        for (width, height) in [(1, 1), (3, 50), (9, 2), (80, 20), (120, 36), (200, 56)] {
            let text = picture(&pane, width, height);
            assert_eq!(text.lines().count(), usize::from(height), "{width}x{height}: {text}");
        }
    }
}

#[test]
fn what_came_soon_is_shown_while_the_rest_is_searched() {
    let (mut pane, _asked) = ready();
    let mut asked = type_query(&mut pane, "fsync");
    let first = LogPage { unfinished: true, ..page(990..1000) };
    let mut next = answer::<PageAsk>(&mut pane, &mut asked, first);
    let [rest] = asks::<PageAsk>(&next)[..] else { panic!("{next:?}") };
    assert_eq!(
        (rest.cursor.as_ref(), rest.way, rest.soon),
        (Some(&LogCursor::given("990".into())), PageWay::Older, None)
    );
    assert!(picture(&pane, 100, 12).contains("fsync took 999 ms"));
    answer::<PageAsk>(&mut pane, &mut next, page(500..990));
    assert_eq!((pane.list.window.events.len(), pane.list.cursor.at, pane.list.follow), (500, 499, true));
}

#[test]
fn the_query_is_shown_and_copied() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    assert!(matches!(&pane.act(Action::CopyQuery, &snapshot)[..], [Effect::Toast { .. }]), "files are not asked so");
    let curl = "curl -s -u 'me':\"$ELASTIC_PASSWORD\" 'http://h:1/_search' -d '{\"size\":1,\"query\":{}}'".to_owned();
    pane.answered = Answered { by: "Elasticsearch".into(), curl: Some(curl.clone()), ..Answered::default() };
    assert!(
        matches!(&pane.act(Action::CopyQuery, &snapshot)[..], [Effect::Outside(Outside::Copy(copied))] if *copied == curl)
    );
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

/// Every pane hears of every answer.
#[test]
fn a_pane_that_nobody_looks_at_asks_nothing_when_another_gets_its_answer() {
    let (mut pane, snapshot) = (LogsPane::default(), fixtures::snapshot());
    for taken_at in [snapshot.taken_at, Timestamp(0)] {
        assert_eq!(pane.take_answers(&Snapshot { taken_at, ..snapshot.clone() }).len(), 0);
    }
    assert!(!pane.refresh(&snapshot).is_empty(), "shown, it asks");
}

/// A slow server may answer when something else has been asked for.
#[test]
fn neighbours_of_an_older_search_do_not_lie_over_a_newer_one() {
    let snapshot = fixtures::snapshot();
    for leaves in [false, true] {
        let (mut pane, _asked) = ready();
        let asked = pane.act(Action::Context, &snapshot);
        assert!(testing::is_waited_for::<ContextAsk>(&asked));
        _ = if leaves { pane.back(&snapshot) } else { pane.ask(&snapshot) };
        assert!(!testing::is_waited_for::<ContextAsk>(&asked));
    }
}
