//! The public keys.

use test_kit::{KEYS_FILE, key_file};

use crate::stage::Stage;

#[tokio::test]
async fn the_key_set_is_served_as_it_is_in_the_file() {
    let stage = Stage::new().await;
    let url = stage.service.at("/.well-known/jwks.json");
    let response = stage
        .service
        .client
        .get(url)
        .send()
        .await
        .expect("an answer");

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let file = std::fs::read(key_file(KEYS_FILE)).expect("the key file");
    assert_eq!(response.bytes().await.expect("a body"), file);
}
