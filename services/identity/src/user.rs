//! What a name and an e-mail address must be, and when two of them are the same.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;

use crate::id::Id;
use crate::session::Session;

pub const MIN_NAME_CHARS: usize = 3;
pub const MAX_NAME_CHARS: usize = 50;
/// The longest address SMTP can deliver to: RFC 5321, 4.5.3.1.3, less the angle brackets.
pub const MAX_EMAIL_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// A person with an account.
#[derive(Clone)]
pub struct User {
    pub id: Id,
    pub name: String,
    pub email: String,
    /// In PHC string format; see [`hash`](crate::hash).
    pub password_hash: String,
    /// Grows with every change of the password. To hash the same one anew is no change.
    pub password_version: i64,
    /// The session in which the password was changed: the only one that goes on with it.
    pub kept_session: Option<Id>,
    pub created_at: Timestamp,
}

/// A name that can be shown: visible characters, 3 to 50 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

/// An e-mail address that could exist. Whether it does is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name has {0} characters, it needs {MIN_NAME_CHARS} to {MAX_NAME_CHARS}")]
    Length(usize),

    #[error("the name contains a character that cannot be seen")]
    Invisible,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("the e-mail address is longer than {MAX_EMAIL_BYTES} bytes")]
    TooLong,

    #[error("this is not an e-mail address")]
    Syntax,
}

impl User {
    /// Whether a session began with the password of today, or changed it.
    pub fn keeps(&self, session: &Session) -> bool {
        session.user_id == self.id
            && (session.password_version == self.password_version
                || self.kept_session == Some(session.id))
    }
}

impl UserName {
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let length = text.chars().count();
        if !(MIN_NAME_CHARS..=MAX_NAME_CHARS).contains(&length) {
            return Err(NameError::Length(length));
        }
        if text.chars().any(is_invisible) {
            return Err(NameError::Invisible);
        }

        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equal for names that read the same.
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::Syntax)?;
        let is_local = !local.is_empty() && local.len() <= MAX_LOCAL_BYTES;
        let is_domain = !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
        let is_visible = !text.chars().any(|c| c.is_whitespace() || is_invisible(c));
        if !(is_local && is_domain && is_visible) {
            return Err(EmailError::Syntax);
        }

        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equal for addresses that reach the same person at every usual provider.
    pub fn key(&self) -> String {
        email_key(&self.0)
    }
}

/// [`Email::key`] of a text that may be no address at all; then it is nobody's.
pub fn email_key(text: &str) -> String {
    key(text.trim())
}

/// The form in which texts that differ only in letter case or in how their characters are encoded are the same.
fn key(text: &str) -> String {
    // By way of upper case, so that `ß` meets `SS` and a final `ς` meets `σ`; before that, `ẞ` meets `ß`.
    text.nfkc()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

/// Control characters, and those that leave no mark or turn the direction of their neighbours: with them two names
/// could look the same.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_can_be_seen_and_is_as_long_as_a_name(
            text in "\\s{0,2}(\\PC|[ a-z\u{200b}\u{202e}\t\0]){0,55}\\s{0,2}",
        ) {
            if let Ok(name) = UserName::parse(&text) {
                let shown = name.as_str();
                prop_assert!((MIN_NAME_CHARS..=MAX_NAME_CHARS).contains(&shown.chars().count()));
                prop_assert!(!shown.chars().any(is_invisible));
                prop_assert_eq!(shown.trim(), shown);
            }
        }

        #[test]
        fn any_address_has_one_at_sign_and_no_space(
            text in " ?([a-z.@é\u{200b}]|\\PC){0,70}@?[a-z.@ ]{0,200} ?",
        ) {
            if let Ok(email) = Email::parse(&text) {
                let email = email.as_str();
                prop_assert_eq!(email.matches('@').count(), 1);
                prop_assert!(email.len() <= MAX_EMAIL_BYTES);
                prop_assert!(!email.chars().any(|c| c.is_whitespace() || is_invisible(c)));
            }
        }

        #[test]
        fn case_and_spelling_make_no_other_key(text in "([ßẞſςΣıİKÅﬁe\u{301}]|\\PC){0,20}") {
            for other in [
                text.to_uppercase(),
                text.to_lowercase(),
                text.nfc().collect(),
                text.nfd().collect(),
                text.nfkc().collect(),
                text.nfkd().collect(),
            ] {
                prop_assert_eq!(key(&other), key(&text), "{:?}", other);
            }
        }
    }

    fn name(text: &str) -> Result<String, NameError> {
        UserName::parse(text).map(|name| name.0)
    }

    #[test]
    fn a_name_is_measured_in_characters_without_the_space_around_it() {
        for (text, expected) in [
            ("ada", Ok("ada".to_owned())),
            (" Åsa \n", Ok("Åsa".to_owned())),
            ("李小龙", Ok("李小龙".to_owned())),
            ("ab", Err(NameError::Length(2))),
            ("  a  ", Err(NameError::Length(1))),
            ("", Err(NameError::Length(0))),
            (&"é".repeat(50), Ok("é".repeat(50))),
            (&"é".repeat(51), Err(NameError::Length(51))),
        ] {
            assert_eq!(name(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_can_be_seen_whole() {
        for bad in [
            "a\0da",
            "a\u{1b}[31m",
            "ada\u{200b}",
            "\u{202e}ada",
            "a\u{ad}da",
            "a\nda",
        ] {
            assert_eq!(name(bad), Err(NameError::Invisible), "{bad:?}");
        }
    }

    #[test]
    fn names_that_read_the_same_have_one_key() {
        for (one, other) in [
            ("Ada", "aDA"),
            ("ＡＤＡ", "ada"),
            ("Straße", "STRASSE"),
            ("Straße", "STRAẞE"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁona", "FIONA"),
            ("e\u{301}va", "Éva"),
        ] {
            let keys = [one, other].map(|text| UserName::parse(text).expect("a name").key());
            assert_eq!(keys[0], keys[1], "{one} {other}");
        }
        assert_ne!(key("ada"), key("eva"));
    }

    #[test]
    fn an_address_has_a_person_and_a_place() {
        for good in [
            "a@b",
            "ada@example.org",
            "Ada.L+x@mail.example.org",
            "用户@例子.公司",
            " ada@example.org ",
        ] {
            assert!(Email::parse(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a\0@b",
            "a@b\u{200b}",
            &format!("{}@b", "a".repeat(65)),
        ] {
            assert_eq!(Email::parse(bad), Err(EmailError::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn an_address_that_no_mail_server_takes_is_too_long() {
        let of = |bytes: usize| format!("a@{}", "b".repeat(bytes - 2));

        assert!(Email::parse(&of(254)).is_ok());
        assert_eq!(Email::parse(&of(255)), Err(EmailError::TooLong));
    }
}
