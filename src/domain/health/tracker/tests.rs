//! Verdicts of one server, sample by sample.

use super::super::rules;
use super::*;
use crate::domain::fixtures::{NOW, node_id};

fn tracker() -> ServerTracker {
    ServerTracker::new(node_id("zk1"), "127.0.0.1:2181".into(), NOW)
}

fn sample(reach: Reach, second: u64) -> Sample {
    let srvr = (reach == Reach::Answered).then(|| Srvr {
        role: Some(Role::Follower),
        zxid: Some(Zxid(0x7_0000_0010)),
        znodes: Some(299),
        latency_avg_ms: Some(2.0),
        ..Srvr::default()
    });
    Sample {
        node: node_id("zk1"),
        taken_at: NOW.plus(Millis(second * 1000)),
        reach,
        reply_ms: Some(1.0),
        srvr,
        metrics: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        timing: None,
    }
}

fn states(samples: &[Reach]) -> Vec<ServerState> {
    let mut tracker = tracker();
    let observe = |(second, reach): (usize, &Reach)| {
        tracker.observe(&sample(reach.clone(), second as u64));
        tracker.state()
    };
    samples.iter().enumerate().map(observe).collect()
}

#[test]
fn the_first_verdict_comes_at_once() {
    let refused = || Reach::Unreachable("refused".into());
    assert_eq!(states(&[Reach::Answered]), [ServerState::Up]);
    assert_eq!(states(&[refused()]), [ServerState::Down]);
    assert_eq!(states(&[Reach::Silent]), [ServerState::Frozen]);
    assert_eq!(states(&[Reach::Garbled("HTTP/1.1".into())]), [ServerState::Down]);
    assert_eq!(states(&[Reach::Denied, Reach::Denied]), [ServerState::Unknown; 2]);
}

#[test]
fn three_failures_go_down_and_two_successes_come_back() {
    use ServerState::{Frozen, Up};
    let up = || Reach::Answered;
    let silent = || Reach::Silent;
    let reaches = [up(), silent(), silent(), up(), silent(), silent(), silent(), up(), up()];
    assert_eq!(states(&reaches), [Up, Up, Up, Up, Up, Up, Frozen, Frozen, Up]);
}

#[test]
fn failures_of_several_kinds_in_a_row_are_failures() {
    use ServerState::{Frozen, Up};
    let refused = || Reach::Unreachable("refused".into());
    let reaches = [Reach::Answered, Reach::Silent, refused(), Reach::Silent];
    assert_eq!(states(&reaches), [Up, Up, Up, Frozen]);
}

#[test]
fn the_host_explains_at_once_what_a_probe_cannot() {
    let mut tracker = tracker();
    tracker.observe(&sample(Reach::Answered, 0));
    let host = |state, detail: Option<&str>| {
        Some(HostView { state, detail: detail.map(str::to_owned), ..crate::domain::fixtures::host("process 7") })
    };
    tracker.host(host(HostState::Paused, None), NOW);
    assert_eq!(tracker.state(), ServerState::Paused);
    tracker.host(host(HostState::Stopped, Some("signal 9")), NOW);
    assert_eq!(tracker.view().verdict.cause.as_deref(), Some("process 7 has ended: signal 9"));
    tracker.host(host(HostState::Running, None), NOW);
    assert_eq!(tracker.state(), ServerState::Starting);
    tracker.observe(&sample(Reach::Answered, 1));
    assert_eq!(tracker.state(), ServerState::Up);
}

#[test]
fn a_server_that_was_just_started_is_starting_for_a_while_and_then_down() {
    let mut tracker = tracker();
    tracker.started(NOW);
    let refused = |second| sample(Reach::Unreachable("refused".into()), second);
    tracker.observe(&refused(0));
    let verdict = tracker.view().verdict;
    assert_eq!(
        (verdict.state, verdict.cause.as_deref()),
        (ServerState::Starting, Some("it does not serve yet: refused"))
    );
    tracker.tick(NOW.plus(Millis(29_999)));
    assert_eq!(tracker.state(), ServerState::Starting);
    tracker.tick(NOW.plus(START_LIMIT));
    assert_eq!(tracker.state(), ServerState::Down);
    tracker.observe(&sample(Reach::Answered, 40));
    (41..44).for_each(|second| tracker.observe(&refused(second)));
    assert_eq!(tracker.state(), ServerState::Down, "it has served: a loss is a loss");
}

