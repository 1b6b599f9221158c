//! What a stored file is, whatever keeps its bytes.

use std::fmt;

use crate::media_type::MediaType;

const ID_BYTES: usize = 12;

/// The public name of a file: 24 hex digits, read in either case and written in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaId(pub [u8; ID_BYTES]);

/// A file somebody uploaded. It never changes: other bytes are another file with another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub id: MediaId,
    pub media_type: MediaType,
    /// In bytes; at least 1.
    pub length: u64,
}

impl MediaId {
    /// The id `text` spells, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; ID_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;

        Some(Self(bytes))
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Media {
    /// A strong validator. The bytes behind an id never change, so the id says all there is to say.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.id)
    }

    /// What a browser calls the file when somebody saves it.
    pub fn file_name(&self) -> String {
        file_name(self.id, self.media_type)
    }
}

/// The name of a file outside the platform. It is made here; the uploader's own goes nowhere.
pub fn file_name(id: MediaId, media_type: MediaType) -> String {
    format!("{id}.{}", media_type.extension())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_24_hex_digits_are_an_id(text in "[0-9a-fA-F]{22,26}|\\PC{0,30}") {
            let is_id = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let written = MediaId::parse(&text).map(|id| id.to_string());

            prop_assert_eq!(written, is_id.then(|| text.to_lowercase()));
        }
    }

    #[test]
    fn an_id_is_24_hex_digits() {
        for bad in [
            "",
            "673301c8e4b0a1b2c3d4e5f",
            "673301c8e4b0a1b2c3d4e5f67",
            "673301c8e4b0a1b2c3d4e5g6",
            "../../../../etc/passwd--",
            "673301c8e4b0a1b2c3d4é5f",
        ] {
            assert_eq!(MediaId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_is_written_in_lower_case() {
        let id = MediaId::parse("673301C8E4B0A1B2C3D4E5F6").expect("an id");

        assert_eq!(id.to_string(), "673301c8e4b0a1b2c3d4e5f6");
    }
}
