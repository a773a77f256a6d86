//! The word for a server.

use super::explanation::{Explanation, Fact};
use crate::domain::command::{Command, Confirmed, ServerAction};
use crate::domain::health::{
    ANSWER_WITHIN, CONNECT_WITHIN, FAILURES_TO_DOWN, JUST_STARTED, LOOK_EVERY, RULES, Rule, RuleSource, START_LIMIT,
    SUCCESSES_TO_UP,
};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::server::{HealthRule, HostState, HostView, MetricsSource, Role, ServerState, ServerView};
use crate::domain::snapshot::{ControlView, LocalView, Snapshot};

/// Nothing is wrong.
pub(super) const NOTHING: &str = "nothing";

/// What a state of a server means, what makes it so, and what to do.
pub(super) const fn texts(state: ServerState) -> [&'static str; 3] {
    match state {
        ServerState::Up => [
            "it serves reads and writes of its clients",
            "srvr is answered with a role, and no health rule has held for its time",
            NOTHING,
        ],
        ServerState::Degraded => [
            "it serves, and one of its measured values has been over its bound for too long",
            "a health rule has held for its time",
            "look at the rule that fired",
        ],
        ServerState::ReadOnly => [
            "it has lost the quorum and answers reads only, from what it knew then",
            "its reply to srvr says read-only",
            "bring servers back until a quorum serves",
        ],
        ServerState::NotServing => [
            "it answers and serves no requests: it sees no quorum, or still takes over data from the leader",
            "its reply to srvr says that it serves no requests, or names no role",
            "wait some seconds; if it stays so, bring servers back until a quorum runs, or read its log",
        ],
        ServerState::Frozen => [
            "it takes connections and says nothing: its process hangs or was stopped by a signal, or its machine stands \
             still",
            "a connection comes about, and srvr is not answered in time",
            "look at its machine and its log; restart it if it does not go on",
        ],
        ServerState::Paused => [
            "its process or container is paused: it keeps what it has, and says nothing until it is resumed",
            "its host says that it is paused",
            "resume it",
        ],
        ServerState::Stopped => {
            ["its process or container has ended, or there is none", "its host says that it has ended", "start it"]
        }
        ServerState::Down => [
            "nothing at its address serves",
            "no connection comes about, what answers is no ZooKeeper server, or its host starts it again",
            "start it; if it runs, read its log for why it does not answer",
        ],
        ServerState::Starting => [
            "it was started just now and does not serve yet",
            "its process or container was started, and it has not served since",
            "wait",
        ],
        ServerState::Unknown => [
            "how it is is not known: it was not looked at yet, goes on after a pause, or may not tell",
            "no look has told how it is",
            "wait for the next look",
        ],
    }
}

/// From where on a state is said.
fn bound(state: ServerState) -> String {
    let looks = format!("{FAILURES_TO_DOWN} looks in a row; the first look of all counts at once");
    match state {
        ServerState::Up => {
            format!("a reply within {ANSWER_WITHIN}; after it was down or frozen {SUCCESSES_TO_UP} in a row")
        }
        ServerState::Degraded => format!("that of each rule; none in the first {JUST_STARTED} of its role"),
        ServerState::ReadOnly | ServerState::NotServing => "at once: it says so itself".to_owned(),
        ServerState::Frozen => format!("no reply within {ANSWER_WITHIN}, {looks}"),
        ServerState::Paused | ServerState::Stopped => "at once: its host says so".to_owned(),
        ServerState::Down => format!("no connection within {CONNECT_WITHIN}, {looks}"),
        ServerState::Starting => format!("{START_LIMIT} from its start; after that it is what the looks find"),
        ServerState::Unknown => format!("until a reply tells it; a look every {LOOK_EVERY}"),
    }
}

/// A state by itself.
pub(super) fn server_state(state: ServerState) -> Explanation {
    Explanation::means(state.word(), texts(state)).within(bound(state)).said_of("a server")
}

