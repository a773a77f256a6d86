//! What words mean, over REST.

use super::*;

#[tokio::test]
async fn a_word_is_explained_and_what_is_no_word_is_refused() {
    let get = |of: &str| request("GET", &format!("/api/explain{of}"), None);
    let (status, answer, _) = ask(snapshot(), get("?of=NO_QUORUM"), refuse).await;
    let first = &answer["explained"][0];
    assert_eq!((status, &first["word"], &first["measured"]), (StatusCode::OK, &json!("NO QUORUM"), &json!(null)));
    assert!(first["bound"].as_str().is_some_and(|bound| bound.contains("2 of 3")), "{answer}");
    let (_, answer, _) = ask(snapshot(), get("?of=zk3"), refuse).await;
    assert_eq!(
        (&answer["explained"][0]["of"], &answer["explained"][1]["of"]),
        (&json!("server zk3"), &json!("node zk3"))
    );
    let (_, answer, _) = ask(snapshot(), get(""), refuse).await;
    assert_eq!(answer["explained"][0]["of"], json!("the ensemble"));
    let (status, answer, _) = ask(snapshot(), get("?of=nothing%20like%20it"), refuse).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid-field")));
}
