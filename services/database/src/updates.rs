//! Many updates in one call.

use mongodb::Collection;
use mongodb::bson::{self, Bson, Document, doc};
use serde::Deserialize;

use crate::error::{DUPLICATE_KEY, is_passing};
use crate::{CallError, call};

/// One of many updates.
#[derive(Debug, Clone)]
pub struct Update {
    filter: Document,
    change: Bson,
    upsert: bool,
    multi: bool,
}

/// The database refused one of many updates; the others took place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("failed to {doing}: the database refused it with {code}: {errmsg}")]
pub struct Refused {
    /// Not in the answer.
    #[serde(skip)]
    doing: &'static str,
    index: usize,
    code: i32,
    errmsg: String,
}

/// What the database answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    write_errors: Vec<Refused>,
    write_concern_error: Option<Unsure>,
}

/// The updates took place, and may be taken back.
#[derive(Debug, Clone, Deserialize, thiserror::Error)]
#[error("a majority did not take the updates in time: {errmsg}")]
pub(crate) struct Unsure {
    errmsg: String,
}

impl Update {
    /// Changes the first document that `filter` finds. `change` has operators, or is a pipeline.
    pub fn one(filter: Document, change: impl Into<Bson>) -> Self {
        Self {
            filter,
            change: change.into(),
            upsert: false,
            multi: false,
        }
    }

    /// Changes every document that `filter` finds.
    pub fn many(filter: Document, change: impl Into<Bson>) -> Self {
        Self {
            multi: true,
            ..Self::one(filter, change)
        }
    }

    /// Inserts a document when none is found.
    pub fn or_insert(self) -> Self {
        Self {
            upsert: true,
            ..self
        }
    }
}

impl Refused {
    /// A unique index refused it.
    pub fn is_duplicate_key(&self) -> bool {
        self.code == DUPLICATE_KEY
    }

    /// The database may take it later.
    pub(crate) fn is_unavailable(&self) -> bool {
        is_passing(self.code)
    }
}

/// Makes `updates`, each on its own and in their order, under the write concern of the collection. What became of each
/// is answered in that order; when the call itself fails, what became of them is unknown.
pub async fn update_each<T: Send + Sync>(
    doing: &'static str,
    collection: &Collection<T>,
    updates: Vec<Update>,
) -> Result<Vec<Result<(), Refused>>, CallError> {
    let mut outcomes = vec![Ok(()); updates.len()];
    if updates.is_empty() {
        return Ok(outcomes);
    }
    let write_concern = collection.write_concern().map(bson::serialize_to_bson);
    let updates = updates.into_iter().map(|update| {
        doc! { "q": update.filter, "u": update.change, "upsert": update.upsert, "multi": update.multi }
    });
    let mut command = doc! {
        "update": collection.name(),
        "updates": updates.collect::<Vec<_>>(),
        "ordered": false,
    };
    let database = collection.client().database(&collection.namespace().db);
    let answer = call(doing, async {
        if let Some(write_concern) = write_concern.transpose()? {
            command.insert("writeConcern", write_concern);
        }
        let answer = database.run_command(command).await?;
        let answer: Answer = bson::deserialize_from_document(answer)?;
        match answer.write_concern_error {
            None => Ok(answer.write_errors),
            Some(unsure) => Err(mongodb::error::Error::custom(unsure)),
        }
    });
    for refused in answer.await? {
        if let Some(outcome) = outcomes.get_mut(refused.index) {
            *outcome = Err(Refused { doing, ..refused });
        }
    }

    Ok(outcomes)
}
