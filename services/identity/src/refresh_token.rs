//! What a refresh token is: a family, a generation and the proof that this service made it.
//!
//! The proof is an HMAC with a key that only this service has, so the database alone forges nothing; and it covers the
//! family's nonce, so the key alone forges nothing either.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::id::Id;
use crate::random::{NoRandomBytes, random_bytes};

pub const NONCE_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const PROOF_BYTES: usize = 32;
/// Family, generation, proof.
const TOKEN_BYTES: usize = 12 + 8 + PROOF_BYTES;
/// Keeps these proofs apart from any other use of the key.
const PURPOSE: &[u8] = b"socialplatform refresh token 1";

/// The key all refresh tokens are made with.
pub struct RefreshKey {
    key: hmac::Key,
    id: String,
}

/// A refresh token that could be one: whether this service made it is not known until [`RefreshKey::made`] says so.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub family: Id,
    pub generation: i64,
    proof: [u8; PROOF_BYTES],
}

/// The text is not 32 bytes as 64 hex digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the refresh key is not 64 hex digits")]
pub struct KeyError;

impl RefreshKey {
    /// `text` is 64 hex digits; space around them is ignored.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError)?;
        let digest = digest::digest(&digest::SHA256, &bytes);

        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            id: hex::encode(&digest.as_ref()[..4]),
        })
    }

    /// Tells this key from others without telling the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn token(&self, family: Id, generation: i64, nonce: &[u8; NONCE_BYTES]) -> RefreshToken {
        let tag = hmac::sign(&self.key, &message(family, generation, nonce));
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(tag.as_ref());

        RefreshToken {
            family,
            generation,
            proof,
        }
    }

    /// Whether `token` was made with this key for the family that has this nonce. Takes as long for any wrong one.
    pub fn made(&self, token: &RefreshToken, nonce: &[u8; NONCE_BYTES]) -> bool {
        let message = message(token.family, token.generation, nonce);

        hmac::verify(&self.key, &message, &token.proof).is_ok()
    }
}

impl RefreshToken {
    /// Nothing when `text` cannot be a token at all.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; TOKEN_BYTES] = BASE64.decode(text).ok()?.try_into().ok()?;
        let (family, rest) = bytes.split_first_chunk()?;
        let (generation, proof) = rest.split_first_chunk()?;

        Some(Self {
            family: Id(*family),
            generation: i64::from_be_bytes(*generation),
            proof: proof.try_into().ok()?,
        })
    }

    pub fn encode(&self) -> String {
        let generation = self.generation.to_be_bytes();
        BASE64.encode([&self.family.0[..], &generation, &self.proof].concat())
    }
}

pub fn new_nonce() -> Result<[u8; NONCE_BYTES], NoRandomBytes> {
    random_bytes()
}

fn message(family: Id, generation: i64, nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    // Each part but the first has a fixed length, so no two messages are the same bytes.
    [PURPOSE, &family.0, &generation.to_be_bytes(), nonce].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn key() -> RefreshKey {
        RefreshKey::parse(&"5a".repeat(32)).expect("a key")
    }

    fn token() -> RefreshToken {
        key().token(Id([1; 12]), 3, &NONCE)
    }

    #[test]
    fn a_token_survives_its_text() {
        let text = token().encode();

        assert_eq!(text.len(), 70);
        assert!(RefreshToken::decode(&text).is_some_and(|read| read == token()));
    }

    #[test]
    fn text_that_is_no_token_is_none() {
        let good = token().encode();
        for bad in [
            "",
            "x",
            &good[1..],
            &format!("{good}A"),
            &format!("{good}="),
            &good.replacen('A', "+", 1),
        ] {
            assert!(RefreshToken::decode(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let good = BASE64.decode(token().encode()).expect("base64");
        for index in 0..good.len() {
            let mut bytes = good.clone();
            bytes[index] ^= 1;
            let changed = RefreshToken::decode(&BASE64.encode(bytes)).expect("a token");
            assert!(!key().made(&changed, &NONCE), "byte {index}");
        }
        assert!(key().made(&token(), &NONCE));
    }

    proptest! {
        #[test]
        fn a_token_has_one_spelling(text in "[A-Za-z0-9_-]{68,72}|\\PC{0,80}") {
            if let Some(token) = RefreshToken::decode(&text) {
                prop_assert_eq!(token.encode(), text);
            }
        }

        #[test]
        fn no_token_is_made_up(bytes in proptest::collection::vec(any::<u8>(), TOKEN_BYTES)) {
            let token = RefreshToken::decode(&BASE64.encode(bytes)).expect("as long as a token");

            prop_assert!(!key().made(&token, &NONCE));
        }
    }

    #[test]
    fn neither_the_key_nor_the_nonce_is_enough() {
        let other = RefreshKey::parse(&"a5".repeat(32)).expect("a key");

        assert!(!other.made(&token(), &NONCE));
        assert!(!key().made(&token(), &[8; NONCE_BYTES]));
    }

    #[test]
    fn a_key_is_64_hex_digits() {
        for bad in [
            "",
            "5a",
            &"5a".repeat(31),
            &"5a".repeat(33),
            &"zz".repeat(32),
        ] {
            assert!(RefreshKey::parse(bad).is_err(), "{bad}");
        }
        assert!(RefreshKey::parse(&format!("{}\n", "5a".repeat(32))).is_ok());
    }
}
