//! Files: list, upload, download, delete, migrate.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tokio_util::io::ReaderStream;

use crate::api::body::{Fields, NoFields};
use crate::api::error::{Answer, Fail};
use crate::api::outcome;
use crate::api::query::{Params, known_node};
use crate::api::state::{App, By};
use crate::api::upload;
use crate::domain::command::Command;
use crate::domain::file::FileEntry;
use crate::domain::ids::{Bytes, FileId};
use crate::domain::snapshot::Snapshot;
use crate::engine::handle::Upload;

/// What is escaped in a name in a header, as RFC 8187 wants it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most files of one page.
const PAGE_MAX: usize = 1000;

fn file(entry: &FileEntry) -> Value {
    let record = &entry.record;
    json!({
        "id": entry.id,
        "name": record.name,
        "owner": record.owner,
        "size": record.size,
        "blake3": record.blake3,
        "blob": record.blob,
        "gen": record.generation,
        "moves": record.moves(),
        "created_ms": record.created_ms,
        "updated_ms": record.updated_ms,
        "version": entry.version,
    })
}

/// Files by id, a page at a time: `after` is the last id of the page before.
pub(in crate::api) async fn list(State(app): State<App>, mut params: Params) -> Answer {
    let node = params.node(&app, "node")?;
    let name = params.text("name");
    let after: Option<FileId> = params.id("after")?;
    let limit = params.number("limit", 1..=PAGE_MAX, 100)?;
    params.finish()?;
    let snapshot = app.current().await?;
    let stale = stale(&snapshot)?;
    let wanted = |entry: &&Arc<FileEntry>| {
        node.as_ref().is_none_or(|node| entry.record.owner == *node)
            && name.as_ref().is_none_or(|name| entry.record.name.contains(name))
    };
    let mut matching: Vec<_> = snapshot.files.iter().filter(wanted).collect();
    let count = matching.len();
    matching.retain(|entry| after.is_none_or(|after| entry.id > after));
    let more = matching.len() > limit;
    if more {
        matching.select_nth_unstable_by_key(limit, |entry| entry.id);
        matching.truncate(limit);
    }
    matching.sort_unstable_by_key(|entry| entry.id);
    let next = matching.last().filter(|_| more).map(|entry| entry.id);
    let files: Vec<Value> = matching.into_iter().map(|entry| file(entry)).collect();
    let body = json!({ "files": files, "matching": count, "total": snapshot.files.len(), "next_after": next });
    Ok(axum::Json(marked(body, stale)).into_response())
}

/// An answer with what makes it one from before.
pub(super) fn marked(mut body: Value, stale: Option<Map<String, Value>>) -> Value {
    if let (Some(stale), Some(body)) = (stale, body.as_object_mut()) {
        body.extend(stale);
    }
    body
}

/// What makes a list one from before: since when and why. `None` while it is today's.
pub(super) fn stale(snapshot: &Snapshot) -> Result<Option<Map<String, Value>>, Fail> {
    if snapshot.files_complete {
        return Ok(None);
    }
    let Some(read) = snapshot.files_read else { return Err(Fail::records_unread()) };
    let mut stale = Map::new();
    stale.insert("stale".into(), true.into());
    stale.insert("age_ms".into(), json!(snapshot.taken_at.since(read)));
    let cause = snapshot.session.cause.clone().unwrap_or_else(|| "the files' records are being read anew".into());
    stale.insert("stale_cause".into(), cause.into());
    Ok(Some(stale))
}

fn id_of(text: &str) -> Result<FileId, Fail> {
    text.parse().map_err(|error: crate::domain::ids::InvalidId| {
        Fail::new(StatusCode::NOT_FOUND, "unknown-file", error.to_string()).with("field", "id")
    })
}

pub(in crate::api) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let entry = app.file(id_of(&id)?).await?;
    Ok(axum::Json(file(&entry)).into_response())
}

pub(in crate::api) async fn remove(State(app): State<App>, Path(id): Path<String>, by: By, _: NoFields) -> Answer {
    let file = app.file(id_of(&id)?).await?.id;
    outcome::of_row(app.command(Command::Delete { file }, &by).await?).await
}

pub(in crate::api) async fn migrate(
    State(app): State<App>,
    Path(id): Path<String>,
    by: By,
    mut body: Fields,
) -> Answer {
    let target = body.text("target")?;
    body.finish()?;
    let target = known_node(&app, "target", &target)?;
    let file = app.file(id_of(&id)?).await?.id;
    outcome::of_row(app.command(Command::Migrate { file, target }, &by).await?).await
}

