//! Who a request comes from, as far as that can be known.
//!
//! Each proxy on the way appends the address it was asked from to `X-Forwarded-For`, so only so many entries from the
//! right can be believed as there are proxies that we trust. Everything left of them is what a client claims.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const HTTP: HeaderValue = HeaderValue::from_static("http");
const HTTPS: HeaderValue = HeaderValue::from_static("https");

/// The client of a request: an address nobody but a trusted proxy could have made up, and how it reached that proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// `http` or `https`.
    pub scheme: HeaderValue,
}

impl Client {
    /// `peer` is who opened the connection.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted_hops: u8) -> Self {
        if trusted_hops == 0 {
            return Self {
                address: peer.to_canonical(),
                scheme: HTTP,
            };
        }
        let said = |name| {
            let lines = headers.get_all(name).into_iter().rev();
            let texts = lines.map_while(|line: &HeaderValue| line.to_str().ok());

            texts
                .flat_map(|text| text.rsplit(','))
                .map(str::trim)
                .take(usize::from(trusted_hops))
        };
        // With fewer entries than hops, or one that is no address, the last that can be believed counts.
        let address = said(FORWARDED_FOR).map_while(address).last();
        let scheme = said(FORWARDED_PROTO).last();

        Self {
            address: address.unwrap_or(peer).to_canonical(),
            scheme: match scheme {
                Some(scheme) if scheme.eq_ignore_ascii_case("https") => HTTPS,
                _ => HTTP,
            },
        }
    }

    /// What counts as one client: an IPv4 address, or the 2^64 addresses of IPv6 that one subscriber has at least.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
        }
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .or_else(|_| text.trim_matches(['[', ']']).parse())
        .or_else(|_| text.parse().map(|address: SocketAddr| address.ip()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.7";

    fn client(lines: &[(&'static str, &'static str)], trusted_hops: u8) -> Client {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }

        Client::of(PEER.parse().expect("an address"), &headers, trusted_hops)
    }

    #[test]
    fn only_what_trusted_proxies_appended_is_believed() {
        let lines = [
            ("x-forwarded-for", "10.9.9.9, 198.51.100.1"),
            ("x-forwarded-for", "198.51.100.2"),
        ];
        for (trusted_hops, expected) in [
            (0, PEER),
            (1, "198.51.100.2"),
            (2, "198.51.100.1"),
            (3, "10.9.9.9"),
            (10, "10.9.9.9"),
        ] {
            let address = client(&lines, trusted_hops).address;
            assert_eq!(address.to_string(), expected, "{trusted_hops}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_ends_what_is_believed() {
        for (line, expected) in [
            ("", PEER),
            ("unknown", PEER),
            ("198.51.100.1, unknown", PEER),
            ("unknown, 198.51.100.1", "198.51.100.1"),
            (",198.51.100.1", "198.51.100.1"),
            ("10.0.0.256, 198.51.100.1", "198.51.100.1"),
        ] {
            let address = client(&[("x-forwarded-for", line)], 2).address;
            assert_eq!(address.to_string(), expected, "{line:?}");
        }
    }

    #[test]
    fn an_address_may_be_written_with_its_port() {
        for (line, expected) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            let address = client(&[("x-forwarded-for", line)], 1).address;
            assert_eq!(address.to_string(), expected, "{line}");
        }
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_client() {
        let network = |line| client(&[("x-forwarded-for", line)], 1).network();

        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:1:f:f:f:f"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
        assert_eq!(network("::ffff:198.51.100.1"), network("198.51.100.1"));
        assert_ne!(network("198.51.100.1"), network("198.51.100.2"));
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_client_came_by_https() {
        let lines = [("x-forwarded-proto", "https")];

        assert_eq!(client(&lines, 0).scheme, "http");
        assert_eq!(client(&lines, 1).scheme, "https");
        assert_eq!(client(&[("x-forwarded-proto", "gopher")], 1).scheme, "http");
    }
}
