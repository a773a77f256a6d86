//! What a past moment was like: rows that had begun by then.

use rusqlite::{Connection, OptionalExtension, ToSql};

use super::{incidents, rows};
use crate::adapters::clock;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::incident::{INCIDENTS_KEPT, INCIDENTS_PAGE_MAX, IncidentsAsk};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::rewind::{HistoryThen, MovesEnded};
use crate::domain::scheduler::RUNS_KEPT;
use crate::domain::snapshot::OPERATIONS_KEPT;

/// An operation that has ended is looked for so long back: none but a drain goes on for longer.
const WITHIN: Millis = Millis(24 * 3_600_000);
const UNDER_WAY_MAX: usize = 1_000;
const DRAINS_MAX: usize = 200;

/// All of it.
pub(super) fn read(connection: &Connection, at: Timestamp) -> rusqlite::Result<HistoryThen> {
    let then = rows::whole(at.0);
    let newest = list(connection, "started_ms <= ?1", &[&then], OPERATIONS_KEPT)?;
    let total: i64 = connection
        .prepare_cached("SELECT count(*) FROM operations WHERE started_ms <= ?1")?
        .query_row([then], |row| row.get(0))?;
    let under_way = under_way(connection, at)?;
    let of_kind = |condition: &str, kinds: &[OperationKind], limit: usize| {
        let words: Vec<_> = kinds.iter().map(|kind| format!("'{}'", kind.word())).collect();
        let condition = format!("started_ms <= ?1 AND kind IN ({}){condition}", words.join(", "));
        list(connection, &condition, &[&then], limit)
    };
    let ended = " AND finished_ms <= ?1";
    let done = format!("{ended} AND status = '{}'", OperationStatus::Done.word());
    let switches = [OperationKind::SchedulerPause, OperationKind::SchedulerResume];
    let drains = [OperationKind::Drain, OperationKind::Undrain];
    Ok(HistoryThen {
        total: rows::natural(total),
        run_moves: moves_of_run(connection, &under_way, then)?,
        runs: of_kind(ended, &[OperationKind::Scheduler], RUNS_KEPT)?,
        drains: of_kind("", &drains, DRAINS_MAX)?,
        switch: of_kind(&done, &switches, 1)?.pop(),
        workload: of_kind(ended, &[OperationKind::Workload], 1)?.pop(),
        weights_changed: is_weighed_after(connection, then)?,
        incidents: known_incidents(connection, at)?,
        earliest: earliest(connection)?,
        newest,
        under_way,
    })
}

/// Rows that meet a condition, newest first, with their steps.
fn list(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
    limit: usize,
) -> rusqlite::Result<Vec<Operation>> {
    let columns = rows::COLUMNS;
    let sql =
        format!("SELECT {columns} FROM operations WHERE {condition} ORDER BY started_ms DESC, id DESC LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query_map(values, rows::read)?.collect::<rusqlite::Result<Vec<Operation>>>()?;
    for row in &mut found {
        row.steps = rows::read_steps(connection, row.id)?;
    }
    Ok(found)
}

fn under_way(connection: &Connection, at: Timestamp) -> rusqlite::Result<Vec<Operation>> {
    let then = rows::whole(at.0);
    let since = rows::whole(at.0.saturating_sub(WITHIN.0));
    let mut found =
        list(connection, "started_ms BETWEEN ?2 AND ?1 AND finished_ms > ?1", &[&then, &since], UNDER_WAY_MAX)?;
    found.extend(list(connection, "finished_ms IS NULL AND started_ms <= ?1", &[&then], UNDER_WAY_MAX)?);
    Ok(found)
}

/// Moves that the run under way had made by then.
fn moves_of_run(connection: &Connection, under_way: &[Operation], then: i64) -> rusqlite::Result<MovesEnded> {
    let Some(run) = under_way.iter().find(|row| row.kind == OperationKind::Scheduler) else {
        return Ok(MovesEnded::default());
    };
    let sql = "SELECT count(*) FROM operations WHERE kind = ?1 AND by = ?2 AND started_ms >= ?3 AND finished_ms <= ?4 \
               AND status = ?5";
    let mut statement = connection.prepare_cached(sql)?;
    let mut count = |status: OperationStatus| {
        let (kind, begun) = (OperationKind::Migration.word(), rows::whole(run.started.0));
        let values: [&dyn ToSql; 5] = [&kind, &run.by, &begun, &then, &status.word()];
        statement.query_row(values, |row| row.get(0)).map(rows::natural)
    };
    Ok(MovesEnded {
        done: count(OperationStatus::Done)?,
        failed: count(OperationStatus::Failed)?,
        skipped: count(OperationStatus::Aborted)?,
    })
}

fn is_weighed_after(connection: &Connection, then: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM operations WHERE started_ms > ?1 AND kind = ?2 LIMIT 1";
    connection.prepare_cached(sql)?.exists((then, OperationKind::Weight.word()))
}

/// The newest that had begun, and those that went on however long.
fn known_incidents(connection: &Connection, at: Timestamp) -> rusqlite::Result<Vec<crate::domain::incident::Incident>> {
    let until = Some(at.plus(Millis(1)));
    let newest = IncidentsAsk { until, limit: INCIDENTS_KEPT, ..IncidentsAsk::default() };
    let open = IncidentsAsk { until, from: Some(at), limit: INCIDENTS_PAGE_MAX, ..IncidentsAsk::default() };
    let now = clock::now();
    let mut found = incidents::page(connection, &newest, now)?.incidents;
    for incident in incidents::page(connection, &open, now)?.incidents {
        if found.iter().all(|own| own.id != incident.id) {
            found.push(incident);
        }
    }
    Ok(found)
}

fn earliest(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let first = |sql: &str| {
        let first: Option<Option<i64>> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
        Ok::<_, rusqlite::Error>(first.flatten().map(|at| Timestamp(rows::natural(at))))
    };
    let rows = first("SELECT min(started_ms) FROM operations")?;
    let incidents = if incidents::are_kept(connection)? { first("SELECT min(began_ms) FROM incidents")? } else { None };
    Ok(rows.into_iter().chain(incidents).min())
}
