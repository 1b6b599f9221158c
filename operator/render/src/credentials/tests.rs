use super::*;
use crate::fixture::{credentials, minimal};

fn replaced() -> Passwords {
    Passwords {
        generation: 2,
        ..credentials().passwords
    }
}

fn at_noon() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

/// One of every stage there is.
fn stages() -> Vec<Credentials> {
    let next = TokenKeys {
        generation: 3,
        ..credentials().token_keys
    };
    let last_jwks = "{\"keys\":[{}]}".to_owned();
    let other = || Box::new(replaced());
    let token_keys_stages = [
        TokenKeysStage::Settled,
        TokenKeysStage::Announced {
            next,
            until: Some(at_noon()),
        },
        TokenKeysStage::Switching {
            last_jwks: last_jwks.clone(),
        },
        TokenKeysStage::Retiring {
            last_jwks,
            until: at_noon(),
        },
    ];
    let passwords_stages = [
        PasswordsStage::Settled,
        PasswordsStage::Learning { next: other() },
        PasswordsStage::Moving { last: other() },
        PasswordsStage::Leaving {
            last: other(),
            until: at_noon(),
        },
    ];

    token_keys_stages
        .into_iter()
        .zip(passwords_stages)
        .map(|(token_keys_stage, passwords_stage)| Credentials {
            token_keys_stage,
            passwords_stage,
            ..credentials()
        })
        .collect()
}

#[test]
fn what_was_written_is_read_back() {
    for credentials in stages() {
        assert_eq!(
            Credentials::from_secret_data(&credentials.to_secret_data()),
            Ok(credentials)
        );
    }
}

/// A platform that was made before anything could be replaced is none that has to be restarted for it.
#[test]
fn a_secret_without_generations_is_of_the_first() {
    let mut data = credentials().to_secret_data();
    for key in [
        "cursor-key",
        "rabbitmq-user",
        "passwords-generation",
        "token-keys-generation",
    ] {
        data.remove(key).unwrap();
    }

    assert_eq!(Credentials::from_secret_data(&data), Ok(credentials()));
}

#[test]
fn every_key_is_missed_by_its_name() {
    let without = |key: &str| {
        let mut data = credentials().to_secret_data();
        data.remove(key);
        Credentials::from_secret_data(&data)
    };
    let missed: Vec<_> = credentials()
        .to_secret_data()
        .into_keys()
        .filter(|key| without(key) == Err(CredentialsError::Missing(key.clone())))
        .collect();

    assert_eq!(
        missed,
        [
            "jwks.json",
            "mongodb-keyfile",
            "mongodb-password-identity",
            "mongodb-password-media",
            "mongodb-password-post",
            "mongodb-password-search",
            "rabbitmq-password",
            "rabbitmq-password-hash",
            "redis-password",
            "refresh-key",
            "signing-key.pem",
        ]
    );
}

#[test]
fn what_cannot_be_used_is_refused_by_its_key() {
    use CredentialsError::{Empty, NotAGeneration, NotATime, NotAUser, NotPlain, NotText};
    type Refusal = fn(String) -> CredentialsError;

    let leaving = &stages()[3];
    let cases: [(&str, &[u8], Refusal); 9] = [
        ("redis-password", b" \n", Empty),
        ("redis-password", &[0xff], NotText),
        ("rabbitmq-password", b"a@b", NotPlain),
        ("last-rabbitmq-password", b"a@b", NotPlain),
        ("rabbitmq-user", b"guest", NotAUser),
        ("passwords-generation", b"0", NotAGeneration),
        ("token-keys-generation", b"two", NotAGeneration),
        ("last-passwords-until", b"noon", NotATime),
        ("last-token-keys-until", b"noon", NotATime),
    ];
    for (key, value, refusal) in cases {
        let mut data = leaving.to_secret_data();
        data.insert(key.to_owned(), k8s_openapi::ByteString(value.to_vec()));

        assert_eq!(
            Credentials::from_secret_data(&data),
            Err(refusal(key.to_owned()))
        );
    }
}

#[test]
fn the_secret_outlives_its_platform() {
    let secret = credentials_secret(&minimal(), &credentials());

    assert_eq!(secret.metadata.name.as_deref(), Some("demo-credentials"));
    assert_eq!(secret.metadata.owner_references, None);
}

#[test]
fn debug_output_holds_no_secret() {
    assert_eq!(
        format!("{:?}", credentials()),
        "Credentials { token_keys: (1, \"settled\"), passwords: (1, \"settled\"), .. }"
    );
}

#[test]
fn users_of_mongodb_are_named_for_their_generation() {
    let passwords = replaced();
    let names = passwords.mongodb_users().map(|user| user.name);

    assert_eq!(names, ["identity-2", "post-2", "media-2", "search-2"]);
    assert_eq!(
        credentials().passwords.mongodb_users()[1].name,
        "post",
        "the first generation is named as it was before there were others"
    );
}

#[test]
fn tokens_are_checked_with_every_key_that_may_sign() {
    let keys = |kid| format!("{{\"keys\":[{{\"kid\":\"{kid}\"}}]}}");
    let with = |token_keys_stage| Credentials {
        token_keys: TokenKeys {
            jwks: keys("now"),
            ..credentials().token_keys
        },
        token_keys_stage,
        ..credentials()
    };
    let next = TokenKeys {
        jwks: keys("next"),
        ..credentials().token_keys
    };
    let last_jwks = keys("last");
    let both = |other| format!("{{\"keys\":[{{\"kid\":\"now\"}},{{\"kid\":\"{other}\"}}]}}");

    let until = at_noon();
    for (stage, expected) in [
        (TokenKeysStage::Settled, keys("now")),
        (
            TokenKeysStage::Announced {
                next,
                until: Some(until),
            },
            both("next"),
        ),
        (
            TokenKeysStage::Switching {
                last_jwks: last_jwks.clone(),
            },
            both("last"),
        ),
        (TokenKeysStage::Retiring { last_jwks, until }, both("last")),
    ] {
        assert_eq!(with(stage).public_keys(), expected);
    }
}
