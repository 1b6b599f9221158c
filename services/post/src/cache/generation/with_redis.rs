//! These ask a real Redis; `make unit` leaves them out by the name of the module.

use clap::Parser;
use redis_kit::RedisConfig;
use test_kit::{Proxy, object_id, redis_url};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Parser)]
struct Config {
    #[command(flatten)]
    redis: RedisConfig,
}

fn redis(url: &str) -> Redis {
    let config = Config::parse_from(["test", "--redis-url", url]);
    Redis::new(&config.redis).expect("a connection string")
}

fn key() -> String {
    format!("test:{}:generation", object_id())
}

async fn until_known(generation: &Generation) -> i64 {
    let known = async {
        loop {
            if let Some(current) = generation.current().await {
                return current;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, known)
        .await
        .expect("Redis answers")
}

#[tokio::test]
async fn it_stays_until_somebody_moves_it_on_and_everybody_knows() {
    let key = key();
    let one = Generation::new(redis(&redis_url()), key.clone());
    let two = Generation::new(redis(&redis_url()), key);
    let (_, mut last) = (until_known(&one).await, until_known(&two).await);
    assert_eq!(one.current().await, Some(last));

    for _ in 0..100 {
        two.advance().await;
        let (seen, told) = (one.current().await, two.current().await);
        assert_eq!(seen, told);
        assert!(seen > Some(last));
        last = seen.expect("known");
    }
}

#[tokio::test]
async fn a_new_process_trusts_nothing_from_before_it() {
    let key = key();
    let before = until_known(&Generation::new(redis(&redis_url()), key.clone())).await;

    assert!(until_known(&Generation::new(redis(&redis_url()), key)).await > before);
}

#[tokio::test]
async fn what_redis_missed_is_made_up_for_before_it_is_believed_again() {
    let proxy = Proxy::open(&redis_url()).await;
    let key = key();
    let cut_off = Generation::new(redis(&proxy.url), key.clone());
    let other = Generation::new(redis(&redis_url()), key);
    let (_, before) = (until_known(&cut_off).await, until_known(&other).await);

    proxy.cut();
    cut_off.advance().await;
    assert_eq!(cut_off.current().await, None);
    proxy.reopen();
    assert!(until_known(&cut_off).await > before);
    assert_eq!(other.current().await, cut_off.current().await);
}

#[tokio::test]
async fn a_connection_that_somebody_else_found_broken_counts_too() {
    let proxy = Proxy::open(&redis_url()).await;
    let redis = redis(&proxy.url);
    let generation = Generation::new(redis.clone(), key());
    let before = until_known(&generation).await;

    // Redis restarts, with the numbers of a while ago, between two questions of ours.
    proxy.cut();
    assert!(redis.query::<()>(&cmd("PING")).await.is_err());
    proxy.reopen();
    assert!(until_known(&generation).await > before);
}

#[tokio::test]
async fn a_number_that_redis_forgot_is_not_given_again() {
    let redis = redis(&redis_url());
    let key = key();
    let generation = Generation::new(redis.clone(), key.clone());
    let mut seen = vec![until_known(&generation).await];
    for _ in 0..50 {
        let mut forget = cmd("DEL");
        forget.arg(&key);
        redis.query::<()>(&forget).await.expect("an answer");
        seen.push(until_known(&generation).await);
    }
    seen.sort_unstable();
    seen.dedup();

    assert!(seen.len() >= 50, "{} of 51 are different", seen.len());
}
