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
