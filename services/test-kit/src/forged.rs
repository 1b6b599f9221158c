//! Access tokens that nobody may accept, each with what is wrong with it.
//!
//! Some are signed with a key of the forger's, some with none, and some with the right key, as if the signer had a
//! fault: a token is accepted only when everything about it is as ours are.

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use reqwest::Method;
use serde_json::{Value, json};
use token::Signer;

use crate::keys::{OTHER_SIGNING_KEY, SIGNING_KEY, scope};
use crate::{Running, assert_problem, object_id};

static OURS: LazyLock<Ed25519KeyPair> = LazyLock::new(|| key_pair(SIGNING_KEY));
static FORGERS: LazyLock<Ed25519KeyPair> = LazyLock::new(|| key_pair(OTHER_SIGNING_KEY));
static KEY_SET: LazyLock<Value> = LazyLock::new(|| {
    let signer = Signer::new(SIGNING_KEY, scope()).expect("the test key is a key");
    serde_json::from_str(signer.public_keys()).expect("a key set is JSON")
});

/// The only forgery that has been a good token once.
const EXPIRED: &str = "an expired time";

/// What is wrong, and the token.
type Forgery = (String, String);

/// Every forgery, made anew.
fn forged_tokens() -> Vec<Forgery> {
    let mut all = algorithms();
    all.extend(headers());
    all.extend(claims());
    all.extend(texts());

    all
}

/// Asks `service` for a path that needs a token with every forgery: each is refused as unknown, none breaks anything.
pub async fn assert_no_forgery_passes(service: &Running, method: Method, path: &str) {
    for (what, token) in forged_tokens() {
        let request = service.client.request(method.clone(), service.at(path));
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{what}");
        let code = if what == EXPIRED {
            "token_expired"
        } else {
            "token_invalid"
        };
        assert_problem(answer, 401, code).await;
    }
}

/// Other algorithms than ours, and keys that are not the one meant.
fn algorithms() -> Vec<Forgery> {
    let unsigned = |header: &Value| format!("{}.", signed_part(&header.to_string(), &good()));
    let mut all = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let mut header = header();
        header["alg"] = alg.into();
        all.push((format!("unsigned, alg {alg:?}"), unsigned(&header)));
    }
    all.push(("unsigned".to_owned(), unsigned(&header())));

    // The public key is known to everybody; taken for a secret of HMAC, everybody could sign.
    let public = KEY_SET["keys"][0]["x"].as_str().expect("a key").to_owned();
    let raw = BASE64.decode(&public).expect("base64");
    for (alg, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        for (what, secret) in [
            ("the public key", raw.as_slice()),
            ("the public key as text", public.as_bytes()),
            ("nothing", b"".as_slice()),
        ] {
            let mut header = header();
            header["alg"] = alg.into();
            let part = signed_part(&header.to_string(), &good());
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), part.as_bytes());
            all.push((
                format!("{alg} with {what}"),
                format!("{part}.{}", BASE64.encode(tag)),
            ));
        }
    }
    for alg in ["RS256", "ES256", "PS512", "Ed25519", "eddsa", "EdDSA "] {
        let mut header = header();
        header["alg"] = alg.into();
        all.push((format!("ours, alg {alg:?}"), ours(&header, &good())));
    }
    all.push((
        "the forger's key under our kid".to_owned(),
        by(&FORGERS, &header().to_string(), &good()),
    ));

    all
}

