//! Checking tokens.

use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use crate::header::Header;
use crate::{Claims, KeyError, Scope, Subject, Verified};

/// Clocks of two machines may differ this much before a token is refused, in seconds.
pub const LEEWAY_SECONDS: u64 = 5;

/// Ours have some 600 bytes; the longest name makes that 800.
const MAX_TOKEN_BYTES: usize = 4096;

/// Decides which tokens are valid.
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

/// Why a token is not accepted. The caller is told no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the token has expired")]
    Expired,

    #[error("the token is not valid")]
    Invalid,
}

impl Verifier {
    /// `key_set` is the text of a JSON Web Key Set of Ed25519 keys, each with a `kid`.
    pub fn new(key_set: &str, scope: &Scope) -> Result<Self, KeyError> {
        let set: JwkSet = serde_json::from_str(key_set).map_err(KeyError::Set)?;
        let mut keys = HashMap::new();
        for (index, jwk) in set.keys.iter().enumerate() {
            let kid = jwk.common.key_id.clone().ok_or(KeyError::NoKid(index))?;
            let key = DecodingKey::from_jwk(jwk).map_err(|source| KeyError::Public {
                kid: kid.clone(),
                source,
            })?;
            keys.insert(kid, key);
        }
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }

        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&scope.issuer]);
        validation.set_audience(&[&scope.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);

        Ok(Self { keys, validation })
    }

    /// What `token` proves, or why it is refused.
    pub fn verify(&self, token: &str) -> Result<Verified, Rejected> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejected::Invalid);
        }
        let header = Header::of(token).ok_or(Rejected::Invalid)?;
        let key = self.keys.get(header.kid()).ok_or(Rejected::Invalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => Rejected::Expired,
                _ => Rejected::Invalid,
            })?
            .claims;
        if !claims.are_ours(latest_issue()) {
            return Err(Rejected::Invalid);
        }

        Ok(Verified {
            subject: Subject {
                user_id: claims.sub,
                user_name: claims.user_name,
                session_id: claims.sid,
            },
            expires_at: claims.exp,
        })
    }
}

/// When a token can have been issued at the latest, in seconds since 1970.
fn latest_issue() -> i64 {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();

    i64::try_from(now.saturating_add(LEEWAY_SECONDS)).unwrap_or(i64::MAX)
}
