//! The indexes of the collection of posts.

use database::{CallError, call};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::{Store, files};

/// Fields and directions of each index. `docs/indexes.md` says what for.
const INDEXES: [&[(&str, i32)]; 2] = [
    &[("createdAt", -1), ("_id", -1)],
    &[("user", 1), ("createdAt", -1), ("_id", -1)],
];

impl Store {
    /// Repeating it changes nothing.
    pub async fn create_indexes(&self) -> Result<(), CallError> {
        let mut indexes = Vec::from(INDEXES.map(|fields| {
            let mut keys = Document::new();
            keys.extend(
                fields
                    .iter()
                    .map(|(field, way)| ((*field).to_owned(), (*way).into())),
            );
            IndexModel::builder().keys(keys).build()
        }));
        // Of the posts that have one, which is few: the outbox.
        let sparse = IndexOptions::builder().sparse(true).build();
        let outbox = IndexModel::builder()
            .keys(doc! { "pending.at": 1 })
            .options(sparse)
            .build();
        let with_files = IndexOptions::builder()
            .partial_filter_expression(doc! { "mediaIds.0": { "$exists": true } })
            .build();
        let by_file = IndexModel::builder()
            .keys(files::index())
            .options(with_files)
            .build();
        indexes.extend([outbox, by_file]);
        call(
            "create the indexes of posts",
            self.posts.create_indexes(indexes),
        )
        .await?;

        Ok(())
    }
}
