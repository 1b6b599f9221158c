//! Who is at the other end: where the gateway saw a request come from, and which program says it sent it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

/// Set by the gateway, the only client of this service; what somebody else claimed is gone by then.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const MAX_DEVICE_CHARS: usize = 200;

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address; of IPv6 the first half, because whoever has one address has all of them.
    pub network: String,
    /// What the client calls itself, made fit to be shown. Empty when it does not.
    pub device: String,
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = forwarded_for(&parts.headers).or(peer.map(|ConnectInfo(peer)| peer.ip()));

        Ok(Self {
            network: address.map(network).unwrap_or_default(),
            device: device(&parts.headers),
        })
    }
}

fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let value = headers.get(FORWARDED_FOR)?.to_str().ok()?;

    value.split(',').next()?.trim().parse().ok()
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn device(headers: &HeaderMap) -> String {
    let value = headers.get(USER_AGENT).map(|value| value.as_bytes());
    let text = String::from_utf8_lossy(value.unwrap_or_default());
    let shown = text.chars().filter(|c| !c.is_control());

    shown.take(MAX_DEVICE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &[u8]) -> HeaderMap {
        let value = HeaderValue::from_bytes(value).expect("a header");

        HeaderMap::from_iter([(name, value)])
    }

    #[test]
    fn an_address_of_ipv6_is_known_by_its_first_half() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(network(address), expected);
        }
    }

    #[test]
    fn the_first_address_that_was_forwarded_counts() {
        for (value, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            (" 192.0.2.7 , 10.0.0.1", Some("192.0.2.7")),
            ("unknown", None),
            ("", None),
        ] {
            let found = forwarded_for(&headers(FORWARDED_FOR, value.as_bytes()));
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn a_device_is_text_that_can_be_shown() {
        let of = |value: &[u8]| device(&headers(USER_AGENT, value));

        assert_eq!(device(&HeaderMap::new()), "");
        assert_eq!(of(b"Browser/1.0 (here)"), "Browser/1.0 (here)");
        assert_eq!(of(b"a\tb\xff"), "ab\u{fffd}");
        assert_eq!(of(&[b'x'; 1000]).len(), MAX_DEVICE_CHARS);
    }
}