/// Headers that ask the reader to take the key from somewhere else, or to do something it does not know.
fn headers() -> Vec<Forgery> {
    let forger = Signer::new(OTHER_SIGNING_KEY, scope()).expect("the test key is a key");
    let set: Value = serde_json::from_str(forger.public_keys()).expect("a key set is JSON");
    let own = &set["keys"][0];
    let mut all = Vec::new();
    for (name, value) in [
        ("jwk", own.clone()),
        ("jku", "http://127.0.0.1:1/jwks.json".into()),
        ("x5u", "http://127.0.0.1:1/x5u".into()),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut with_kid = header();
        with_kid[name] = value.clone();
        let text = with_kid.to_string();
        all.push((
            format!("the forger's key in {name}"),
            by(&FORGERS, &text, &good()),
        ));
        let mut without = json!({ "alg": "EdDSA", "typ": "JWT" });
        without[name] = value;
        let text = without.to_string();
        all.push((
            format!("the forger's key in {name}, no kid"),
            by(&FORGERS, &text, &good()),
        ));
    }
    for (what, changed) in [
        ("crit", json!({ "crit": ["exp"] })),
        (
            "crit of something unknown",
            json!({ "crit": ["x"], "x": 1 }),
        ),
        ("b64 false", json!({ "b64": false, "crit": ["b64"] })),
        ("cty", json!({ "cty": "JWT" })),
        ("enc", json!({ "enc": "A256GCM" })),
        ("zip", json!({ "zip": "DEF" })),
        ("another typ", json!({ "typ": "at+jwt" })),
        ("typ as a number", json!({ "typ": 1 })),
        ("no typ", json!({ "typ": null })),
        ("no kid", json!({ "kid": null })),
        ("an empty kid", json!({ "kid": "" })),
        ("a path for kid", json!({ "kid": "../../../../dev/null" })),
        ("a query for kid", json!({ "kid": "' OR 1=1 --" })),
        ("kid as a list", json!({ "kid": ["a"] })),
        ("a kid of 8 KiB", json!({ "kid": "k".repeat(8192) })),
    ] {
        let mut header = header();
        for (name, value) in changed.as_object().expect("an object") {
            header[name] = value.clone();
        }
        all.push((what.to_owned(), ours(&header, &good())));
    }
    let twice = header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    all.push(("alg twice".to_owned(), by(&OURS, &twice, &good())));

    all
}

/// Claims that are not ours, under a signature that is.
fn claims() -> Vec<Forgery> {
    let now = now();
    let mut all = Vec::new();
    for (what, name, value) in [
        ("another audience", "aud", json!("socialplatform:other")),
        (
            "a list of audiences",
            "aud",
            json!([scope().audience, "other"]),
        ),
        ("no audience", "aud", Value::Null),
        ("another issuer", "iss", json!("socialplatform:other")),
        ("a list of issuers", "iss", json!([scope().issuer])),
        ("no issuer", "iss", Value::Null),
        ("no subject", "sub", Value::Null),
        ("a number for a subject", "sub", json!(1)),
        ("an object for a subject", "sub", json!({ "$ne": "" })),
        ("a subject that is no id", "sub", json!("admin")),
        ("somebody else in userId", "userId", json!(object_id())),
        ("no session", "sid", Value::Null),
        (EXPIRED, "exp", json!(now - 3600)),
        ("no expiry", "exp", Value::Null),
        ("an expiry as text", "exp", json!((now + 60).to_string())),
        ("an expiry with a fraction", "exp", json!(4.0e9 + 0.5)),
        ("an expiry of 1e300", "exp", json!(1e300)),
        ("an expiry below zero", "exp", json!(-1)),
        ("the last expiry there is", "exp", json!(i64::MAX)),
        ("an expiry beyond i64", "exp", json!(u64::MAX)),
        ("an expiry in ten years", "exp", json!(now + 315_360_000)),
        ("an expiry that is true", "exp", json!(true)),
        ("not before tomorrow", "nbf", json!(now + 86_400)),
        ("issued tomorrow", "iat", json!(now + 86_400)),
    ] {
        let mut claims = good_claims();
        claims[name] = value;
        if claims[name].is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        }
        all.push((what.to_owned(), ours(&header(), &claims.to_string())));
    }
    let twice = good().replacen('{', r#"{"sub":"000000000000000000000000","#, 1);
    all.push(("two subjects".to_owned(), ours(&header(), &twice)));
    for (what, claims) in [
        ("claims that are a list", "[]"),
        ("claims that are nothing", "null"),
        ("claims that are no JSON", "{"),
        ("no claims", ""),
    ] {
        all.push((what.to_owned(), ours(&header(), claims)));
    }

    all
}