/// A rule by itself.
pub(super) fn health_rule(name: HealthRule) -> Explanation {
    let Some(rule) = Rule::named(name) else {
        let meaning = match name {
            HealthRule::Host => "the verdict rests on what the host says of the server's process or container",
            HealthRule::Start => "the verdict rests on its start, which was just now",
            _ => "the verdict rests on the looks at the server: how srvr is answered",
        };
        let explained = Explanation::means(name.word(), [meaning, "", ""]).said_of("a server's verdict");
        return match name {
            HealthRule::Start => explained.within(bound(ServerState::Starting)),
            HealthRule::Probe => explained.within(bound(ServerState::Frozen)),
            _ => explained.within(bound(ServerState::Paused)),
        };
    };
    let texts = ["it makes a server that serves degraded", rule.about, rule.todo];
    let explained = Explanation::means(name.word(), texts).within(rule.limit()).said_of("a health rule");
    Explanation { source: Some(of_rule(rule.source)), ..explained }
}

/// What the host says of a process or container, by itself.
pub(super) fn host_state(of: HostState) -> Explanation {
    let texts = match of {
        HostState::Running => {
            ["the process or container runs", "the process table or Docker lists it as running", NOTHING]
        }
        HostState::Starting => [
            "it has ended and is started again by its host",
            "its host says that it restarts",
            "read its log for why it ended",
        ],
        HostState::Paused => ["it is frozen: SIGSTOP, or docker pause", "its host says so", "resume it"],
        HostState::Stopped => ["it has ended", "its host says so", "start it"],
        HostState::Missing => ["there is no process or container of that server", "its host knows of none", "start it"],
    };
    Explanation::means(of.word(), texts).said_of("a process or container")
}

/// What a role means.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Leader => "it decides the order of all writes of the ensemble",
        Role::Follower => "it answers reads, hands writes to the leader and votes on them",
        Role::Observer => "it answers reads, hands writes to the leader and does not vote",
        Role::Standalone => "it runs alone: there is no ensemble",
    }
}

/// A role by itself.
pub(super) fn server_role(of: Role) -> Explanation {
    let texts = [role(of), "the line Mode of its reply to srvr", ""];
    Explanation::means(of.word(), texts).said_of("a server's role")
}

/// A server as it is now.
pub(super) fn server(view: &ServerView, snapshot: &Snapshot) -> Explanation {
    let verdict = &view.verdict;
    let general = server_state(verdict.state);
    let fired = verdict.rule.and_then(Rule::named);
    let (word, meaning) = match view.role.filter(|_| verdict.state == ServerState::Up) {
        Some(of) => (of.word().to_owned(), format!("up: {}; {}", general.meaning, role(of))),
        None => (general.word.clone(), general.meaning.clone()),
    };
    let (todo, remedy) = todo(view, &snapshot.control);
    Explanation {
        of: format!("server {}", view.node),
        word,
        meaning,
        rule: fired.map_or(general.rule, |rule| Some(format!("{}: {}", rule.name.word(), rule.about))),
        bound: match (fired, verdict.rule) {
            (Some(rule), _) => Some(rule.limit()),
            (None, Some(HealthRule::Host)) => Some(bound(ServerState::Paused)),
            (None, _) => general.bound,
        },
        measured: measured(view, fired, snapshot.taken_at),
        source: source(view, fired),
        since: snapshot.known_since(verdict.since),
        todo: Some(fired.map_or(todo, |rule| rule.todo.to_owned())),
        remedy,
        facts: facts(view, snapshot, fired.is_some()),
    }
}

/// What is held against the bound: a value now, or what was seen.
fn measured(view: &ServerView, fired: Option<&Rule>, now: Timestamp) -> Option<String> {
    let last = || view.seen.map(|at| format!("; its last reply was {} before", now.since(at)));
    match (fired, view.verdict.state) {
        (Some(rule), _) => rule.measured(view),
        (None, ServerState::Up) => view.reply_ms.map(|ms| format!("a reply in {ms:.1} ms")),
        (None, ServerState::Frozen | ServerState::Down) => {
            let cause = view.verdict.cause.as_deref()?;
            Some(format!("{cause}{}", last().unwrap_or_default()))
        }
        _ => view.verdict.cause.clone(),
    }
}

/// Where it comes from: the host, a four-letter word or the page of metrics.
fn source(view: &ServerView, fired: Option<&Rule>) -> Option<String> {
    let word = || format!("four-letter word srvr at {}", view.address);
    match (fired.map(|rule| rule.source), view.verdict.rule, view.verdict.state) {
        (Some(RuleSource::Srvr(line)), ..) => {
            Some(line.map_or_else(word, |line| format!("{line} in the reply to {}", word())))
        }
        (Some(metrics @ RuleSource::Metrics(_)), ..) => Some(format!("{}, {}", of_rule(metrics), page(view)?)),
        (None, Some(HealthRule::Host), _) | (None, None, ServerState::Paused | ServerState::Stopped) => {
            view.host.as_ref().map(host)
        }
        _ => Some(word()),
    }
}

