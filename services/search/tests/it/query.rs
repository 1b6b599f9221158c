//! Finding posts.

use serde_json::json;

use crate::stage::{Stage, post};

#[tokio::test]
async fn a_post_is_found_whole_under_both_paths() {
    let stage = Stage::new().await;
    let post = post("Good morning from the harbour");
    stage.publish(post.clone()).await;
    let found = stage.found("harbour", 1).await;

    let score = found[0]["score"].as_f64().expect("a number");
    assert!(score > 0.0);
    let expected = json!([{
        "_id": post.post_id,
        "postId": post.post_id,
        "userId": post.user_id,
        "content": "Good morning from the harbour",
        "createdAt": "2026-11-12T08:30:00.120Z",
        "updatedAt": "2026-11-12T08:30:00.120Z",
        "score": score,
    }]);
    assert_eq!(json!(found), expected);

    let old = stage
        .get("/v1/search/search-post", &[("query", "harbour")])
        .await;
    assert_eq!(old.headers()["deprecation"], "@1767225600");
    assert_eq!(
        old.json::<serde_json::Value>().await.expect("JSON"),
        expected
    );
    let new = stage.get("/v1/search/posts", &[("query", "harbour")]).await;
    assert!(new.headers().get("deprecation").is_none());
}

#[tokio::test]
async fn the_best_comes_first_and_then_the_newest() {
    let stage = Stage::new().await;
    stage
        .publish_all(
            "sea",
            &[
                "sea and land",
                "sea sea sea",
                "sea and sand",
                "sea and wind",
            ],
        )
        .await;

    assert_eq!(
        stage.texts("sea").await,
        [
            "sea sea sea",
            "sea and wind",
            "sea and sand",
            "sea and land"
        ]
    );
}

#[tokio::test]
async fn no_more_is_found_than_asked_for() {
    let stage = Stage::new().await;
    let texts: Vec<_> = (0..12).map(|number| format!("sea {number}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    for text in &texts {
        stage.publish(post(text)).await;
    }
    let limited = async |limit: &str| {
        let query = [("query", "sea"), ("limit", limit)];
        let response = stage.get("/v1/search/posts", &query).await;
        let found: Vec<serde_json::Value> = response.json().await.expect("JSON");
        found.len()
    };
    stage.found("sea", 10).await;
    while limited("50").await < texts.len() {}

    assert_eq!(limited("1").await, 1);
    assert_eq!(limited("11").await, 11);
}

#[tokio::test]
async fn case_accents_and_endings_do_not_matter() {
    let stage = Stage::new().await;
    stage.publish_all("cafes", &["Running to the CAFÉ"]).await;

    for query in ["cafe", "Café", "run", "RUNS"] {
        assert_eq!(stage.texts(query).await.len(), 1, "{query}");
    }
    assert!(stage.texts("tea").await.is_empty());
}

#[tokio::test]
async fn operators_are_words() {
    let stage = Stage::new().await;
    stage
        .publish_all("sea", &["the sea in the morning", "a well-known sea"])
        .await;

    // As operators these would exclude, or look for a phrase.
    for query in [
        "-sea",
        "sea -morning",
        "\"morning sea\"",
        "\"sea",
        "well - sea",
    ] {
        assert_eq!(stage.texts(query).await.len(), 2, "{query}");
    }
    assert_eq!(stage.texts("well-known").await, ["a well-known sea"]);
}

#[tokio::test]
async fn a_query_that_can_find_nothing_finds_nothing() {
    let stage = Stage::new().await;
    stage.publish_all("sea", &["the sea and the wind"]).await;

    for query in ["-", "\"\"", "!?", "the", "and the", "\u{0}", "☀", "$", "\\"] {
        assert!(stage.texts(query).await.is_empty(), "{query:?}");
    }
}
