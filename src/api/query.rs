//! Parameters of a query string, checked one by one, so that an error names its parameter.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::body::known_rule;
use super::error::Fail;
use super::state::App;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::log::{Moment, TypedClock};

/// The parameters of one request.
pub(super) struct Params {
    given: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl FromRequestParts<App> for Params {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fail> {
        match Query::from_request_parts(parts, app).await {
            Ok(Query(given)) => Ok(Self { given, known: Vec::new() }),
            Err(error) => Err(Fail::field("query", error.to_string())),
        }
    }
}

impl Params {
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.remove(name).filter(|text| !text.is_empty())
    }

    /// What a text means, by its own reader.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        rule: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fail> {
        self.text(name).map(|text| read(&text).ok_or_else(|| Fail::field(name, rule))).transpose()
    }

    /// A time as it is typed; without a zone it is of UTC.
    pub(super) fn moment(&mut self, name: &'static str, now: Timestamp) -> Result<Option<Moment>, Fail> {
        let read = |text: String| Moment::typed(&text, TypedClock::utc(now));
        self.text(name).map(read).transpose().map_err(|fault| Fail::field(name, fault.to_string()))
    }

    pub(super) fn id<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &'static str) -> Result<Option<T>, Fail> {
        let read = |text: String| text.parse().map_err(|error: T::Err| Fail::field(name, error.to_string()));
        self.text(name).map(read).transpose()
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, Fail> {
        let rule = format!("must be a whole number from {} to {}", range.start(), range.end());
        let read = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        Ok(self.parsed(name, &rule, read)?.unwrap_or(default))
    }

    /// A node that there is.
    pub(super) fn node(&mut self, app: &App, name: &'static str) -> Result<Option<NodeId>, Fail> {
        self.text(name).map(|text| known_node(app, name, &text)).transpose()
    }

    /// Refuses parameters that nobody asked for.
    pub(super) fn finish(self) -> Result<(), Fail> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(name) => Err(Fail::field(name, known_rule("parameter", &self.known)).with("known", self.known)),
        }
    }
}

/// The node of that name; 404 with the known ones when there is none.
pub(super) fn known_node(app: &App, field: &'static str, text: &str) -> Result<NodeId, Fail> {
    let known = app.snapshot().node_ids();
    let found = known.iter().find(|node| node.as_str() == text).cloned();
    found.ok_or_else(|| Fail::unknown_node(field, text, known))
}
