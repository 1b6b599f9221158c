use proptest::prelude::*;

use super::*;

const ID: &str = "673301c8e4b0a1b2c3d4e5f6";

fn ids(texts: &[&str]) -> Result<MediaIds, MediaIdsError> {
    let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
    MediaIds::parse(&texts)
}

#[test]
fn an_id_is_24_hex_digits() {
    let upper = ID.to_uppercase();
    assert_eq!(Id::parse(&upper).map(|id| id.to_string()), Some(ID.into()));
    for bad in ["", "1", &ID[1..], &format!("{ID}0"), &ID.replace('6', "g")] {
        assert_eq!(Id::parse(bad), None, "{bad}");
    }
}

/// For the tests of whatever has an id.
pub fn any_id() -> impl Strategy<Value = Id> {
    any::<[u8; ID_BYTES]>().prop_map(Id::from)
}

proptest! {
    #[test]
    fn an_id_is_read_as_it_is_written(id in any_id()) {
        let text = id.to_string();
        prop_assert_eq!(Id::parse(&text), Some(id));
        prop_assert_eq!(Id::parse(&text.to_uppercase()), Some(id));
        prop_assert_eq!(serde_json::to_value(id).expect("JSON"), text);
    }

    #[test]
    fn any_other_text_is_no_id(text in ".{0,40}") {
        let is_hex = text.len() == ID_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
        prop_assert_eq!(Id::parse(&text).is_some(), is_hex);
    }

    #[test]
    fn content_is_never_blank_nor_too_long(text in "\\s{0,3}.{0,50}\\s{0,3}", times in 0..150_usize) {
        let text = text.repeat(times);
        match Content::parse(&text) {
            Ok(content) => {
                prop_assert_eq!(content.as_str(), text.trim());
                prop_assert!((1..=MAX_CONTENT_CHARS).contains(&content.as_str().chars().count()));
            }
            Err(ContentError::Blank) => prop_assert!(text.trim().is_empty()),
            Err(ContentError::TooLong { actual }) => prop_assert!(actual > MAX_CONTENT_CHARS),
        }
    }

    #[test]
    fn media_ids_are_never_too_many_nor_twice(
        texts in proptest::collection::vec("[0-9a-f]{24}|.{0,24}", 0..13),
    ) {
        if let Ok(parsed) = MediaIds::parse(&texts) {
            let different: HashSet<_> = parsed.as_ids().iter().collect();
            prop_assert_eq!(different.len(), texts.len());
            prop_assert!(texts.len() <= MAX_MEDIA);
        }
    }
}

#[test]
fn blank_content_is_refused() {
    for blank in ["", " ", "\n\t\u{3000}"] {
        assert_eq!(Content::parse(blank), Err(ContentError::Blank), "{blank:?}");
    }
}

#[test]
fn content_is_measured_in_characters_not_bytes() {
    assert!(Content::parse(&"é".repeat(5000)).is_ok());
    assert_eq!(
        Content::parse(&"é".repeat(5001)),
        Err(ContentError::TooLong { actual: 5001 })
    );
}

#[test]
fn white_space_around_content_is_dropped() {
    let content = Content::parse(" a b\n").expect("content");
    assert_eq!(content.into_string(), "a b");
}

#[test]
fn media_are_few_well_formed_and_different() {
    let others: Vec<_> = (0..11).map(|n| format!("{n:024x}")).collect();
    assert!(MediaIds::parse(&others[..10]).is_ok());
    assert!(ids(&[]).is_ok());
    assert_eq!(
        MediaIds::parse(&others),
        Err(MediaIdsError::TooMany { actual: 11 })
    );
    assert_eq!(
        ids(&[ID, "x"]),
        Err(MediaIdsError::Malformed { position: 1 })
    );
    assert_eq!(
        ids(&[ID, &ID.to_uppercase()]),
        Err(MediaIdsError::Twice { position: 1 })
    );
}

#[test]
fn a_post_is_written_with_milliseconds() {
    let id = Id::parse(ID).expect("an id");
    let post = Post {
        id,
        user: id,
        content: "hi".into(),
        media_ids: vec![id],
        created_at: "2026-11-12T08:30:00.12Z".parse().expect("a time"),
        updated_at: "2026-11-12T08:30:00Z".parse().expect("a time"),
    };

    assert_eq!(
        serde_json::to_value(post).expect("JSON"),
        serde_json::json!({
            "_id": ID,
            "user": ID,
            "content": "hi",
            "mediaIds": [ID],
            "createdAt": "2026-11-12T08:30:00.120Z",
            "updatedAt": "2026-11-12T08:30:00.000Z",
        })
    );
}
