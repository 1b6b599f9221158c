//! Passwords: what one must be.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{Object, ObjectBuilder, OpenApi, Ref};

/// Long enough for any phrase, short enough that hashing its text costs nothing.
pub const MAX_CHARS: usize = 128;
/// What everybody tries first, in lower case; where it is from is said beside it.
const COMMONEST: &str = include_str!("../common-passwords/list.txt");

/// What the API's description calls a new password.
const NEW_PASSWORD: &str = "NewPassword";

/// A password as somebody typed it. It has no `Debug` and no `Display`: nothing can print it.
#[derive(Clone)]
pub struct Password(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {actual} characters, it needs {minimum} or more")]
    TooShort { actual: usize, minimum: usize },

    #[error("the password has {0} characters, it may have up to {MAX_CHARS}")]
    TooLong(usize),

    #[error("the password is one of the commonest, which are tried first")]
    Common,
}

impl Password {
    /// Whether this may become somebody's password. `minimum` is in characters.
    pub fn check(&self, minimum: usize) -> Result<(), PasswordError> {
        let text = self.0.expose_secret();
        let actual = text.chars().count();
        if actual < minimum {
            return Err(PasswordError::TooShort { actual, minimum });
        }
        if actual > MAX_CHARS {
            return Err(PasswordError::TooLong(actual));
        }
        let text = text.to_lowercase();
        if COMMONEST.lines().any(|common| common == text) {
            return Err(PasswordError::Common);
        }

        Ok(())
    }

    /// Every byte of it: nothing is cut off or made alike.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// How a field for a new password is described: by what [`describe`] says.
pub fn described() -> Ref {
    Ref::from_schema_name(NEW_PASSWORD)
}

/// Adds to a description what a new password must be, of which `minimum` is a setting.
pub fn describe(api: &mut OpenApi, minimum: usize) {
    let schemas = &mut api.components.get_or_insert_default().schemas;
    schemas.insert(NEW_PASSWORD.to_owned(), schema(minimum).into());
}

fn schema(minimum: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(minimum))
        .max_length(Some(MAX_CHARS))
        .description(Some("None of the commonest, which are refused."))
        .examples([serde_json::Value::from("correct horse battery staple")])
        .build()
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would quote the value, and a number may be somebody's password too.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(text.into()),
            _ => Err(de::Error::custom("expected a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), PasswordError> {
        Password::from(text.to_owned()).check(8)
    }

    #[test]
    fn a_password_is_measured_in_characters_not_bytes() {
        for (length, expected) in [
            (8, Ok(())),
            (128, Ok(())),
            (
                7,
                Err(PasswordError::TooShort {
                    actual: 7,
                    minimum: 8,
                }),
            ),
            (129, Err(PasswordError::TooLong(129))),
        ] {
            assert_eq!(check(&"é".repeat(length)), expected, "{length}");
        }
    }

    #[test]
    fn the_3000_commonest_are_refused_in_any_case() {
        let long = COMMONEST.lines().filter(|line| line.chars().count() >= 8);
        assert!(long.clone().count() >= 3000);
        for common in long {
            assert_eq!(check(common), Err(PasswordError::Common), "{common}");
        }
        for common in ["Password1", "TRUSTNO1", "12345678"] {
            assert_eq!(check(common), Err(PasswordError::Common), "{common}");
        }
        assert_eq!(check("password of mine"), Ok(()));
    }

    #[test]
    fn a_short_common_one_is_refused_where_short_ones_are_allowed() {
        let password = Password::from("dragon".to_owned());

        assert_eq!(password.check(1), Err(PasswordError::Common));
    }
}
