//! Rules of passwords and keys.

use kube::core::Rule;

use super::{number_or, rule};

pub(crate) fn only_what_is_generated_is_rotated() -> Rule {
    rule(
        "!has(self.existingSecret) || !(has(self.tokenKeysGeneration) || has(self.passwordsGeneration))",
        "tokenKeysGeneration and passwordsGeneration are not for an existingSecret: its owner changes what is in it",
    )
}

/// The rule sits where it also sees credentials that are mentioned for the first time, or no more. What is taken from a Secret of the
/// user's has no generation.
pub(crate) fn generation_never_falls(field: &str) -> Rule {
    let path = ["credentials", field];
    let generation = |of| number_or(of, &path, 1);

    rule(
        &format!(
            "(has(self.credentials) && has(self.credentials.existingSecret)) || {} >= {}",
            generation("self"),
            generation("oldSelf")
        ),
        &format!(
            "{} cannot be lowered: what was replaced does not come back",
            path.join(".")
        ),
    )
}
