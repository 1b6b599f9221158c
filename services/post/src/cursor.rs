//! The text that leads a client from one page of a list to the next.
//!
//! A cursor says behind which post the next page begins, and proves that this service wrote it, for this list: an
//! HMAC covers it together with the filter of the list. So nobody makes one, changes one, or takes one over to another
//! list. It begins with a version, and one of an unknown version is refused like any other text.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::post::{ID_BYTES, Id, Post};

const KEY_BYTES: usize = 32;
const VERSION: u8 = 1;
const TIME_BYTES: usize = 8;
const PAGE_BYTES: usize = 8;
/// Half of the HMAC, which RFC 2104 allows, and still nothing anybody guesses.
const PROOF_BYTES: usize = 16;
const PLACE_BYTES: usize = 1 + TIME_BYTES + ID_BYTES + PAGE_BYTES;
const CURSOR_BYTES: usize = PLACE_BYTES + PROOF_BYTES;
/// Keeps these proofs apart from any other use of the key.
const PURPOSE: &[u8] = b"socialplatform post cursor";
const NAMESPACE: &[u8] = b"socialplatform post namespace";

/// The key all cursors are made with.
#[derive(Clone)]
pub struct CursorKey(hmac::Key);

/// The last post of a page, and the number of the page after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub created_at: Timestamp,
    pub id: Id,
    pub page: u64,
}

/// The text is not 32 bytes as 64 hex digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor key is not 64 hex digits")]
pub struct KeyError;

impl CursorKey {
    /// `text` is 64 hex digits; space around them is ignored.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError)?;

        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// A name that only this platform has for `name`.
    pub fn namespace(&self, name: &str) -> String {
        let tag = hmac::sign(&self.0, &[NAMESPACE, name.as_bytes()].concat());

        hex::encode(&tag.as_ref()[..8])
    }

    /// Over `place` in the list of all posts, or of one user's.
    fn proof(&self, place: &[u8], user: Option<&Id>) -> [u8; PROOF_BYTES] {
        let user = user.map(|user| user.bytes());
        let user = user.as_ref().map_or(&[][..], |bytes| bytes);
        // The place has a fixed length, so no two messages are the same bytes.
        let tag = hmac::sign(&self.0, &[PURPOSE, place, user].concat());
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(&tag.as_ref()[..PROOF_BYTES]);

        proof
    }
}

impl Cursor {
    /// Behind `last`, the last post of page `number`.
    pub fn after(last: &Post, number: u64) -> Self {
        Self {
            created_at: last.created_at,
            id: last.id,
            page: number.saturating_add(1),
        }
    }

    /// Nothing when `text` was not made with this key for the list of this user, or of all.
    pub fn parse(text: &str, user: Option<&Id>, key: &CursorKey) -> Option<Self> {
        let bytes: [u8; CURSOR_BYTES] = BASE64.decode(text).ok()?.try_into().ok()?;
        let (place, proof) = bytes.split_at(PLACE_BYTES);
        let is_ours: bool = key.proof(place, user).ct_eq(proof).into();
        if !is_ours {
            return None;
        }
        let (version, place) = place.split_first()?;
        let (time, place) = place.split_first_chunk::<TIME_BYTES>()?;
        let (id, page) = place.split_first_chunk::<ID_BYTES>()?;
        if *version != VERSION {
            return None;
        }

        Some(Self {
            created_at: Timestamp::from_millisecond(i64::from_be_bytes(*time)).ok()?,
            id: Id::from(*id),
            page: u64::from_be_bytes(page.try_into().ok()?),
        })
    }

    /// For the list of this user, or of all.
    pub fn to_text(&self, user: Option<&Id>, key: &CursorKey) -> String {
        let time = self.created_at.as_millisecond().to_be_bytes();
        let page = self.page.to_be_bytes();
        let place = [&[VERSION][..], &time, &self.id.bytes(), &page].concat();
        let proof = key.proof(&place, user);

        BASE64.encode([&place[..], &proof].concat())
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
#[cfg(test)]
mod tests;
