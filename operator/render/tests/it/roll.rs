//! Which change replaces whose pods.

use std::collections::BTreeMap;

use operator_render::{Credentials, ValidatedPlatform};
use serde_json::Value;

use crate::cases;

const SERVICES: [&str; 5] = ["gateway", "identity", "media", "post", "search"];

/// The pod template of every workload, by component.
fn templates(platform: &ValidatedPlatform, credentials: &Credentials) -> BTreeMap<String, Value> {
    cases::objects(platform, credentials)
        .iter()
        .filter_map(|object| {
            let component = object.labels()["app.kubernetes.io/component"]
                .as_str()
                .unwrap();

            Some((component.to_owned(), object.pod_template()?.clone()))
        })
        .collect()
}

/// The components whose pods are replaced when the first set of templates becomes the second.
fn replaced(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    before
        .keys()
        .filter(|component| before[*component] != after[*component])
        .cloned()
        .collect()
}

#[test]
fn a_changed_credential_replaces_exactly_the_pods_that_read_it() {
    type Change = fn(&mut Credentials);
    let changes: [(&[&str], Change); 12] = [
        (&["mongodb"], |credentials| {
            credentials.mongodb_keyfile.push('x')
        }),
        (&["identity"], |credentials| {
            credentials.passwords.mongodb.identity.push('x')
        }),
        (&["post"], |credentials| credentials.cursor_key.push('x')),
        (&["post"], |credentials| {
            credentials.passwords.mongodb.post.push('x')
        }),
        (&["media"], |credentials| {
            credentials.passwords.mongodb.media.push('x')
        }),
        (&["search"], |credentials| {
            credentials.passwords.mongodb.search.push('x')
        }),
        (&["identity", "media", "post", "search"], |credentials| {
            credentials.passwords.rabbitmq.password.push('x')
        }),
        (&["rabbitmq"], |credentials| {
            credentials.passwords.rabbitmq.password_hash.push('x')
        }),
        (
            &["gateway", "identity", "media", "post", "redis", "search"],
            |credentials| credentials.passwords.redis.push('x'),
        ),
        (&["identity"], |credentials| {
            credentials.token_keys.signing_key_pem.push('x')
        }),
        (&["identity"], |credentials| {
            credentials.refresh_key.push('x')
        }),
        // A file that is read again when it changes.
        (&[], |credentials| credentials.token_keys.jwks.push(' ')),
    ];

    let platform = cases::platform("minimal");
    let before = templates(&platform, &cases::credentials());
    for (readers, change) in changes {
        let mut credentials = cases::credentials();
        change(&mut credentials);

        assert_eq!(
            replaced(&before, &templates(&platform, &credentials)),
            readers
        );
    }
}

#[test]
fn a_new_version_replaces_the_services_and_no_store() {
    let mut newer = cases::resource("minimal");
    newer.spec.version = Some("9.9.9".into());

    let before = templates(&cases::platform("minimal"), &cases::credentials());
    let after = templates(&cases::validated(&newer), &cases::credentials());

    assert_eq!(replaced(&before, &after), SERVICES);
}
