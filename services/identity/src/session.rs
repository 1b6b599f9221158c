//! What a session is, and what becomes of it when somebody shows one of its refresh tokens.

use jiff::{SignedDuration, Timestamp};

use crate::id::Id;
use crate::refresh_token::{NONCE_BYTES, RefreshKey, RefreshToken};
use crate::user::User;

/// One login and everything that grew out of it: a family of refresh tokens, of which the last one counts.
///
/// Kept as one document, so that each step of its life is one conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Id,
    pub user_id: Id,
    /// Which password of the account the session began with: see [`User::keeps`].
    pub password_version: i64,
    /// What the client called itself.
    pub device: String,
    pub created_at: Timestamp,
    /// Which of the family's tokens counts; the others are spent.
    pub generation: i64,
    /// When the token that counts was given out.
    pub rotated_at: Timestamp,
    /// The end that no refresh moves.
    pub absolute_expiry: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// What the family's tokens prove to know without containing it.
    pub nonce: [u8; NONCE_BYTES],
    /// Which key the family's tokens are made with.
    pub key_id: String,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without a refresh.
    pub idle: SignedDuration,
    /// With any number of them.
    pub absolute: SignedDuration,
    /// How long after a refresh the token that was spent by it may come again, from a second tab or because the answer
    /// was lost.
    pub reuse_window: SignedDuration,
}

/// What to do about a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one that counts: the next generation replaces it.
    Rotate,
    /// It was spent just now, by the refresh that made the one that counts: that one is given out again. Nothing is
    /// written, so this does not lengthen the time in which it is possible.
    Repeat,
    /// It was used before, so two parties hold the family's tokens and one of them should not: the family ends.
    Revoke,
    /// It gives no right and tells nothing.
    Refuse,
}

impl Session {
    pub fn open(
        id: Id,
        user: &User,
        device: &str,
        nonce: [u8; NONCE_BYTES],
        key: &RefreshKey,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user_id: user.id,
            password_version: user.password_version,
            device: device.to_owned(),
            created_at: now,
            generation: 1,
            rotated_at: now,
            absolute_expiry: now
                .saturating_add(lifetimes.absolute)
                .unwrap_or(Timestamp::MAX),
            revoked_at: None,
            nonce,
            key_id: key.id().to_owned(),
        }
    }

    /// The token of the generation that counts.
    pub fn token(&self, key: &RefreshKey) -> RefreshToken {
        key.token(self.id, self.generation, &self.nonce)
    }

    /// The session after a refresh.
    pub fn rotated(&self, now: Timestamp) -> Self {
        Self {
            generation: self.generation + 1,
            rotated_at: now,
            ..self.clone()
        }
    }

    /// Whether `token` is or was one of this family's.
    pub fn issued(&self, token: &RefreshToken, key: &RefreshKey) -> bool {
        token.family == self.id
            && token.generation <= self.generation
            && self.key_id == key.id()
            && key.made(token, &self.nonce)
    }

    pub fn judge(
        &self,
        token: &RefreshToken,
        key: &RefreshKey,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Verdict {
        let age = now.duration_since(self.rotated_at);
        let has_ended =
            self.revoked_at.is_some() || now >= self.absolute_expiry || age >= lifetimes.idle;
        if has_ended || !self.issued(token, key) {
            Verdict::Refuse
        } else if token.generation == self.generation {
            Verdict::Rotate
        } else if token.generation == self.generation - 1 && age < lifetimes.reuse_window {
            Verdict::Repeat
        } else {
            Verdict::Revoke
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        idle: SignedDuration::from_secs(100),
        absolute: SignedDuration::from_secs(1000),
        reuse_window: SignedDuration::from_secs(30),
    };

    fn key() -> RefreshKey {
        RefreshKey::parse(&"5a".repeat(32)).expect("a key")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn session() -> Session {
        let user = User {
            id: Id([2; 12]),
            name: "ada".to_owned(),
            email: "ada@example.org".to_owned(),
            password_hash: String::new(),
            password_version: 1,
            kept_session: None,
            created_at: at(0),
        };

        Session::open(
            Id([1; 12]),
            &user,
            "a browser",
            [3; NONCE_BYTES],
            &key(),
            LIFETIMES,
            at(0),
        )
    }

    fn judge(session: &Session, token: &RefreshToken, second: i64) -> Verdict {
        session.judge(token, &key(), LIFETIMES, at(second))
    }

    #[test]
    fn the_last_token_of_a_family_rotates_it() {
        let first = session();
        let second = first.rotated(at(1));

        assert_eq!(judge(&first, &first.token(&key()), 1), Verdict::Rotate);
        assert_eq!(judge(&second, &second.token(&key()), 2), Verdict::Rotate);
    }

    #[test]
    fn the_token_before_the_last_repeats_it_for_a_while() {
        let first = session();
        let second = first.rotated(at(10));
        let token = first.token(&key());

        assert_eq!(judge(&second, &token, 10), Verdict::Repeat);
        assert_eq!(judge(&second, &token, 39), Verdict::Repeat);
        assert_eq!(judge(&second, &token, 40), Verdict::Revoke);
        // The clocks of two machines differ a little.
        assert_eq!(judge(&second, &token, 9), Verdict::Repeat);
    }

    #[test]
    fn an_older_token_ends_the_family_at_once() {
        let first = session();
        let third = first.rotated(at(1)).rotated(at(2));

        assert_eq!(judge(&third, &first.token(&key()), 2), Verdict::Revoke);
    }

    #[test]
    fn an_ended_session_refuses_all_its_tokens() {
        let mut session = session().rotated(at(1));
        session.revoked_at = Some(at(2));

        assert_eq!(judge(&session, &session.token(&key()), 3), Verdict::Refuse);
    }

    #[test]
    fn a_session_ends_when_it_is_idle_for_too_long() {
        let session = session().rotated(at(50));
        let token = session.token(&key());

        assert_eq!(judge(&session, &token, 149), Verdict::Rotate);
        assert_eq!(judge(&session, &token, 150), Verdict::Refuse);
    }

    #[test]
    fn no_refresh_moves_the_absolute_end() {
        let session = session().rotated(at(999));
        let token = session.token(&key());

        assert_eq!(judge(&session, &token, 999), Verdict::Rotate);
        assert_eq!(judge(&session, &token, 1000), Verdict::Refuse);
    }

    #[test]
    fn a_token_that_this_family_never_had_changes_nothing() {
        let session = session();
        let mut other = session.clone();
        other.nonce = [4; NONCE_BYTES];
        let future = session.rotated(at(1));
        let mut foreign = session.clone();
        foreign.id = Id([9; 12]);

        for never in [
            other.token(&key()),
            future.token(&key()),
            foreign.token(&key()),
        ] {
            assert_eq!(judge(&session, &never, 1), Verdict::Refuse);
        }
    }

    #[test]
    fn a_token_made_with_another_key_changes_nothing() {
        let other = RefreshKey::parse(&"a5".repeat(32)).expect("a key");
        let session = session();

        assert_eq!(judge(&session, &session.token(&other), 1), Verdict::Refuse);
    }
}
