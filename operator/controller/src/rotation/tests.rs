mod world;

use operator_render::RabbitMqUser;

use super::*;
use crate::findings::{Answer, in_force};

const TTL_SECONDS: i64 = 3600;

fn generations(token_keys: i32, passwords: i32) -> Generations {
    Generations {
        token_keys,
        passwords,
    }
}

fn credentials() -> Credentials {
    Credentials {
        mongodb_keyfile: keys::mongodb_keyfile().unwrap(),
        refresh_key: keys::hex_secret::<32>().unwrap(),
        cursor_key: keys::hex_secret::<32>().unwrap(),
        token_keys: keys::token_keys(1).unwrap(),
        token_keys_stage: TokenKeysStage::Settled,
        passwords: keys::passwords(1, RabbitMqUser::First).unwrap(),
        passwords_stage: PasswordsStage::Settled,
    }
}

/// Everything runs as it is to run, at this second.
fn all_runs(second: i64) -> Seen {
    Seen {
        stores_know: true,
        services_run: true,
        identity_runs: true,
        access_token_ttl_seconds: TTL_SECONDS,
        now: at(second),
    }
}

fn nothing_runs(second: i64) -> Seen {
    Seen {
        stores_know: false,
        services_run: false,
        identity_runs: false,
        ..all_runs(second)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn step(credentials: &Credentials, wanted: Generations, seen: &Seen) -> Option<Credentials> {
    advanced(credentials, wanted, seen).unwrap()
}

fn must_step(credentials: &Credentials, wanted: Generations, seen: &Seen) -> Credentials {
    step(credentials, wanted, seen).unwrap_or_else(|| panic!("{credentials:?} is stuck"))
}

/// As another process reads it, or the same one after a crash.
fn kept(credentials: &Credentials) -> Credentials {
    Credentials::from_secret_data(&credentials.to_secret_data()).unwrap()
}

fn is_settled(credentials: &Credentials) -> bool {
    credentials.token_keys_stage == TokenKeysStage::Settled
        && credentials.passwords_stage == PasswordsStage::Settled
}

#[test]
fn only_who_waits_for_mongodb_says_that_it_does_not_answer() {
    let silent = Answer::Silent("no answer".to_owned());
    let told = |credentials: &Credentials, mongodb: &Answer| {
        let rotation = in_force(credentials, mongodb).rotation;
        rotation.is_some_and(|sentence| sentence.ends_with("; no answer"))
    };
    let learning = must_step(&credentials(), generations(1, 2), &nothing_runs(0));
    let announced = must_step(&credentials(), generations(2, 1), &nothing_runs(0));

    assert!(told(&learning, &silent));
    assert!(!told(&learning, &Answer::NotAsked));
    assert!(!told(&announced, &silent));
    assert_eq!(in_force(&credentials(), &silent).rotation, None);
}

#[test]
fn nothing_happens_unasked() {
    for wanted in [generations(1, 1), generations(0, 0)] {
        assert_eq!(step(&credentials(), wanted, &all_runs(0)), None);
    }
    assert_eq!(due(&credentials()), None);
    assert_eq!(sentence(&credentials()), None);
}

#[test]
fn a_new_key_is_known_before_it_signs_and_the_old_one_until_its_tokens_have_expired() {
    let wanted = generations(2, 1);
    let old = credentials();

    let announced = must_step(&old, wanted, &nothing_runs(-9999));
    assert_eq!(due(&announced), None, "nobody was given the new key yet");
    let announced = must_step(&announced, wanted, &nothing_runs(0));
    assert!(announced.token_keys == old.token_keys, "the old key signs");
    let published = announced.public_keys();
    assert_eq!(due(&announced), Some(at(ANNOUNCED_SECONDS)));
    assert_eq!(
        step(&announced, wanted, &all_runs(ANNOUNCED_SECONDS - 1)),
        None
    );

    let switching = must_step(&announced, wanted, &nothing_runs(ANNOUNCED_SECONDS));
    assert!(switching.token_keys != old.token_keys, "the new key signs");
    assert_eq!(switching.token_keys.generation, 2);
    assert_eq!(keys_in(&switching.public_keys()), keys_in(&published));
    assert_eq!(
        step(&switching, wanted, &nothing_runs(10_000)),
        None,
        "a pod of identity may sign with the old key"
    );

    let retiring = must_step(&switching, wanted, &all_runs(10_000));
    let until = 10_000 + TTL_SECONDS + SIGNED_LATER_SECONDS;
    assert_eq!(due(&retiring), Some(at(until)));
    assert_eq!(keys_in(&retiring.public_keys()), keys_in(&published));
    assert_eq!(step(&retiring, wanted, &all_runs(until - 1)), None);

    let settled = must_step(&retiring, wanted, &nothing_runs(until));
    assert!(is_settled(&settled));
    assert_eq!(settled.public_keys(), settled.token_keys.jwks);
    assert!(settled.passwords == old.passwords);
}

#[test]
fn the_stores_take_new_passwords_before_the_services_use_them_and_old_ones_while_a_pod_may() {
    let wanted = generations(1, 2);
    let old = credentials();

    let learning = must_step(&old, wanted, &nothing_runs(0));
    assert!(learning.passwords == old.passwords);
    let known = |credentials: &Credentials| {
        let mut generations = credentials
            .known_passwords()
            .map(|passwords| passwords.generation)
            .collect::<Vec<_>>();
        generations.sort_unstable();
        generations
    };
    assert_eq!(known(&learning), [1, 2]);
    let stores_do_not_know = Seen {
        stores_know: false,
        ..all_runs(10_000)
    };
    assert_eq!(step(&learning, wanted, &stores_do_not_know), None);

    let moving = must_step(&learning, wanted, &all_runs(10_000));
    assert_eq!(moving.passwords.generation, 2);
    assert_eq!(known(&moving), [1, 2]);
    let services_roll = Seen {
        services_run: false,
        ..all_runs(20_000)
    };
    assert_eq!(step(&moving, wanted, &services_roll), None);

    let leaving = must_step(&moving, wanted, &all_runs(20_000));
    assert_eq!(known(&leaving), [1, 2]);
    assert_eq!(due(&leaving), Some(at(20_000 + LEAVING_SECONDS)));
    assert_eq!(
        step(&leaving, wanted, &all_runs(20_000 + LEAVING_SECONDS - 1)),
        None
    );

    let settled = must_step(&leaving, wanted, &nothing_runs(20_000 + LEAVING_SECONDS));
    assert!(is_settled(&settled));
    assert_eq!(known(&settled), [2]);
    assert_ne!(
        settled.passwords.rabbitmq.user, old.passwords.rabbitmq.user,
        "RabbitMQ's users take turns"
    );
    assert_eq!(settled.cursor_key, old.cursor_key, "cursors stay good");
    assert!(settled.token_keys == old.token_keys);
}

/// Every stage there is, each with every other: whatever was asked for meanwhile, and wherever it was cut short, it
/// ends with one generation of each, the wanted one.
#[test]
fn from_anywhere_it_ends_in_one_generation_the_wanted_one() {
    let mut starts = vec![credentials()];
    for wanted in [generations(2, 1), generations(1, 2), generations(3, 3)] {
        let mut state = credentials();
        let mut second = 0;
        while let Some(next) = step(&state, wanted, &all_runs(second)) {
            starts.push(next.clone());
            state = next;
            second += LONGEST_TTL_SECONDS;
        }
    }
    assert!(starts.len() > 9);

    for start in starts {
        for wanted in [generations(1, 1), generations(2, 2), generations(4, 7)] {
            let mut state = start.clone();
            let mut second = 1_000_000;
            let mut steps = 0;
            while let Some(next) = step(&state, wanted, &all_runs(second)) {
                // A crash between any two steps.
                state = kept(&next);
                assert_eq!(state, next);
                second += LONGEST_TTL_SECONDS + 1000;
                steps += 1;
                assert!(steps <= 16, "{start:?} to {wanted:?} does not end");
            }

            assert!(is_settled(&state), "{start:?} ends in {state:?}");
            assert!(state.token_keys.generation >= wanted.token_keys);
            assert!(state.passwords.generation >= wanted.passwords);
        }
    }
}

#[test]
fn a_time_that_a_wrong_clock_set_is_set_anew() {
    let wanted = generations(2, 1);
    let published = must_step(&credentials(), wanted, &all_runs(0));
    let announced = must_step(&published, wanted, &all_runs(1_000_000_000));

    let mended = must_step(&announced, wanted, &all_runs(0));

    assert_eq!(due(&mended), Some(at(ANNOUNCED_SECONDS)));
}

#[test]
fn both_are_told_of_at_once() {
    let both = must_step(&credentials(), generations(2, 3), &nothing_runs(0));
    let both = must_step(&both, generations(2, 3), &nothing_runs(0));

    assert_eq!(
        sentence(&both).as_deref(),
        Some(
            "token keys 2: the new public key is made known, and signs from 1970-01-01T00:07:00Z on; \
             passwords 3: the stores are told of the new passwords"
        )
    );
}

fn keys_in(key_set: &str) -> std::collections::BTreeSet<String> {
    let set: serde_json::Value = serde_json::from_str(key_set).unwrap();

    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].to_string())
        .collect()
}