fn refusing(second: u64) -> Sample {
    let srvr = Srvr { not_serving: true, ..Srvr::default() };
    Sample { srvr: Some(srvr), ..sample(Reach::Answered, second) }
}

/// What it says of itself is no flapping network, either way.
#[test]
fn a_servers_own_word_counts_at_once() {
    let mut tracker = tracker();
    tracker.observe(&sample(Reach::Answered, 0));
    tracker.observe(&refusing(1));
    assert_eq!(tracker.state(), ServerState::NotServing);
    tracker.observe(&sample(Reach::Answered, 2));
    assert_eq!(tracker.state(), ServerState::Up);
}

#[test]
fn a_process_that_is_known_to_have_ended_is_down_at_once_and_up_with_its_first_good_reply() {
    let mut tracker = tracker();
    let host = |name, state| HostView { state, ..crate::domain::fixtures::host(name) };
    tracker.host(Some(host("process 1", HostState::Running)), NOW);
    tracker.observe(&sample(Reach::Answered, 0));
    let znodes = |tracker: &ServerTracker| (tracker.view().znodes, tracker.view().latency_ms);
    assert_eq!(znodes(&tracker), (Some(299), Some(2.0)));
    let detail = Some("has ended (killed by SIGKILL) and is started again automatically 1 s later".to_owned());
    tracker.host(Some(HostView { detail, ..host("process 1", HostState::Starting) }), NOW);
    let verdict = tracker.view().verdict;
    assert_eq!(verdict.state, ServerState::Down);
    assert!(verdict.cause.is_some_and(|cause| cause.starts_with("process 1 has ended (killed")));
    assert_eq!(znodes(&tracker), (None, None), "what it told last is not so now");
    tracker.host(Some(host("process 2", HostState::Running)), NOW);
    assert_eq!(tracker.state(), ServerState::Starting);
    tracker.observe(&sample(Reach::Unreachable("connection refused".into()), 2));
    tracker.observe(&sample(Reach::Answered, 3));
    assert_eq!(tracker.state(), ServerState::Up);
}

#[test]
fn a_server_that_restarts_again_and_again_tells_both_sides() {
    let mut tracker = tracker();
    tracker.observe(&sample(Reach::Unreachable("connection refused".into()), 0));
    let detail = Some("restarts after exit code 1, 5 times so far".to_owned());
    let host = HostView { state: HostState::Starting, detail, ..crate::domain::fixtures::host("container demo-zk1-1") };
    tracker.host(Some(host), NOW);
    let verdict = tracker.view().verdict;
    assert_eq!(verdict.state, ServerState::Down);
    assert_eq!(
        verdict.cause.as_deref(),
        Some("connection refused; container demo-zk1-1 restarts after exit code 1, 5 times so far")
    );
}

#[test]
fn not_serving_and_read_only_are_told_apart_from_up() {
    let of = |srvr: Srvr| {
        let mut tracker = tracker();
        tracker.observe(&Sample { srvr: Some(srvr), ..sample(Reach::Answered, 0) });
        tracker.state()
    };
    assert_eq!(of(Srvr { not_serving: true, ..Srvr::default() }), ServerState::NotServing);
    assert_eq!(of(Srvr::default()), ServerState::NotServing);
    let follower = Srvr { role: Some(Role::Follower), ..Srvr::default() };
    assert_eq!(of(Srvr { read_only: true, ..follower.clone() }), ServerState::ReadOnly);
    assert_eq!(of(follower), ServerState::Up);
}

#[test]
fn a_rule_fires_when_it_has_held_and_says_for_how_long() {
    let mut tracker = tracker();
    for second in 0..=12 {
        let mut slow = sample(Reach::Answered, second);
        let count = second as f64 + 1.0;
        slow.metrics = Some(Metrics {
            fsync_count: Some(count),
            fsync_sum_ms: Some(count * 131.0),
            uptime_ms: Some(60_000.0),
            ..Metrics::default()
        });
        tracker.observe(&slow);
        let expected = if second < 5 { ServerState::Up } else { ServerState::Degraded };
        assert_eq!(tracker.state(), expected, "second {second}");
    }
    let verdict = tracker.view().verdict;
    assert_eq!(verdict.cause.as_deref(), Some("fsync average 131 ms, over 100 ms for 12 s"));
    assert_eq!((verdict.rule, verdict.since), (Some(HealthRule::Fsync), NOW.plus(Millis(5_000))));
}

