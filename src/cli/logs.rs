//! `zkdeck logs QUERY`: one search, or with `--follow` all that comes, on standard output.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::compose;
use super::flags::Flags;
use super::output::{self, PrintResult, say};
use crate::adapters::logs::Logs;
use crate::config::Config;
use crate::domain::ids::Timestamp;
use crate::domain::log::{
    Answered, FollowAsk, LogEvent, LogFail, LogSearch, Moment, PAGE_MAX, PageAsk, TypedClock, instant, parse_at,
};
use crate::engine::clock;

/// How long a follower waits in one go.
const WAIT: Duration = Duration::from_secs(2);
/// After a failure, a follower tries again so much later.
const RETRY: Duration = Duration::from_secs(2);

/// Exit code of an answer that lacks what could not be read.
const INCOMPLETE: u8 = 2;

#[derive(Debug, clap::Args)]
pub(super) struct LogsOptions {
    /// What to search for, such as 'level>=WARN node:zk1 "timed out"'; nothing: everything
    #[arg(value_name = "QUERY", default_value = "", allow_hyphen_values = true)]
    query: String,

    /// Only from this time on: 15m, 2h, 14:01, 2026-11-23T14:01:58Z (UTC)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,

    /// The newest so many events
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=PAGE_MAX as i64))]
    limit: u16,

    /// Print one JSON object for each event
    #[arg(long)]
    json: bool,

    /// Go on with what is written from now on, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::typed(text, TypedClock::utc(clock::now())).map_err(|fault| fault.to_string())
}

pub(super) async fn run(options: &LogsOptions, flags: &Flags, mut config: Config) -> anyhow::Result<ExitCode> {
    let expr = parse_at(&options.query, TypedClock::utc(clock::now()))
        .map_err(|error| anyhow::anyhow!("query, {error}\n  {}", options.query))?;
    let search = LogSearch { expr, from: options.since, to: options.until, ..LogSearch::default() };
    if search.is_backwards(clock::now()) {
        anyhow::bail!(
            "the time that the search begins at (--since, since:) is after the one that it ends at (--until, until:)"
        );
    }
    if let Some(found) = compose::stacks_elastic(flags, &mut config).await {
        say(&format!("zkdeck: {found}"));
    }
    let logs = compose::logs(&config)?;
    let ask = PageAsk { search: search.clone(), limit: usize::from(options.limit), ..PageAsk::default() };
    let page = logs.answer(ask, clock::now()).await?;
    report_source(&page.answered);
    if page.older.is_some() {
        let newest = match page.events.len() {
            1 => "only the newest event".to_owned(),
            count => format!("only the newest {count} events"),
        };
        let next = if usize::from(options.limit) < PAGE_MAX {
            "raise --limit, or narrow the search"
        } else {
            "narrow the search"
        };
        say(&format!("zkdeck: {newest}; {next}"));
    }
    let printed = print(&page.events, options.json)?;
    if printed == PrintResult::Closed || !options.follow {
        // Who counts what came learns that it is not all, as of a command that failed.
        let whole = printed == PrintResult::Closed || page.answered.notes.is_empty();
        return Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) });
    }
    let ask = FollowAsk { search, mark: page.mark, wait: WAIT, limit: PAGE_MAX };
    // One listener for all that follows: a signal is seen whatever is waited for.
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
        end = follow(&logs, ask, options.json) => end,
    }
}

/// Goes on with what is written from now on.
async fn follow(logs: &Logs, mut follow: FollowAsk, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        match logs.answer(follow.clone(), clock::now()).await {
            Ok(news) => {
                if news.left_out > 0 {
                    let events = if news.left_out == 1 { "event" } else { "events" };
                    say(&format!("zkdeck: {} {events} came at once and were left out", news.left_out));
                }
                follow.mark = Some(news.mark);
                if print(&news.events, json)? == PrintResult::Closed {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Err(error) => wait_after(&error).await,
        }
    }
}

/// The mark stays as it was: nothing is lost by trying again.
async fn wait_after(error: &LogFail) {
    say(&format!("zkdeck: {error}; trying again"));
    tokio::time::sleep(RETRY).await;
}

fn report_source(answered: &Answered) {
    for text in answered.fallback.iter().chain(&answered.notes) {
        say(&format!("zkdeck: {text}"));
    }
}

/// Event by event, so that a follower's reader has each at once and nothing is held twice.
fn print(events: &[LogEvent], json: bool) -> anyhow::Result<PrintResult> {
    for event in events {
        let text = if json { serde_json::to_string(event)? } else { line(event) };
        if output::print(&text)? == PrintResult::Closed {
            return Ok(PrintResult::Closed);
        }
    }
    Ok(PrintResult::Whole)
}

/// Nothing that a log line holds may write to the terminal.
fn line(event: &LogEvent) -> String {
    let time = event.time.map_or_else(|| "-".to_owned(), |time| instant(Timestamp(time.0)));
    let level = event.level.map_or("-", |level| level.word());
    let thread = event.thread.as_deref().map(|thread| format!("[{thread}] ")).unwrap_or_default();
    let fields: Vec<String> = event.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    let mut text = format!("{time} {} {level:<5} {thread}{}{}", event.node, event.message(), fields.concat());
    for more in event.more() {
        text.push_str("\n    ");
        text.push_str(more);
    }
    text.split('\n').map(crate::console::sanitise::clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Millis;

    #[test]
    fn a_hostile_line_cannot_write_to_the_terminal() {
        let text = "a\u{1b}]0;owned\u{7}\u{202e}b\r\n\tat x\0".to_owned();
        let event = LogEvent { time: Some(Timestamp(0)), node: "zk1".into(), text, ..LogEvent::default() };
        let line = line(&event);
        assert!(line.chars().all(|c| c == '\n' || !c.is_control()), "{line:?}");
        assert!(line.starts_with("1970-01-01T00:00:00.000Z zk1 -     a^[]0;owned^G<202E>b"), "{line}");
    }

    #[test]
    fn times_are_checked_before_anything_is_searched() {
        assert_eq!(moment("15m"), Ok(Moment::Ago(Millis(900_000))));
        assert!(moment("soon").is_err_and(|why| why.contains("15m")));
    }
}
