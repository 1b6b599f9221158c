//! Bytes in a bucket of an S3 server.
//!
//! A file that fits one part is one request, a longer one a multipart upload: S3 takes no part below 5 MiB but the
//! last, so that much of an upload is in memory, and few uploads are under way at once.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt,
    PutPayload, RetryConfig,
};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::storage::{
    ByteStream, ConfigError, Name, Outcome, Silent, Storage, StorageConfig, StorageError, Writer,
};

const PART_BYTES: usize = 5 * 1024 * 1024;
/// Uploads that are under way at once: a process with 256 MiB has room for their parts.
const UPLOADING: usize = 16;
/// How long an upload waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const READ_TIMEOUT: Duration = Duration::from_secs(4);
const RETRY_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct S3 {
    bucket: Arc<AmazonS3>,
    uploading: Arc<Semaphore>,
}

#[derive(Debug)]
struct S3Writer {
    bucket: Arc<AmazonS3>,
    uploading: Arc<Semaphore>,
    /// There once the first bytes are.
    turn: Option<OwnedSemaphorePermit>,
    path: Path,
    pending: BytesMut,
    /// There once the first part was full.
    upload: Option<String>,
    parts: Vec<PartId>,
}

impl S3 {
    pub fn new(config: &StorageConfig) -> Result<Self, ConfigError> {
        let endpoint = config.needed("S3_ENDPOINT", &config.s3_endpoint)?;
        let bucket = config.needed("S3_BUCKET", &config.s3_bucket)?;
        let key = config.needed("S3_ACCESS_KEY_ID", &config.s3_access_key_id)?;
        let secret = config.needed("S3_SECRET_ACCESS_KEY", &config.s3_secret_access_key)?;
        let bucket = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_region(&config.s3_region)
            .with_bucket_name(bucket)
            .with_access_key_id(key.expose_secret())
            .with_secret_access_key(secret.expose_secret())
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(true)
                    .with_connect_timeout(CONNECT_TIMEOUT)
                    .with_read_timeout(READ_TIMEOUT)
                    // One request may carry a whole download; silence is what ends it.
                    .with_timeout_disabled(),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 2,
                retry_timeout: RETRY_TIMEOUT,
            })
            .build()
            .map_err(ConfigError::S3)?;

        Ok(Self {
            bucket: Arc::new(bucket),
            uploading: Arc::new(Semaphore::new(UPLOADING)),
        })
    }
}

impl Storage for S3 {
    /// The bucket is its owner's affair.
    fn prepare(&self) -> Outcome<'_, ()> {
        async { Ok(()) }.boxed()
    }

    fn writer(&self, name: Name) -> Box<dyn Writer> {
        Box::new(S3Writer {
            bucket: self.bucket.clone(),
            uploading: self.uploading.clone(),
            turn: None,
            path: path(name),
            pending: BytesMut::new(),
            upload: None,
            parts: Vec::new(),
        })
    }

    fn read(&self, name: Name, first: u64, last: u64) -> Outcome<'_, Option<ByteStream>> {
        async move {
            let options = GetOptions {
                range: Some(GetRange::Bounded(first..last + 1)),
                ..GetOptions::default()
            };
            match self.bucket.get_opts(&path(name), options).await {
                Ok(found) => {
                    let bytes = found.into_stream();
                    let bytes = bytes.map_err(|error| failure("read an object", error));
                    Ok(Some(bytes.boxed()))
                }
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failure("read an object", error)),
            }
        }
        .boxed()
    }

    fn delete(&self, name: Name, parts: Option<String>) -> Outcome<'_, ()> {
        async move {
            let path = path(name);
            if let Some(upload) = parts {
                let aborted = self.bucket.abort_multipart(&path, &upload).await;
                if let Err(error) = aborted.or_else(gone_is_fine) {
                    return Err(failure("abort an upload to S3", error));
                }
            }
            let deleted = self.bucket.delete(&path).await;

            deleted
                .or_else(gone_is_fine)
                .map_err(|error| failure("delete an object", error))
        }
        .boxed()
    }
}

