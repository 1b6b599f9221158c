//! Bytes in MongoDB, laid out as GridFS: <https://github.com/mongodb/specifications/blob/master/source/gridfs/gridfs-spec.md>.
//!
//! The driver's own bucket reads a file from its beginning only and turns every error into one of the standard
//! library's, so the two collections are used directly. Other tools find an ordinary bucket named `fs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use database::{CallError, call};

use crate::media::{MediaId, file_name};
use crate::storage::places::{Place, Places};
use crate::storage::{self, ByteStream, Name, Outcome, Storage, StorageError};

/// How the bytes of every file are cut. What is stored can only be read with the same number.
const CHUNK_BYTES: usize = 255 * 1024;
/// Chunks that are gathered or wait to be stored at once. However many uploads there are, few have a chunk in memory:
/// the others' bytes stay in the connections they come from.
const GATHERING: usize = 8;
/// Chunks that are stored at once. The driver copies each three times on its way.
const STORING: usize = 4;
/// How long a chunk waits for either.
const PLACE_TIMEOUT: Duration = Duration::from_secs(4);

/// All files' bytes.
#[derive(Debug, Clone)]
pub struct Blobs {
    files: Collection<FileDocument>,
    chunks: Collection<ChunkDocument>,
    gathering: Places,
    storing: Arc<Semaphore>,
}

/// A new file, whole once its document is stored.
#[derive(Debug)]
pub struct Writer {
    blobs: Blobs,
    name: Name,
    /// The chunk that is being gathered, and its place.
    pending: Vec<u8>,
    place: Option<Place>,
    chunks: i32,
    length: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    length: i64,
    chunk_size: i32,
    upload_date: DateTime,
    filename: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChunkDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    files_id: ObjectId,
    n: i32,
    data: Binary,
}

impl Blobs {
    pub fn new(database: &Database) -> Self {
        Self {
            files: database.collection("fs.files"),
            chunks: database.collection("fs.chunks"),
            gathering: Places::new(GATHERING),
            storing: Arc::new(Semaphore::new(STORING)),
        }
    }

    async fn chunk(&self, file: ObjectId, n: i32) -> Result<Option<Bytes>, CallError> {
        let chunk = self.chunks.find_one(doc! { "files_id": file, "n": n });
        let chunk = call("read a chunk of a file", chunk).await?;

        Ok(chunk.map(|chunk| Bytes::from(chunk.data.bytes)))
    }
}

impl Storage for Blobs {
    /// Makes the index every access to chunks needs. The one GridFS has for files is for finding them by name, which
    /// nothing does.
    fn prepare(&self) -> Outcome<'_, ()> {
        async {
            let by_place = IndexModel::builder()
                .keys(doc! { "files_id": 1, "n": 1 })
                .options(IndexOptions::builder().unique(true).build())
                .build();
            call("index chunks", self.chunks.create_index(by_place)).await?;

            Ok(())
        }
        .boxed()
    }

    fn writer(&self, name: Name) -> Box<dyn storage::Writer> {
        Box::new(Writer {
            blobs: self.clone(),
            name,
            pending: Vec::new(),
            place: None,
            chunks: 0,
            length: 0,
        })
    }

    /// Chunks are asked for one by one, when the reader has taken the one before: a slow reader holds one chunk in
    /// memory and nothing in the database.
    fn read(&self, name: Name, first: u64, last: u64) -> Outcome<'_, Option<ByteStream>> {
        async move {
            let file = name.file;
            let mut pieces = pieces(first, last);
            let Some(start) = pieces.next() else {
                return Ok(None);
            };
            let Some(chunk) = self.chunk(file, start.n).await? else {
                return Ok(None);
            };

            let blobs = self.clone();
            let rest = stream::iter(pieces).then(move |piece| {
                let blobs = blobs.clone();
                async move {
                    let chunk = blobs.chunk(file, piece.n).await?;
                    piece.of(file, chunk)
                }
            });
            let start = stream::iter([start.of(file, Some(chunk))]);

            Ok(Some(start.chain(rest).boxed()))
        }
        .boxed()
    }

    fn delete(&self, name: Name, _parts: Option<String>) -> Outcome<'_, ()> {
        async move {
            let chunks = self.chunks.delete_many(doc! { "files_id": name.file });
            call("delete the chunks of a file", chunks).await?;
            let document = self.files.delete_one(doc! { "_id": name.file });
            call("delete a file", document).await?;

            Ok(())
        }
        .boxed()
    }
}

