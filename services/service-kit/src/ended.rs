//! Sessions that ended before the tokens made in them expired.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::unix_seconds;

/// The sessions known to have ended. Clones share them; who fills it is the caller's business.
#[derive(Debug, Clone, Default)]
pub struct Ended(Arc<RwLock<HashMap<String, i64>>>);

impl Ended {
    pub fn contains(&self, session_id: &str) -> bool {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sessions.contains_key(session_id)
    }

    /// Refuses the tokens of a session; from `until` on (seconds since 1970) none of them would be valid anyway.
    pub fn end(&self, session_id: &str, until: i64) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session_id.to_owned(), until);
    }

    /// Forgets the sessions whose tokens have all expired.
    pub fn forget(&self) {
        let now = unix_seconds();
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, until| *until >= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_session_is_known_until_its_tokens_have_expired() {
        let ended = Ended::default();
        ended.end("old", unix_seconds() - 1);
        ended.end("new", unix_seconds() + 60);
        ended.forget();

        assert_eq!(
            ["old", "new", "other"].map(|session| ended.contains(session)),
            [false, true, false]
        );
    }
}
