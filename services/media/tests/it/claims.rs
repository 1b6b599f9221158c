//! Which files stay because a post shows them, and which go.

use events::{Envelope, Event, Origin, PostCreated, PostDeleted, PostUpdated, UserDeleted};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use media::config::Command;
use mongodb::bson::{DateTime, doc};
use service_kit::Settings as _;
use test_kit::{assert_problem, object_id, rounds};

use crate::cascade::{handled, handled_as, publish, publisher};
use crate::stage::{Stage, Stores, count, form, png, wait_until};

const QUICK: [&str; 2] = ["--unclaimed-upload-seconds", "1"];

fn envelope<E: Event>(data: E) -> Envelope<E> {
    Envelope::new(data, Timestamp::UNIX_EPOCH, Origin::default())
}

fn created(post: &str, user: &str, media: &[&str]) -> Envelope<PostCreated> {
    envelope(PostCreated {
        post_id: post.to_owned(),
        user_id: user.to_owned(),
        content: "a post".to_owned(),
        media_ids: media.iter().map(ToString::to_string).collect(),
        created_at: Timestamp::UNIX_EPOCH,
        version: 1,
    })
}

fn updated(post: &str, user: &str, media: &[&str]) -> Envelope<PostUpdated> {
    envelope(PostUpdated {
        post_id: post.to_owned(),
        user_id: user.to_owned(),
        content: "a post".to_owned(),
        media_ids: media.iter().map(ToString::to_string).collect(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        version: 2,
    })
}

async fn is_unclaimed(stage: &Stage, id: &str) -> bool {
    let unclaimed =
        doc! { "_id": crate::stage::object_id(id), "unclaimedSince": { "$exists": true } };

    count(&stage.media(), unclaimed).await == 1
}

#[tokio::test]
async fn a_file_that_no_post_shows_is_removed_after_a_while() {
    let stage = Stage::with(&QUICK).await;
    let id = stage.upload(&png(600_000)).await;
    assert_eq!(stage.fetch(&id, &[]).await.status(), 200);

    stage.assert_nothing_stays().await;
    assert_eq!(stage.fetch(&id, &[]).await.status(), 404);
}

#[tokio::test]
async fn a_post_of_its_owner_claims_a_file_and_nobody_elses() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(1000)).await;
    let publisher = publisher(&stage);
    publish(&publisher, &created(&object_id(), &object_id(), &[&id])).await;
    handled(&stage, PostCreated::TYPE, 1).await;
    assert!(is_unclaimed(&stage, &id).await);

    publish(&publisher, &created(&object_id(), &stage.user, &[&id])).await;
    handled(&stage, PostCreated::TYPE, 2).await;
    assert!(!is_unclaimed(&stage, &id).await);
}

#[tokio::test]
async fn a_file_an_edit_drops_is_unclaimed_again_whatever_comes_first() {
    let stage = Stage::new().await;
    let (kept, dropped) = (stage.upload(&png(100)).await, stage.upload(&png(100)).await);
    let publisher = publisher(&stage);
    for (n, edited_first) in [(1, false), (2, true)] {
        let post = object_id();
        let first = created(&post, &stage.user, &[&kept, &dropped]);
        let second = updated(&post, &stage.user, &[&kept]);
        if edited_first {
            publish(&publisher, &second).await;
            handled(&stage, PostUpdated::TYPE, n).await;
            publish(&publisher, &first).await;
            handled(&stage, PostCreated::TYPE, n).await;
        } else {
            publish(&publisher, &first).await;
            handled(&stage, PostCreated::TYPE, n).await;
            publish(&publisher, &second).await;
            handled(&stage, PostUpdated::TYPE, n).await;
        }

        assert!(is_unclaimed(&stage, &dropped).await, "{edited_first}");
        assert!(!is_unclaimed(&stage, &kept).await, "{edited_first}");
    }
}

#[tokio::test]
async fn who_is_not_the_author_of_a_post_gives_none_of_its_files_up() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(100)).await;
    let publisher = publisher(&stage);
    let post = object_id();
    publish(&publisher, &created(&post, &stage.user, &[&id])).await;
    handled(&stage, PostCreated::TYPE, 1).await;

    publish(&publisher, &updated(&post, &object_id(), &[])).await;
    handled_as(&stage, PostUpdated::TYPE, "dead_letter", 1).await;
    assert!(!is_unclaimed(&stage, &id).await);
}

