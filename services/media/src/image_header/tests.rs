use proptest::prelude::*;

use super::*;

const PICTURES: [MediaType; 4] = [
    MediaType::Jpeg,
    MediaType::Png,
    MediaType::Gif,
    MediaType::WebP,
];

/// A picture's header with this size in it.
fn header(media_type: MediaType, width: u16, height: u16) -> Vec<u8> {
    let (w, h) = (width.to_be_bytes(), height.to_be_bytes());
    let (lw, lh) = (width.to_le_bytes(), height.to_le_bytes());
    match media_type {
        MediaType::Jpeg => [
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x11\x08".as_slice(),
            &h,
            &w,
        ]
        .concat(),
        MediaType::Png => [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".as_slice(),
            &w,
            b"\0\0",
            &h,
            &[8; 8],
        ]
        .concat(),
        MediaType::Gif => [b"GIF89a".as_slice(), &lw, &lh].concat(),
        MediaType::WebP => [
            b"RIFF\x24\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".as_slice(),
            &lw,
            &lh,
        ]
        .concat(),
        MediaType::Mp4 => Vec::new(),
    }
}

fn read(media_type: MediaType, bytes: &[u8], piece: usize) -> Result<(), HeaderError> {
    let mut header = ImageHeader::of(media_type);
    for piece in bytes.chunks(piece) {
        header.read(piece)?;
    }

    header.finish()
}

#[test]
fn a_picture_may_have_fifty_million_pixels_and_no_more() {
    for media_type in PICTURES {
        let cases = [
            ((1, 1), Ok(())),
            ((10_000, 5_000), Ok(())),
            ((10_000, 5_001), Err(HeaderError::TooManyPixels)),
            ((16_383, 16_383), Err(HeaderError::TooManyPixels)),
            ((0, 1), Err(HeaderError::Broken)),
            ((1, 0), Err(HeaderError::Broken)),
        ];
        for ((width, height), expected) in cases {
            let header = header(media_type, width, height);
            for piece in [1, 7, 1000] {
                assert_eq!(
                    read(media_type, &header, piece),
                    expected,
                    "{media_type:?} {width}x{height}"
                );
            }
        }
    }
}

#[test]
fn the_other_kinds_of_webp_are_read_too() {
    let head = |kind: &[u8], rest: &[u8]| [b"RIFF\0\0\0\0WEBP", kind, b"\0\0\0\0", rest].concat();
    let lossless = head(b"VP8L", b"\x2f\xff\xff\xff\x0f\0\0\0\0\0");
    let extended = head(b"VP8X", b"\0\0\0\0\xff\xff\xff\xff\xff\xff");

    for bytes in [lossless, extended] {
        assert_eq!(
            read(MediaType::WebP, &bytes, 5),
            Err(HeaderError::TooManyPixels)
        );
    }
}

#[test]
fn a_header_that_is_cut_off_is_broken() {
    for media_type in PICTURES {
        let mut header = header(media_type, 10, 10);
        if media_type == MediaType::Png {
            header.truncate(24);
        }
        for length in 0..header.len() {
            let seen = read(media_type, &header[..length], 1000);
            assert_eq!(seen, Err(HeaderError::Broken), "{media_type:?} {length}");
        }
    }
}

#[test]
fn a_jpeg_whose_data_comes_before_its_size_is_broken() {
    for bytes in [
        b"\xff\xd8\xff\xda\0\x02".as_slice(),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\0\x01",
        b"\xff\xd8\xff\xe0\0\x02x",
    ] {
        assert_eq!(
            read(MediaType::Jpeg, bytes, 1000),
            Err(HeaderError::Broken),
            "{}",
            bytes.escape_ascii()
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_no_cut_changes_the_answer(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0..PICTURES.len(),
        length in 0..40_usize,
        piece in 1..50_usize,
    ) {
        let media_type = PICTURES[kind];
        // Some begin as a real one does.
        let mut file = header(media_type, 300, 200);
        file.truncate(length);
        file.extend(bytes);

        prop_assert_eq!(read(media_type, &file, piece), read(media_type, &file, 1000));
    }
}
