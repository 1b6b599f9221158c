//! Bytes in MongoDB, laid out as GridFS: <https://github.com/mongodb/specifications/blob/master/source/gridfs/gridfs-spec.md>.
//!
//! The driver's own bucket reads a file from its beginning only and turns every error into one of the standard
//! library's, so the two collections are used directly. Other tools find an ordinary bucket named `fs`.

use bytes::Bytes;
use futures::Stream;
use futures::stream::{self, StreamExt};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};

use database::{CallError, call};

/// How the bytes of every file are cut. What is stored can only be read with the same number.
const CHUNK_BYTES: usize = 255 * 1024;

/// All files' bytes.
#[derive(Debug, Clone)]
pub struct Blobs {
    files: Collection<FileDocument>,
    chunks: Collection<ChunkDocument>,
}

/// A new file. It is whole once [`finish`](Writer::finish) succeeded; until then its chunks are there under
/// [`id`](Writer::id) for [`Blobs::delete`].
#[derive(Debug)]
pub struct Writer {
    blobs: Blobs,
    id: ObjectId,
    name: String,
    pending: Vec<u8>,
    chunks: i32,
    length: u64,
}

/// Reading failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Call(#[from] CallError),

    #[error("failed to read chunk {n} of file {file}: it is missing or too short")]
    Incomplete { file: ObjectId, n: i32 },
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
        }
    }

    /// Makes the index every access to chunks needs. The one GridFS has for files is for finding them by
    /// name, which nothing does.
    pub async fn create_indexes(&self) -> Result<(), CallError> {
        let by_place = IndexModel::builder()
            .keys(doc! { "files_id": 1, "n": 1 })
            .options(IndexOptions::builder().unique(true).build())
            .build();
        call("index chunks", self.chunks.create_index(by_place)).await?;

        Ok(())
    }

    /// Begins a file. Its name is for whoever looks at the bucket with other tools.
    pub fn writer(&self, name: String) -> Writer {
        Writer {
            blobs: self.clone(),
            id: ObjectId::new(),
            name,
            pending: Vec::new(),
            chunks: 0,
            length: 0,
        }
    }

    /// The bytes of `file` from `first` to `last`, both included. The first chunk is read before this returns, so that
    /// a failure can still be said with a status; `None` when it is not there.
    ///
    /// Chunks are asked for one by one, when the reader has taken the one before: a slow reader holds one chunk in
    /// memory and nothing in the database.
    pub async fn read(
        &self,
        file: ObjectId,
        first: u64,
        last: u64,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, ReadError>> + use<>>, CallError> {
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

        Ok(Some(
            stream::iter([start.of(file, Some(chunk))]).chain(rest),
        ))
    }

    /// Removes `file`, or what there is of it. Removing what is gone already succeeds.
    pub async fn delete(&self, file: ObjectId) -> Result<(), CallError> {
        let chunks = self.chunks.delete_many(doc! { "files_id": file });
        call("delete the chunks of a file", chunks).await?;
        let document = self.files.delete_one(doc! { "_id": file });
        call("delete a file", document).await?;

        Ok(())
    }

    async fn chunk(&self, file: ObjectId, n: i32) -> Result<Option<Bytes>, CallError> {
        let chunk = self.chunks.find_one(doc! { "files_id": file, "n": n });
        let chunk = call("read a chunk of a file", chunk).await?;

        Ok(chunk.map(|chunk| Bytes::from(chunk.data.bytes)))
    }
}

impl Writer {
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// How many bytes were written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Something may be in the database that would have to be deleted.
    pub fn has_stored(&self) -> bool {
        self.chunks > 0
    }

    /// Adds `bytes` to the end. At most one chunk waits in memory for more.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), CallError> {
        while !bytes.is_empty() {
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

    /// Stores what is left and makes the file whole.
    pub async fn finish(&mut self) -> Result<(), CallError> {
        if !self.pending.is_empty() {
            self.store_pending().await?;
        }
        let document = FileDocument {
            id: self.id,
            length: i64::try_from(self.length).unwrap_or(i64::MAX),
            chunk_size: CHUNK_BYTES as i32,
            upload_date: DateTime::now(),
            filename: std::mem::take(&mut self.name),
        };
        call("store a file", self.blobs.files.insert_one(document)).await?;

        Ok(())
    }

    async fn store_pending(&mut self) -> Result<(), CallError> {
        let chunk = ChunkDocument {
            id: ObjectId::new(),
            files_id: self.id,
            n: self.chunks,
            data: Binary {
                subtype: BinarySubtype::Generic,
                bytes: std::mem::take(&mut self.pending),
            },
        };
        // Counted before the answer: a chunk whose fate is unknown has to be deleted as well.
        self.chunks += 1;
        call(
            "store a chunk of a file",
            self.blobs.chunks.insert_one(chunk),
        )
        .await?;

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
    fn of(self, file: ObjectId, chunk: Option<Bytes>) -> Result<Bytes, ReadError> {
        chunk
            .filter(|chunk| chunk.len() >= self.end)
            .map(|chunk| chunk.slice(self.start..self.end))
            .ok_or(ReadError::Incomplete { file, n: self.n })
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
mod tests {
    use super::*;

    #[test]
    fn a_range_names_only_the_chunks_it_touches() {
        let size = CHUNK_BYTES as u64;
        let piece = |n, start, end| Piece { n, start, end };
        let cases = [
            ((0, 0), vec![piece(0, 0, 1)]),
            ((0, size - 1), vec![piece(0, 0, CHUNK_BYTES)]),
            ((size, size), vec![piece(1, 0, 1)]),
            (
                (size - 1, size),
                vec![piece(0, CHUNK_BYTES - 1, CHUNK_BYTES), piece(1, 0, 1)],
            ),
            (
                (2 * size + 5, 4 * size + 9),
                vec![
                    piece(2, 5, CHUNK_BYTES),
                    piece(3, 0, CHUNK_BYTES),
                    piece(4, 0, 10),
                ],
            ),
        ];
        for ((first, last), expected) in cases {
            let seen: Vec<_> = pieces(first, last).collect();
            assert_eq!(seen, expected, "{first}-{last}");
        }
    }

    #[test]
    fn a_chunk_that_is_missing_or_short_is_an_error() {
        let piece = Piece {
            n: 0,
            start: 0,
            end: 10,
        };
        let file = ObjectId::new();

        assert!(piece.of(file, None).is_err());
        assert!(piece.of(file, Some(Bytes::from_static(b"short"))).is_err());
        assert_eq!(
            piece
                .of(file, Some(Bytes::from_static(b"long enough!")))
                .expect("ten bytes"),
            "long enoug"
        );
    }
}
