//! The indexes of the search database.

use database::{CallError, call};
use events::TOMBSTONE_LIFETIME;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::Store;

impl Store {
    pub(super) async fn create_indexes(&self) -> Result<(), CallError> {
        let posts = [
            index(doc! { "terms": 1, "createdAt": -1, "_id": -1 }),
            index(doc! { "userId": 1 }),
            ends(),
        ];
        tokio::try_join!(
            call(
                "create the indexes of posts",
                self.posts.create_indexes(posts)
            ),
            call(
                "create the index of authors",
                self.authors.create_index(ends())
            ),
            self.vocabulary.create_index(),
        )?;

        Ok(())
    }
}

/// What is left of the deleted goes when it is old.
fn ends() -> IndexModel {
    let expiry = IndexOptions::builder()
        .expire_after(TOMBSTONE_LIFETIME)
        .build();

    IndexModel::builder()
        .keys(doc! { "deletedAt": 1 })
        .options(expiry)
        .build()
}

pub(super) fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}
