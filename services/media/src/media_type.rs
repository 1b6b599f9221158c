//! Which files are kept, told by their first bytes: what a client calls a file is never believed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// No signature needs more bytes than this.
pub const SIGNATURE_BYTES: usize = 12;

/// The types of files that are kept. None of them can carry a script that a browser would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/webp")]
    WebP,
    #[serde(rename = "video/mp4")]
    Mp4,
}

/// The brands of ISO base media files that players of `video/mp4` take, <https://mp4ra.org/registered-types/brands>.
/// Audio, `QuickTime` and the still pictures of HEIF and AVIF share the container and are not among them.
const MP4_BRANDS: [&[u8; 4]; 15] = [
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41",
    b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash",
];

/// Nothing is kept under this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no type that is known here: image/jpeg, image/png, image/gif, image/webp and video/mp4 are"
)]
pub struct UnknownType;

impl MediaType {
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Gif, Self::WebP, Self::Mp4];

    /// The type of a file that begins with `head`, its first [`SIGNATURE_BYTES`] bytes or all it has.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..]
                if MP4_BRANDS.contains(&&[*a, *b, *c, *d]) =>
            {
                Some(Self::Mp4)
            }
            _ => None,
        }
    }

    /// As in `Content-Type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Mp4 => "video/mp4",
        }
    }

    /// As in a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Mp4 => "mp4",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MediaType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let mut all = Self::ALL.into_iter();

        all.find(|kind| kind.as_str() == text).ok_or(UnknownType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_types_are_known_by_their_signature() {
        let cases: [(&[u8], MediaType); 8] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", MediaType::Jpeg),
            (b"\xff\xd8\xff\xe1\0\x10Exif\0\0", MediaType::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", MediaType::Png),
            (b"GIF87a\x01\0\x01\0", MediaType::Gif),
            (b"GIF89a\x01\0\x01\0", MediaType::Gif),
            (b"RIFF\x24\0\0\0WEBPVP8 ", MediaType::WebP),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", MediaType::Mp4),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", MediaType::Mp4),
        ];
        for (head, expected) in cases {
            assert_eq!(
                MediaType::of(head),
                Some(expected),
                "{}",
                head.escape_ascii()
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let cases: [&[u8]; 13] = [
            b"",
            b"\xff\xd8",
            b"GIF8",
            b"GIF88a\x01\0\x01\0",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"<!doctype html><script>alert(1)</script>",
            b"\xef\xbb\xbf<?xml version=\"1.0\"?>",
            b"%PDF-1.7\n",
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            b"\0\0\0\x14ftypqt  \0\0\0\0",
            b"\0\0\0\x18ftypM4A \0\0\0\0",
            b" \x89PNG\r\n\x1a\n\0\0\0\r",
        ];
        for head in cases {
            assert_eq!(MediaType::of(head), None, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn a_type_is_stored_under_its_own_name() {
        for kind in MediaType::ALL {
            assert_eq!(kind.as_str().parse::<MediaType>().ok(), Some(kind));
            assert_eq!(serde_json::to_value(kind).expect("a name"), kind.as_str());
        }
    }
}