/// Takes the body in as a file: `?name=` and, when it matters, `&node=`.
pub(in crate::api) async fn store(
    State(app): State<App>,
    by: By,
    mut params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let name = params.text("name").ok_or_else(|| Fail::field("name", "is missing; give the file's name"))?;
    let node = params.node(&app, "node")?;
    params.finish()?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let limit = app.config.upload_limit;
    if length.is_some_and(|length| length > limit) {
        let message = format!("nothing is stored: the file is larger than {}", Bytes(limit));
        return Err(Fail::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message).with("limit", limit));
    }
    let Ok(_slot) = app.uploads.try_acquire() else {
        let message = "enough uploads are under way; try again in a moment";
        return Err(Fail::new(StatusCode::TOO_MANY_REQUESTS, "busy", message).retry_after(1));
    };
    let (bytes, read) = upload::source(body, app.handle.clone());
    let order = Upload { name, node, size_hint: length, limit: Some(limit) };
    let mut pending = app.limited(app.handle.upload(order, bytes, by.0)).await??;
    let operation = upload::ended(&mut pending, read).await?;
    let body = json!({
        "operation": operation.id,
        "status": operation.status,
        "id": operation.file,
        "node": operation.target,
        "size": operation.bytes,
        "why": operation.why,
    });
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// The file's bytes. The answer breaks off when they do not match the record's hash.
pub(in crate::api) async fn content(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let download = app.limited(app.handle.download(id_of(&id)?)).await??;
    let record = &download.entry.record;
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&record.name, ESCAPED));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, record.size.0.to_string()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::ETAG, format!("\"{}\"", record.blake3)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(download.bytes))).into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::extract::Request as HttpRequest;
    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use tower::ServiceExt;

    use super::*;
    use crate::api::state::UPLOADS_MAX;
    use crate::api::{ApiConfig, router};
    use crate::domain::command::Rejected;
    use crate::domain::fixtures::snapshot;
    use crate::engine::handle::{EngineRequest, Handle};

    fn upload(length: usize) -> HttpRequest {
        let builder = HttpRequest::post("/api/files?name=a").header(header::HOST, "localhost:8080");
        builder.header(header::CONTENT_LENGTH, length).body(Body::from(vec![0; length])).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_is_as_large_as_its_limit_and_no_larger() {
        let (handle, mut end) = Handle::pair(Arc::new(snapshot()));
        let service = router(handle, ApiConfig { upload_limit: 10, ..ApiConfig::default() });
        let engine = async {
            while let Some(request) = end.requests.recv().await {
                if let EngineRequest::Upload { reply, .. } = request {
                    _ = reply.send(Err(Rejected::ShuttingDown));
                }
            }
        };
        let status = async |length| service.clone().oneshot(upload(length)).await.unwrap().status();
        let answers = async { [status(10).await, status(11).await] };
        let answers = tokio::select! {
            answers = answers => answers,
            () = engine => unreachable!("the router holds the handle"),
        };
        // The first came to the engine.
        assert_eq!(answers, [StatusCode::SERVICE_UNAVAILABLE, StatusCode::PAYLOAD_TOO_LARGE]);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_uploads_come_in_at_once_and_no_more() {
        let (handle, mut end) = Handle::pair(Arc::new(snapshot()));
        let service = router(handle, ApiConfig::default());
        let (mut waiting, mut uploads) = (Vec::new(), FuturesUnordered::new());
        uploads.extend((0..UPLOADS_MAX).map(|_| service.clone().oneshot(upload(1))));
        // The engine does not answer.
        while waiting.len() < UPLOADS_MAX {
            tokio::select! {
                answer = uploads.next() => panic!("{answer:?}"),
                request = end.requests.recv() => waiting.push(request),
            }
        }
        let refused = tokio::select! {
            answer = uploads.next() => panic!("{answer:?}"),
            refused = service.clone().oneshot(upload(1)) => refused.unwrap(),
        };
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn a_name_stands_in_a_header_as_rfc_8187_wants_it() {
        let escaped = utf8_percent_encode("naïve 文-._~*'.txt", ESCAPED).to_string();
        assert_eq!(escaped, "na%C3%AFve%20%E6%96%87-._~%2A%27.txt");
    }
}