/// Where a server's metrics are read.
pub(super) fn page(view: &ServerView) -> Option<String> {
    match (view.metrics_source?, &view.metrics_at) {
        (MetricsSource::Prometheus, Some(url)) => Some(format!("metrics page {url}")),
        (MetricsSource::Prometheus, None) => Some("its metrics page".to_owned()),
        (MetricsSource::Mntr, _) => Some(format!("four-letter word mntr at {}", view.address)),
    }
}

fn of_rule(source: RuleSource) -> String {
    match source {
        RuleSource::Srvr(None) => "the reply to srvr".to_owned(),
        RuleSource::Srvr(Some(line)) => format!("{line} in the reply to srvr"),
        RuleSource::Metrics(names) => names.iter().take(2).copied().collect::<Vec<_>>().join(" and "),
    }
}

fn host(host: &HostView) -> String {
    let by = if host.container.is_some() { "Docker" } else { "the process table" };
    format!("{by}: {} {}", host.name, host.state.word())
}

/// What to do, and the command that does it.
fn todo(view: &ServerView, control: &ControlView) -> (String, Option<Command>) {
    let state = view.verdict.state;
    let runs = view.host.as_ref().is_some_and(|host| matches!(host.state, HostState::Running));
    let [.., text] = texts(state);
    let action = match state {
        ServerState::Paused => Some(ServerAction::Resume),
        ServerState::Stopped => Some(ServerAction::Start),
        ServerState::Down if !runs => Some(ServerAction::Start),
        ServerState::Down | ServerState::Frozen => Some(ServerAction::Restart),
        _ => None,
    };
    let text = match (state, runs, &view.verdict.cause) {
        (ServerState::Down, true, _) => "read its log for why it does not answer; restart it if it stays so",
        // Who may not tell says what it needs.
        (ServerState::Unknown, _, Some(_)) => "do what is said above; else wait for the next look",
        _ => text,
    };
    match (action, control.check()) {
        (Some(_), Err(refused)) => (format!("{text}, where it runs: {refused}"), None),
        (Some(action), Ok(())) => {
            let command = Command::Server { node: view.node.clone(), action, confirmed: Confirmed::No };
            (text.to_owned(), Some(command))
        }
        (None, _) => (text.to_owned(), None),
    }
}

/// A state that was there when this zkdeck began to look may be older.
pub(super) fn first_seen(since: Timestamp, snapshot: &Snapshot) -> Option<Fact> {
    let started = snapshot.instance.started;
    let first_look = Millis(LOOK_EVERY.0 + ANSWER_WITHIN.0);
    let is_first = since >= started && since.since(started) <= first_look;
    let own = snapshot.instance.local == Some(LocalView::Owner);
    (is_first && !own).then(|| Fact::new("before that", "not known: this zkdeck began to look then"))
}

fn facts(view: &ServerView, snapshot: &Snapshot, fired: bool) -> Vec<Fact> {
    let mut facts: Vec<Fact> = first_seen(view.verdict.since, snapshot).into_iter().collect();
    if let Some(of) = view.role.filter(|_| view.verdict.state != ServerState::Up) {
        facts.push(Fact::new("role", format!("{}: {}", of.word(), role(of))));
    }
    if let Some(cause) = view.verdict.cause.as_ref().filter(|_| fired) {
        facts.push(Fact::new("said", cause.clone()));
    }
    let is_source = view.verdict.rule == Some(HealthRule::Host);
    facts.extend(view.host.as_ref().filter(|_| !is_source).map(|of| Fact::new("host", host(of))));
    facts.extend(view.metrics_missing.as_ref().map(|why| Fact::new("no metrics", why.clone())));
    if snapshot.ensemble.leader.is_some() && view.verdict.state == ServerState::Up {
        let behind = view.behind.map(|behind| format!("{behind} transactions behind the leader"));
        facts.extend(behind.filter(|_| view.role != Some(Role::Leader)).map(|text| Fact::new("data", text)));
    }
    facts
}

/// The names of all rules that measure something.
pub(super) fn rules() -> String {
    RULES.iter().map(|rule| rule.name.word()).collect::<Vec<_>>().join(", ")
}
