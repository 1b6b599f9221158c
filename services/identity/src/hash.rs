//! What a password becomes: an Argon2id hash in PHC string format, and whether a password is the one behind it.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time;

use crate::password::Password;
use crate::random::{NoRandomBytes, random_bytes};

/// A stored hash that asks for more memory than this is refused instead of being computed.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A hash as it is stored, with everything that is needed to compute it again: doing so cannot fail.
#[derive(Debug, Clone)]
pub struct StoredHash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// A hash could not be read or computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("failed to read a stored password hash")]
    Unreadable,

    #[error("failed to use a stored password hash: it asks for {0} KiB of memory")]
    TooMuchMemory(u32),

    #[error("failed to compute a password hash: {0}")]
    Argon2(argon2::Error),

    #[error(transparent)]
    Random(#[from] NoRandomBytes),
}

impl StoredHash {
    /// Reads any Argon2 hash in PHC string format, of whatever parameters.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let hash = PasswordHash::new(text).map_err(|_| HashError::Unreadable)?;
        let (Some(salt), Some(output)) = (&hash.salt, &hash.hash) else {
            return Err(HashError::Unreadable);
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str());
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
        let params = Params::try_from(&hash).map_err(|_| HashError::Unreadable)?;
        if params.m_cost() > MAX_MEMORY_KIB {
            return Err(HashError::TooMuchMemory(params.m_cost()));
        }
        if salt.len() < argon2::MIN_SALT_LEN {
            return Err(HashError::Unreadable);
        }

        Ok(Self {
            algorithm: algorithm.map_err(|_| HashError::Unreadable)?,
            version: version.map_err(|_| HashError::Unreadable)?,
            params,
            salt: salt.to_vec(),
            output: output.as_bytes().to_vec(),
        })
    }

    /// A hash no password belongs to. To verify against it takes as long as against one that [`hash`] made.
    pub fn unmatchable(params: &Params) -> Result<Self, HashError> {
        Ok(Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: params.clone(),
            salt: random_bytes::<SALT_BYTES>()?.to_vec(),
            output: random_bytes::<HASH_BYTES>()?.to_vec(),
        })
    }

    /// Whether [`hash`] would make it with these parameters.
    pub fn is_made_with(&self, params: &Params) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());

        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.output.len() == HASH_BYTES
            && costs(&self.params) == costs(params)
    }

    /// Whether `password` is the one the hash was made of. `memory` grows to what is needed.
    pub fn matches(&self, password: &Password, memory: &mut Vec<Block>) -> Result<bool, HashError> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let mut output = vec![0; self.output.len()];
        compute(&argon2, password, &self.salt, &mut output, memory)?;

        Ok(constant_time::verify_slices_are_equal(&output, &self.output).is_ok())
    }
}

/// The hash of `password` with a new salt, in PHC string format. `memory` grows to what is needed.
pub fn hash(
    password: &Password,
    params: &Params,
    memory: &mut Vec<Block>,
) -> Result<String, HashError> {
    let salt = random_bytes::<SALT_BYTES>()?;
    let mut output = [0; HASH_BYTES];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    compute(&argon2, password, &salt, &mut output, memory)?;

    Ok(phc(params, &salt, &output))
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

    fn hashed(text: &str) -> String {
        hash(&password(text), &cheap(), &mut Vec::new()).expect("hashed")
    }

    fn verify(text: &str, hash: &str) -> bool {
        let hash = StoredHash::parse(hash).expect("a hash");
        hash.matches(&password(text), &mut Vec::new())
            .expect("computed")
    }

    #[test]
    fn only_the_same_password_verifies() {
        let hash = hashed(PHRASE);

        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        for (text, expected) in [
            (PHRASE, true),
            ("Correct horse battery staple", false),
            ("", false),
        ] {
            assert_eq!(verify(text, &hash), expected, "{text}");
        }
    }

    #[test]
    fn every_character_of_a_long_password_counts() {
        let long = "x".repeat(crate::password::MAX_CHARS);
        let hash = hashed(&long);

        assert!(verify(&long, &hash));
        assert!(!verify(&long[1..], &hash));
    }

    #[test]
    fn one_password_has_a_new_hash_every_time() {
        assert_ne!(hashed(PHRASE), hashed(PHRASE));
    }

    #[test]
    fn a_hash_of_nodes_argon2_verifies() {
        assert!(verify(PHRASE, OF_NODE));
        assert!(!verify("wrong", OF_NODE));
    }

    #[test]
    fn a_hash_of_other_parameters_is_known_as_such() {
        let is_current = |text: &str| {
            let hash = StoredHash::parse(text).expect("a hash");
            hash.is_made_with(&cheap())
        };

        assert!(is_current(&hashed(PHRASE)));
        assert!(!is_current(OF_NODE));
    }

    #[test]
    fn the_unmatchable_hash_is_as_much_work_as_a_new_one() {
        let unmatchable = StoredHash::unmatchable(&cheap()).expect("random bytes");

        assert!(unmatchable.is_made_with(&cheap()));
        let matches = unmatchable.matches(&password(PHRASE), &mut Vec::new());
        assert!(!matches.expect("computed"));
    }

    #[test]
    fn a_hash_that_cannot_be_used_is_an_error() {
        let huge = OF_NODE.replace("m=65536", "m=4000000");
        for bad in [
            "",
            "plain text",
            "$2b$10$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$tAi1IkL3NRw/sdK18RTVkmXOV2J8pPsNoUr/Tcmm6pI",
            &huge,
        ] {
            assert!(StoredHash::parse(bad).is_err(), "{bad}");
        }
    }
}
