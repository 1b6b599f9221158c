//! The one Secret with everything generated: made once, changed by the steps of a replacement alone, and made again only
//! of what it was made into.

use aws_lc_rs::error::Unspecified;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use operator_api::names::credentials_name;
use operator_render::{
    CredentialSource, Credentials, Generations, PasswordsStage, RabbitMqUser, TokenKeysStage,
    ValidatedPlatform, credentials_secret, rebuilt,
};
use serde_json::{Value, json};
use tracing::info;

use crate::apply::FIELD_MANAGER;
use crate::dereference::Found;
use crate::error::Error;
use crate::events::Notice;
use crate::keys;
use crate::reconcile::Context;

const INSTANCE: &str = "app.kubernetes.io/instance";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// With it the owner of a Secret says for which platform it is.
const FOR: &str = "socialplatform.io/credentials-for";

/// The platform's credentials. They are made for a platform that has nothing made of them, and never again by
/// themselves: new token keys end every session, new passwords restart everything.
pub async fn credentials(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
) -> Result<Credentials, Error> {
    let generations = match platform.credential_source() {
        CredentialSource::Existing(name) => return existing(name, platform, found),
        CredentialSource::Generated(generations) => *generations,
    };
    if let Some(secret) = &found.credentials {
        return read(secret, platform);
    }
    let is_known = found.knows_credentials();
    let generations = if is_known {
        generations_in_force(found)
    } else {
        generations
    };
    let fresh = generate(generations).map_err(|_unspecified| Error::Randomness)?;
    let (credentials, notice) = if is_known {
        let again = from_derived(platform, found, fresh)
            .ok_or_else(|| Error::CredentialsMissing(credentials_name(platform.name())))?;
        (again, Notice::credentials_rebuilt())
    } else {
        (fresh, Notice::credentials_created())
    };

    create(context, platform, found, credentials, notice).await
}

async fn create(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
    credentials: Credentials,
    notice: Notice,
) -> Result<Credentials, Error> {
    let secret = credentials_secret(platform, &credentials);
    let secrets = Api::<Secret>::namespaced(context.client.clone(), platform.namespace());
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };

    match secrets.create(&parameters, &secret).await {
        Ok(_) => {
            info!("made the credentials Secret");
            context.events.publish(&found.platform, notice).await;
            Ok(credentials)
        }
        // Somebody was faster since the read. Theirs count: something may know them already.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let name = credentials_name(platform.name());
            let secret = secrets
                .get(&name)
                .await
                .map_err(Error::api(format!("read Secret {name}")))?;
            read(&secret, platform)
        }
        Err(error) => Err(Error::api("create the credentials Secret")(error)),
    }
}

/// Keeps the next step of a replacement, unless the Secret is not the one that was read any more: then nothing is done,
/// and the next pass decides anew. Returns whether it is kept.
pub async fn keep(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
    before: &Credentials,
    after: &Credentials,
) -> Result<bool, Error> {
    // Without a version to compare with there is nothing to change: it was made in this very pass.
    let Some(secret) = &found.credentials else {
        return Ok(false);
    };
    let name = credentials_name(platform.name());
    let secrets = Api::<Secret>::namespaced(context.client.clone(), platform.namespace());
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };

    match secrets
        .patch(
            &name,
            &parameters,
            &Patch::Merge(change(secret, before, after)),
        )
        .await
    {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(false),
        Err(error) => Err(Error::api(format!("change Secret {name}"))(error)),
    }
}

/// What turns the one content into the other, for the very Secret that was read.
fn change(secret: &Secret, before: &Credentials, after: &Credentials) -> Value {
    let after = after.to_secret_data();
    let removed = before.to_secret_data().into_keys();
    let mut data = removed
        .map(|key| (key, Value::Null))
        .collect::<serde_json::Map<_, _>>();
    data.extend(after.into_iter().map(|(key, value)| (key, json!(value))));

    json!({
        "metadata": {
            "uid": secret.metadata.uid,
            "resourceVersion": secret.metadata.resource_version,
        },
        "data": data,
    })
}

/// Takes only a Secret that says it is this platform's, so that nobody is made to hand a Secret of theirs to a
/// platform's pods by naming the platform after it.
fn read(secret: &Secret, platform: &ValidatedPlatform) -> Result<Credentials, Error> {
    let name = secret.metadata.name.clone().unwrap_or_default();
    is_marked(secret, (INSTANCE, platform.name()))?;
    is_marked(secret, (MANAGED_BY, FIELD_MANAGER))?;

    Credentials::from_secret_data(&secret.data.clone().unwrap_or_default())
        .map_err(|problem| Error::Credentials { name, problem })
}

/// Reads a Secret of the user's, if it says that it is for this platform. The name in the resource is not enough: who
/// writes that chooses the images of the pods which get to know the content, and need not be who owns the Secret.
fn existing(name: &str, platform: &ValidatedPlatform, found: &Found) -> Result<Credentials, Error> {
    let name = name.to_owned();
    let Some(secret) = &found.credentials else {
        return Err(Error::ExistingCredentialsMissing(name));
    };
    is_marked(secret, (FOR, platform.name()))?;

    Credentials::from_secret_data(&secret.data.clone().unwrap_or_default())
        .map_err(|problem| Error::ExistingCredentials { name, problem })
}

fn is_marked(secret: &Secret, (key, value): (&str, &str)) -> Result<(), Error> {
    let labels = secret.metadata.labels.as_ref();
    if labels
        .and_then(|labels| labels.get(key))
        .is_some_and(|found| found == value)
    {
        return Ok(());
    }

    Err(Error::CredentialsNotOurs {
        name: secret.metadata.name.clone().unwrap_or_default(),
        missing: format!("{key}={value}"),
    })
}

/// The generations the status tells of; or the lowest, so that what is unknown is replaced once too often rather than never.
fn generations_in_force(found: &Found) -> Generations {
    let status = found.platform.status.as_ref();
    let told = status.and_then(|status| status.credentials.as_ref());

    Generations {
        token_keys: told.map_or(1, |told| told.token_keys_generation),
        passwords: told.map_or(1, |told| told.passwords_generation),
    }
}

/// What the platform's other objects were made of; what none was made of is as `fresh` has it. Keys that are published
/// beside the one that signs may have signed tokens that are still good, and go when the longest of them has expired.
fn from_derived(
    platform: &ValidatedPlatform,
    found: &Found,
    fresh: Credentials,
) -> Option<Credentials> {
    let generation = fresh.token_keys.generation;
    let mut credentials = rebuilt(platform, &found.secrets, fresh, |signing_key_pem| {
        keys::token_keys_of(generation, signing_key_pem)
    })?;
    let published = found
        .jwks
        .as_ref()
        .and_then(|jwks| jwks.data.as_ref()?.get("jwks.json"));
    if let Some(published) = published
        && *published != credentials.token_keys.jwks
    {
        credentials.token_keys_stage = TokenKeysStage::Switching {
            last_jwks: published.clone(),
        };
    }

    Some(credentials)
}

fn generate(generations: Generations) -> Result<Credentials, Unspecified> {
    Ok(Credentials {
        mongodb_keyfile: keys::mongodb_keyfile()?,
        refresh_key: keys::hex_secret::<32>()?,
        cursor_key: keys::hex_secret::<32>()?,
        token_keys: keys::token_keys(generations.token_keys)?,
        token_keys_stage: TokenKeysStage::Settled,
        passwords: keys::passwords(generations.passwords, RabbitMqUser::First)?,
        passwords_stage: PasswordsStage::Settled,
    })
}

#[cfg(test)]
mod tests {
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
}