impl Writer for S3Writer {
    fn write(&mut self, bytes: Bytes) -> Outcome<'_, ()> {
        async move {
            if self.turn.is_none() {
                self.turn = Some(self.turn().await?);
            }
            self.pending.extend_from_slice(&bytes);
            while self.pending.len() > PART_BYTES {
                let part = self.pending.split_to(PART_BYTES).freeze();
                self.put_part(part).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn finish(&mut self) -> Outcome<'_, ()> {
        async move {
            let rest = self.pending.split().freeze();
            if self.upload.is_none() {
                let put = self.bucket.put(&self.path, PutPayload::from_bytes(rest));
                return put
                    .await
                    .map(drop)
                    .map_err(|error| failure("store an object", error));
            }
            self.put_part(rest).await?;
            let Some(upload) = &self.upload else {
                return Ok(());
            };
            let parts = std::mem::take(&mut self.parts);
            let whole = self.bucket.complete_multipart(&self.path, upload, parts);

            whole
                .await
                .map(drop)
                .map_err(|error| failure("complete an upload to S3", error))
        }
        .boxed()
    }

    fn parts(&self) -> Option<&str> {
        self.upload.as_deref()
    }
}

impl S3Writer {
    async fn turn(&self) -> Result<OwnedSemaphorePermit, StorageError> {
        let doing = "find a turn for an upload to S3";
        let turn = self.uploading.clone().acquire_owned();
        let turn = tokio::time::timeout(TURN_TIMEOUT, turn).await;

        turn.map_err(|_| StorageError::away(doing, Silent))?
            .map_err(|closed| StorageError::failed(doing, closed))
    }

    async fn put_part(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        let upload = match &self.upload {
            Some(upload) => upload,
            None => {
                let upload = self.bucket.create_multipart(&self.path).await;
                let upload = upload.map_err(|error| failure("begin an upload to S3", error))?;
                self.upload.insert(upload)
            }
        };
        let part = self.bucket.put_part(
            &self.path,
            upload,
            self.parts.len(),
            PutPayload::from_bytes(bytes),
        );
        let part = part
            .await
            .map_err(|error| failure("store a part of an object", error))?;
        self.parts.push(part);

        Ok(())
    }
}

fn path(name: Name) -> Path {
    Path::from(format!("media/{}", name.file.to_hex()))
}

fn gone_is_fine(error: Error) -> Result<(), Error> {
    match error {
        Error::NotFound { .. } => Ok(()),
        error => Err(error),
    }
}

/// What the server refuses stays refused; everything else, its own failures among it, may pass.
fn failure(doing: &'static str, error: Error) -> StorageError {
    match error {
        Error::Generic { .. } => StorageError::away(doing, error),
        error => StorageError::failed(doing, error),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use crate::media_type::MediaType;

    use super::*;

    fn storage() -> S3 {
        let settings = [
            "--media-storage=s3",
            "--s3-endpoint=http://127.0.0.1:1",
            "--s3-bucket=files",
            "--s3-access-key-id=key",
            "--s3-secret-access-key=secret",
        ];
        let command = StorageConfig::augment_args(Command::new("media").no_binary_name(true));
        let config = StorageConfig::from_arg_matches(&command.get_matches_from(settings));

        S3::new(&config.expect("settings")).expect("a client")
    }

    /// Nothing is asked of the server before a part is full.
    #[tokio::test(start_paused = true)]
    async fn an_upload_too_many_waits_for_its_turn_and_not_for_long() {
        let storage = storage();
        let writer = || {
            storage.writer(Name {
                file: mongodb::bson::oid::ObjectId::new(),
                media_type: MediaType::Png,
            })
        };
        let mut under_way = Vec::new();
        for _ in 0..UPLOADING {
            let mut writer = writer();
            let written = writer.write(Bytes::from_static(b"bytes")).await;
            written.expect("a turn");
            under_way.push(writer);
        }
        let mut waiting = writer();
        let refused = waiting.write(Bytes::from_static(b"bytes")).await;
        assert!(refused.expect_err("no turn").is_unavailable());

        under_way.pop();
        let written = waiting.write(Bytes::from_static(b"bytes")).await;
        written.expect("a turn");
    }
}
