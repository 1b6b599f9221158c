//! What the resource says of limits and storage is what people and pods get.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::client::{Answer, Session};
use e2e::platform::{NAME, ask_for, stalls_with, unlimited};
use e2e::{Look, Platform, in_namespace, on_shared_platform, until};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ListParams;
use operator_api::{Component, Reason, object_name};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// What the limit of requests is set to, and more than it lets through even while some of it comes back.
const BURST: usize = 10;
const REQUESTS: usize = 40;

/// An upload between the limit that is set and the default one.
const LIMIT: usize = 2048;
const UPLOAD: usize = 4096;

const BUCKET_KEYS: &str = "bucket-keys";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_changed_rate_limit_reaches_the_gateway() -> Result<()> {
    on_shared_platform("rate-limit", async |platform| {
        let token = someone(platform, "limited").await?.tokens.access_token;
        set_rate_limit(
            platform,
            json!({ "requestsPerMinute": BURST, "burst": BURST }),
        )
        .await?;

        let api = platform.public_api()?;
        let mut served = 0;
        let refused = loop {
            let answer = api.posts(&token).await?;
            if answer.status == 429 {
                break answer;
            }
            answer.expect(200)?;
            served += 1;
            ensure!(served < REQUESTS, "{served} requests were served");
        };
        refused.expect_problem(429)?;
        for header in ["retry-after", "ratelimit", "ratelimit-policy"] {
            ensure!(
                refused.headers.contains_key(header),
                "a 429 without {header}: {:?}",
                refused.headers
            );
        }
        println!("{served} requests were served before the first 429");

        set_rate_limit(platform, unlimited()).await?;
        for _ in 0..REQUESTS {
            api.posts(&token).await?.expect(200)?;
        }

        Ok(())
    })
    .await
}

/// Gateway and media both keep the limit.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_changed_upload_limit_is_kept() -> Result<()> {
    on_shared_platform("upload-limit", async |platform| {
        let token = someone(platform, "uploader").await?.tokens.access_token;
        upload(platform, &token).await?.expect(201)?;

        set_upload_limit(platform, json!(LIMIT)).await?;
        upload(platform, &token).await?.expect_problem(413)?;

        set_upload_limit(platform, Value::Null).await?;
        upload(platform, &token).await?.expect(201)?;

        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_missing_secret_is_named_and_awaited() -> Result<()> {
    in_namespace("missing-secret", async |namespace| {
        let s3 = json!({ "bucket": "files", "credentialsSecretRef": { "name": BUCKET_KEYS } });
        ask_for(namespace, json!({ "media": { "storage": { "s3": s3 } } })).await?;

        stalls_with(
            namespace,
            Reason::SecretMissing,
            &format!("Secret {BUCKET_KEYS}"),
            SEEN_WITHIN,
        )
        .await?;
        let id = "--from-literal=accessKeyId=id";
        let create = ["create", "secret", "generic", BUCKET_KEYS, id];
        namespace.kubectl(&create).await?;
        stalls_with(
            namespace,
            Reason::SecretMissing,
            "secretAccessKey",
            SEEN_WITHIN,
        )
        .await?;
        let add = r#"{"stringData":{"secretAccessKey":"secret"}}"#;
        let patch = ["patch", "secret", BUCKET_KEYS, "--patch", add];
        namespace.kubectl(&patch).await?;

        let secrets = namespace.api::<Secret>();
        let name = object_name(NAME, Component::Media);
        until("media's own Secret", SEEN_WITHIN, async || {
            let secret = secrets.get_opt(&name).await?;
            let data = secret.and_then(|secret| secret.data).unwrap_or_default();
            let data: BTreeMap<_, _> = data.into_iter().map(|(key, text)| (key, text.0)).collect();
            let is_copied = data.get("s3-secret-access-key").map(Vec::as_slice) == Some(b"secret");

            Ok(Look::when(is_copied, || {
                format!("{:?}", data.keys().collect::<Vec<_>>())
            }))
        })
        .await
    })
    .await
}

/// Waits until the platform says that it lacks a Secret, with these words in the message.
async fn someone(platform: &Platform, name: &str) -> Result<Session> {
    let name = format!("{name}{}", jiff::Timestamp::now().as_millisecond());
    let email = format!("{name}@example.com");
    let api = platform.public_api()?;

    api.register(&name, &email, PASSWORD)
        .await?
        .expect(201)?
        .json()
}

async fn set_rate_limit(platform: &Platform, limit: Value) -> Result<()> {
    platform
        .edit(json!({ "spec": { "gateway": { "rateLimit": limit } } }))
        .await?;
    platform.ready().await?;

    rolled(platform, Component::Gateway).await
}

async fn set_upload_limit(platform: &Platform, bytes: Value) -> Result<()> {
    platform
        .edit(json!({ "spec": { "media": { "maxUploadBytes": bytes } } }))
        .await?;
    platform.ready().await?;
    rolled(platform, Component::Gateway).await?;

    rolled(platform, Component::Media).await
}

/// Waits until the pod from before is gone: it finishes what it was asked, by what it was told.
async fn rolled(platform: &Platform, component: Component) -> Result<()> {
    until("the end of the pod from before", SEEN_WITHIN, async || {
        let of = format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/name={component}");
        let pods = platform.namespace.api::<Pod>();
        let pods = pods.list(&ListParams::default().labels(&of)).await?.items;

        Ok(Look::when(pods.len() == 1, || {
            format!("{} pods", pods.len())
        }))
    })
    .await
}

/// A file that begins as a GIF does; nobody looks further.
async fn upload(platform: &Platform, token: &str) -> Result<Answer> {
    let mut file = b"GIF89a\x01\0\x01\0".to_vec();
    file.resize(UPLOAD, 0);

    platform.public_api()?.upload(token, "dot.gif", &file).await
}
