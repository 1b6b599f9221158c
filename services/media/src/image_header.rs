//! How large a picture is, read from its header as it passes by. Nothing is decoded: a picture that would unfold into
//! gigabytes is refused for what its header says, and one whose header cannot be read for that.

use crate::media_type::MediaType;

/// More pixels than this are refused: 8,660 × 5,773, more than cameras take.
pub const MAX_PIXELS: u64 = 50_000_000;

/// What all headers but JPEG's fit into.
const HEAD_BYTES: usize = 30;

/// Why a picture is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("the picture's header is broken or cut off")]
    Broken,

    #[error("the picture has more than {} million pixels", MAX_PIXELS / 1_000_000)]
    TooManyPixels,
}

/// Reads the header of one file, piece by piece.
#[derive(Debug)]
pub struct ImageHeader {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Collecting the first bytes of a picture of this type.
    Head(MediaType, Vec<u8>),
    Jpeg(Jpeg),
    /// The size is known and fine, or the file is no picture.
    Done,
}

/// Where in the sequence of a JPEG's segments the next byte is.
#[derive(Debug)]
enum Jpeg {
    /// The two bytes every file begins with, and how many of them are still to come.
    Start(u8),
    /// A segment's first byte, 0xff, is due.
    Marker,
    /// The byte that says which segment it is is due; 0xff may be repeated before it.
    Kind,
    /// The two bytes of the segment's length, which counts them.
    Length {
        kind: u8,
        seen: Option<u8>,
    },
    /// Precision, height and width.
    Frame {
        seen: [u8; 5],
        count: usize,
    },
    Skip(u16),
}

impl ImageHeader {
    pub fn of(media_type: MediaType) -> Self {
        let state = match media_type {
            MediaType::Jpeg => State::Jpeg(Jpeg::Start(2)),
            MediaType::Png | MediaType::Gif | MediaType::WebP => {
                State::Head(media_type, Vec::with_capacity(HEAD_BYTES))
            }
            MediaType::Mp4 => State::Done,
        };

        Self { state }
    }

    /// Takes the file's next bytes.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), HeaderError> {
        match &mut self.state {
            State::Done => return Ok(()),
            State::Head(media_type, head) => {
                let wanted = HEAD_BYTES - head.len();
                head.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
                if head.len() < HEAD_BYTES {
                    return Ok(());
                }
                let size = size(*media_type, head).ok_or(HeaderError::Broken)?;
                check(size)?;
            }
            State::Jpeg(jpeg) => match jpeg.read(bytes)? {
                Some(size) => check(size)?,
                None => return Ok(()),
            },
        }
        self.state = State::Done;

        Ok(())
    }

    /// Says whether the file had a header at all.
    pub fn finish(self) -> Result<(), HeaderError> {
        match self.state {
            State::Done => Ok(()),
            // A GIF of one small block may be shorter than the room for a head.
            State::Head(media_type, head) => {
                check(size(media_type, &head).ok_or(HeaderError::Broken)?)
            }
            State::Jpeg(_) => Err(HeaderError::Broken),
        }
    }
}

/// Width and height, as long as none is 0.
type Size = (u32, u32);

fn check((width, height): Size) -> Result<(), HeaderError> {
    if width == 0 || height == 0 {
        return Err(HeaderError::Broken);
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(HeaderError::TooManyPixels);
    }

    Ok(())
}

/// What the first bytes of a picture say about its size.
fn size(media_type: MediaType, head: &[u8]) -> Option<Size> {
    match media_type {
        MediaType::Png => {
            (head.get(12..16)? == b"IHDR").then_some(())?;
            Some((big(head.get(16..20)?), big(head.get(20..24)?)))
        }
        MediaType::Gif => Some((little(head.get(6..8)?), little(head.get(8..10)?))),
        MediaType::WebP => webp(head),
        MediaType::Jpeg | MediaType::Mp4 => None,
    }
}

/// <https://developers.google.com/speed/webp/docs/riff_container>
fn webp(head: &[u8]) -> Option<Size> {
    match head.get(12..16)? {
        b"VP8 " => {
            (head.get(23..26)? == b"\x9d\x01\x2a").then_some(())?;
            let side = |bytes: &[u8]| little(bytes) & 0x3fff;
            Some((side(head.get(26..28)?), side(head.get(28..30)?)))
        }
        b"VP8L" => {
            (*head.get(20)? == 0x2f).then_some(())?;
            let bits = little(head.get(21..25)?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(head.get(24..27)?) + 1, little(head.get(27..30)?) + 1)),
        _ => None,
    }
}

impl Jpeg {
    fn read(&mut self, mut bytes: &[u8]) -> Result<Option<Size>, HeaderError> {
        while let [byte, rest @ ..] = bytes {
            if let Self::Skip(left) = self {
                let skipped = usize::from(*left).min(bytes.len());
                *left -= skipped as u16;
                bytes = &bytes[skipped..];
                if *left == 0 {
                    *self = Self::Marker;
                }
                continue;
            }
            bytes = rest;
            if let Some(size) = self.step(*byte)? {
                return Ok(Some(size));
            }
        }

        Ok(None)
    }

    fn step(&mut self, byte: u8) -> Result<Option<Size>, HeaderError> {
        *self = match (&mut *self, byte) {
            (Self::Start(2), 0xff) => Self::Start(1),
            (Self::Start(1), 0xd8) => Self::Marker,
            (Self::Marker | Self::Kind, 0xff) => Self::Kind,
            // Markers without a segment: TEM and restarts.
            (Self::Kind, 0x01 | 0xd0..=0xd7) => Self::Marker,
            // The picture's data, its end, or another beginning: all of them after the frame only.
            (Self::Kind, 0x00 | 0xd8..=0xda) => return Err(HeaderError::Broken),
            (Self::Kind, kind) => Self::Length { kind, seen: None },
            (Self::Length { kind, seen: None }, high) => Self::Length {
                kind: *kind,
                seen: Some(high),
            },
            (
                Self::Length {
                    kind,
                    seen: Some(high),
                },
                low,
            ) => segment(*kind, u16::from_be_bytes([*high, low]))?,
            (Self::Frame { seen, count }, byte) => {
                seen[*count] = byte;
                *count += 1;
                if *count == seen.len() {
                    return Ok(Some((big(&seen[3..5]), big(&seen[1..3]))));
                }
                return Ok(None);
            }
            _ => return Err(HeaderError::Broken),
        };

        Ok(None)
    }
}

fn segment(kind: u8, length: u16) -> Result<Jpeg, HeaderError> {
    let content = length.checked_sub(2).ok_or(HeaderError::Broken)?;

    Ok(match kind {
        // Start of frame; the three others of the range are tables.
        0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => Jpeg::Frame {
            seen: [0; 5],
            count: 0,
        },
        _ if content == 0 => Jpeg::Marker,
        _ => Jpeg::Skip(content),
    })
}

fn big(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests;
