//! What an access token says.

use serde::{Deserialize, Serialize};

/// The person a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// 24 hex digits.
    pub user_id: String,
    pub user_name: String,
}

/// The claims of an access token. `userId` and `userName` repeat the subject under the names older clients read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    pub sub: String,
    pub user_id: String,
    pub user_name: String,
    pub iss: String,
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
    pub jti: String,
}