#[test]
fn a_server_that_has_just_started_is_not_judged_by_the_rules() {
    let state = |uptime_ms: f64| {
        let mut busy = sample(Reach::Answered, 0);
        busy.srvr.as_mut().unwrap().outstanding = Some(1000);
        busy.metrics = Some(Metrics { uptime_ms: Some(uptime_ms), ..Metrics::default() });
        let mut tracker = tracker();
        tracker.observe(&busy);
        tracker.state()
    };
    assert_eq!((state(4_999.0), state(5_000.0)), (ServerState::Up, ServerState::Degraded));
}

#[test]
fn a_server_is_short_of_heap_when_it_has_been_for_half_a_minute() {
    let mut tracker = tracker();
    let mut at = |second, used: f64| {
        let mut full = sample(Reach::Answered, second);
        let (heap_used, heap_max) = (Some(used), Some(100.0));
        full.metrics = Some(Metrics { heap_used, heap_max, uptime_ms: Some(60_000.0), ..Metrics::default() });
        tracker.observe(&full);
        tracker.as_view().short_of_heap
    };
    let bound = rules::HEAP_PERCENT_MAX as f64;
    assert!(!at(0, bound + 1.0) && !at(29, bound + 1.0), "a peak before a collection is none");
    assert!(at(30, bound + 1.0));
    assert!(!at(31, bound) && !at(32, bound + 1.0));
    let views = [crate::domain::fixtures::server("zk1", 2181, Role::Leader), {
        let server = crate::domain::fixtures::server("zk2", 2182, Role::Follower);
        ServerView { heap_used: Some(93 << 20), heap_max: Some(100 << 20), short_of_heap: true, ..server }
    }];
    let (node, text) = rules::short_of_heap(views.iter()).unwrap();
    assert_eq!(node.as_str(), "zk2");
    assert!(text.starts_with("zk2 is short of memory, 93 % of the heap is used, over 80 %: "), "{text}");
    assert!(text.contains("heap_mb"), "{text}");
}

#[test]
fn what_is_not_known_is_none_and_stays_so_without_a_reply() {
    let mut tracker = tracker();
    tracker.observe(&sample(Reach::Answered, 0));
    tracker.compare(Some(Zxid(0x7_0000_0015)));
    assert_eq!((tracker.role(), tracker.view().behind), (Some(Role::Follower), Some(5)));
    tracker.compare(Some(Zxid(0x8_0000_0001)));
    assert_eq!(tracker.view().behind, None);
    tracker.observe(&sample(Reach::Silent, 1));
    let view = tracker.view();
    assert_eq!((view.role, view.zxid, view.outstanding, view.heap_used), (None, None, None, None));
    assert_eq!(view.seen, Some(NOW));
}

#[test]
fn gauges_that_are_no_numbers_are_unknown() {
    assert_eq!([whole(Some(-1.0)), whole(Some(f64::NAN)), whole(None)], [None; 3]);
    assert_eq!(whole(Some(3.7)), Some(3));
}

/// It may be anything by now: what it said before its pause is not what it says.
#[test]
fn a_server_that_goes_on_after_a_pause_is_judged_by_what_it_says_then() {
    let host = |state| Some(HostView { state, ..crate::domain::fixtures::host("process 7") });
    for (reach, not_serving, state) in [
        (Reach::Answered, false, ServerState::Up),
        (Reach::Answered, true, ServerState::NotServing),
        (Reach::Silent, false, ServerState::Frozen),
    ] {
        let mut tracker = tracker();
        tracker.host(host(HostState::Running), NOW);
        tracker.observe(&sample(Reach::Answered, 0));
        tracker.host(host(HostState::Paused), NOW.plus(Millis(1_000)));
        assert_eq!(tracker.state(), ServerState::Paused);
        tracker.host(host(HostState::Running), NOW.plus(Millis(9_000)));
        assert_eq!(tracker.state(), ServerState::Unknown, "it has said nothing yet");
        assert_eq!(tracker.untold().as_deref(), Some(RESUMED));
        let mut next = sample(reach, 10);
        next.srvr = next.srvr.map(|srvr| Srvr { not_serving, ..srvr });
        tracker.observe(&next);
        assert_eq!(tracker.state(), state);
    }
}
