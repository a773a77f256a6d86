//! A moment that is over, before a desk that the test plays.

use super::*;
use crate::domain::rewind::{KeptThen, PictureThen, SnapshotAt, picture};

async fn at(time: &str, answer: impl Fn(SnapshotAt) -> PictureThen) -> (StatusCode, Value) {
    let (handle, mut end) = Handle::pair(Arc::new(snapshot()));
    let service = router(handle, ApiConfig::default());
    let desk = async {
        while let Some(question) = end.questions.recv().await {
            if let Question::Then(Put { ask, reply }) = question {
                _ = reply.send(Ok(answer(ask)));
            }
        }
    };
    let response = tokio::select! {
        response = service.oneshot(request("GET", &format!("/api/at?time={time}"), None)) => response.unwrap(),
        () = desk => unreachable!("the router holds the handle"),
    };
    let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await.unwrap());
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn what_was_not_kept_is_null_and_no_figure_of_now() {
    let now = snapshot();
    let kept = |ask: SnapshotAt| {
        assert_eq!(ask.at, Timestamp(now.taken_at.0 - 300_000));
        PictureThen::Kept(Box::new(picture(ask.at, &now, &KeptThen::default(), now.taken_at)))
    };
    let (status, told) = at("-5m", kept).await;
    assert_eq!((status, &told["at"]), (StatusCode::OK, &json!(now.taken_at.0 - 300_000)));
    assert_eq!(told["unknown"], json!(["servers", "counts", "switch"]));
    assert_eq!(told["ensemble"]["quorum"], json!({ "voters": 3, "serving": null }));
    for field in ["files", "bytes", "free", "target"] {
        assert_eq!(told["nodes"][0][field], Value::Null, "{field}");
    }
    for field in ["connections", "role", "heap_used", "fsync_ms"] {
        assert_eq!(told["servers"][0][field], Value::Null, "{field}");
    }
    assert_eq!((&told["scheduler"]["paused"], &told["operations_total"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn a_moment_that_cannot_be_told_says_why() {
    let (status, told) = at("2026-11-20", |_| PictureThen::Before { earliest: Timestamp(1_795_442_531_000) }).await;
    assert_eq!((status, &told["code"]), (StatusCode::NOT_FOUND, &json!("not-kept")));
    assert_eq!(told["error"]["earliest_ms"], json!(1_795_442_531_000_u64));
    let (status, told) = at("2027-01-01", |_| PictureThen::Ahead { now: Timestamp(1_795_442_531_000) }).await;
    assert_eq!((status, &told["error"]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("time")));
    assert!(told["detail"].as_str().unwrap().contains("2026-11-23T14:02:11.000Z"), "{told}");
    for time in ["soon", ""] {
        let (status, told) = at(time, |_| PictureThen::Nothing).await;
        assert_eq!((status, &told["error"]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("time")), "{time}");
    }
    assert_eq!(at("-5m", |_| PictureThen::Nothing).await.0, StatusCode::NOT_FOUND);
}
