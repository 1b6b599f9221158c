use k8s_openapi::ByteString;
use operator_api::{Component, Reason, SocialPlatform, SocialPlatformSpec};
use operator_render::{Defaults, UserSecrets, render, validate};

use super::*;

const FIRST: Generations = Generations {
    token_keys: 1,
    passwords: 1,
};

fn resource() -> SocialPlatform {
    let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
    platform.metadata.namespace = Some("social".to_owned());
    platform.metadata.uid = Some("uid".to_owned());
    platform
}

fn platform() -> ValidatedPlatform {
    validated(&resource())
}

fn validated(resource: &SocialPlatform) -> ValidatedPlatform {
    validate(
        resource,
        &Defaults {
            version: "1.0.0".to_owned(),
        },
    )
    .unwrap()
}

fn secret(change: impl FnOnce(&mut Secret)) -> Secret {
    let mut secret = credentials_secret(&platform(), &generate(FIRST).unwrap());
    change(&mut secret);
    secret
}

#[test]
fn what_was_generated_is_read_back() {
    let secret = secret(|_| {});

    let credentials = read(&secret, &platform()).unwrap();

    assert_eq!(Some(credentials.to_secret_data()), secret.data);
}

#[test]
fn a_secret_that_is_not_labelled_as_ours_is_refused_with_what_is_missing() {
    let without_labels = secret(|secret| secret.metadata.labels = None);
    let of_another = secret(|secret| {
        let labels = secret.metadata.labels.get_or_insert_default();
        labels.insert("app.kubernetes.io/instance".to_owned(), "other".to_owned());
    });

    for secret in [without_labels, of_another] {
        let error = read(&secret, &platform()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Secret demo-credentials is not labelled as the credentials of this platform: \
             label app.kubernetes.io/instance=demo is missing"
        );
        assert_eq!(error.obstacle().reason, Reason::CredentialsInvalid);
    }
}

#[test]
fn a_missing_key_is_named() {
    let incomplete = secret(|secret| {
        secret.data.get_or_insert_default().remove("redis-password");
    });

    let message = read(&incomplete, &platform()).unwrap_err().to_string();

    assert!(message.contains("redis-password"), "{message}");
}

/// A platform whose objects were made of these credentials.
fn made_of(credentials: &Credentials) -> Found {
    made_for(resource(), credentials, &UserSecrets::default())
}

fn made_for(resource: SocialPlatform, credentials: &Credentials, given: &UserSecrets) -> Found {
    let objects = render(&validated(&resource), credentials, given);
    let secrets = [
        (Component::Identity, objects.identity.secret),
        (Component::Post, objects.post.secret),
        (Component::Media, objects.media.secret),
        (Component::Search, objects.search.secret),
        (Component::Gateway, objects.gateway.secret),
    ];
    let stores = [
        (Component::MongoDb, objects.mongodb),
        (Component::Redis, objects.redis),
        (Component::RabbitMq, objects.rabbitmq),
    ]
    .into_iter()
    .filter_map(|(store, objects)| Some((store, objects?.secret)));
    let secrets = secrets.into_iter().chain(stores).collect();

    Found {
        secrets,
        jwks: Some(objects.jwks),
        ..Found::bare(resource)
    }
}

/// What is read back when the Secret with these credentials is gone.
fn again(found: &Found) -> Option<Credentials> {
    from_derived(&validated(&found.platform), found, generate(FIRST).unwrap())
}

#[test]
fn a_deleted_secret_is_made_again_of_what_it_was_made_into() {
    let third = Generations {
        token_keys: 1,
        passwords: 3,
    };
    for generations in [FIRST, third] {
        let credentials = generate(generations).unwrap();

        assert_eq!(again(&made_of(&credentials)), Some(credentials));
    }
}

