//! Searching as one types, ways through the list, and repeats.

use super::*;
use crate::console::place::{KeptLines, LineChange};

fn keys(pane: &mut LogsPane, keys: &str) -> Vec<Effect> {
    parse_keys(keys).into_iter().flat_map(|key| pane.text_key(key, &fixtures::snapshot())).collect()
}

fn searched(effects: &[Effect]) -> Vec<String> {
    asks::<PageAsk>(effects).iter().map(|ask| ask.search.whole().to_string()).collect()
}

#[test]
fn results_follow_what_is_typed_one_question_after_the_other() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    pane.act(Action::Filter, &snapshot);
    let mut asked = keys(&mut pane, "f");
    assert_eq!(searched(&asked), ["f*"], "what begins with it, as long as it is typed");
    assert_eq!(searched(&keys(&mut pane, "s y n c")), [""; 0], "the answer is on its way");
    let mut asked = answer::<PageAsk>(&mut pane, &mut asked, page(500..600));
    assert_eq!(searched(&asked), ["fsync*"], "all that was typed meanwhile");
    answer::<PageAsk>(&mut pane, &mut asked, page(500..700));
    let mut asked = keys(&mut pane, "Space");
    assert_eq!(searched(&asked), ["fsync"], "a word that is finished is a whole one");
    answer::<PageAsk>(&mut pane, &mut asked, page(500..700));
    // A mistake keeps the result, and is told.
    assert_eq!(searched(&keys(&mut pane, "(")), [""; 0]);
    let text = picture(&pane, 100, 12);
    assert!(text.contains("column 8") && text.contains("took 699 ms"), "{text}");
    let mut asked = keys(&mut pane, "Backspace Backspace");
    assert_eq!((searched(&asked), pane.mistake.is_none()), (vec!["fsync*".to_owned()], true));
    answer::<PageAsk>(&mut pane, &mut asked, page(500..700));
    let mut asked = keys(&mut pane, "x");
    assert_eq!(searched(&asked), ["fsyncx*"]);
    testing::answer::<PageAsk>(&mut asked, Err("no answer".into()));
    pane.take_answers(&snapshot);
    assert_eq!(searched(&keys(&mut pane, "Esc")), [""], "the query of before");
    assert!(!pane.takes_text() && !pane.query.is_narrowed());
}

#[test]
fn searches_of_before_are_gone_through_and_kept() {
    let snapshot = fixtures::snapshot();
    let mut pane = LogsPane::default();
    for effect in pane.refresh(&snapshot) {
        if let Effect::Work(Work::Lines(fetch)) = effect
            && fetch.ask.of == KeptLines::PastSearches
        {
            assert_eq!(fetch.ask.change, LineChange::Read);
            fetch.reply.send(Ok(vec!["newest".into(), "older".into()])).expect("asked");
        }
    }
    pane.take_answers(&snapshot);
    pane.act(Action::Filter, &snapshot);
    let mut seen = Vec::new();
    for key in ["d", "Up", "Up", "Up", "Down", "Down", "Down"] {
        keys(&mut pane, key);
        seen.push(pane.line.text());
    }
    assert_eq!(seen, ["d", "newest", "older", "older", "newest", "d", "d"]);
    keys(&mut pane, "Up Up");
    let kept = keys(&mut pane, "Enter");
    let kept: Vec<&LineChange> = kept
        .iter()
        .filter_map(|effect| if let Effect::Work(Work::Lines(fetch)) = effect { Some(&fetch.ask.change) } else { None })
        .collect();
    assert_eq!((kept, pane.query.text.as_str()), (vec![&LineChange::Add("older".into())], "older"));
    pane.act(Action::Filter, &snapshot);
    keys(&mut pane, "Up");
    assert_eq!(pane.line.text(), "older", "the newest now");
}

/// One event a second; those that are errors, and their servers, by letters: `i1 e2`.
fn told(texts: &[&str]) -> LogPage {
    let events = texts.iter().enumerate().map(|(n, text)| {
        let level = if text.starts_with('e') { LogLevel::Error } else { LogLevel::Info };
        let time = Some(Timestamp(fixtures::NOW.0 - fixtures::NOW.0 % 60_000 + n as u64 * 30_000));
        let node = format!("zk{}", &text[1..]);
        LogEvent { level: Some(level), node, time, text: "x".repeat(n + 1), message_at: 0, ..event(n) }
    });
    LogPage { events: events.collect(), ..page(0..0) }
}

