//! Tokens that outlive their session.

use std::time::{Duration, Instant};

use redis_kit::sessions;
use reqwest::{Method, Response};

use crate::keys::token_of_session;
use crate::{Running, assert_problem, object_id, redis, redis_url};

/// What is promised: whatever ended is refused everywhere after so long.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Asks `service`, which follows the Redis of the tests, for a path that needs a token, and ends the session that the
/// token was made in: from soon after on it is refused.
pub async fn assert_ended_sessions_are_refused(service: &Running, method: Method, path: &str) {
    let session = object_id();
    let token = token_of_session(&object_id(), &session);
    let ask = async || -> Response {
        let request = service.client.request(method.clone(), service.at(path));
        request.bearer_auth(&token).send().await.expect("an answer")
    };
    assert_ne!(ask().await.status(), 401);

    let told = sessions::end(&redis(&redis_url()), &[session]).await;
    told.expect("Redis answers");
    let ended = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status() == 401 {
            assert_problem(answer, 401, "session_ended").await;
            return;
        }
        assert!(ended.elapsed() < ENDED_WITHIN, "accepted: {answer:?}");
        tokio::time::sleep(POLL).await;
    }
}
