//! What a valid access token is: its claims, how it is signed and how it is verified.
//!
//! Tokens are JWTs signed with Ed25519 (`alg: EdDSA`). This crate knows no HTTP and no storage: keys come in as text,
//! tokens go out as text.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;

mod claims;
mod header;
mod keys;
mod signer;
mod verifier;

pub use claims::{Claims, MAX_LIFETIME_SECONDS, Subject, Verified};
pub use keys::KeyError;
pub use signer::{SignError, Signer};
pub use verifier::{LEEWAY_SECONDS, Rejected, Verifier};

/// Who issues tokens and for whom: a token of one platform is worth nothing at another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub issuer: String,
    pub audience: String,
}
