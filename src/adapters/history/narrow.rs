//! Which rows a question is about: what SQLite can tell by its columns, and what is held against each row.

use rusqlite::{Connection, ToSql};

use super::rows;
use crate::domain::ids::Timestamp;
use crate::domain::log::{Expr, Field, Matcher, Pattern, Side};
use crate::domain::operation::{HistoryQuery, Operation};

/// A question, taken apart.
pub(super) struct Narrowed {
    conditions: Vec<&'static str>,
    values: Vec<Box<dyn ToSql>>,
    /// What no condition tells; `None` when they tell all.
    rest: Option<Matcher>,
    as_of: Option<Timestamp>,
}

impl Narrowed {
    pub(super) fn of(query: &HistoryQuery, now: Timestamp) -> Self {
        let mut own = Self { conditions: Vec::new(), values: Vec::new(), rest: None, as_of: query.as_of };
        if let Some(at) = query.as_of {
            own.demand("started_ms <= ?", rows::whole(at.0));
        }
        if let Some(kind) = query.kind {
            own.demand("kind = ?", kind.word());
        }
        if let Some(status) = query.status.filter(|_| query.as_of.is_none()) {
            own.demand("status = ?", status.word());
        }
        if let Some(node) = &query.node {
            own.demand("? IN (source, target)", node.to_string());
        }
        if let Some(file) = query.file {
            own.demand("file = ?", file.to_string());
        }
        if let Some(id) = query.id {
            own.demand("id = ?", id.to_string());
        }
        if let Some(text) = &query.text {
            let condition = "instr(lower(what || ' ' || coalesce(why, '') || ' ' || by || ' ' || kind), lower(?)) > 0";
            own.demand(condition, text.clone());
        }
        let mut rest: Vec<Expr> = query.expr.conjuncts().iter().filter(|part| !own.tells(part, now)).cloned().collect();
        let status = query.status.filter(|_| query.as_of.is_some());
        rest.extend(status.map(|status| Expr::Field(Field::Status, Pattern::Word(status.word().to_owned()))));
        own.rest = (!rest.is_empty()).then(|| Matcher::of_list(&Expr::and(rest), now));
        own
    }

    pub(super) fn demand(&mut self, condition: &'static str, value: impl ToSql + 'static) {
        self.conditions.push(condition);
        self.values.push(Box::new(value));
    }

    /// Takes a part of a query over as a condition, when a column tells it.
    fn tells(&mut self, part: &Expr, now: Timestamp) -> bool {
        match part {
            Expr::Time(Side::Since, moment) => self.demand("started_ms >= ?", rows::whole(moment.resolve(now).0)),
            Expr::Time(Side::Until, moment) => self.demand("started_ms < ?", rows::whole(moment.resolve(now).0)),
            Expr::Field(field, Pattern::Word(word)) if !word.contains('*') => {
                let word = word.to_lowercase();
                match field {
                    Field::Operation => self.demand("kind = ?", word),
                    // The column tells the status of now.
                    Field::Status if self.as_of.is_some() => return false,
                    Field::Status => self.demand("status = ?", word),
                    Field::Node => self.demand("? IN (source, target)", word),
                    Field::Source => self.demand("source = ?", word),
                    Field::Target => self.demand("target = ?", word),
                    Field::FileId => self.demand("file = ?", word),
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    /// Rows that match in all.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let Some(rest) = &self.rest else {
            let sql = format!("SELECT count(*) FROM operations WHERE {}", self.matching());
            let params = rusqlite::params_from_iter(self.values.iter().map(AsRef::as_ref));
            let total: i64 = connection.prepare_cached(&sql)?.query_row(params, |row| row.get(0))?;
            return Ok(u64::try_from(total).unwrap_or(0));
        };
        let mut total = 0;
        self.each(connection, "", |operation| {
            total += u64::from(rest.matches(&operation));
            true
        })?;
        Ok(total)
    }

    /// The newest of them, without their steps.
    pub(super) fn newest(&self, connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Operation>> {
        let mut found = Vec::new();
        let bound = if self.rest.is_none() { format!(" LIMIT {limit}") } else { String::new() };
        self.each(connection, &bound, |operation| {
            if self.rest.as_ref().is_none_or(|rest| rest.matches(&operation)) {
                found.push(operation);
            }
            found.len() < limit
        })?;
        Ok(found)
    }

    /// Hands on the rows that the conditions leave, newest first, until `take` has enough.
    fn each(
        &self,
        connection: &Connection,
        bound: &str,
        mut take: impl FnMut(Operation) -> bool,
    ) -> rusqlite::Result<()> {
        let (columns, matching) = (rows::COLUMNS, self.matching());
        let sql = format!("SELECT {columns} FROM operations WHERE {matching} ORDER BY started_ms DESC, id DESC{bound}");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(self.values.iter().map(AsRef::as_ref)))?;
        while let Some(row) = rows.next()? {
            let row = rows::read(row)?;
            let Some(row) = (match self.as_of {
                Some(at) => row.as_of(at),
                None => Some(row),
            }) else {
                continue;
            };
            if !take(row) {
                break;
            }
        }
        Ok(())
    }

    fn matching(&self) -> String {
        if self.conditions.is_empty() { "true".to_owned() } else { self.conditions.join(" AND ") }
    }
}
