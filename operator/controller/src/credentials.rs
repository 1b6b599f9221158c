//! The one Secret with everything generated: made once, read ever after, never written over.

use aws_lc_rs::error::Unspecified;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use operator_api::names::credentials_name;
use operator_render::{Credentials, MongoDbPasswords, ValidatedPlatform, credentials_secret};
use tracing::info;

use crate::apply::FIELD_MANAGER;
use crate::dereference::Found;
use crate::error::Error;
use crate::events::Notice;
use crate::keys;
use crate::reconcile::Context;

/// What says that a Secret is the credentials of a platform. It has no owner, because it outlives the platform.
const MARKS: [&str; 2] = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by"];

/// The platform's credentials. They are made for a platform that has nothing made of them, and never again by
/// themselves: new token keys end every session, new passwords restart everything.
pub async fn credentials(
    context: &Context,
    platform: &ValidatedPlatform,
    found: &Found,
) -> Result<Credentials, Error> {
    if let Some(secret) = &found.credentials {
        return read(secret, platform);
    }
    if found.knows_credentials() {
        return Err(Error::CredentialsMissing(credentials_name(platform.name())));
    }

    let credentials = generate().map_err(|_unspecified| Error::Randomness)?;
    let secret = credentials_secret(platform, &credentials);
    let secrets = Api::<Secret>::namespaced(context.client.clone(), platform.namespace());
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };

    match secrets.create(&parameters, &secret).await {
        Ok(_) => {
            info!("generated the credentials");
            context
                .events
                .publish(&found.platform, Notice::credentials_created())
                .await;
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

/// Takes only a Secret that says it is this platform's, so that nobody is made to hand a Secret of theirs to a
/// platform's pods by naming the platform after it.
fn read(secret: &Secret, platform: &ValidatedPlatform) -> Result<Credentials, Error> {
    let name = secret.metadata.name.clone().unwrap_or_default();
    let values = [platform.name(), FIELD_MANAGER];
    let label = |key| {
        secret
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(key))
    };

    if let Some((key, value)) = MARKS
        .into_iter()
        .zip(values)
        .find(|(key, value)| label(*key).is_none_or(|l| l != value))
    {
        return Err(Error::CredentialsNotOurs {
            name,
            missing: format!("{key}={value}"),
        });
    }

    Credentials::from_secret_data(&secret.data.clone().unwrap_or_default())
        .map_err(|problem| Error::Credentials { name, problem })
}

fn generate() -> Result<Credentials, Unspecified> {
    let keys::TokenKeys {
        signing_key_pem,
        jwks,
    } = keys::token_keys()?;
    let rabbitmq_password = keys::hex_secret::<24>()?;

    Ok(Credentials {
        mongodb_keyfile: keys::mongodb_keyfile()?,
        mongodb_passwords: MongoDbPasswords {
            identity: keys::hex_secret::<24>()?,
            post: keys::hex_secret::<24>()?,
            media: keys::hex_secret::<24>()?,
            search: keys::hex_secret::<24>()?,
        },
        rabbitmq_password_hash: keys::rabbitmq_password_hash(&rabbitmq_password)?,
        rabbitmq_password,
        redis_password: keys::hex_secret::<24>()?,
        signing_key_pem,
        jwks,
        refresh_key: keys::hex_secret::<32>()?,
    })
}

#[cfg(test)]
mod tests {
    use operator_api::{Reason, SocialPlatform, SocialPlatformSpec};
    use operator_render::{Defaults, validate};

    use super::*;

    fn platform() -> ValidatedPlatform {
        let mut platform = SocialPlatform::new("demo", SocialPlatformSpec::default());
        platform.metadata.namespace = Some("social".to_owned());
        platform.metadata.uid = Some("uid".to_owned());

        validate(
            &platform,
            &Defaults {
                version: "1.0.0".to_owned(),
            },
        )
        .unwrap()
    }

    fn secret(change: impl FnOnce(&mut Secret)) -> Secret {
        let mut secret = credentials_secret(&platform(), &generate().unwrap());
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
}
