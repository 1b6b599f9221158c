//! Keys and tokens, good ones and bad ones.

use std::path::PathBuf;
use std::sync::LazyLock;

use token::{Scope, Signer, Subject};

/// File names for [`key_file`].
pub const SIGNING_KEY_FILE: &str = "signing-key.pem";
pub const KEYS_FILE: &str = "jwks.json";
pub const REFRESH_KEY_FILE: &str = "refresh-key";
pub const CURSOR_KEY_FILE: &str = "cursor-key";

pub(crate) const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1LJwD4YXpzAj8edhkT5nk9CGuVrX5r2V4ibigdT2SA
-----END PRIVATE KEY-----
";
pub(crate) const OTHER_SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFJiVV1R2rtS5YURpnMflEGbExD+K+ZZJwFwl0tC/bep
-----END PRIVATE KEY-----
";
const TTL_SECONDS: u32 = 60;

/// The folder of this process's key files, written at first use.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("socialplatform-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let signer = Signer::new(SIGNING_KEY, scope()).expect("the test key is a key");
    let files = [
        (SIGNING_KEY_FILE, SIGNING_KEY),
        (KEYS_FILE, signer.public_keys()),
        (REFRESH_KEY_FILE, &"5a".repeat(32)),
        (CURSOR_KEY_FILE, &"c5".repeat(32)),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("the temporary folder can be written");
    }

    folder
});

/// Issuer and audience of every service under test.
pub fn scope() -> Scope {
    Scope {
        issuer: "socialplatform:test".to_owned(),
        audience: "socialplatform:test".to_owned(),
    }
}

/// The path of a key file: [`SIGNING_KEY_FILE`], [`KEYS_FILE`] or [`REFRESH_KEY_FILE`].
pub fn key_file(name: &str) -> PathBuf {
    FOLDER.join(name)
}

/// Access tokens as clients may send them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Valid,
    Expired,
    /// Signed with a key nobody knows.
    Forged,
    /// Signed with the right key for another platform.
    OtherAudience,
}

impl Token {
    /// The ones every service must refuse.
    pub const BAD: [Self; 3] = [Self::Expired, Self::Forged, Self::OtherAudience];

    /// A token of this kind for `user_id`.
    pub fn of(self, user_id: &str) -> String {
        let key = if self == Self::Forged {
            OTHER_SIGNING_KEY
        } else {
            SIGNING_KEY
        };
        let scope = match self {
            Self::OtherAudience => Scope {
                audience: "socialplatform:other".to_owned(),
                ..scope()
            },
            _ => scope(),
        };
        let age = if self == Self::Expired {
            10 * i64::from(TTL_SECONDS)
        } else {
            0
        };
        signed(key, scope, user_id, &crate::object_id(), age)
    }
}

/// A token of `user_id` made in this session, good for a minute.
pub(crate) fn token_of_session(user_id: &str, session_id: &str) -> String {
    signed(SIGNING_KEY, scope(), user_id, session_id, 0)
}

/// `age` in seconds.
fn signed(key: &str, scope: Scope, user_id: &str, session_id: &str, age: i64) -> String {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("the clock is past 1970")
        .as_secs();
    let issued = i64::try_from(now).expect("seconds fit") - age;
    let subject = Subject {
        user_id: user_id.to_owned(),
        user_name: "someone".to_owned(),
        session_id: session_id.to_owned(),
    };

    Signer::new(key, scope)
        .map(|signer| signer.sign(&subject, issued, TTL_SECONDS))
        .expect("the test key is a key")
        .expect("the test key signs")
}
