//! Which tokens are accepted, and which are not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use token::{KeyError, Rejected, Scope, Signer, Subject, Verified, Verifier};

/// A key of its own for these tests.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1LJwD4YXpzAj8edhkT5nk9CGuVrX5r2V4ibigdT2SA
-----END PRIVATE KEY-----
";
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFJiVV1R2rtS5YURpnMflEGbExD+K+ZZJwFwl0tC/bep
-----END PRIVATE KEY-----
";

fn scope() -> Scope {
    Scope {
        issuer: "here".to_owned(),
        audience: "us".to_owned(),
    }
}

fn signer() -> Signer {
    Signer::new(KEY, scope()).expect("the key is valid")
}

fn verifier() -> Verifier {
    Verifier::new(signer().public_keys(), &scope()).expect("the key set is valid")
}

fn ada() -> Subject {
    Subject {
        user_id: "673301c8e4b0a1b2c3d4e5f7".to_owned(),
        user_name: "ada".to_owned(),
        session_id: "673301c8e4b0a1b2c3d4e5f8".to_owned(),
    }
}

fn now() -> i64 {
    let elapsed = std::time::UNIX_EPOCH
        .elapsed()
        .expect("the clock is past 1970");
    i64::try_from(elapsed.as_secs()).expect("seconds fit")
}

/// A token with this header and these claims and the signature of `token`.
fn with(header: &str, claims: &str, token: &str) -> String {
    let signature = token.rsplit('.').next().expect("a token has three parts");
    format!(
        "{}.{}.{signature}",
        BASE64.encode(header),
        BASE64.encode(claims)
    )
}

#[test]
fn a_fresh_token_is_accepted() {
    let now = now();
    let token = signer().sign(&ada(), now, 60).expect("signed");

    assert_eq!(
        verifier().verify(&token),
        Ok(Verified {
            subject: ada(),
            expires_at: now + 60,
        })
    );
}

#[test]
fn an_old_token_has_expired() {
    let token = signer().sign(&ada(), now() - 120, 60).expect("signed");

    assert_eq!(verifier().verify(&token), Err(Rejected::Expired));
}

#[test]
fn a_token_of_another_key_is_refused() {
    let other = Signer::new(OTHER_KEY, scope()).expect("the key is valid");
    let token = other.sign(&ada(), now(), 60).expect("signed");

    assert_eq!(verifier().verify(&token), Err(Rejected::Invalid));
}

#[test]
fn a_token_for_another_audience_or_issuer_is_refused() {
    for scope in [
        Scope {
            audience: "them".to_owned(),
            ..scope()
        },
        Scope {
            issuer: "elsewhere".to_owned(),
            ..scope()
        },
    ] {
        let token = Signer::new(KEY, scope)
            .expect("valid")
            .sign(&ada(), now(), 60)
            .expect("signed");
        assert_eq!(verifier().verify(&token), Err(Rejected::Invalid));
    }
}

#[test]
fn a_forged_token_is_refused() {
    let token = signer().sign(&ada(), now(), 60).expect("signed");
    let header = String::from_utf8(
        BASE64
            .decode(token.split('.').next().expect("a header"))
            .expect("base64"),
    )
    .expect("UTF-8");
    let claims = format!(
        r#"{{"sub":"{}","userId":"x","userName":"x","sid":"x","iss":"here","aud":"us","iat":0,"exp":{},"jti":"x"}}"#,
        ada().user_id,
        now() + 60
    );

    let forgeries = [
        with(&header, &claims, &token),
        with(r#"{"alg":"none"}"#, &claims, &token),
        with(&header.replace("EdDSA", "none"), &claims, &token),
        with(&header.replace("EdDSA", "HS256"), &claims, &token),
        token.replace('.', ""),
        token[..token.len() - 8].to_owned(),
        String::new(),
    ];
    for forgery in forgeries {
        assert_eq!(
            verifier().verify(&forgery),
            Err(Rejected::Invalid),
            "{forgery}"
        );
    }
}

#[test]
fn keys_that_are_no_keys_are_refused_at_start() {
    assert!(matches!(
        Signer::new("no key", scope()),
        Err(KeyError::Signing(_))
    ));
    assert!(matches!(
        Verifier::new("{}", &scope()),
        Err(KeyError::Set(_))
    ));
    assert!(matches!(
        Verifier::new(r#"{"keys":[]}"#, &scope()),
        Err(KeyError::Empty)
    ));
}