#[test]
fn ways_lead_to_errors_other_servers_and_other_minutes() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    let mut asked = pane.ask(&snapshot);
    answer::<PageAsk>(&mut pane, &mut asked, told(&["i1", "i1", "e1", "i1", "i2", "i2", "e2", "i2"]));
    pane.act(Action::Top, &snapshot);
    let mut went = |action| {
        let told = pane.act(action, &snapshot);
        (pane.list.cursor.at, told.iter().any(|effect| matches!(effect, Effect::Toast { .. })))
    };
    use Action::{NextMinute, NextProblem, NextServer, PreviousMinute, PreviousProblem, PreviousServer};
    let ways = [NextProblem, NextProblem, NextProblem, PreviousProblem, NextServer, PreviousServer];
    assert_eq!(ways.map(&mut went), [(2, false), (6, false), (6, true), (2, false), (4, false), (3, false)]);
    assert_eq!([NextMinute, NextMinute, PreviousMinute].map(&mut went), [(4, false), (6, false), (5, false)]);
}

#[test]
fn a_way_goes_on_in_the_pages_that_it_needs() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    let mut asked = pane.ask(&snapshot);
    let first = LogPage { older: Some(LogCursor::given("a".into())), ..told(&["i1", "i1"]) };
    answer::<PageAsk>(&mut pane, &mut asked, first);
    let mut asked = pane.act(Action::PreviousProblem, &snapshot);
    assert!(matches!(asks::<PageAsk>(&asked)[..], [ask] if ask.way == PageWay::Older), "{asked:?}");
    let next = LogPage {
        events: (10..13).map(|n| LogEvent { level: Some(LogLevel::Info), ..event(n) }).collect(),
        older: Some(LogCursor::given("b".into())),
        ..page(0..0)
    };
    let mut asked = answer::<PageAsk>(&mut pane, &mut asked, next);
    assert!(is_asked::<PageAsk>(&asked), "and further");
    answer::<PageAsk>(&mut pane, &mut asked, LogPage { older: None, ..page(20..23) });
    assert_eq!(pane.selected().map(|event| event.id.to_string()).as_deref(), Some("22"));
    // Whoever does something else meanwhile is not taken away from it.
    pane.act(Action::PreviousProblem, &snapshot);
    pane.act(Action::Bottom, &snapshot);
    assert!(pane.way.is_none());
}

#[test]
fn repeats_are_one_row_that_enter_unfolds() {
    let snapshot = fixtures::snapshot();
    let (mut pane, _asked) = ready();
    let mut asked = pane.ask(&snapshot);
    let at = |n: usize| Some(Timestamp(fixtures::NOW.0 + n as u64 * 2_000));
    let same = |n: usize| LogEvent { node: "zk1".into(), time: at(n), ..event(n) };
    answer::<PageAsk>(&mut pane, &mut asked, LogPage { events: (0..16).map(same).collect(), ..page(0..0) });
    let text = picture(&pane, 100, 12);
    assert!(text.contains("fsync took 15 ms  × 16 in 30 s (Enter unfolds)") && text.contains("16 events"), "{text}");
    assert_eq!(pane.selected().map(|event| event.id.to_string()).as_deref(), Some("15"), "the newest");
    assert_eq!(pane.label(Action::Open, &snapshot), Some("unfold"));
    pane.act(Action::Open, &snapshot);
    let text = picture(&pane, 100, 30);
    assert!(text.contains("(Enter folds)") && text.contains("took 3 ms"), "{text}");
    pane.act(Action::Open, &snapshot);
    assert!(!picture(&pane, 100, 30).contains("took 3 ms"));
    pane.act(Action::Folding, &snapshot);
    assert!(picture(&pane, 100, 30).contains("took 3 ms"));
    assert_eq!(pane.label(Action::Open, &snapshot), Some("details"));
}
