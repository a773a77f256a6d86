//! Settings over REST.

use super::*;
use crate::domain::setting::Setting;

#[tokio::test]
async fn settings_are_told_with_their_origin_and_changed_by_name() {
    let (status, answer, _) = ask(snapshot(), request("GET", "/api/settings", None), refuse).await;
    let first = &answer["settings"][0];
    assert_eq!((status, &first["name"], &first["value"]), (StatusCode::OK, &json!("scheduler.interval_s"), &json!(15)));
    assert_eq!((&first["origin"], &first["changeable"]), (&json!({"from": "default"}), &json!(true)));
    let setting = Setting::Interval;
    let change = |body| request("PUT", "/api/settings/scheduler.interval", Some(body));
    let wanted = Command::Set { setting, value: Some(30), why: Some("load".into()) };
    let takes = |command: &Command| if *command == wanted { accepted() } else { refuse(command) };
    let done = ask(finished(OperationKind::Setting), change(r#"{"value":30,"why":"load"}"#), takes).await;
    assert_eq!((done.0, done.2), (StatusCode::OK, 1), "{}", done.1);
    for body in [r#"{"value":0}"#, r#"{"value":"30"}"#, "{}", r#"{"value":30,"wy":"load"}"#] {
        let (status, answer, reached) = ask(snapshot(), change(body), refuse).await;
        assert_eq!((status.as_u16(), reached), (422, 0), "{body}: {answer}");
    }
    let lift = request("DELETE", "/api/settings/scheduler.interval_s", None);
    let lifts = |command: &Command| match command {
        Command::Set { setting: Setting::Interval, value: None, .. } => accepted(),
        other => refuse(other),
    };
    assert_eq!(ask(finished(OperationKind::Setting), lift, lifts).await.0, StatusCode::OK);
    let (status, answer, reached) = ask(snapshot(), request("DELETE", "/api/settings/x", None), refuse).await;
    let told = answer["error"]["message"].as_str().unwrap();
    assert!((status.as_u16(), reached) == (422, 0) && told.contains("scheduler.parallel"), "{told}");
}
