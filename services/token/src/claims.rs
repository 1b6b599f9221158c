//! What an access token says.

use serde::{Deserialize, Serialize};

/// The person a token speaks for, and the session it was made in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// 24 hex digits.
    pub user_id: String,
    pub user_name: String,
    /// 24 hex digits. A token is worth nothing once its session has ended.
    pub session_id: String,
}

/// What a valid token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub subject: Subject,
    /// Seconds since 1970.
    pub expires_at: i64,
}

/// The claims of an access token. `userId` and `userName` repeat the subject under the names older clients read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    pub sub: String,
    pub user_id: String,
    pub user_name: String,
    /// The session.
    pub sid: String,
    pub iss: String,
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
    pub jti: String,
}

/// No token of ours lives longer than a day.
pub const MAX_LIFETIME_SECONDS: u32 = 24 * 60 * 60;

impl Claims {
    /// Whether a signer of ours could have written this by `latest` (seconds since 1970), however good the signature
    /// is.
    pub(crate) fn are_ours(&self, latest: i64) -> bool {
        let lifetime = self.exp.checked_sub(self.iat);

        is_id(&self.sub)
            && self.sub == self.user_id
            && is_id(&self.sid)
            && self.iat <= latest
            && lifetime.is_some_and(|seconds| (0..=MAX_LIFETIME_SECONDS.into()).contains(&seconds))
    }
}

/// 24 hex digits.
fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
