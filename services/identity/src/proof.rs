//! Proving that one is the owner of an account, with its password.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::app::App;
use crate::backoff::{Attempt, TooSoon};
use crate::client::Client;
use crate::hasher;
use crate::password::Password;
use crate::user::{User, email_key};

/// A wrong password is told so long after its hash was begun. A hash with the parameters of another service or time may
/// take several times as long as one of today, and would tell whose it is: of somebody who has not logged in since. It
/// costs no processor time, and it is no use to leave early: the failure is counted by then.
const REFUSED_AFTER: Duration = Duration::from_millis(500);

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// Also when there is no such account.
    #[error("the password is wrong")]
    WrongPassword,

    #[error(transparent)]
    TooSoon(#[from] TooSoon),

    #[error(transparent)]
    Hasher(#[from] hasher::Error),
}

/// Whether `password` is the one of the account that `email` names, which is `user` if there is one.
///
/// Without an account it is as much work as with one: neither the answer nor its time tells who has an account, or how
/// old its hash is.
pub async fn prove(
    app: &App,
    client: &Client,
    email: &str,
    user: Option<User>,
    password: Password,
) -> Result<User, Unproven> {
    let attempt = Attempt::new(&email_key(email), client);
    let has_failed = app.backoff.check(&attempt).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let verified = app.hasher.verify(password.clone(), hash).await?;
    let Some(user) = user.filter(|_| verified.matches) else {
        app.backoff.failed(&attempt).await;
        sleep_until(verified.begun + REFUSED_AFTER).await;
        return Err(Unproven::WrongPassword);
    };
    if has_failed {
        app.backoff.succeeded(&attempt).await;
    }
    if app.hasher.is_outdated(&user.password_hash) {
        // Nobody waits for it, so the answer's time does not tell who had not logged in for long. What fails is tried
        // again at the next login.
        tokio::spawn(rewrite(app.clone(), user.clone(), password));
    }

    Ok(user)
}

async fn rewrite(app: App, user: User, password: Password) {
    let result = match app.hasher.rewrite(password).await {
        Ok(hash) => app.store.rewrite_hash(&user, &hash).await,
        Err(error) => {
            tracing::debug!(%error, user.id = %user.id, "a password is not hashed anew");
            return;
        }
    };
    match result {
        Ok(()) => tracing::info!(user.id = %user.id, "hashed a password anew"),
        Err(error) => {
            tracing::debug!(%error, user.id = %user.id, "a new hash of a password is not kept");
        }
    }
}
