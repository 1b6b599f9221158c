//! Random material for one platform: passwords, the token keys, and their public half.
//!
//! Only *making* secrets happens here. Where they are kept is the business of `credentials`.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use operator_render::{MongoDbPasswords, Passwords, RabbitMqLogin, RabbitMqUser, TokenKeys};
use serde_json::json;

pub fn token_keys(generation: i32) -> Result<TokenKeys, Unspecified> {
    let pair = Ed25519KeyPair::generate()?;
    let der = pair.to_pkcs8v1()?;

    Ok(TokenKeys {
        generation,
        signing_key_pem: pem(der.as_ref()),
        jwks: jwks(pair.public_key().as_ref()),
    })
}

/// The keys again, from the private one.
pub fn token_keys_of(generation: i32, signing_key_pem: String) -> Option<TokenKeys> {
    let body = signing_key_pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect::<String>();
    let der = STANDARD.decode(body).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok()?;

    Some(TokenKeys {
        generation,
        jwks: jwks(pair.public_key().as_ref()),
        signing_key_pem,
    })
}

pub fn passwords(generation: i32, user: RabbitMqUser) -> Result<Passwords, Unspecified> {
    let password = hex_secret::<24>()?;

    Ok(Passwords {
        generation,
        mongodb: MongoDbPasswords {
            identity: hex_secret::<24>()?,
            post: hex_secret::<24>()?,
            media: hex_secret::<24>()?,
            search: hex_secret::<24>()?,
        },
        rabbitmq: RabbitMqLogin {
            user,
            password_hash: rabbitmq_password_hash(&password)?,
            password,
        },
        redis: hex_secret::<24>()?,
    })
}

/// `length` random bytes as hexadecimal digits: a password that needs no escaping anywhere.
pub fn hex_secret<const LENGTH: usize>() -> Result<String, Unspecified> {
    Ok(hex::encode(random::<LENGTH>()?))
}

/// What MongoDB's members know each other by. MongoDB takes 6 to 1024 characters of base64.
pub fn mongodb_keyfile() -> Result<String, Unspecified> {
    // A multiple of three bytes needs no padding.
    Ok(STANDARD.encode(random::<96>()?))
}

/// RabbitMQ's own form of a password hash: four bytes of salt and the SHA-256 of salt and password, in base64.
fn rabbitmq_password_hash(password: &str) -> Result<String, Unspecified> {
    Ok(salted_hash(random()?, password))
}

fn salted_hash(salt: [u8; 4], password: &str) -> String {
    let hash = digest(&SHA256, &[&salt, password.as_bytes()].concat());

    STANDARD.encode([&salt, hash.as_ref()].concat())
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Unspecified> {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes)?;

    Ok(bytes)
}

/// RFC 7468: base64 in lines of 64 characters between two marks.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join("\n");

    format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")
}

/// A key set of one Ed25519 key, named by its RFC 7638 thumbprint, so that whoever holds the private key can name
/// it too.
fn jwks(public_key: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    let kid = thumbprint(&x);

    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}]}).to_string()
}

/// RFC 7638 §3: the SHA-256 of the required members in the order of their names, without spaces.
fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);

    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_is_that_of_rfc_8037() {
        // Appendix A.3 of RFC 8037.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn password_hash_is_that_of_rabbitmq() {
        // The worked example in RabbitMQ's guide on passwords.
        let hash = salted_hash([0x90, 0x8D, 0xC6, 0x0A], "test12");

        assert_eq!(hash, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
    }

    #[test]
    fn signing_key_can_be_read_back_and_matches_its_public_half() {
        let keys = token_keys(2).unwrap();

        let again = token_keys_of(2, keys.signing_key_pem.clone()).unwrap();

        assert_eq!(again.jwks, keys.jwks);
        assert!(keys.signing_key_pem.lines().all(|line| line.len() <= 64));
        assert!(token_keys_of(2, "no key".to_owned()).is_none());
    }

    #[test]
    fn keyfile_is_what_mongodb_takes() {
        let key = mongodb_keyfile().unwrap();

        assert!((6..=1024).contains(&key.len()));
        assert!(
            key.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
        );
    }

    #[test]
    fn secrets_are_never_the_same_twice() {
        assert_ne!(hex_secret::<24>().unwrap(), hex_secret::<24>().unwrap());
        assert_eq!(hex_secret::<24>().unwrap().len(), 48);
    }
}
