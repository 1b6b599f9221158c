//! What every request handler may use.

use axum::extract::FromRef;
use database::CallError;
use database::idempotency::Idempotency;
use service_kit::Authenticator;

use crate::cache::Pages;
use crate::cursor::CursorKey;
use crate::error::Error;
use crate::post::Id;
use crate::relay::Relay;
use crate::store::Store;

#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub pages: Pages,
    pub idempotency: Idempotency,
    pub relay: Relay,
    pub authenticator: Authenticator,
    pub cursor_key: CursorKey,
}

impl App {
    /// Why a post is not one of an author who wants to change it.
    pub async fn not_of_author(&self, id: Id) -> Result<Error, CallError> {
        Ok(match self.store.find(id).await? {
            Some(_) => Error::NotTheAuthor,
            None => Error::NotFound(id),
        })
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
