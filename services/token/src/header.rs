//! The only header a token may have.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;

/// Whatever else a header could say asks the reader for something: a key to fetch, an extension to know, an algorithm
/// to use. Ours says none of it, so a token that does is not ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl Header {
    /// The header of `token`, if it is one of ours.
    pub fn of(token: &str) -> Option<Self> {
        let (header, _) = token.split_once('.')?;
        let header: Self = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;

        (header.alg == "EdDSA" && header.typ == "JWT").then_some(header)
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }
}
