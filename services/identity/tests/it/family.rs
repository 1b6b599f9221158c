//! Whatever is done with the tokens of a session and however much time goes by, the service does what the model says.

use futures::FutureExt;
use mongodb::bson::doc;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use test_kit::rounds;
use tokio::runtime::Runtime;

use crate::stage::{PASSWORD, Stage, refreshed, signed_in};

const CASES: usize = 48;
const WINDOW: i64 = 30;
const IDLE: i64 = 7 * DAY;
const ABSOLUTE: i64 = 30 * DAY;
const DAY: i64 = 24 * 3600;

#[derive(Debug, Clone)]
enum Step {
    /// A token so many generations before the last.
    Refresh(usize),
    /// The same from one that is not there yet, and garbage: neither is known.
    Forge(usize),
    LogOut(usize),
    /// So many seconds go by.
    Wait(i64),
}

/// What a session should be.
struct Model {
    /// The tokens so far; the last one counts.
    tokens: Vec<String>,
    is_revoked: bool,
    since_rotation: i64,
    since_start: i64,
}

impl Model {
    fn has_ended(&self) -> bool {
        self.is_revoked || self.since_rotation >= IDLE || self.since_start >= ABSOLUTE
    }

    fn back(&self, generations: usize) -> usize {
        (self.tokens.len() - 1).saturating_sub(generations)
    }

    async fn take(&mut self, stage: &Stage, step: Step) {
        match step {
            Step::Wait(seconds) => {
                age(stage, seconds).await;
                self.since_rotation += seconds;
                self.since_start += seconds;
            }
            Step::LogOut(back) => {
                let token = &self.tokens[self.back(back)];
                assert_eq!(stage.log_out(token).await.status(), 200);
                self.is_revoked = true;
            }
            Step::Forge(at) => {
                let token = self.tokens.last().expect("one token at least");
                let mut bytes = token.clone().into_bytes();
                let at = at % bytes.len();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let forged = String::from_utf8(bytes).expect("ASCII");
                assert_eq!(stage.refresh(&forged).await.status(), 401);
            }
            Step::Refresh(back) => self.refresh(stage, self.back(back)).await,
        }
    }

    async fn refresh(&mut self, stage: &Stage, index: usize) {
        let last = self.tokens.len() - 1;
        let answer = stage.refresh(&self.tokens[index]).await;
        if self.has_ended() {
            assert_eq!(answer.status(), 401);
        } else if index == last {
            self.tokens.push(refreshed(answer).await);
            self.since_rotation = 0;
        } else if index + 1 == last && self.since_rotation < WINDOW {
            assert_eq!(refreshed(answer).await, self.tokens[last]);
        } else {
            assert_eq!(answer.status(), 401);
            self.is_revoked = true;
        }
    }
}

/// Makes the only session so many seconds older.
async fn age(stage: &Stage, seconds: i64) {
    let earlier = |field: &str| doc! { "$subtract": [format!("${field}"), 1000 * seconds] };
    let change = doc! { "$set": {
        "rotatedAt": earlier("rotatedAt"),
        "absoluteExpiry": earlier("absoluteExpiry"),
    } };
    let updated = stage.sessions().update_many(doc! {}, vec![change]).await;

    updated.expect("the database answers");
}

fn step() -> impl Strategy<Value = Step> {
    // Whole steps, so that the time the test itself takes decides nothing.
    let wait = prop_oneof![Just(10), Just(20), Just(DAY), Just(5 * DAY)];

    prop_oneof![
        6 => (0_usize..4).prop_map(|back| Step::Refresh(back.saturating_sub(1))),
        1 => (0_usize..100).prop_map(Step::Forge),
        1 => (0_usize..3).prop_map(Step::LogOut),
        3 => wait.prop_map(Step::Wait),
    ]
}

async fn play(stage: &Stage, steps: Vec<Step>) {
    let removed = stage.sessions().delete_many(doc! {}).await;
    removed.expect("the database answers");
    let login = signed_in(stage.login("ada@example.org", PASSWORD).await, 200).await;
    let mut model = Model {
        tokens: vec![login.refresh_token],
        is_revoked: false,
        since_rotation: 0,
        since_start: 0,
    };
    for step in steps {
        // The database removes by itself what is over.
        if model.since_start >= ABSOLUTE {
            break;
        }
        model.take(stage, step).await;
    }
}

#[test]
fn a_family_does_what_the_model_says() {
    let runtime = Runtime::new().expect("a runtime");
    let stage = runtime.block_on(async {
        let stage = Stage::new().await;
        stage.ada().await;
        stage
    });
    let mut runner = TestRunner::new(Config {
        cases: u32::try_from(rounds(CASES)).expect("a number of cases"),
        failure_persistence: None,
        ..Config::default()
    });
    let steps = proptest::collection::vec(step(), 1..25);
    let result = runner.run(&steps, |steps| {
        let played = std::panic::AssertUnwindSafe(play(&stage, steps)).catch_unwind();
        match runtime.block_on(played) {
            Ok(()) => Ok(()),
            Err(_) => Err(TestCaseError::fail("the service did something else")),
        }
    });
    result.expect("the service does what the model says");
}
