//! Random bytes that nobody can guess: the system's own.
//!
//! The generator of the library that signs tokens begins by watching the processor for some 30 ms, at every start.

use rand::TryRngCore as _;
use rand::rngs::OsRng;

/// The system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw random bytes")]
pub struct NoRandomBytes;

pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomBytes> {
    let mut bytes = [0; N];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| NoRandomBytes)?;

    Ok(bytes)
}
