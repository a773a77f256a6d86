//! Logs: the query language, what a query is held against, and what fronts ask for and get.
//!
//! `parse` makes a tree (`ast`) of a text, `print` a text of a tree. `matcher` holds a tree against
//! an event; `needle` tells what a text must contain for that, so that a scan may pass over the
//! rest. Both back ends search by the same tree and cut words by the same rule (`words`).

mod ask;
mod ast;
mod event;
mod level;
mod matcher;
mod moment;
mod needle;
mod parse;
mod print;
mod source;
mod words;

pub use self::ask::{
    Answered, BARS_MAX, Bar, CONTEXT_MAX, ContextAsk, FollowAsk, FollowMark, Followed, HITS_MAX, Histogram,
    HistogramAsk, Hits, LogContext, LogFail, LogPage, LogSearch, PAGE_MAX, PageAsk, PageWay, bar_step, bars_end,
};
pub use self::ast::{Cmp, Expr, Field, NumberField, Pattern, Side};
pub use self::event::{LogEvent, Subject};
pub use self::level::LogLevel;
pub use self::matcher::{Matcher, matches};
pub use self::moment::{MOMENT_RULE, Moment, MomentFault, TypedClock, clock, instant, read_stamp, stamp_zone};
pub use self::needle::{needed_words, needles};
pub use self::parse::{ParseError, QUERY_LEN_MAX, Vocabulary, parse, parse_at, parse_in, parse_typed};
pub use self::source::{Dataset, EventId, LogCursor, LogSource};
pub use self::words::{of_word, words};
