//! A first conversation, by both spellings of the API, and the tokens that only time or a key can spoil.

use anyhow::{Context, Result, ensure};
use e2e::client::Spelling;
use e2e::conversation::conversation;
use e2e::platform::NAME;
use e2e::{Platform, on_shared_platform};
use k8s_openapi::api::core::v1::Secret;
use operator_api::names::credentials_name;
use operator_render::Credentials;
use token::{Scope, Signer, Subject};

const TTL_SECONDS: u32 = 3600;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn two_people_can_have_the_whole_conversation() -> Result<()> {
    on_shared_platform("conversation", async |platform| {
        conversation(&platform.public_api()?, |_| {}).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn clients_of_the_node_platform_can_have_it_too() -> Result<()> {
    on_shared_platform("node-conversation", async |platform| {
        let api = platform.public_api()?.spelled(Spelling::Node);
        conversation(&api, |_| {}).await
    })
    .await
}

/// The same key and the same claims but for the time: nothing else is wrong with the token that is refused.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kind cluster: make e2e"]
async fn a_token_is_worth_nothing_once_it_has_expired() -> Result<()> {
    on_shared_platform("expired-token", async |platform| {
        let signer = signer(platform).await?;
        let subject = Subject {
            user_id: "0123456789abcdef01234567".to_owned(),
            user_name: "somebody".to_owned(),
            session_id: "0123456789abcdef01234568".to_owned(),
        };
        let now = jiff::Timestamp::now().as_second();
        let api = platform.public_api()?;

        let valid = signer.sign(&subject, now, TTL_SECONDS)?;
        api.posts(&valid).await?.expect(200)?;
        let expired = signer.sign(&subject, now - i64::from(2 * TTL_SECONDS), TTL_SECONDS)?;
        let problem = api.posts(&expired).await?.expect_problem(401)?;
        ensure!(
            problem.detail.contains("expired"),
            "an expired token was refused with: {}",
            problem.detail
        );

        Ok(())
    })
    .await
}

async fn signer(platform: &Platform) -> Result<Signer> {
    let secrets = platform.namespace.api::<Secret>();
    let data = secrets.get(&credentials_name(NAME)).await?.data;
    let credentials = Credentials::from_secret_data(&data.context("the Secret has data")?)?;
    let name = format!("socialplatform:{}/{NAME}", platform.namespace.name);
    let scope = Scope {
        issuer: name.clone(),
        audience: name,
    };

    Ok(Signer::new(&credentials.token_keys.signing_key_pem, scope)?)
}
