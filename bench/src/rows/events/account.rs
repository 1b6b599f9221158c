//! An account with very many posts goes, and what people who read notice of it.

use std::time::Instant;

use anyhow::Result;
use bus::{Broker, BusConfig, Publisher};
use events::{Envelope, Origin, UserDeleted};
use jiff::Timestamp;

use super::Copies;
use super::beside::{beside, row};
use crate::load::{Mixture, Request};
use crate::posts::{Posts, REQUEST_ID, TRACEPARENT};
use crate::report::{Flow, Row};
use crate::rows::{ACCOUNT_DELETED, LIST_BESIDE_ACCOUNT};
use crate::stage::Stage;
use crate::wait::until;

const POSTS: u64 = 100_000;

pub struct Account {
    /// From the event that says so until no post is left, in post and in search.
    pub deleted: Flow,
    /// Lists that were asked for meanwhile.
    pub meanwhile: Row,
}

pub async fn measure(stage: &Stage, posts: &mut Posts, copies: &Copies) -> Result<Account> {
    eprintln!("    {LIST_BESIDE_ACCOUNT}");
    let author = posts.add_of_one(POSTS).await?;
    stage.bench.quiet(&stage.processes()).await?;

    let config = BusConfig {
        rabbitmq_url: stage.bench.stores.rabbitmq_url.as_str().into(),
        events_namespace: stage.bench.stores.events_namespace.clone(),
    };
    let publisher = Publisher::start(&Broker::new(&config, "bench")?);
    until("the publisher is connected", async || {
        Ok(publisher.is_connected())
    })
    .await?;
    let origin = Origin {
        request_id: REQUEST_ID.to_owned(),
        traceparent: TRACEPARENT.to_owned(),
    };
    let user_id = author.to_hex();
    let event = Envelope::new(UserDeleted { user_id }, Timestamp::now(), origin);
    let deletion = async {
        let started = Instant::now();
        publisher.publish(&event).await?;
        copies.gone(author).await?;
        anyhow::Ok(started.elapsed())
    };
    let list = Mixture::one(Request::get("/v1/posts".to_owned())).by(&stage.token);
    let (took, meanwhile) = beside(stage, &list, deletion).await?;

    Ok(Account {
        deleted: Flow::new(ACCOUNT_DELETED, POSTS, took),
        meanwhile: row(LIST_BESIDE_ACCOUNT, meanwhile),
    })
}
