//! Incidents as rows, and rows as incidents.

use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{from_json, json, natural, parsed, whole};
use crate::domain::ids::Timestamp;
use crate::domain::incident::{Incident, IncidentsAsk, IncidentsPage, SAME_WITHIN};
use crate::domain::log::Matcher;

const COLUMNS: &str = "id, what, began_ms, ended_ms, cause, begun_by, ended_by, instance";
/// Writes an incident, unless another process has told it.
pub(super) fn upsert(transaction: &Transaction<'_>, incident: &Incident) -> rusqlite::Result<()> {
    let (id, kind, what) = (incident.id.to_string(), incident.what.kind().word(), json(&incident.what)?);
    let node = incident.what.node().map(ToString::to_string);
    let began = whole(incident.began.0);
    let told = "SELECT 1 FROM incidents WHERE kind = ?1 AND node IS ?2 AND instance <> ?3 AND id <> ?4 \
                AND abs(began_ms - ?5) <= ?6 \
                AND (kind <> 'alert' OR what = ?7) AND NOT EXISTS (SELECT 1 FROM incidents WHERE id = ?4)";
    let same = whole(SAME_WITHIN.0);
    if transaction.prepare_cached(told)?.exists(params![kind, node, incident.instance, id, began, same, what])? {
        return Ok(());
    }
    let sql = "INSERT INTO incidents (id, kind, node, what, began_ms, ended_ms, cause, begun_by, ended_by, instance) \
               VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) \
               ON CONFLICT (id) DO UPDATE SET what=?4, ended_ms=?6, cause=?7, begun_by=?8, ended_by=?9";
    transaction.prepare_cached(sql)?.execute(params![
        id,
        kind,
        node,
        what,
        began,
        incident.ended.map(|at| whole(at.0)),
        incident.cause,
        incident.begun_by,
        incident.ended_by,
        incident.instance,
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Incident> {
    Ok(Incident {
        id: parsed(0, &row.get::<_, String>(0)?)?,
        what: from_json(1, &row.get::<_, String>(1)?)?,
        began: Timestamp(natural(row.get(2)?)),
        ended: row.get::<_, Option<i64>>(3)?.map(|at| Timestamp(natural(at))),
        cause: row.get(4)?,
        begun_by: row.get(5)?,
        ended_by: row.get(6)?,
        instance: row.get(7)?,
    })
}

/// Whether the file has a place for them: one of an older layout has none.
pub(super) fn are_kept(connection: &Connection) -> rusqlite::Result<bool> {
    let has = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'incidents'";
    connection.prepare_cached(has)?.exists([])
}

/// A page, newest first. A file of an older layout has none.
pub(super) fn page(connection: &Connection, ask: &IncidentsAsk, now: Timestamp) -> rusqlite::Result<IncidentsPage> {
    if !are_kept(connection)? {
        return Ok(IncidentsPage::default());
    }
    let span = "began_ms < ?1 AND coalesce(ended_ms, ?2) >= ?2";
    let (until, from) = (ask.until.map_or(i64::MAX, |at| whole(at.0)), ask.from.map_or(0, |at| whole(at.0)));
    let sql = format!("SELECT {COLUMNS} FROM incidents WHERE {span} ORDER BY began_ms DESC, id DESC");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![until, from])?;
    let mut page = IncidentsPage::default();
    let matcher = Matcher::of_list(&ask.expr, ask.as_of.unwrap_or(now));
    while let Some(row) = rows.next()? {
        // One of a newer program is left out: nothing is known of what it is.
        let Ok(incident) = read(row) else { continue };
        let Some(incident) = (match ask.as_of {
            Some(at) => incident.as_of(at),
            None => Some(incident),
        }) else {
            continue;
        };
        if ask.takes(&incident) && matcher.matches(&incident) {
            page.total += 1;
            if page.incidents.len() < ask.limit {
                page.incidents.push(incident);
            }
        }
    }
    Ok(page)
}
