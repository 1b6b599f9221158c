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
mod tests;