#[tokio::test]
async fn files_that_no_post_shows_are_listed_and_removed_on_request() {
    let stores = Stores::real();
    let config = stores.config();
    let stage = Stage::on(stores).await;
    let (shown, left) = (stage.upload(&png(100)).await, stage.upload(&png(100)).await);
    publish(
        &publisher(&stage),
        &created(&object_id(), &stage.user, &[&shown]),
    )
    .await;
    handled(&stage, PostCreated::TYPE, 1).await;

    let orphans = async |remove| {
        let mut config = config.clone();
        config.command = Some(Command::Orphans {
            older_than_seconds: 0,
            remove,
        });
        config.task().expect("a task").await.expect("done");
    };
    orphans(false).await;
    assert_eq!(stage.fetch(&left, &[]).await.status(), 200);
    orphans(true).await;
    assert_eq!(stage.fetch(&left, &[]).await.status(), 404);
    assert_eq!(stage.fetch(&shown, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_file_another_post_shows_outlives_a_deleted_one() {
    let stage = Stage::new().await;
    let id = stage.upload(&png(100)).await;
    let publisher = publisher(&stage);
    let (first, second) = (object_id(), object_id());
    publish(&publisher, &created(&first, &stage.user, &[&id])).await;
    publish(&publisher, &created(&second, &stage.user, &[&id])).await;
    handled(&stage, PostCreated::TYPE, 2).await;
    for (n, (post, status)) in [(first, 200), (second, 404)].into_iter().enumerate() {
        let deleted = envelope(PostDeleted {
            post_id: post,
            user_id: stage.user.clone(),
            media_ids: vec![id.clone()],
            version: 2,
        });
        publish(&publisher, &deleted).await;
        handled(&stage, PostDeleted::TYPE, n + 1).await;

        assert_eq!(stage.fetch(&id, &[]).await.status(), status);
    }
}

#[tokio::test]
async fn the_files_of_a_deleted_account_go_and_no_more_come() {
    let stage = Stage::new().await;
    stage.upload(&png(600_000)).await;
    stage.upload(&png(100)).await;
    let gone = envelope(UserDeleted {
        user_id: stage.user.clone(),
    });
    publish(&publisher(&stage), &gone).await;
    handled(&stage, UserDeleted::TYPE, 1).await;
    stage.assert_nothing_stays().await;

    // Its access token lives a little longer.
    let late = stage.send(form(&png(100))).await;
    assert_problem(late, 401, "token_invalid").await;
    stage.assert_nothing_stays().await;
}

#[tokio::test]
async fn what_a_killed_process_left_of_an_upload_is_removed_after_an_hour() {
    let stage = Stage::with(&QUICK).await;
    let file = mongodb::bson::oid::ObjectId::new();
    let chunk = doc! { "files_id": file, "n": 0, "data": "x" };
    stage.chunks().insert_one(chunk).await.expect("inserted");
    let minutes_ago = |minutes: i64| {
        DateTime::from_millis(DateTime::now().timestamp_millis() - minutes * 60 * 1000)
    };
    let upload = doc! { "_id": file, "type": "image/png", "startedAt": minutes_ago(59) };
    stage.uploads().insert_one(upload).await.expect("inserted");
    // A file that comes and goes shows that the sweep has been there.
    stage.upload(&png(100)).await;
    wait_until("a sweep", async || {
        count(&stage.media(), doc! {}).await == 0
    })
    .await;
    assert_eq!(count(&stage.chunks(), doc! { "files_id": file }).await, 1);

    let older = doc! { "$set": { "startedAt": minutes_ago(61) } };
    let uploads = stage.uploads();
    let aged = uploads.update_one(doc! { "_id": file }, older);
    aged.await.expect("aged");
    stage.assert_nothing_stays().await;
}

/// What is deleted as soon as it is there reaches several processes at the same moment, whichever way round.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_comes_beside_its_post_is_not_lost() {
    let posts = rounds(2000);
    let stores = Stores::real();
    let others = [stores.start().await, stores.start().await];
    let stage = Stage::on(stores).await;
    let publisher = publisher(&stage);
    stream::iter(0..posts)
        .for_each_concurrent(8, async |_| {
            let post = object_id();
            let created = created(&post, &stage.user, &[]);
            let deleted = envelope(PostDeleted {
                post_id: post,
                user_id: stage.user.clone(),
                media_ids: Vec::new(),
                version: 2,
            });
            tokio::join!(publish(&publisher, &created), publish(&publisher, &deleted));
        })
        .await;

    let notes = stage.database.collection("posts");
    wait_until("every post is known as deleted", async || {
        count(&notes, doc! { "isDeleted": true }).await == posts as u64
    })
    .await;
    drop(others);
}
