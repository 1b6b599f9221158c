//! Whose the passwords and keys are, and which are asked for.

use operator_api::CredentialSource as Given;

use super::{Invalid, invalid};
use crate::platform::{CredentialSource, Generations};

pub(super) fn source(given: Given) -> Result<CredentialSource, Invalid> {
    let Given {
        existing_secret,
        token_keys_generation,
        passwords_generation,
    } = given;
    let generation = |field: &str, given: Option<i32>| match given.unwrap_or(1) {
        generation @ 1..=1_000_000 => Ok(generation),
        other => Err(invalid(
            &format!("spec.credentials.{field}"),
            format!("must be from 1 to 1000000, not {other}"),
        )),
    };

    Ok(match existing_secret {
        Some(secret) => CredentialSource::Existing(secret),
        None => CredentialSource::Generated(Generations {
            token_keys: generation("tokenKeysGeneration", token_keys_generation)?,
            passwords: generation("passwordsGeneration", passwords_generation)?,
        }),
    })
}