#[test]
fn stores_of_the_users_own_keep_nothing_from_being_made_again() {
    let mut resource = resource();
    let external = |name: &str| json!({ "external": { "secretRef": { "name": name } } });
    resource.spec = serde_json::from_value(json!({
        "mongodb": external("mongo"),
        "redis": external("redis"),
        "rabbitmq": external("rabbit"),
    }))
    .unwrap();
    let secret = |entries: &[(&str, &str)]| {
        let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
        let data = entries
            .iter()
            .map(|(key, text)| ((*key).to_owned(), bytes(text)));
        Secret {
            data: Some(data.collect()),
            ..Secret::default()
        }
    };
    let services = ["identity", "post", "media", "search"];
    let given = UserSecrets::read(
        &validated(&resource),
        &[
            (
                "mongo",
                secret(&services.map(|key| (key, "mongodb://db/a"))),
            ),
            ("redis", secret(&[("url", "redis://cache")])),
            ("rabbit", secret(&[("url", "amqp://queue")])),
        ]
        .map(|(name, secret)| (name.to_owned(), secret))
        .into(),
    )
    .unwrap();
    let credentials = generate(FIRST).unwrap();

    let again = again(&made_for(resource, &credentials, &given)).unwrap();

    assert_eq!(again.refresh_key, credentials.refresh_key);
    assert_eq!(again.cursor_key, credentials.cursor_key);
    assert!(again.token_keys == credentials.token_keys);
}

#[test]
fn nothing_is_made_of_secrets_that_are_missing_or_contradict_each_other() {
    let credentials = generate(FIRST).unwrap();
    let other = made_of(&generate(FIRST).unwrap());

    for component in Component::ALL {
        let mut incomplete = made_of(&credentials);
        incomplete.secrets.remove(&component);
        let is_needed = component != Component::Redis;
        assert_eq!(again(&incomplete).is_none(), is_needed, "{component}");
    }
    for component in [
        Component::RabbitMq,
        Component::Identity,
        Component::Post,
        Component::Media,
        Component::Search,
        Component::Gateway,
    ] {
        let mut mixed = made_of(&credentials);
        let secret = other.secrets[&component].clone();
        mixed.secrets.insert(component, secret);
        assert_eq!(again(&mixed), None, "{component}");
    }
}

#[test]
fn tokens_of_a_key_that_was_on_its_way_out_stay_good() {
    let credentials = Credentials {
        token_keys_stage: TokenKeysStage::Switching {
            last_jwks: keys::token_keys(1).unwrap().jwks,
        },
        ..generate(FIRST).unwrap()
    };

    let again = again(&made_of(&credentials)).unwrap();

    assert_eq!(again.public_keys(), credentials.public_keys());
}

#[test]
fn a_secret_of_the_users_is_named_in_what_is_wrong_with_it() {
    let found = |secret: Option<Secret>| Found {
        credentials: secret,
        ..Found::bare(resource())
    };
    let labelled = |key: &str, value: &str| {
        secret(|secret| {
            secret.metadata.name = Some("mine".to_owned());
            secret.metadata.labels = Some([(key.to_owned(), value.to_owned())].into());
        })
    };
    let mut mine = labelled(FOR, "demo");
    assert!(existing("mine", &platform(), &found(Some(mine.clone()))).is_ok());

    mine.data.get_or_insert_default().remove("redis-password");
    let for_another = labelled(FOR, "other");
    let generated = labelled(INSTANCE, "demo");
    for (secret, reason, words) in [
        (None, Reason::SecretMissing, "does not exist"),
        (Some(mine), Reason::SecretMissing, "redis-password"),
        (Some(for_another), Reason::CredentialsInvalid, FOR),
        (Some(generated), Reason::CredentialsInvalid, FOR),
    ] {
        let obstacle = existing("mine", &platform(), &found(secret))
            .unwrap_err()
            .obstacle();
        assert_eq!(obstacle.reason, reason, "{}", obstacle.message);
        assert!(obstacle.message.contains(words), "{}", obstacle.message);
        assert!(
            obstacle.message.contains("Secret mine"),
            "{}",
            obstacle.message
        );
    }
}

#[test]
fn a_change_is_of_the_secret_that_was_read_and_leaves_what_others_put_there() {
    let before = Credentials {
        passwords_stage: PasswordsStage::Moving {
            last: Box::new(keys::passwords(1, RabbitMqUser::First).unwrap()),
        },
        ..generate(FIRST).unwrap()
    };
    let after = Credentials {
        passwords_stage: PasswordsStage::Settled,
        ..before.clone()
    };
    let secret = secret(|secret| {
        secret.metadata.uid = Some("uid-7".to_owned());
        secret.metadata.resource_version = Some("7".to_owned());
    });

    let change = change(&secret, &before, &after);

    assert_eq!(change["metadata"]["resourceVersion"], "7");
    assert_eq!(change["metadata"]["uid"], "uid-7");
    assert_eq!(change["data"]["last-redis-password"], Value::Null);
    assert!(change["data"]["redis-password"].is_string());
    assert_eq!(change["data"].get("somebody-elses"), None);
}
