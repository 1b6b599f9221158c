//! A database that is away.

use std::time::{Duration, Instant};

use serde_json::json;
use test_kit::{Proxy, assert_problem, database_url};

use crate::stage::{PASSWORD, start};

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn without_its_database_the_service_waits_says_so_and_comes_back() {
    // Through the one address given: the replica set's own would lead around the proxy.
    let url = database_url().replace("replicaSet=rs0", "directConnection=true");
    let proxy = Proxy::closed(&url).await;
    let service = start(&proxy.url, &[]).await;
    let readiness = service.client.get(format!("{}/readyz", service.admin_url));
    let readiness = readiness.send().await.expect("an answer");
    assert_eq!(readiness.status(), 503);
    let reasons = readiness.text().await.expect("text");
    assert!(reasons.contains("mongodb"), "{reasons}");

    let account = json!({ "userName": "ada", "email": "ada@example.org", "password": PASSWORD });
    let token = json!({ "refreshToken": "AQEBAQEBAQEBAQEBAAAAAAAAAAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    for (path, body) in [
        ("/v1/auth/register", &account),
        ("/v1/auth/login", &account),
        ("/v1/auth/refresh-token", &token),
        ("/v1/auth/logout", &token),
    ] {
        let started = Instant::now();
        let response = service
            .client
            .post(service.at(path))
            .json(body)
            .send()
            .await;
        assert_problem(response.expect("an answer"), 503, "unavailable").await;
        assert!(
            started.elapsed() < PATIENCE,
            "{path}: {:?}",
            started.elapsed()
        );
    }

    proxy.reopen();
    let service = service.ready().await;
    let request = service
        .client
        .post(service.at("/v1/auth/register"))
        .json(&account);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
}
