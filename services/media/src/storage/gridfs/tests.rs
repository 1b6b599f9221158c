use futures::FutureExt as _;
use mongodb::Client;

use crate::media_type::MediaType;
use crate::storage::Writer as _;

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

/// The database is away, so no chunk leaves.
#[tokio::test(start_paused = true)]
async fn few_of_many_uploads_have_a_chunk_in_memory() {
    let client = Client::with_uri_str("mongodb://127.0.0.1:1").await;
    let blobs = Blobs::new(&client.expect("a client").database("away"));
    let mut writers: Vec<_> = (0..50).map(|_| writer(&blobs)).collect();
    for writer in &mut writers {
        let chunk = Bytes::from_static(&[0; CHUNK_BYTES]);
        assert!(writer.write(chunk).now_or_never().is_none());
    }

    let gathering = writers.iter().filter(|writer| writer.place.is_some());
    assert_eq!(gathering.count(), GATHERING);
    assert!(
        writers
            .iter()
            .filter(|writer| writer.place.is_none())
            .all(|writer| writer.pending.capacity() == 0)
    );
}

fn writer(blobs: &Blobs) -> Writer {
    Writer {
        blobs: blobs.clone(),
        name: Name {
            file: ObjectId::new(),
            media_type: MediaType::Png,
        },
        pending: Vec::new(),
        place: None,
        chunks: 0,
        length: 0,
    }
}
