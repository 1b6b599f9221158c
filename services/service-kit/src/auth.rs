//! Who is asking, as the access token says.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use quick_cache::sync::Cache;
use token::{LEEWAY_SECONDS, Rejected, Verified, Verifier};
use tokio_util::sync::CancellationToken;

use crate::clock::unix_seconds;
use crate::settings::{SettingError, read_file};
use crate::{Ended, Problem, TokenConfig};

/// How often the key file is looked at.
const KEYS_PERIOD: Duration = Duration::from_secs(5);
/// Tokens whose signature was checked are remembered; at some 600 bytes each this is 2.5 MB at most.
const REMEMBERED: usize = 4096;

/// The person a request speaks for. A handler that takes one cannot be reached without a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser {
    /// 24 hex digits.
    pub id: String,
    pub name: String,
    /// The session the token was made in, 24 hex digits.
    pub session_id: String,
}

/// Decides who a request speaks for. Clones share what they know.
#[derive(Clone)]
pub struct Authenticator {
    config: Arc<TokenConfig>,
    keys: Arc<ArcSwap<Keys>>,
    ended: Ended,
}

/// One content of the key file. What was verified with it is forgotten with it.
struct Keys {
    text: String,
    verifier: Verifier,
    verified: Cache<Box<str>, Arc<Verified>>,
}

impl Authenticator {
    /// Reads the key file the settings name. Tokens of the sessions in `ended` are refused.
    pub fn new(config: &TokenConfig, ended: Ended) -> Result<Self, SettingError> {
        let keys = Keys::new(read(config)?, config)?;

        Ok(Self {
            config: Arc::new(config.clone()),
            keys: Arc::new(ArcSwap::from_pointee(keys)),
            ended,
        })
    }

    /// The bearer of the token in `headers`.
    pub fn current_user(&self, headers: &HeaderMap) -> Result<CurrentUser, Problem> {
        let verified = self.check(headers)?;
        let subject = &verified.subject;

        Ok(CurrentUser {
            id: subject.user_id.clone(),
            name: subject.user_name.clone(),
            session_id: subject.session_id.clone(),
        })
    }

    /// Whether there is a good token in `headers`, and what it proves.
    pub fn check(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Problem> {
        let token = bearer(headers).ok_or_else(|| {
            Problem::unauthorized(
                "token_missing",
                "an access token is needed: Authorization: Bearer …",
            )
        })?;
        let verified = self
            .keys
            .load()
            .verify(token)
            .map_err(|rejected| match rejected {
                Rejected::Expired => {
                    Problem::unauthorized("token_expired", "the access token has expired")
                }
                Rejected::Invalid => {
                    Problem::unauthorized("token_invalid", "the access token is not valid")
                }
            })?;
        if self.ended.contains(&verified.subject.session_id) {
            return Err(Problem::unauthorized(
                "session_ended",
                "the session of the access token has ended",
            ));
        }

        Ok(verified)
    }

    /// The public keys, byte by byte as they are in the key file.
    pub fn key_set(&self) -> String {
        self.keys.load().text.clone()
    }

    /// Uses the key file's new content whenever it changes, until `shutdown`. One that cannot be used changes nothing.
    pub async fn follow_keys(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(KEYS_PERIOD);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.renew() {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the changed key file cannot be used; the keys from before stay"
                );
            }
        }
    }

    /// Looks at the key file, and makes something of it only when it says something new.
    fn renew(&self) -> Result<(), SettingError> {
        let text = read(&self.config)?;
        if text != self.keys.load().text {
            self.keys.store(Arc::new(Keys::new(text, &self.config)?));
            tracing::info!("the keys that access tokens are checked with have changed");
        }

        Ok(())
    }
}

impl Keys {
    fn new(text: String, config: &TokenConfig) -> Result<Self, SettingError> {
        let verifier =
            Verifier::new(&text, &config.scope()).map_err(|source| SettingError::Keys {
                path: config.token_keys_file.clone(),
                source,
            })?;

        Ok(Self {
            text,
            verifier,
            verified: Cache::new(REMEMBERED),
        })
    }

    fn verify(&self, token: &str) -> Result<Arc<Verified>, Rejected> {
        if let Some(verified) = self.verified.get(token) {
            let leeway = i64::try_from(LEEWAY_SECONDS).unwrap_or_default();
            if unix_seconds() > verified.expires_at.saturating_add(leeway) {
                self.verified.remove(token);
                return Err(Rejected::Expired);
            }
            return Ok(verified);
        }
        let verified = Arc::new(self.verifier.verify(token)?);
        self.verified.insert(token.into(), verified.clone());

        Ok(verified)
    }
}

fn read(config: &TokenConfig) -> Result<String, SettingError> {
    read_file("TOKEN_KEYS_FILE", &config.token_keys_file)
}

/// The bearer token of a request, if it has exactly one `Authorization` header that carries one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_only = values.next().is_none();

    (is_only && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

impl<S: Sync> FromRequestParts<S> for CurrentUser
where
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).current_user(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use token::{Scope, Signer, Subject};

    use super::*;

    const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1LJwD4YXpzAj8edhkT5nk9CGuVrX5r2V4ibigdT2SA
-----END PRIVATE KEY-----
";

    fn signer() -> Signer {
        Signer::new(SIGNING_KEY, scope()).expect("the key is valid")
    }

    fn scope() -> Scope {
        Scope {
            issuer: "here".to_owned(),
            audience: "us".to_owned(),
        }
    }

    fn token() -> String {
        let id = "673301c8e4b0a1b2c3d4e5f7".to_owned();
        let subject = Subject {
            user_id: id.clone(),
            user_name: "ada".to_owned(),
            session_id: id,
        };

        signer().sign(&subject, unix_seconds(), 60).expect("signed")
    }

    fn keys() -> Keys {
        let text = signer().public_keys().to_owned();

        Keys {
            verifier: Verifier::new(&text, &scope()).expect("a key set"),
            text,
            verified: Cache::new(1),
        }
    }

    #[test]
    fn a_remembered_token_expires_too() {
        let (keys, token) = (keys(), token());
        let verified = keys.verify(&token).expect("a good token");
        let expired = Verified {
            expires_at: unix_seconds() - 60,
            ..(*verified).clone()
        };
        keys.verified.insert(token.as_str().into(), expired.into());

        assert_eq!(keys.verify(&token).err(), Some(Rejected::Expired));
    }

    #[test]
    fn only_one_bearer_token_counts() {
        let cases: [(&[&str], Option<&str>); 5] = [
            (&["Bearer a"], Some("a")),
            (&["bearer a"], Some("a")),
            (&["Basic a"], None),
            (&["Bearer a", "Bearer b"], None),
            (&[], None),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    AUTHORIZATION,
                    HeaderValue::from_str(value).expect("a header"),
                );
            }
            assert_eq!(bearer(&headers), expected, "{values:?}");
        }
    }
}
