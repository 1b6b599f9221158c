//! A claim as it is stored, and the one write that takes it.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub status: u16,
    /// The `Location` header, if the answer has one.
    pub location: Option<String>,
    /// JSON.
    pub body: String,
}

/// What is read of a claim; its lease and age are only ever compared by the database.
#[derive(Debug, Deserialize)]
pub(super) struct Claim {
    pub(super) fingerprint: Binary,
    pub(super) holder: ObjectId,
    pub(super) subject: ObjectId,
    pub(super) answer: Option<Stored>,
}

impl From<&Stored> for Bson {
    fn from(
        Stored {
            status,
            location,
            body,
        }: &Stored,
    ) -> Self {
        doc! { "status": i32::from(*status), "location": location, "body": body }.into()
    }
}

/// Gives the claim to `holder` if nobody has it, or if it is for the same request and its holder let its lease run out
/// without an answer. Otherwise nothing changes.
pub(super) fn take_if_free(
    fingerprint: &Binary,
    holder: ObjectId,
    lease: Duration,
) -> Vec<Document> {
    let is_missing = |field: &str| doc! { "$eq": [{ "$type": field }, "missing"] };
    let is_abandoned = doc! { "$and": [
        { "$eq": ["$fingerprint", fingerprint] },
        is_missing("$answer"),
        { "$lte": ["$leaseUntil", "$$NOW"] },
    ] };
    let if_free = |taken: Bson, kept: &str| doc! { "$cond": ["$isFree", taken, kept] };

    vec![
        doc! { "$set": { "isFree": { "$or": [is_missing("$holder"), is_abandoned] } } },
        doc! { "$set": {
            "holder": if_free(holder.into(), "$holder"),
            "leaseUntil": if_free(from_now(lease), "$leaseUntil"),
            "fingerprint": { "$ifNull": ["$fingerprint", fingerprint] },
            "subject": { "$ifNull": ["$subject", ObjectId::new()] },
            "claimedAt": { "$ifNull": ["$claimedAt", "$$NOW"] },
        } },
        doc! { "$unset": "isFree" },
    ]
}

/// Lets a lease end after `lease`.
pub(super) fn lease(lease: Duration) -> Vec<Document> {
    vec![doc! { "$set": { "leaseUntil": from_now(lease) } }]
}

fn from_now(lease: Duration) -> Bson {
    let milliseconds = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    doc! { "$add": ["$$NOW", milliseconds] }.into()
}

/// One hash over `parts`, in which no part can be mistaken for the end of another.
pub(super) fn digest(parts: &[&[u8]]) -> Binary {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }

    Binary {
        subtype: BinarySubtype::Generic,
        bytes: hash.finalize().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
    }
}
