//! A platform without pods: everything the operator writes is there, nothing runs, and a change is over in a second.
//!
//! A quota keeps the stores from having pods. The operator makes Deployments only when what they need is ready, so they
//! are put there in its place, paused, which is a field it leaves alone; it keeps all else of them as wanted.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use operator_api::{Reason, SocialPlatform};
use operator_render::{
    Credentials, Defaults, MongoDbPasswords, Objects, Passwords, PasswordsStage, RabbitMqLogin,
    RabbitMqUser, TokenKeys, TokenKeysStage, UserSecrets, render, validate,
};
use serde_json::{Value, json};

use crate::Namespace;
use crate::platform::NAME;
use crate::wait::{Look, until};

/// Whose the spec is, as far as the API server knows.
const PERSON: &str = "kubectl";
const QUOTA: &str = "no-pods";
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// Secrets of the user's own that specs in the tests name, with every key that any of them may need.
pub const SECRETS: [&str; 9] = [
    "bucket-keys",
    "cloudinary",
    "other-keys",
    "own-mongodb",
    "other-mongodb",
    "own-redis",
    "other-redis",
    "own-rabbitmq",
    "other-rabbitmq",
];
const SECRET_KEYS: [&str; 7] = [
    "accessKeyId",
    "secretAccessKey",
    "url",
    "identity",
    "post",
    "media",
    "search",
];

/// Makes such a platform, before any operator looked at it.
pub async fn podless(namespace: &Namespace, spec: &Value) -> Result<()> {
    refuse_pods(namespace).await?;
    let secrets = namespace.api::<Secret>();
    for name in SECRETS {
        secrets
            .create(&PostParams::default(), &secret(name))
            .await?;
    }

    platform(namespace, spec).await
}

/// Makes it where its pods are refused already.
pub async fn platform(namespace: &Namespace, spec: &Value) -> Result<()> {
    let platform = apply(namespace, spec).await?;
    let Objects {
        identity,
        post,
        media,
        search,
        gateway,
        ..
    } = objects(&platform, &namespace.cluster.settings.version).map_err(anyhow::Error::msg)?;
    let deployments = namespace.api::<Deployment>();
    for objects in [identity, post, media, search, gateway] {
        let mut deployment = objects.deployment;
        if let Some(spec) = &mut deployment.spec {
            spec.paused = Some(true);
        }
        deployments
            .create(&PostParams::default(), &deployment)
            .await
            .context("failed to put a Deployment there")?;
    }

    Ok(())
}

/// Whether the status says that the stores' pods are refused, where they are: the cluster tells the operator of that a while
/// after it made what is to have them, and until then the status is on its way.
pub async fn refusal_is_told(namespace: &Namespace) -> Result<bool> {
    let quota = namespace.api::<ResourceQuota>().get_opt(QUOTA).await?;
    let status = namespace.api::<SocialPlatform>().get(NAME).await?.status;
    let mut stores = status
        .into_iter()
        .flat_map(|status| status.components)
        .filter(|component| component.name.is_store());

    Ok(quota.is_none() || stores.all(|store| store.reason == Reason::PodsRefused.as_str()))
}

/// Makes the platform's spec this and nothing else, as `kubectl apply --server-side` does.
///
/// A field that is always there keeps the API server from taking a spec that everything was removed from for null.
pub async fn apply(namespace: &Namespace, spec: &Value) -> Result<SocialPlatform> {
    let mut spec = spec.clone();
    let name = &mut spec["instance"]["name"];
    if name.is_null() {
        *name = "Proof".into();
    }
    let wanted = json!({
        "apiVersion": operator_api::API_VERSION,
        "kind": operator_api::KIND,
        "metadata": { "name": NAME },
        "spec": spec,
    });
    let applied = namespace
        .api::<SocialPlatform>()
        .patch(NAME, &PatchParams::apply(PERSON), &Patch::Apply(&wanted))
        .await?;

    Ok(applied)
}

/// What a platform becomes, with credentials and Secrets that tell what they are.
pub fn objects(platform: &SocialPlatform, version: &str) -> Result<Objects, String> {
    let defaults = Defaults {
        version: version.to_owned(),
    };
    let wanted = validate(platform, &defaults).map_err(|invalid| invalid.to_string())?;
    let names = platform.spec.secret_names().into_iter();
    let secrets = names.map(|name| (name.to_owned(), secret(name))).collect();
    let given = UserSecrets::read(&wanted, &secrets).map_err(|error| error.to_string())?;

    Ok(render(&wanted, &credentials(), &given))
}

/// A quota counts only once it was seen.
async fn refuse_pods(namespace: &Namespace) -> Result<()> {
    let quota: ResourceQuota = serde_json::from_value(json!({
        "metadata": { "name": QUOTA },
        "spec": { "hard": { "pods": "0" } },
    }))?;
    let quotas = namespace.api::<ResourceQuota>();
    quotas.create(&PostParams::default(), &quota).await?;
    until("the quota to be seen", SEEN_WITHIN, async || {
        let status = quotas.get(QUOTA).await?.status;
        let is_seen = status.is_some_and(|status| status.hard.is_some());

        Ok(Look::when(is_seen, || "no status".to_owned()))
    })
    .await
}

/// What is in it tells which Secret it is.
fn secret(name: &str) -> Secret {
    // A connection string where one is asked for.
    let scheme = match name.rsplit('-').next() {
        Some("mongodb") => "mongodb://",
        Some("redis") => "redis://",
        Some("rabbitmq") => "amqp://",
        _ => "",
    };
    let value = |key: &&str| {
        let text = format!("{scheme}{key}-{name}");
        ((*key).to_owned(), ByteString(text.into()))
    };

    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(SECRET_KEYS.iter().map(value).collect()),
        ..Secret::default()
    }
}

/// Credentials that tell what they are.
pub fn credentials() -> Credentials {
    let of = |what: &str| format!("{what}-of-the-proof");

    Credentials {
        mongodb_keyfile: of("keyfile"),
        refresh_key: "00".repeat(32),
        cursor_key: "11".repeat(32),
        token_keys: TokenKeys {
            generation: 1,
            signing_key_pem: of("key"),
            jwks: r#"{"keys":[]}"#.to_owned(),
        },
        token_keys_stage: TokenKeysStage::Settled,
        passwords: Passwords {
            generation: 1,
            mongodb: MongoDbPasswords {
                identity: of("identity"),
                post: of("post"),
                media: of("media"),
                search: of("search"),
            },
            rabbitmq: RabbitMqLogin {
                user: RabbitMqUser::First,
                password: of("rabbitmq"),
                password_hash: of("hash"),
            },
            redis: of("redis"),
        },
        passwords_stage: PasswordsStage::Settled,
    }
}
