//! Operations as rows, and rows as operations.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::domain::cause::Cause;
use crate::domain::ids::{Bytes, Millis, OperationId, Timestamp};
use crate::domain::operation::{Operation, OperationKind, OperationStatus, OperationStep};

/// Columns in the order that [`read`] expects.
pub(super) const COLUMNS: &str = "id, kind, status, started_ms, finished_ms, what, file, source, target, bytes, why, by, instance, run, files, cause";

/// The number of the newest row.
pub(super) fn last_seq(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(seq), 0) FROM operations";
    transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

pub(super) fn is_known(connection: &Connection, id: OperationId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?.exists([id.to_string()])
}

/// Writes a row, as far as [`OperationStatus::gives_way_to`] allows. Whether the row has just become final.
pub(super) fn upsert(transaction: &Transaction<'_>, operation: &Operation, seq: i64) -> rusqlite::Result<bool> {
    let id = operation.id.to_string();
    let known: Option<String> = transaction
        .prepare_cached("SELECT status FROM operations WHERE id = ?1")?
        .query_row([&id], |row| row.get(0))
        .optional()?;
    let known = known.as_deref().and_then(OperationStatus::from_word);
    if known.is_some_and(|known| !known.gives_way_to(operation.status)) {
        return Ok(false);
    }
    let sql = "INSERT INTO operations (id, kind, status, started_ms, finished_ms, what, file, source, target, bytes, \
               why, by, instance, run, files, seq, cause) \
               VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17) \
               ON CONFLICT (id) DO UPDATE SET kind=?2, status=?3, started_ms=?4, finished_ms=?5, what=?6, file=?7, \
               source=?8, target=?9, bytes=?10, why=?11, by=?12, instance=?13, run=?14, files=?15, seq=?16, \
               cause=?17";
    transaction.prepare_cached(sql)?.execute(params![
        id,
        operation.kind.word(),
        operation.status.word(),
        whole(operation.started.0),
        operation.finished.map(|at| whole(at.0)),
        operation.what,
        operation.file.map(|file| file.to_string()),
        operation.source.as_ref().map(ToString::to_string),
        operation.target.as_ref().map(ToString::to_string),
        operation.bytes.map(|bytes| whole(bytes.0)),
        operation.why,
        operation.by,
        operation.instance,
        operation.run.as_ref().map(json).transpose()?,
        json(&operation.files)?,
        seq,
        operation.cause.map(Cause::word),
    ])?;
    steps(transaction, &id, &operation.steps)?;
    Ok(operation.status.is_final())
}

fn steps(transaction: &Transaction<'_>, id: &str, steps: &[OperationStep]) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO operation_steps (operation, position, name, at_ms, took_ms) VALUES (?1,?2,?3,?4,?5)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (position, step) in (0_i64..).zip(steps) {
        statement.execute(params![id, position, step.name, whole(step.at.0), whole(step.took.0)])?;
    }
    Ok(())
}

/// SQLite's numbers are signed; what does not fit is cut to the largest.
pub(super) fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn natural(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads a row of [`COLUMNS`], without its steps.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Operation> {
    let optional = |at: usize| row.get::<_, Option<String>>(at);
    Ok(Operation {
        id: parsed(0, &row.get::<_, String>(0)?)?,
        kind: word(1, OperationKind::from_word(&row.get::<_, String>(1)?))?,
        status: word(2, OperationStatus::from_word(&row.get::<_, String>(2)?))?,
        started: Timestamp(natural(row.get(3)?)),
        finished: row.get::<_, Option<i64>>(4)?.map(|at| Timestamp(natural(at))),
        what: row.get(5)?,
        file: optional(6)?.map(|text| parsed(6, &text)).transpose()?,
        source: optional(7)?.map(|text| parsed(7, &text)).transpose()?,
        target: optional(8)?.map(|text| parsed(8, &text)).transpose()?,
        bytes: row.get::<_, Option<i64>>(9)?.map(|bytes| Bytes(natural(bytes))),
        why: row.get(10)?,
        by: row.get(11)?,
        instance: row.get(12)?,
        steps: Vec::new(),
        run: optional(13)?.map(|text| from_json(13, &text)).transpose()?,
        files: from_json(14, &row.get::<_, String>(14)?)?,
        // A cause of a newer program is told by its sentence alone.
        cause: optional(15)?.as_deref().and_then(Cause::from_word),
    })
}

/// The steps of an operation, in their order.
pub(super) fn read_steps(connection: &Connection, id: OperationId) -> rusqlite::Result<Vec<OperationStep>> {
    let sql = "SELECT name, at_ms, took_ms FROM operation_steps WHERE operation = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let step = |row: &Row<'_>| {
        let (at, took) = (Timestamp(natural(row.get(1)?)), Millis(natural(row.get(2)?)));
        Ok(OperationStep { name: row.get(0)?, at, took })
    };
    statement.query_map([id.to_string()], step)?.collect()
}

fn unusable(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

pub(super) fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    column: usize,
    text: &str,
) -> rusqlite::Result<T> {
    text.parse().map_err(|error: T::Err| unusable(column, error))
}

fn word<T>(column: usize, value: Option<T>) -> rusqlite::Result<T> {
    value.ok_or_else(|| unusable(column, "a word that this version does not know"))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unusable(column, error))
}
