//! Nodes over REST: drained, draining, not known.

use super::*;

#[tokio::test]
async fn a_node_that_drains_is_told_from_one_that_is_drained() {
    for (left, draining, drained) in [(3, json!(["zk1"]), json!([])), (0, json!([]), json!(["zk1"]))] {
        let mut snapshot = snapshot();
        let (since, files_at_start) = (snapshot.taken_at, 5);
        let drain =
            DrainView { since, files_at_start, files_left: left, files_per_s: None, left_ms: None, stalled: None };
        let mut nodes = snapshot.nodes.to_vec();
        nodes[0].drain = Some(drain);
        snapshot.nodes = nodes.into();
        let again = snapshot.clone();
        let (_, answer, _) = ask(snapshot, request("GET", "/api/scheduler/diagnostics", None), refuse).await;
        assert_eq!((&answer["draining_nodes"], &answer["drained_nodes"]), (&draining, &drained));
        let (_, listed, _) = ask(again, request("GET", "/api/nodes", None), refuse).await;
        for node in [&answer["nodes"][0], &listed["nodes"][0]] {
            assert_eq!((&node["draining"], &node["drained"]), (&json!(left > 0), &json!(left == 0)));
        }
    }
}

/// Nodes are told before files: a count of 0 says nothing then.
#[tokio::test]
async fn nothing_is_drained_before_the_records_were_read() {
    let mut snapshot = snapshot();
    let drain = DrainView {
        since: snapshot.taken_at,
        files_at_start: 5,
        files_left: 0,
        files_per_s: None,
        left_ms: None,
        stalled: None,
    };
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].drain = Some(drain);
    snapshot.nodes = nodes.into();
    (snapshot.files_complete, snapshot.files_read) = (false, None);
    for path in ["/api/scheduler/diagnostics", "/api/nodes"] {
        let (_, answer, _) = ask(snapshot.clone(), request("GET", path, None), refuse).await;
        let node = &answer["nodes"][0];
        for (place, field) in [(&answer, "drained_nodes"), (node, "drained"), (node, "draining"), (node, "drain")] {
            assert_eq!(place.get(field).unwrap_or(&Value::Null), &Value::Null, "{path} {field}");
        }
    }
}

/// A drain of a node without files is done when it is answered.
#[tokio::test]
async fn a_drain_that_is_done_by_then_is_no_202() {
    let done = ended(OperationKind::Drain, OperationStatus::Done, None);
    let (status, answer, _) = ask(done, request("POST", "/api/nodes/zk1/drain", None), |_| accepted()).await;
    assert_eq!((status.as_u16(), &answer["status"]), (200, &json!("done")));
    let begun = ended(OperationKind::Drain, OperationStatus::Started, None);
    let (status, answer, _) = ask(begun, request("POST", "/api/nodes/zk1/drain", None), |_| accepted()).await;
    assert_eq!((status.as_u16(), &answer["status"]), (202, &json!("started")));
}

/// Another instance may have stored it a moment ago: only the ensemble says that there is no such file.
#[tokio::test]
async fn a_file_that_is_not_known_here_is_looked_for_in_the_ensemble_before_it_is_said_not_to_be_there() {
    let tries = std::cell::Cell::new(0);
    let late = |command: &Command| {
        tries.set(tries.get() + 1);
        match (tries.get(), command) {
            (1, Command::Delete { file }) => Err(Rejected::UnknownFile { given: *file }),
            _ => accepted(),
        }
    };
    let path = format!("/api/files/{}", known_file());
    let (status, answer, reached) = ask(finished(OperationKind::Delete), request("DELETE", &path, None), late).await;
    assert_eq!((status, reached), (StatusCode::OK, 2), "{answer}");
    let none = FileId::new(0xdead);
    let (status, answer, reached) = ask(snapshot(), request("DELETE", &format!("/api/files/{none}"), None), |_| {
        Err(Rejected::UnknownFile { given: none })
    })
    .await;
    assert_eq!((status.as_u16(), reached), (404, 0), "{answer}");
}
