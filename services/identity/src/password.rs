//! Passwords: how long one must be, how it becomes a hash, and whether it is the one behind a hash.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, rand};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

/// Long enough for any phrase, short enough that hashing its text costs nothing.
pub const MAX_CHARS: usize = 128;
/// A stored hash that asks for more memory than this is refused instead of being computed.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A password as somebody typed it. It has no `Debug` and no `Display`: nothing can print it.
pub struct Password(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {actual} characters, it needs {minimum} or more")]
    TooShort { actual: usize, minimum: usize },

    #[error("the password has {0} characters, it may have up to {MAX_CHARS}")]
    TooLong(usize),
}

/// A hash could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("failed to read a stored password hash")]
    Unreadable,

    #[error("failed to use a stored password hash: it asks for {0} KiB of memory")]
    TooMuchMemory(u32),

    #[error("failed to compute a password hash: {0}")]
    Argon2(argon2::Error),

    #[error("failed to draw random bytes")]
    Random,
}

impl Password {
    /// Whether this may become somebody's password. `minimum` is in characters.
    pub fn check_length(&self, minimum: usize) -> Result<(), PasswordError> {
        let actual = self.0.expose_secret().chars().count();
        if actual < minimum {
            return Err(PasswordError::TooShort { actual, minimum });
        }
        if actual > MAX_CHARS {
            return Err(PasswordError::TooLong(actual));
        }

        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would quote the value, and a number may be somebody's password too.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(text.into()),
            _ => Err(de::Error::custom("expected a string")),
        }
    }
}

/// The hash of `password` with a new salt, in PHC string format. `memory` grows to what is needed.
pub fn hash(
    password: &Password,
    params: &Params,
    memory: &mut Vec<Block>,
) -> Result<String, HashError> {
    let salt = random::<SALT_BYTES>()?;
    let mut output = [0; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    compute(&argon2, password, &salt, &mut output, memory)?;

    Ok(phc(params, &salt, &output))
}

/// Whether `password` is the one `hash` was made of. The parameters are the hash's own.
pub fn verify(password: &Password, hash: &str, memory: &mut Vec<Block>) -> Result<bool, HashError> {
    let hash = PasswordHash::new(hash).map_err(|_| HashError::Unreadable)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Err(HashError::Unreadable);
    };
    let algorithm =
        Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| HashError::Unreadable)?;
    let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
    let params = Params::try_from(&hash).map_err(|_| HashError::Unreadable)?;
    if params.m_cost() > MAX_MEMORY_KIB {
        return Err(HashError::TooMuchMemory(params.m_cost()));
    }

    let argon2 = Argon2::new(
        algorithm,
        version.map_err(|_| HashError::Unreadable)?,
        params,
    );
    let mut output = vec![0; expected.len()];
    compute(&argon2, password, salt, &mut output, memory)?;

    Ok(constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok())
}

/// A hash no password belongs to. To verify against it takes as long as against one that [`hash`] made.
pub fn unmatchable_hash(params: &Params) -> Result<String, HashError> {
    Ok(phc(
        params,
        &random::<SALT_BYTES>()?,
        &random::<HASH_BYTES>()?,
    ))
}

fn compute(
    argon2: &Argon2<'_>,
    password: &Password,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), HashError> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }

    argon2
        .hash_password_into_with_memory(password.bytes(), salt, output, memory)
        .map_err(HashError::Argon2)
}

fn phc(params: &Params, salt: &[u8; SALT_BYTES], output: &[u8; HASH_BYTES]) -> String {
    let fits = "16 and 32 bytes and three numbers fit a PHC string";
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect(fits),
        salt: Some(Salt::new(salt).expect(fits)),
        hash: Some(Output::new(output).expect(fits)),
    }
    .to_string()
}

fn random<const N: usize>() -> Result<[u8; N], HashError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| HashError::Random)?;

    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What npm's argon2 0.45 makes of [`PHRASE`] by default.
    const OF_NODE: &str = "$argon2id$v=19$m=65536,p=4,t=3$0LFxQgi+Y7KkyoYXcunqMw$tAi1IkL3NRw/sdK18RTVkmXOV2J8pPsNoUr/Tcmm6pI";
    const PHRASE: &str = "correct horse battery staple";

    fn password(text: &str) -> Password {
        text.to_owned().into()
    }

    fn cheap() -> Params {
        Params::new(64, 1, 1, None).expect("valid parameters")
    }

    #[test]
    fn a_password_is_measured_in_characters_not_bytes() {
        for (text, expected) in [
            ("é".repeat(8), Ok(())),
            ("é".repeat(128), Ok(())),
            (
                "é".repeat(7),
                Err(PasswordError::TooShort {
                    actual: 7,
                    minimum: 8,
                }),
            ),
            ("é".repeat(129), Err(PasswordError::TooLong(129))),
        ] {
            assert_eq!(password(&text).check_length(8), expected);
        }
    }

    #[test]
    fn only_the_same_password_verifies() {
        let mut memory = Vec::new();
        let hash = hash(&password(PHRASE), &cheap(), &mut memory).expect("hashed");

        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        for (text, expected) in [
            (PHRASE, true),
            ("Correct horse battery staple", false),
            ("", false),
        ] {
            assert_eq!(
                verify(&password(text), &hash, &mut memory).expect("verified"),
                expected
            );
        }
    }

    #[test]
    fn every_character_of_a_long_password_counts() {
        let mut memory = Vec::new();
        let long = "x".repeat(MAX_CHARS);
        let hash = hash(&password(&long), &cheap(), &mut memory).expect("hashed");

        assert!(verify(&password(&long), &hash, &mut memory).expect("verified"));
        assert!(!verify(&password(&long[1..]), &hash, &mut memory).expect("verified"));
    }

    #[test]
    fn one_password_has_a_new_hash_every_time() {
        let mut memory = Vec::new();
        let mut new = || hash(&password(PHRASE), &cheap(), &mut memory).expect("hashed");

        assert_ne!(new(), new());
    }

    #[test]
    fn a_hash_of_nodes_argon2_verifies() {
        let mut memory = Vec::new();

        assert!(verify(&password(PHRASE), OF_NODE, &mut memory).expect("verified"));
        assert!(!verify(&password("wrong"), OF_NODE, &mut memory).expect("verified"));
    }

    #[test]
    fn the_unmatchable_hash_has_the_parameters_of_a_new_one() {
        let mut memory = Vec::new();
        let head = |hash: String| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        let unmatchable = unmatchable_hash(&cheap()).expect("random bytes");

        assert!(!verify(&password(PHRASE), &unmatchable, &mut memory).expect("verified"));
        let hash = hash(&password(PHRASE), &cheap(), &mut memory).expect("hashed");
        assert_eq!(head(unmatchable), head(hash));
    }

    #[test]
    fn a_hash_that_cannot_be_used_is_an_error_not_a_mismatch() {
        let huge = OF_NODE.replace("m=65536", "m=4000000");
        for bad in [
            "",
            "plain text",
            "$2b$10$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=64,t=1,p=1",
            &huge,
        ] {
            assert!(
                verify(&password(PHRASE), bad, &mut Vec::new()).is_err(),
                "{bad}"
            );
        }
    }
}
