//! Passwords and keys are replaced on request, and nobody notices; a Secret that was deleted locks nobody out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::client::Session;
use e2e::platform::{NAME, READY_WITHIN, ask_for, life_of, stalls_with};
use e2e::{
    Busy, Look, Platform, PublicApi, Stop, alone_in_namespace, in_namespace, on_shared_platform,
    until,
};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::ResourceExt;
use kube::api::DeleteParams;
use operator_api::names::{credentials_name, jwks_name};
use operator_api::{Component, CredentialsStatus, Reason};
use serde_json::{Value, json};

/// The waits add up to eleven minutes, and the platform starts first.
const LIMIT: Duration = Duration::from_secs(1200);
/// Short, because the old public key is known for as long after the new one signs.
const TTL_SECONDS: u64 = 120;
/// The new public key is known for seven minutes before it signs.
const ROTATED_WITHIN: Duration = Duration::from_secs(1200);
/// A Secret that is there and cannot be used is looked at every 30 s.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn passwords_and_token_keys_are_replaced_while_people_are_served() -> Result<()> {
    alone_in_namespace("rotation", LIMIT, async |namespace| {
        let platform = Platform::exposed(namespace).await?;
        platform
            .edit(json!({ "spec": { "identity": { "accessTokenTtlSeconds": TTL_SECONDS } } }))
            .await?;
        platform.ready().await?;
        let lives = lives(&platform).await?;
        let old_keys = published(&platform).await?;
        let old_secrets = credentials(&platform).await?;

        let people = Busy::start(&platform.public_api()?, be_busy).await?;
        let began = Instant::now();
        let asked = json!({ "tokenKeysGeneration": 2, "passwordsGeneration": 2 });
        platform
            .edit(json!({ "spec": { "credentials": asked } }))
            .await?;
        let seen = watch(&platform, began).await?;
        let served = people.stop().await?;
        println!(
            "{served} requests were served while passwords and keys were replaced, {:.0} s",
            began.elapsed().as_secs_f64()
        );

        ensure!(
            seen.iter()
                .any(|keys| keys.len() == 2 && keys.is_superset(&old_keys)),
            "the old and the new public key were never known together: {seen:?}"
        );
        let new_keys = published(&platform).await?;
        ensure!(
            new_keys.len() == 1 && new_keys.is_disjoint(&old_keys),
            "after {old_keys:?} came {new_keys:?}"
        );
        let new_secrets = credentials(&platform).await?;
        for key in ["signing-key.pem", "redis-password", "mongodb-password-post"] {
            ensure!(new_secrets[key] != old_secrets[key], "{key} is the old one");
        }
        let temporary = |key: &&String| key.starts_with("next-") || key.starts_with("last-");
        let left = new_secrets.keys().find(temporary);
        ensure!(left.is_none(), "{left:?} was left over");

        let replaced = self::lives(&platform).await?;
        let stayed = |component: &Component| lives[component] == replaced[component];
        let stayed: Vec<_> = Component::ALL.into_iter().filter(stayed).collect();
        ensure!(
            stayed == [Component::MongoDb],
            "the pods of {stayed:?} were not replaced"
        );

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_deleted_credentials_secret_is_made_again_and_nothing_restarts() -> Result<()> {
    on_shared_platform("deleted-credentials", async |platform| {
        let secrets = platform.namespace.api::<Secret>();
        let name = credentials_name(NAME);
        let before = credentials(platform).await?;
        let lives = lives(platform).await?;
        secrets.delete(&name, &DeleteParams::default()).await?;

        // Secrets are not watched: it is seen when the platform is looked at next.
        let touched = |value: Value| json!({ "metadata": { "annotations": { "touched": value } } });
        platform.edit(touched("yes".into())).await?;
        until("the Secret to be back", SEEN_WITHIN, async || {
            let found = secrets.get_opt(&name).await?;
            Ok(Look::when(found.is_some(), || "no Secret".to_owned()))
        })
        .await?;
        platform.edit(touched(Value::Null)).await?;
        platform.ready().await?;

        ensure!(
            credentials(platform).await? == before,
            "the Secret came back with something else in it"
        );
        ensure!(
            self::lives(platform).await? == lives,
            "pods were replaced for it"
        );

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn what_a_secret_of_the_users_lacks_is_named() -> Result<()> {
    in_namespace("existing-credentials", async |namespace| {
        ask_for(
            namespace,
            json!({ "credentials": { "existingSecret": "mine" } }),
        )
        .await?;

        let missing = "Secret mine, which spec.credentials.existingSecret names, does not exist";
        stalls_with(namespace, Reason::SecretMissing, missing, SEEN_WITHIN).await?;
        let keyfile = "--from-literal=mongodb-keyfile=keyfile";
        namespace
            .kubectl(&["create", "secret", "generic", "mine", keyfile])
            .await?;
        let label = "socialplatform.io/credentials-for=demo";
        stalls_with(namespace, Reason::CredentialsInvalid, label, SEEN_WITHIN).await?;
        namespace
            .kubectl(&["label", "secret", "mine", label])
            .await?;
        let key = "it has no key mongodb-password-identity";
        stalls_with(namespace, Reason::SecretMissing, key, SEEN_WITHIN).await
    })
    .await
}

/// Waits until both are replaced and the stores have restarted without the old passwords. Returns every set of public
/// keys that was known on the way.
async fn watch(platform: &Platform, began: Instant) -> Result<BTreeSet<BTreeSet<String>>> {
    let mut keys = BTreeSet::new();
    let mut told = None;
    let mut before_the_end = BTreeMap::new();
    let done = CredentialsStatus {
        token_keys_generation: 2,
        passwords_generation: 2,
        rotation: None,
    };
    until("the replacement to end", ROTATED_WITHIN, async || {
        let lives = lives(platform).await?;
        keys.insert(published(platform).await?);
        let status = platform.resource().await?.status;
        let status = status.and_then(|status| status.credentials);
        if status != told {
            println!("{:4.0} s: {status:?}", began.elapsed().as_secs_f64());
            told.clone_from(&status);
        }
        let passwords_stay = status
            .as_ref()
            .and_then(|status| status.rotation.as_deref())
            .is_none_or(|rotation| !rotation.contains("passwords"));
        if !passwords_stay {
            before_the_end = lives;
        }

        Ok(Look::when(status.as_ref() == Some(&done), || {
            format!("{status:?}")
        }))
    })
    .await?;
    until("the stores to forget", READY_WITHIN, async || {
        let lives = lives(platform).await?;
        let is_another = |component: &Component| {
            let old = before_the_end.get(component);
            old.is_none_or(|old| lives[component].is_disjoint(old))
        };
        let are_others = [Component::Redis, Component::RabbitMq]
            .iter()
            .all(is_another);

        Ok(Look::when(are_others, || format!("{lives:?}")))
    })
    .await?;
    platform.ready().await?;

    Ok(keys)
}

/// Names of the public keys, as every pod is given them.
async fn published(platform: &Platform) -> Result<BTreeSet<String>> {
    let map = platform
        .namespace
        .api::<ConfigMap>()
        .get(&jwks_name(NAME))
        .await?;
    let data = map.data.unwrap_or_default();
    let set: Value = serde_json::from_str(&data["jwks.json"])?;
    let keys = set["keys"].as_array().context("a key set has keys")?;

    Ok(keys.iter().map(|key| key["kid"].to_string()).collect())
}

async fn credentials(platform: &Platform) -> Result<BTreeMap<String, Vec<u8>>> {
    let secrets = platform.namespace.api::<Secret>();
    let data = secrets.get(&credentials_name(NAME)).await?.data;
    let data = data.context("the Secret has data")?;

    Ok(data
        .into_iter()
        .map(|(key, value)| (key, value.0))
        .collect())
}

async fn lives(
    platform: &Platform,
) -> Result<BTreeMap<Component, BTreeSet<(String, String, i32)>>> {
    let pods = platform.pods().await?;
    let of = |component: Component| {
        let of = |pod: &&Pod| pod.labels()["app.kubernetes.io/name"] == component.as_str();
        pods.iter().filter(of).map(life_of).collect()
    };

    Ok(Component::ALL.into_iter().map(|c| (c, of(c))).collect())
}

/// A token is used until shortly before it expires, so that each key's last tokens are used after the next key signs.
async fn be_busy(api: PublicApi, session: Session, stop: Stop) -> Result<usize> {
    let mut tokens = session.tokens;
    let use_for = Duration::from_secs(TTL_SECONDS - 20);
    let mut since = Instant::now();
    let mut served = 0;
    while !stop.is_told() {
        if since.elapsed() > use_for {
            let answer = api.refresh(&tokens.refresh_token).await?.expect(200)?;
            tokens = answer.json()?;
            since = Instant::now();
            served += 1;
        }
        let token = &tokens.access_token;
        api.posts(token).await?.expect(200)?;
        api.create_post(token, "Still here", &[])
            .await?
            .expect(201)?;
        api.search(token, "here").await?.expect(200)?;
        served += 3;
        tokio::time::sleep(PAUSE).await;
    }

    Ok(served)
}
