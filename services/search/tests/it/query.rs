//! Finding posts.

use serde_json::json;

use crate::stage::{Stage, post, until};

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
        "highlight": "Good morning from the harbour",
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
    until("all are found", async || limited("50").await == texts.len()).await;

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

#[tokio::test]
async fn the_last_word_may_be_the_beginning_of_one() {
    let stage = Stage::new().await;
    stage
        .publish_all(
            "morning",
            &[
                "good morning HÁRBOUR",
                "morning harbours",
                "morning sea",
                "the theatre in the morning",
            ],
        )
        .await;

    for query in ["ha", "harb", "HARB", "hárbo", "sailing harb", "well-harb"] {
        let found = stage.texts(query).await;
        assert_eq!(
            found,
            ["morning harbours", "good morning HÁRBOUR"],
            "{query}"
        );
    }
    for query in [
        "h",
        "harb ",
        "harb.",
        "harb sailing",
        "the",
        "arbour",
        "harbx",
    ] {
        assert!(stage.texts(query).await.is_empty(), "{query}");
    }
    assert_eq!(stage.texts("theat").await.len(), 1);
}

#[tokio::test]
async fn the_word_itself_goes_before_longer_ones() {
    let stage = Stage::new().await;
    stage
        .publish_all(
            "land",
            &["a car land", "a cart land", "a caravan land", "a cars land"],
        )
        .await;

    let found = stage.texts("car").await;
    assert_eq!(
        found,
        ["a car land", "a cars land", "a caravan land", "a cart land"]
    );
    let scores = stage.search("car").await;
    let scores: Vec<_> = scores.iter().map(|found| found["score"].as_f64()).collect();
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
}

#[tokio::test]
async fn a_beginning_of_many_words_reads_a_few_of_them() {
    let stage = Stage::new().await;
    let texts: Vec<_> = (0..200)
        .map(|number| format!("sea word{number:03}"))
        .collect();
    for text in &texts {
        stage.publish(post(text)).await;
    }
    stage.settled(200).await;

    let response = stage
        .get("/v1/search/posts", &[("query", "word"), ("limit", "50")])
        .await;
    let found: Vec<serde_json::Value> = response.json().await.expect("JSON");
    assert_eq!(found.len(), 16);
    assert_eq!(stage.texts("word19").await.len(), 10);
}

#[tokio::test]
async fn a_highlight_shows_what_was_found_as_plain_text() {
    let stage = Stage::new().await;
    let content = format!(
        "<b onclick=x>\u{202e}{} the harbour {}</b>",
        "before ".repeat(40),
        "after ".repeat(40)
    );
    stage.publish(post(&content)).await;
    let found = stage.found("harb", 1).await;

    assert_eq!(found[0]["content"], content);
    let highlight = found[0]["highlight"].as_str().expect("text");
    assert!(highlight.contains("the harbour"), "{highlight}");
    assert!(highlight.chars().count() <= 162, "{highlight}");
    assert!(
        !highlight.contains(['<', '>', '\n', '\u{202e}']),
        "{highlight}"
    );
}