impl storage::Writer for Writer {
    /// At most one chunk waits in memory for more.
    fn write(&mut self, bytes: Bytes) -> Outcome<'_, ()> {
        async move {
            let mut bytes = &bytes[..];
            while !bytes.is_empty() {
                if self.pending.is_empty() {
                    self.begin_chunk().await?;
                }
                let room = CHUNK_BYTES - self.pending.len();
                let (fitting, rest) = bytes.split_at(room.min(bytes.len()));
                self.pending.extend_from_slice(fitting);
                self.length += fitting.len() as u64;
                if self.pending.len() == CHUNK_BYTES {
                    self.store_pending().await?;
                }
                bytes = rest;
            }

            Ok(())
        }
        .boxed()
    }

    fn finish(&mut self) -> Outcome<'_, ()> {
        async move {
            if !self.pending.is_empty() {
                self.store_pending().await?;
            }
            let document = FileDocument {
                id: self.name.file,
                length: i64::try_from(self.length).unwrap_or(i64::MAX),
                chunk_size: CHUNK_BYTES as i32,
                upload_date: DateTime::now(),
                filename: file_name(MediaId(self.name.file.bytes()), self.name.media_type),
            };
            call("store a file", self.blobs.files.insert_one(document)).await?;

            Ok(())
        }
        .boxed()
    }
}

impl Writer {
    async fn begin_chunk(&mut self) -> Result<(), CallError> {
        let doing = "find a place for a chunk of a file";
        let place = tokio::time::timeout(PLACE_TIMEOUT, self.blobs.gathering.take()).await;
        self.place = Some(place.map_err(|_| CallError::Silent { doing })?);
        self.pending = Vec::with_capacity(CHUNK_BYTES);

        Ok(())
    }

    async fn store_pending(&mut self) -> Result<(), CallError> {
        if let Some(place) = &self.place {
            place.keep();
        }
        let chunk = ChunkDocument {
            id: ObjectId::new(),
            files_id: self.name.file,
            n: self.chunks,
            data: Binary {
                subtype: BinarySubtype::Generic,
                bytes: std::mem::take(&mut self.pending),
            },
        };
        self.chunks += 1;
        let doing = "store a chunk of a file";
        let turn = tokio::time::timeout(PLACE_TIMEOUT, self.blobs.storing.acquire()).await;
        let _turn = turn.map_err(|_| CallError::Silent { doing })?;
        call(doing, self.blobs.chunks.insert_one(chunk)).await?;
        self.place = None;

        Ok(())
    }
}

/// The bytes that are wanted of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    n: i32,
    /// Offsets inside the chunk; `end` is not included.
    start: usize,
    end: usize,
}

impl Piece {
    fn of(self, file: ObjectId, chunk: Option<Bytes>) -> Result<Bytes, StorageError> {
        chunk
            .filter(|chunk| chunk.len() >= self.end)
            .map(|chunk| chunk.slice(self.start..self.end))
            .ok_or(StorageError::Incomplete { file })
    }
}

/// Where the bytes from `first` to `last` are.
fn pieces(first: u64, last: u64) -> impl Iterator<Item = Piece> {
    let size = CHUNK_BYTES as u64;

    (first / size..=last / size).map(move |n| {
        let begin = n * size;
        Piece {
            n: n as i32,
            start: first.saturating_sub(begin) as usize,
            end: (last - begin).min(size - 1) as usize + 1,
        }
    })
}

#[cfg(test)]
mod tests;
