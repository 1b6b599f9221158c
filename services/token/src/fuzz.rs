//! What fuzzers and tests put any bytes into. It panics when a token is accepted that must not be.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::{LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, Scope, Signer, Verifier};

/// Signs nothing but what is made up here.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1LJwD4YXpzAj8edhkT5nk9CGuVrX5r2V4ibigdT2SA
-----END PRIVATE KEY-----
";

struct Parties {
    key: EncodingKey,
    header: String,
    verifier: Verifier,
}

static PARTIES: LazyLock<Parties> = LazyLock::new(|| {
    let scope = Scope {
        issuer: "here".to_owned(),
        audience: "us".to_owned(),
    };
    let signer = Signer::new(KEY, scope.clone()).expect("the key is a key");
    let keys = signer.public_keys();
    let kid = keys.split(r#""kid":""#).nth(1).expect("a key has a kid");
    let kid = kid.split('"').next().expect("a kid ends");

    Parties {
        key: EncodingKey::from_ed_pem(KEY.as_bytes()).expect("the key is a key"),
        header: format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#),
        verifier: Verifier::new(keys, &scope).expect("the keys are keys"),
    }
});

/// `data` as a token; and as the claims, or header and claims with a line feed between, of one that is signed well.
pub fn token(data: &[u8]) {
    let Parties {
        key,
        header,
        verifier,
    } = &*PARTIES;
    if let Ok(text) = str::from_utf8(data) {
        assert!(verifier.verify(text).is_err(), "nobody guesses a signature");
    }

    let end = data.iter().position(|byte| *byte == b'\n');
    let (header, claims) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (header.as_bytes(), data),
    };
    let part = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = jsonwebtoken::crypto::sign(part.as_bytes(), key, Algorithm::EdDSA)
        .expect("an Ed25519 key signs anything");
    if let Ok(verified) = verifier.verify(&format!("{part}.{signature}")) {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .expect("it is past 1970")
            .as_secs();
        let latest = now + LEEWAY_SECONDS + u64::from(MAX_LIFETIME_SECONDS);
        let expires_at = u64::try_from(verified.expires_at).expect("not before 1970");
        assert!((now - LEEWAY_SECONDS - 1..=latest).contains(&expires_at));
        let subject = verified.subject;
        for id in [subject.user_id, subject.session_id] {
            assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_no_token(data in proptest::collection::vec(any::<u8>(), 0..600)) {
            token(&data);
        }

        #[test]
        fn claims_of_any_values_are_ours_or_none(
            exp in "[0-9]{1,20}|-1|1e300|null|\"1\"|4102444800.5",
            iat in "[0-9]{1,20}|-1|null",
            sub in "[0-9a-f]{23,25}|",
        ) {
            let claims = format!(
                r#"{{"sub":"{sub}","userId":"{sub}","userName":"x","sid":"{sub}","iss":"here","aud":"us","jti":"x","iat":{iat},"exp":{exp}}}"#
            );
            token(claims.as_bytes());
        }

        #[test]
        fn any_header_is_ours_or_none(header in r#"\{("(typ|alg|kid|crit|jwk)":("JWT"|"none"|\["x"\]|1),?){0,4}\}"#) {
            token(format!("{header}\n{{}}").as_bytes());
        }
    }

    #[test]
    fn what_it_signs_well_is_accepted() {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .expect("it is past 1970")
            .as_secs();
        let id = "673301c8e4b0a1b2c3d4e5f7";
        let claims = format!(
            r#"{{"sub":"{id}","userId":"{id}","userName":"x","sid":"{id}","iss":"here","aud":"us","jti":"x","iat":{now},"exp":{}}}"#,
            now + 60
        );
        token(claims.as_bytes());
        let part = format!(
            "{}.{}",
            BASE64.encode(&PARTIES.header),
            BASE64.encode(claims)
        );
        let signature = jsonwebtoken::crypto::sign(part.as_bytes(), &PARTIES.key, Algorithm::EdDSA);
        let token = format!("{part}.{}", signature.expect("signed"));

        assert!(PARTIES.verifier.verify(&token).is_ok());
    }
}
