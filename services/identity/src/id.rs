//! The ids of people and sessions.

use std::fmt;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::error::Error;

/// What names a person or a session: twelve bytes, written as 24 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub [u8; 12]);

/// The id in a path.
pub struct PathId(pub Id);

impl Id {
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes).ok()?;

        Some(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, state).await;

        path.ok()
            .and_then(|Path(text)| Id::parse(&text))
            .map(Self)
            .ok_or(Error::MalformedId)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_id_is_read_as_it_is_written(bytes: [u8; 12]) {
            let id = Id(bytes);

            prop_assert_eq!(Id::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn only_24_hex_digits_are_an_id(text in "[0-9a-fA-F]{22,26}|\\PC{0,30}") {
            let is_id = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let written = Id::parse(&text).map(|id| id.to_string());

            prop_assert_eq!(written, is_id.then(|| text.to_lowercase()));
        }
    }

    #[test]
    fn an_id_survives_its_text() {
        let id = Id([0xa1; 12]);

        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::parse(&id.to_string().to_uppercase()), Some(id));
        for bad in ["", "a1", &"a1".repeat(13), &"zz".repeat(12)] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }
}
