//! Facts about accounts, announced by the identity service.

use serde::{Deserialize, Serialize};

use crate::Event;

/// An account is gone for good, and everything its owner made should go too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDeleted {
    /// 24 hex digits.
    pub user_id: String,
}

impl Event for UserDeleted {
    const TYPE: &'static str = "user.deleted.v1";
}
