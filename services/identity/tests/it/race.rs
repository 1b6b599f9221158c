//! Refreshes that meet: with each other, and with the end of their session.
//!
//! `TEST_ROUNDS` says how often each is tried.

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use test_kit::{assert_problem, rounds};

use crate::stage::{PASSWORD, SignedIn, Stage, Stores, json_of, refreshed, signed_in, text};

const REFUSED: &str = "refresh_token_invalid";
const ROUNDS: usize = 30;
/// Rounds of different people that go on beside each other.
const AT_ONCE: usize = 8;

/// Three processes of the operating system on one database. They have nothing else in common, and end with the test.
async fn three() -> [Stage; 3] {
    let stores = Stores::new();
    let start = || Stage::program(stores.clone());

    futures::join!(start(), start(), start()).into()
}

/// Somebody who has just registered.
async fn person(stage: &Stage, round: usize) -> SignedIn {
    let name = format!("person{round}");
    let email = format!("{name}@example.org");

    signed_in(stage.register(&name, &email).await, 201).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_sent_many_times_at_once_has_one_successor() {
    let stages = three().await;
    let mut token = stages[0].ada().await.refresh_token;
    for round in 0..rounds(ROUNDS) {
        let many = 2 + round % 49;
        let sent = (0..many).map(|n| stages[n % 3].refresh(&token));
        let mut successors = Vec::new();
        for answer in join_all(sent).await {
            successors.push(refreshed(answer).await);
        }
        successors.dedup();
        assert_eq!(successors.len(), 1, "round {round}, {many} at once");
        assert_ne!(successors[0], token);
        token = successors.remove(0);
    }
    // The family is alive after all of it, and has been one all the time.
    refreshed(stages[0].refresh(&token).await).await;
    let generation = stages[0].session().await.get_i64("generation").ok();
    assert_eq!(generation, i64::try_from(rounds(ROUNDS) + 2).ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_two_generations_old_ends_the_family_within_the_window_too() {
    let stages = three().await;
    stages[0].ada().await;
    for round in 0..rounds(ROUNDS) {
        let email = "ada@example.org";
        let login = signed_in(stages[round % 3].login(email, PASSWORD).await, 200).await;
        let second = refreshed(stages[(round + 1) % 3].refresh(&login.refresh_token).await).await;
        let third = refreshed(stages[(round + 2) % 3].refresh(&second).await).await;
        let old = stages[round % 3].refresh(&login.refresh_token).await;
        assert_problem(old, 401, REFUSED).await;
        for (n, descendant) in [third, second].iter().enumerate() {
            let answer = stages[(round + n) % 3].refresh(descendant).await;
            assert_problem(answer, 401, REFUSED).await;
        }
    }
}

/// What ends sessions.
#[derive(Debug, Clone, Copy)]
enum End {
    Logout,
    Deletion,
    PasswordChange,
}

/// Sends refreshes at the same moment as `end`, and then every token that came of it.
async fn race(stages: &[Stage; 3], end: End, round: usize) {
    let [first, second, third] = stages;
    let person = person(first, round).await;
    let email = format!("person{round}@example.org");
    let other = match end {
        End::PasswordChange => signed_in(second.login(&email, PASSWORD).await, 200).await,
        End::Logout | End::Deletion => person.clone(),
    };
    let ending = async {
        let token = &other.access_token;
        let answer = match end {
            End::Logout => second.log_out(&person.refresh_token).await,
            End::Deletion => second.delete_account(token, PASSWORD).await,
            End::PasswordChange => {
                second
                    .change_password(token, PASSWORD, "a new one, longer")
                    .await
            }
        };
        json_of(answer, 200).await;
    };
    let refreshing = async {
        let mut tokens = vec![person.refresh_token.clone()];
        for n in 0..3 {
            let stage = if n % 2 == 0 { third } else { first };
            let answer = stage.refresh(&tokens[n]).await;
            if answer.status() != 200 {
                assert_problem(answer, 401, REFUSED).await;
                break;
            }
            tokens.push(text(&json_of(answer, 200).await, "refreshToken"));
        }
        tokens
    };
    let ((), tokens) = futures::join!(ending, refreshing);
    for (n, token) in tokens.iter().rev().enumerate() {
        let answer = stages[n % 3].refresh(token).await;
        assert_eq!(answer.status(), 401, "{end:?}, round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_outlives_what_ends_its_session() {
    let stages = three().await;
    let ends = [End::Logout, End::Deletion, End::PasswordChange];
    stream::iter(0..rounds(ROUNDS))
        .for_each_concurrent(AT_ONCE, |round| race(&stages, ends[round % 3], round))
        .await;
}
