use proptest::prelude::*;

use super::*;
use crate::post::tests::any_id;

fn key() -> CursorKey {
    CursorKey::parse(&"5a".repeat(KEY_BYTES)).expect("a key")
}

fn any_cursor() -> impl Strategy<Value = Cursor> {
    let first = Timestamp::MIN.as_millisecond();
    let last = Timestamp::MAX.as_millisecond();
    (first..=last, any_id(), any::<u64>()).prop_map(|(millisecond, id, page)| Cursor {
        created_at: Timestamp::from_millisecond(millisecond).expect("within bounds"),
        id,
        page,
    })
}

fn sample() -> Cursor {
    Cursor {
        created_at: Timestamp::from_millisecond(1_794_472_200_120).expect("a time"),
        id: Id::parse("673301c8e4b0a1b2c3d4e5f6").expect("an id"),
        page: 2,
    }
}

proptest! {
    #[test]
    fn a_cursor_is_read_as_it_was_written(
        cursor in any_cursor(),
        user in proptest::option::of(any_id()),
    ) {
        let text = cursor.to_text(user.as_ref(), &key());
        prop_assert_eq!(Cursor::parse(&text, user.as_ref(), &key()), Some(cursor));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        prop_assert!(text.bytes().all(is_plain), "{}", text);
    }

    #[test]
    fn a_cursor_of_another_list_or_key_is_none(
        cursor in any_cursor(),
        user in any_id(),
        other in any_id(),
    ) {
        prop_assume!(user != other);
        let text = cursor.to_text(Some(&user), &key());
        let other_key = CursorKey::parse(&"5b".repeat(KEY_BYTES)).expect("a key");

        prop_assert_eq!(Cursor::parse(&text, None, &key()), None);
        prop_assert_eq!(Cursor::parse(&text, Some(&other), &key()), None);
        prop_assert_eq!(Cursor::parse(&text, Some(&user), &other_key), None);
        let of_all = cursor.to_text(None, &key());
        prop_assert_eq!(Cursor::parse(&of_all, Some(&user), &key()), None);
    }

    #[test]
    fn a_changed_cursor_is_none(cursor in any_cursor(), bit in 0..CURSOR_BYTES * 8) {
        let mut bytes = BASE64.decode(cursor.to_text(None, &key())).expect("base64");
        bytes[bit / 8] ^= 1 << (bit % 8);

        prop_assert_eq!(Cursor::parse(&BASE64.encode(bytes), None, &key()), None);
    }

    #[test]
    fn any_other_text_is_none(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(Cursor::parse(&text, None, &key()), None);
        prop_assert_eq!(Cursor::parse(&BASE64.encode(bytes), None, &key()), None);
    }
}

#[test]
fn a_cursor_of_another_version_is_none() {
    let mut bytes = BASE64
        .decode(sample().to_text(None, &key()))
        .expect("base64");
    bytes[0] = VERSION + 1;
    let proof = key().proof(&bytes[..PLACE_BYTES], None);
    bytes[PLACE_BYTES..].copy_from_slice(&proof);

    assert_eq!(Cursor::parse(&BASE64.encode(bytes), None, &key()), None);
}

#[test]
fn one_cursor_has_one_spelling() {
    let text = sample().to_text(None, &key());
    for other in [
        format!("{text}="),
        format!("{text}A"),
        format!(" {text}"),
        text.to_lowercase(),
    ] {
        assert_eq!(Cursor::parse(&other, None, &key()), None, "{other}");
    }
}

#[test]
fn a_key_is_64_hex_digits() {
    assert!(CursorKey::parse(&format!("{}\n", "a5".repeat(32))).is_ok());
    for bad in [
        "",
        "a5",
        &"a5".repeat(31),
        &"a5".repeat(33),
        &"g5".repeat(32),
    ] {
        assert!(CursorKey::parse(bad).is_err(), "{bad}");
    }
}
