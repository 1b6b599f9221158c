//! An image that cannot be pulled.

use operator_api::Reason;

use super::{Cause, Suspect};

const REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
    "SignatureValidationFailed",
];

/// What is said around the registry's own words, each up to the text that ends it. All of it names the image again.
const WRAPPINGS: [(&str, &str); 7] = [
    ("Back-off pulling image ", "\""),
    ("ErrImagePull: ", ""),
    ("rpc error: code = ", " desc = "),
    ("failed to pull and unpack image ", "\": "),
    ("failed to pull image ", "\": "),
    ("failed to resolve reference ", "\": "),
    (": ", ""),
];

pub(super) fn image(suspect: &Suspect) -> Option<Cause> {
    let (container, waiting) = suspect
        .waiting()
        .find(|(_, waiting)| REASONS.contains(&waiting.reason.as_deref().unwrap_or_default()))?;
    let words = waiting.message.as_deref().unwrap_or_default();

    Some(Cause {
        words: suspect.fit(registrys_words(words, &container.image)),
        ..Cause::new(
            Reason::ImageNotPulled,
            format!("image {} cannot be pulled", container.image),
        )
    })
}

/// While the next try is waited for, some versions of Kubernetes do not repeat what the registry said. Nothing is left
/// then, and what was said before goes on being said.
fn registrys_words<'a>(message: &'a str, image: &str) -> &'a str {
    let mut words = message;
    let mut is_wrapped = true;
    while is_wrapped {
        is_wrapped = false;
        for (opening, end) in WRAPPINGS {
            if let Some(inside) = words.strip_prefix(opening) {
                // An image's name stands between quotation marks; what opens it must not end it.
                let inside = inside.strip_prefix('"').unwrap_or(inside);
                words = inside.find(end).map_or("", |at| &inside[at + end.len()..]);
                is_wrapped = true;
            }
        }
        if let Some(rest) = words
            .strip_prefix(image)
            .and_then(|rest| rest.strip_prefix(": "))
        {
            words = rest;
            is_wrapped = true;
        }
    }

    words
}

#[cfg(test)]
mod tests {
    use super::super::samples::{pod, suspect_message, waiting};
    use super::*;

    const IMAGE: &str = "docker.io/socialplatform/post:9.9.9";

    #[test]
    fn the_image_and_the_registrys_words_are_told() {
        for (reason, message, words) in [
            (
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to pull and unpack image \
                 \"docker.io/socialplatform/post:9.9.9\": failed to resolve reference \
                 \"docker.io/socialplatform/post:9.9.9\": docker.io/socialplatform/post:9.9.9: not found",
                ": not found",
            ),
            (
                "ImagePullBackOff",
                "Back-off pulling image \"docker.io/socialplatform/post:9.9.9\": ErrImagePull: rpc error: code = \
                 NotFound desc = failed to pull and unpack image \"docker.io/socialplatform/post:9.9.9\": failed to \
                 resolve reference \"docker.io/socialplatform/post:9.9.9\": docker.io/socialplatform/post:9.9.9: not \
                 found",
                ": not found",
            ),
            (
                "ErrImagePull",
                "failed to pull and unpack image \"docker.io/socialplatform/post:9.9.9\": failed to resolve reference \
                 \"docker.io/socialplatform/post:9.9.9\": pull access denied, repository does not exist or may \
                 require authorization: authorization failed: no basic auth credentials",
                ": pull access denied, repository does not exist or may require authorization: authorization failed: \
                 no basic auth credentials",
            ),
            (
                "ErrImageNeverPull",
                "Container image \"docker.io/socialplatform/post:9.9.9\" is not present with pull policy of Never",
                ": Container image \"docker.io/socialplatform/post:9.9.9\" is not present with pull policy of Never",
            ),
            (
                "ImagePullBackOff",
                "Back-off pulling image \"docker.io/socialplatform/post:9.9.9\"",
                "",
            ),
        ] {
            let pod = pod(|status| status.state = waiting(reason, message));

            assert_eq!(
                suspect_message(&pod, image),
                Some((
                    Reason::ImageNotPulled,
                    format!("image {IMAGE} cannot be pulled{words}")
                ))
            );
        }
    }

    #[test]
    fn a_container_that_waits_for_something_else_says_nothing_of_its_image() {
        let pod = pod(|status| status.state = waiting("ContainerCreating", ""));

        assert_eq!(suspect_message(&pod, image), None);
    }
}
