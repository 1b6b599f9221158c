//! More logins than there are cores, and the end of the process under them.

use std::time::{Duration, Instant};

use futures::future::join_all;
use test_kit::{Running, assert_problem};

use crate::stage::{PASSWORD, Stage};

/// About 50 ms a hash on one core.
const SLOW: [&str; 4] = ["--argon2-memory-kib", "19456", "--argon2-iterations", "8"];

const PATIENCE: Duration = Duration::from_secs(10);

async fn until_hashing(service: &Running) {
    let url = format!("{}/metrics", service.admin_url);
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let metrics = service.client.get(&url).send().await.expect("an answer");
        let metrics = metrics.text().await.expect("text");
        let pending = metrics
            .lines()
            .find_map(|line| line.strip_prefix("password_hashes_pending "));
        if pending.expect("the gauge") != "0" {
            return;
        }
    }
    panic!("nothing was hashed within {PATIENCE:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_flight_is_answered_after_the_service_is_asked_to_stop() {
    let stage = Stage::with(&SLOW).await;
    stage.ada().await;
    let login = async {
        let response = stage.login("ada@example.org", PASSWORD).await;
        (
            response.status(),
            response.headers().get("connection").cloned(),
        )
    };
    let stop = async {
        until_hashing(&stage.service).await;
        stage.service.ask_to_stop();
    };
    let ((status, connection), ()) = futures::join!(login, stop);

    assert_eq!(status, 200);
    assert_eq!(connection.expect("a connection header"), "close");
    stage.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_beyond_the_waiting_line_are_told_to_come_again() {
    // However slow the machine is, it is the line that is full and not the time that is over.
    let stage = Stage::with(&[
        "--argon2-iterations",
        "1",
        "--request-timeout-seconds",
        "120",
    ]);
    let stage = stage.await;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let many = cores * 65 + 40;
    // Each is of another account: whoever fails at one would have to wait.
    let emails: Vec<_> = (0..many).map(|n| format!("{n}@example.org")).collect();
    let answers = join_all(emails.iter().map(|email| stage.login(email, PASSWORD))).await;
    let (refused, answered): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|response| response.status() == 503);

    assert!(!refused.is_empty());
    for response in refused {
        assert_eq!(response.headers()["retry-after"], "1");
        assert_problem(response, 503, "overloaded").await;
    }
    for response in answered {
        assert_problem(response, 401, "wrong_credentials").await;
    }
}
