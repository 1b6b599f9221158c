//! What fuzzers and tests put any bytes into. It panics when a cursor is accepted that must not be.

use super::{BASE64, Cursor, CursorKey, KEY_BYTES, PLACE_BYTES};
use base64::Engine as _;

/// `data` as a cursor, and as the place of one whose proof is right.
pub fn cursor(data: &[u8]) {
    let key = CursorKey::parse(&"5a".repeat(KEY_BYTES)).expect("a key");
    for text in [
        String::from_utf8_lossy(data).into_owned(),
        BASE64.encode(data),
    ] {
        assert_eq!(
            Cursor::parse(&text, None, &key),
            None,
            "nobody guesses a proof"
        );
    }

    let mut place = [0; PLACE_BYTES];
    for (to, from) in place.iter_mut().zip(data) {
        *to = *from;
    }
    let text = BASE64.encode([&place[..], &key.proof(&place, None)].concat());
    if let Some(cursor) = Cursor::parse(&text, None, &key) {
        assert_eq!(
            cursor.to_text(None, &key),
            text,
            "a cursor has one spelling"
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_no_cursor(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            cursor(&data);
        }

        #[test]
        fn any_place_has_one_spelling(mut data in proptest::collection::vec(any::<u8>(), PLACE_BYTES)) {
            // The version there is, and a time that is one more often than not.
            (data[0], data[1], data[2]) = (1, 0, 0);
            cursor(&data);
        }
    }
}
