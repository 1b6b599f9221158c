//! Chance: any order of writes and faults.
//!
//! `TEST_ROUNDS` says how many orders, and `PROPTEST_RNG_SEED` which ones.

use std::time::Duration;

use faults::Point;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any};
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokio::runtime::Runtime;

use crate::deaths::DEATHS;
use crate::platform::{Platform, Who};

/// Orders that are tried; each takes some ten seconds.
const ROUNDS: usize = 5;
const SEED: u64 = 5;
/// Trying to make an order that failed shorter takes ten seconds each time.
const MAX_SHRINKS: u32 = 30;
/// A consumer that is lost this often with an event in hand does not make it a dead letter.
const MAX_LOSSES: usize = 4;
/// What is left at the end is announced after a lease of five seconds, and may need a few reconnections.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done, and what happens.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create {
        has_file: bool,
    },
    /// By number, in the order they were created.
    Edit {
        post: usize,
        has_file: bool,
    },
    Delete(usize),
    /// The request that created it, once more.
    Retry(usize),
    /// The event that it was created, once more.
    TellAgain(usize),
    Reindex,

    // Faults.
    Die(Who, Point),
    /// Connections end, and new ones are made.
    CutMongodb(Who),
    CutRabbitmq(Who),
    /// RabbitMQ is away until it is back.
    Away(Who),
    Back(Who),
}

/// What a step may be depends on.
#[derive(Debug, Clone, Default)]
struct Course {
    posts: usize,
    /// Of its connection to RabbitMQ, by a fault.
    losses: Vec<Who>,
    is_away: Vec<Who>,
}

/// What the steps are done to.
struct Stage {
    runtime: Runtime,
    platform: Platform,
}

struct Chance;

impl ReferenceStateMachine for Course {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(course: &Self) -> BoxedStrategy<Step> {
        let write = any::<bool>().prop_map(|has_file| Step::Create { has_file });
        if course.posts == 0 {
            return write.boxed();
        }
        let post = || 0..course.posts;
        let edit =
            (post(), any::<bool>()).prop_map(|(post, has_file)| Step::Edit { post, has_file });
        let who = || select(Who::ALL.to_vec());
        let death = select(DEATHS.to_vec()).prop_map(|(who, point)| Step::Die(who, point));

        prop_oneof![
            4 => write,
            4 => edit,
            2 => post().prop_map(Step::Delete),
            1 => post().prop_map(Step::Retry),
            2 => post().prop_map(Step::TellAgain),
            1 => Just(Step::Reindex),
            4 => death,
            1 => who().prop_map(Step::CutMongodb),
            1 => who().prop_map(Step::CutRabbitmq),
            1 => who().prop_map(Step::Away),
            1 => who().prop_map(Step::Back),
        ]
        .boxed()
    }

    fn preconditions(course: &Self, step: &Step) -> bool {
        match *step {
            Step::Create { .. } | Step::Reindex | Step::CutMongodb(_) => true,
            Step::Edit { post, .. }
            | Step::Delete(post)
            | Step::Retry(post)
            | Step::TellAgain(post) => post < course.posts,
            Step::Die(who, _) | Step::CutRabbitmq(who) | Step::Away(who) => {
                let losses = course.losses.iter().filter(|lost| **lost == who);
                losses.count() < MAX_LOSSES
            }
            Step::Back(who) => course.is_away.contains(&who),
        }
    }

    fn apply(mut course: Self, step: &Step) -> Self {
        match *step {
            Step::Create { .. } => course.posts += 1,
            Step::Die(who, _) | Step::CutRabbitmq(who) => course.losses.push(who),
            Step::Away(who) => {
                course.losses.push(who);
                course.is_away.push(who);
            }
            Step::Back(who) => course.is_away.retain(|away| *away != who),
            _ => {}
        }

        course
    }
}

impl StateMachineTest for Chance {
    type SystemUnderTest = Stage;
    type Reference = Course;

    fn init_test(_: &Course) -> Stage {
        println!("a new platform");
        let runtime = Runtime::new().expect("threads can be started");
        let platform = runtime.block_on(Platform::start(None));

        Stage { runtime, platform }
    }

    fn apply(mut stage: Stage, _: &Course, step: Step) -> Stage {
        println!("  {step:?}");
        stage.runtime.block_on(take(&mut stage.platform, step));

        stage
    }

    fn teardown(stage: Stage, _: Course) {
        let Stage {
            runtime,
            mut platform,
        } = stage;
        let findings = runtime.block_on(platform.audit(PATIENCE));
        let (posts, deaths) = (platform.history.len(), platform.deaths());
        println!(
            "{posts} posts, {deaths} deaths, {} findings",
            findings.len()
        );
        if !findings.is_empty() {
            platform.media.print_words();
            platform.search.print_words();
        }
        runtime.block_on(platform.end());

        assert!(findings.is_empty(), "{findings:#?}");
    }
}

async fn take(platform: &mut Platform, step: Step) {
    match step {
        Step::Create { has_file } => drop(platform.create(has_file).await),
        Step::Edit { post, has_file } => platform.edit(post, has_file).await,
        Step::Delete(post) => platform.delete(post).await,
        Step::Retry(post) => platform.send(post).await,
        Step::TellAgain(post) => platform.tell_again(post).await,
        Step::Reindex => platform.reindex(),

        Step::Die(who, point) => platform.service(who).die_at(point).await,
        Step::CutMongodb(who) => {
            platform.service(who).mongodb.cut();
            platform.service(who).mongodb.reopen();
        }
        Step::CutRabbitmq(who) => {
            platform.service(who).rabbitmq.cut();
            platform.service(who).rabbitmq.reopen();
        }
        Step::Away(who) => platform.service(who).rabbitmq.cut(),
        Step::Back(who) => platform.service(who).rabbitmq.reopen(),
    }
}

fn config() -> Config {
    let usual = Config::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(SEED),
        asked => asked,
    };

    Config {
        cases: u32::try_from(test_kit::rounds(ROUNDS)).expect("not so many"),
        rng_seed,
        max_shrink_iters: MAX_SHRINKS,
        failure_persistence: None,
        ..usual
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn copies_agree_whatever_happens(sequential 10..25 => Chance);
}
