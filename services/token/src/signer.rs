//! Making tokens. Only the identity service holds the key for it.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use uuid::Uuid;

use crate::keys::public_jwk;
use crate::{Claims, KeyError, Scope, Subject};

/// Signs access tokens with one key.
pub struct Signer {
    key: EncodingKey,
    header: Header,
    scope: Scope,
    public_keys: String,
}

/// Signing failed; nothing the caller sent can cause it.
#[derive(Debug, thiserror::Error)]
#[error("failed to sign a token")]
pub struct SignError(#[source] jsonwebtoken::errors::Error);

impl Signer {
    /// `key` is an Ed25519 private key in PKCS#8 PEM.
    pub fn new(key: &str, scope: Scope) -> Result<Self, KeyError> {
        let key = EncodingKey::from_ed_pem(key.as_bytes()).map_err(KeyError::Signing)?;
        let jwk = public_jwk(&key)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid.clone_from(&jwk.common.key_id);
        let public_keys =
            serde_json::to_string(&JwkSet { keys: vec![jwk] }).map_err(KeyError::Set)?;

        Ok(Self {
            key,
            header,
            scope,
            public_keys,
        })
    }

    /// The public half of the key, as the text of a JSON Web Key Set.
    pub fn public_keys(&self) -> &str {
        &self.public_keys
    }

    /// A token for `subject`, valid from `now` (seconds since 1970) for `ttl_seconds`.
    pub fn sign(&self, subject: &Subject, now: i64, ttl_seconds: u32) -> Result<String, SignError> {
        let claims = Claims {
            sub: subject.user_id.clone(),
            user_id: subject.user_id.clone(),
            user_name: subject.user_name.clone(),
            sid: subject.session_id.clone(),
            iss: self.scope.issuer.clone(),
            aud: self.scope.audience.clone(),
            iat: now,
            exp: now + i64::from(ttl_seconds),
            jti: Uuid::new_v4().simple().to_string(),
        };

        jsonwebtoken::encode(&self.header, &claims, &self.key).map_err(SignError)
    }
}
