//! Reading keys.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};

/// Why a key or a set of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("failed to read the signing key: not an Ed25519 key in PKCS#8 PEM")]
    Signing(#[source] jsonwebtoken::errors::Error),

    #[error("failed to read the public keys: not a JSON Web Key Set")]
    Set(#[source] serde_json::Error),

    #[error("failed to read the public key {kid}")]
    Public {
        kid: String,
        #[source]
        source: jsonwebtoken::errors::Error,
    },

    #[error("failed to read the public keys: the key at index {0} has no kid")]
    NoKid(usize),

    #[error("failed to read the public keys: the key set is empty")]
    Empty,
}

/// The public half of a signing key; its `kid` is the thumbprint of RFC 7638, so both sides derive the same one.
pub(crate) fn public_jwk(key: &EncodingKey) -> Result<Jwk, KeyError> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA).map_err(KeyError::Signing)?;
    jwk.common.key_id = Some(
        jwk.thumbprint(ThumbprintHash::SHA256)
            .map_err(KeyError::Signing)?,
    );
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);

    Ok(jwk)
}
