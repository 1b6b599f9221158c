//! Under which scheme, host and port the caller reached the platform.

use axum::http::HeaderMap;
use axum::http::header::HOST;

const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";

/// `http://host:port` as the caller sees it, or nothing when the headers name no host.
///
/// The `x-forwarded-…` headers are the gateway's: it removes what a client sends under these names. They are echoed
/// to the caller, so nothing but a scheme and a plain `host:port` passes.
pub fn of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().ok());
    let scheme = match text(FORWARDED_PROTO) {
        Some(Some("https")) => "https",
        _ => "http",
    };
    let authority = text(FORWARDED_HOST).or_else(|| text(HOST.as_str()))??;

    is_authority(authority).then(|| format!("{scheme}://{authority}"))
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of `[::1]` is inside the brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();

    is_host(host) && port.is_none_or(is_port)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }

    (1..=253).contains(&host.len())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn origin(pairs: &[(&'static str, &'static str)]) -> Option<String> {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                let name = name.parse().expect("a header's name");
                (name, HeaderValue::from_static(value))
            })
            .collect();

        of(&headers)
    }

    #[test]
    fn the_gateway_says_how_it_was_reached() {
        let seen = origin(&[
            ("host", "demo-media:8080"),
            ("x-forwarded-host", "social.example:8443"),
            ("x-forwarded-proto", "https"),
        ]);

        assert_eq!(seen.as_deref(), Some("https://social.example:8443"));
    }

    #[test]
    fn without_a_gateway_the_host_header_counts() {
        let seen = origin(&[("host", "127.0.0.1:8080")]);

        assert_eq!(seen.as_deref(), Some("http://127.0.0.1:8080"));
    }

    #[test]
    fn only_a_plain_host_and_port_is_echoed() {
        for good in [
            "a",
            "a_b.example:1",
            "[::1]",
            "[2001:db8::1]:8080",
            "10.0.0.1",
        ] {
            assert!(is_authority(good), "{good}");
        }
        for bad in [
            "", ":80", "a:", "a:b", "a:65536", "a:+1", "a:1:2", "user@a", "a/b", "a b", "a\"b",
            "a,b", "[a]", "[::1", "::1",
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
    }

    #[test]
    fn a_spoilt_host_is_no_host() {
        assert_eq!(origin(&[]), None);
        assert_eq!(origin(&[("host", "a@b")]), None);
        assert_eq!(origin(&[("host", "a"), ("x-forwarded-host", "a/b")]), None);
    }
}
