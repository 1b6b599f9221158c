//! Removing what nobody will ask for: files no post shows, and uploads whose process was killed.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{DateTime, doc};
use mongodb::options::ReturnDocument;

use crate::storage::{Name, StorageError};
use crate::store::Store;
use crate::store::document::UploadDocument;
use database::call;

/// No upload takes so long: a request ends after a minute.
const UNFINISHED: Duration = Duration::from_secs(60 * 60);

impl Store {
    /// Removes files that have been unclaimed for `limit`, and says how many there were.
    pub async fn sweep_unclaimed(&self, limit: Duration) -> Result<u64, StorageError> {
        let old = doc! { "unclaimedSince": { "$lt": before(limit) } };
        let mut removed = 0;
        // From the mark on nobody can claim or fetch it. A removal that was cut short begins here again.
        let mark = doc! { "$set": { "removing": true } };
        loop {
            let marked = self
                .media
                .find_one_and_update(old.clone(), mark.clone())
                .return_document(ReturnDocument::After);
            let Some(document) = call("find unclaimed media", marked).await? else {
                return Ok(removed);
            };
            self.remove(document.id, document.name(), None).await?;
            removed += 1;
        }
    }

    /// Prints the files that have been unclaimed for `limit`, the oldest first.
    pub async fn list_unclaimed(
        &self,
        limit: Duration,
        out: &mut (impl Write + Send),
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let old = doc! { "unclaimedSince": { "$lt": before(limit) } };
        let found = self.media.find(old).sort(doc! { "unclaimedSince": 1 });
        let mut found = call("find unclaimed media", found).await?;
        while let Some(file) = call("read unclaimed media", found.try_next()).await? {
            let since = file.unclaimed_since.map(|since| since.to_string());
            let (id, owner, length) = (file.id, file.user_id, file.length);
            writeln!(
                out,
                "{id}\t{owner}\t{length}\t{}",
                since.unwrap_or_default()
            )?;
        }

        Ok(())
    }

    /// Deletes the bytes of uploads that never ended, and says how many there were.
    pub async fn sweep_unfinished(&self) -> Result<u64, StorageError> {
        let old = doc! { "startedAt": { "$lt": before(UNFINISHED) } };
        let found = async {
            let found = self.uploads.find(old).await?;
            found.try_collect::<Vec<UploadDocument>>().await
        };
        let found = call("find unfinished uploads", found).await?;
        for upload in &found {
            self.sweep_upload(upload).await?;
        }

        Ok(found.len() as u64)
    }

    async fn sweep_upload(&self, upload: &UploadDocument) -> Result<(), StorageError> {
        let known = self.media.find_one(doc! { "fileId": upload.file_id });
        if call("read media", known).await?.is_none() {
            let name = Name {
                file: upload.file_id,
                media_type: upload.r#type,
            };
            self.storage.delete(name, upload.parts.clone()).await?;
        }
        let noted = self.uploads.delete_one(doc! { "_id": upload.file_id });
        call("forget an upload", noted).await?;

        Ok(())
    }
}

fn before(age: Duration) -> DateTime {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);

    DateTime::from_millis(DateTime::now().timestamp_millis().saturating_sub(age))
}