/// Texts that are almost a good token.
fn texts() -> Vec<Forgery> {
    let good = ours(&header(), &good());
    let (part, signature) = good.rsplit_once('.').expect("three parts");
    let (header, claims) = part.split_once('.').expect("three parts");
    let bytes = BASE64.decode(signature).expect("base64");
    let of = |bytes: &[u8]| format!("{part}.{}", BASE64.encode(bytes));
    let mut flipped = bytes.clone();
    flipped[0] ^= 1;
    let mut high = bytes.clone();
    high[63] |= 0x80;

    [
        ("no signature", format!("{part}.")),
        ("no third part", part.to_owned()),
        ("a fourth part", format!("{good}.x")),
        ("a signature of zeros", of(&[0; 64])),
        ("a signature of ones", of(&[0xff; 64])),
        ("a changed signature", of(&flipped)),
        ("a signature out of range", of(&high)),
        ("a shorter signature", of(&bytes[..63])),
        ("a longer signature", of(&[&bytes[..], &[0]].concat())),
        ("padding", format!("{good}==")),
        ("trailing text", format!("{good}x")),
        ("a space within", format!("{header}. {claims}.{signature}")),
        (
            "claims of another",
            format!(
                "{header}.{}.{signature}",
                BASE64.encode(good_claims().to_string())
            ),
        ),
        (
            "parts in another order",
            format!("{claims}.{header}.{signature}"),
        ),
        (
            "the standard alphabet",
            format!(
                "{}.{claims}.{signature}",
                STANDARD.encode(BASE64.decode(header).expect("base64"))
            ),
        ),
        ("another spelling of the last bits", respelled(&good)),
        ("nothing between dots", "..".to_owned()),
        ("a word", "null".to_owned()),
        ("64 KiB of one letter", "a".repeat(16 * 1024)),
        (
            "an encrypted token's five parts",
            format!("{header}.a.b.c.d"),
        ),
    ]
    .map(|(what, token)| (what.to_owned(), token))
    .to_vec()
}

/// 64 bytes are 86 characters, whose last one carries four bits that mean nothing.
fn respelled(token: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let index = ALPHABET.find(last).expect("base64");
    let other = ALPHABET.as_bytes()[index ^ 1] as char;

    format!("{rest}{other}")
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "EdDSA", "kid": KEY_SET["keys"][0]["kid"] })
}

/// Claims as identity writes them, of somebody new.
fn good_claims() -> Value {
    let (id, scope, now) = (object_id(), scope(), now());

    json!({
        "sub": id,
        "userId": id,
        "userName": "someone",
        "sid": object_id(),
        "iss": scope.issuer,
        "aud": scope.audience,
        "iat": now,
        "exp": now + 60,
        "jti": object_id(),
    })
}

fn good() -> String {
    good_claims().to_string()
}

fn ours(header: &Value, claims: &str) -> String {
    let mut header = header.clone();
    let fields = header.as_object_mut().expect("an object");
    fields.retain(|_, value| !value.is_null());

    by(&OURS, &header.to_string(), claims)
}

fn by(key: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let part = signed_part(header, claims);
    let signature = key.sign(part.as_bytes());

    format!("{part}.{}", BASE64.encode(signature))
}

fn signed_part(header: &str, claims: &str) -> String {
    format!("{}.{}", BASE64.encode(header), BASE64.encode(claims))
}

fn key_pair(pem: &str) -> Ed25519KeyPair {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = STANDARD.decode(text).expect("base64");

    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).expect("the test key is a key")
}

fn now() -> i64 {
    let elapsed = UNIX_EPOCH.elapsed().expect("the clock is past 1970");

    i64::try_from(elapsed.as_secs()).expect("seconds fit")
}

#[cfg(test)]
mod tests {
    use token::Verifier;

    use super::*;

    fn verifier() -> Verifier {
        Verifier::new(&KEY_SET.to_string(), &scope()).expect("the key set is valid")
    }

    #[test]
    fn what_the_forgeries_are_made_from_would_be_accepted() {
        let token = ours(&header(), &good());

        verifier().verify(&token).expect("a good token");
    }

    #[test]
    fn no_forgery_is_accepted() {
        let verifier = verifier();
        let all = forged_tokens();
        assert!(all.len() >= 60, "{} forgeries", all.len());
        for (what, token) in all {
            assert!(verifier.verify(&token).is_err(), "accepted: {what}");
        }
    }
}
