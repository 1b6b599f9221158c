//! Requests that may be sent twice and take place once.
//!
//! A client names a request with a key. The first request under a key claims it; the same request again gets the same
//! answer again, another request under the key is refused, and one that comes while the first still runs is told to
//! wait. Keys are forgotten after an hour.
//!
//! A claim is held by a lease, which its [`Guard`] renews. When the process dies, the next try takes the claim over as
//! soon as the lease has run out. What the dead holder had done by then is unknown, so a claim carries an id that is
//! the same for every holder, [`Guard::subject`]: whoever gives it to what the request makes cannot make it twice.
//!
//! Leases are measured by the database's clock alone; those of the processes do not matter.

mod claim;

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, Document, doc};
use mongodb::options::{IndexOptions, ReturnDocument};
use mongodb::{Collection, Database, IndexModel};
use tokio::task::JoinHandle;

pub use claim::Stored;

use crate::idempotency::claim::{Claim, digest, take_if_free};
use crate::{CallError, call, is_duplicate_key};

/// How long a key is remembered. MongoDB removes what is older within the next minute or two.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How long after its last sign of life a holder is taken for dead.
const LEASE: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A longer answer is not kept. The longest post takes some 30 KB.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Two first requests may both try to write the claim; the one that came second finds it at the next try.
const TRIES: usize = 3;

/// The keys of one service's clients.
#[derive(Debug, Clone)]
pub struct Idempotency {
    claims: Collection<Claim>,
}

/// What a request under a key is to do.
#[derive(Debug)]
pub enum Begin {
    /// Take place, and tell the guard its answer.
    Fresh(Guard),
    /// Answer this: the request took place already.
    Replay(Stored),
    /// Wait: the request is taking place.
    Busy,
    /// Be refused: the key belongs to another request.
    Differs,
}

/// Holds a claim until it is finished or released. Dropped, it lets the next try have it a moment later.
#[derive(Debug)]
pub struct Guard {
    claims: Collection<Claim>,
    id: Binary,
    holder: ObjectId,
    subject: ObjectId,
    renewing: JoinHandle<()>,
    is_finished: bool,
}

impl Idempotency {
    /// Claims are kept in the collection `idempotency`.
    pub fn new(database: &Database) -> Self {
        Self {
            claims: database.collection("idempotency"),
        }
    }

    /// Makes sure that keys are forgotten. Repeating it changes nothing.
    pub async fn prepare(&self) -> Result<(), CallError> {
        let forgotten = IndexModel::builder()
            .keys(doc! { "claimedAt": 1 })
            .options(IndexOptions::builder().expire_after(KEPT).build())
            .build();
        call(
            "create the index of idempotency keys",
            self.claims.create_index(forgotten),
        )
        .await?;

        Ok(())
    }

    /// Claims `key` for a request.
    ///
    /// Keys of different `scope` (what is asked for, such as `create post`) or `owner` (who asks) are different keys.
    /// `fingerprint` is whatever two requests must agree in to be the same. Only a plain hash of all four is kept, which
    /// hides nothing that can be guessed: leave passwords out.
    pub async fn begin(
        &self,
        scope: &str,
        owner: &str,
        key: &str,
        fingerprint: &[u8],
    ) -> Result<Begin, CallError> {
        let id = digest(&[scope.as_bytes(), owner.as_bytes(), key.as_bytes()]);
        let fingerprint = digest(&[fingerprint]);
        let holder = ObjectId::new();
        let claim = self.claim(&id, &fingerprint, holder).await?;

        Ok(if claim.holder == holder {
            Begin::Fresh(Guard::new(self.claims.clone(), id, holder, claim.subject))
        } else if claim.fingerprint != fingerprint {
            Begin::Differs
        } else {
            claim.answer.map_or(Begin::Busy, Begin::Replay)
        })
    }

    /// The claim as it is after `holder` has tried to take it.
    async fn claim(
        &self,
        id: &Binary,
        fingerprint: &Binary,
        holder: ObjectId,
    ) -> Result<Claim, CallError> {
        let doing = "claim an idempotency key";
        let mut tried = 0;
        loop {
            let claim = self
                .claims
                .find_one_and_update(doc! { "_id": id }, take_if_free(fingerprint, holder, LEASE))
                .upsert(true)
                .return_document(ReturnDocument::After);
            tried += 1;
            match call(doing, claim).await {
                Ok(Some(claim)) => return Ok(claim),
                Ok(None) => return Err(CallError::Silent { doing }),
                Err(CallError::Failed { source, .. })
                    if is_duplicate_key(&source) && tried < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Guard {
    fn new(claims: Collection<Claim>, id: Binary, holder: ObjectId, subject: ObjectId) -> Self {
        let renewing = tokio::spawn(renew(claims.clone(), id.clone(), holder));

        Self {
            claims,
            id,
            holder,
            subject,
            renewing,
            is_finished: false,
        }
    }

    /// The id of what the request makes: the same at every try. What has it already was made by an earlier one.
    pub fn subject(&self) -> ObjectId {
        self.subject
    }

    /// Keeps the answer of the request, or leaves the key to the next try when there is none.
    pub async fn conclude<E>(self, answer: Result<Stored, E>) -> Result<Stored, E> {
        match &answer {
            Ok(answer) => self.finish(answer).await,
            Err(_) => self.release().await,
        }

        answer
    }

    /// Leaves the key to the next try: there is no answer to keep.
    pub async fn release(mut self) {
        self.is_finished = true;
        release(self.claims.clone(), held_by(&self.id, self.holder)).await;
    }

    /// Keeps the answer for whoever sends the request again.
    ///
    /// The request took place whether or not this succeeds; a failure is logged and otherwise no concern of the caller.
    pub async fn finish(mut self, answer: &Stored) {
        if answer.body.len() > MAX_BODY_BYTES {
            tracing::error!("an answer is too long to be kept for its idempotency key");
            return;
        }
        let kept = self.claims.update_one(
            held_by(&self.id, self.holder),
            doc! { "$set": { "answer": answer } },
        );
        match call("keep an answer", kept).await {
            Ok(_) => self.is_finished = true,
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an answer is not kept for its idempotency key"
            ),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.renewing.abort();
        if self.is_finished {
            return;
        }
        // Without a runtime the process is about to end, and the lease ends by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(release(self.claims.clone(), held_by(&self.id, self.holder)));
    }
}

async fn release(claims: Collection<Claim>, holding: Document) {
    let over = claim::lease(Duration::ZERO);
    let released = call(
        "release an idempotency key",
        claims.update_one(holding, over),
    );
    if let Err(error) = released.await {
        tracing::debug!(%error, "an idempotency key waits for the end of its lease");
    }
}

/// Says again and again that the holder lives, until it is aborted or finds the claim in other hands.
async fn renew(claims: Collection<Claim>, id: Binary, holder: ObjectId) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let longer = claims.update_one(held_by(&id, holder), claim::lease(LEASE));
        match call("renew the lease of an idempotency key", longer).await {
            Ok(renewed) if renewed.matched_count == 0 => return,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a lease is not renewed, trying again"),
        }
    }
}

/// An answer that is there is final, and so is the loss of a claim.
fn held_by(id: &Binary, holder: ObjectId) -> mongodb::bson::Document {
    doc! { "_id": id, "holder": holder, "answer": { "$exists": false } }
}
