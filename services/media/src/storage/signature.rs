//! How Cloudinary knows that a request comes from the owner of an account:
//! <https://cloudinary.com/documentation/signatures>.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

/// Which hash an account asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    Sha1,
    Sha256,
}

/// Signs `parameters`, in any order, with the account's `secret`.
pub fn signature(
    algorithm: SignatureAlgorithm,
    parameters: &[(&str, String)],
    secret: &str,
) -> String {
    let mut pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort_unstable();
    let algorithm: &Algorithm = match algorithm {
        SignatureAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        SignatureAlgorithm::Sha256 => &SHA256,
    };
    let text = pairs.join("&") + secret;

    hex::encode(digest(algorithm, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Cloudinary's documentation.
    #[test]
    fn the_documented_request_has_the_documented_signature() {
        let parameters = [
            ("timestamp", "1315060510".to_owned()),
            ("public_id", "sample_image".to_owned()),
            ("eager", "w_400,h_300,c_pad|w_260,h_200,c_crop".to_owned()),
        ];

        assert_eq!(
            signature(SignatureAlgorithm::Sha1, &parameters, "abcd"),
            "bfd09f95f331f558cbd1320e67aa8d488770583e"
        );
    }
}
