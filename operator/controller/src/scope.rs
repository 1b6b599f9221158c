//! Which namespaces the operator watches: all of them, or those it was given.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};

/// The whole cluster, or some namespaces of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaces(BTreeSet<String>),
}

/// One part of a scope: what a single list or watch can cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    Everywhere,
    Namespace(&'a str),
}

impl Scope {
    pub fn places(&self) -> Vec<Place<'_>> {
        match self {
            Self::Cluster => vec![Place::Everywhere],
            Self::Namespaces(names) => names.iter().map(|name| Place::Namespace(name)).collect(),
        }
    }
}

impl Place<'_> {
    /// The objects of a kind in this place.
    pub fn api<K>(self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match self {
            Self::Everywhere => Api::all(client.clone()),
            Self::Namespace(name) => Api::namespaced(client.clone(), name),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("all namespaces"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    /// Names separated by commas; no text at all is the whole cluster, which nothing but no text may become.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::Cluster);
        }
        let names = text.split(',').map(|name| {
            let name = name.trim();
            if is_label(name) {
                Ok(name.to_owned())
            } else {
                Err(format!("{name:?} is not the name of a namespace"))
            }
        });

        names.collect::<Result<_, _>>().map(Self::Namespaces)
    }
}

fn is_label(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();

    (1..=63).contains(&name.len())
        && name.chars().all(|c| is_plain(c) || c == '-')
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_whole_cluster() {
        assert_eq!("".parse(), Ok(Scope::Cluster));
        assert_eq!(Scope::Cluster.places(), [Place::Everywhere]);
    }

    #[test]
    fn names_are_watched_once_each() {
        let scope: Scope = "town, village,town".parse().unwrap();

        assert_eq!(
            scope.places(),
            [Place::Namespace("town"), Place::Namespace("village")]
        );
    }

    #[test]
    fn a_slip_never_becomes_the_whole_cluster() {
        for slip in [",", "town,", "*", "Town", "-town", "town/demo"] {
            assert!(slip.parse::<Scope>().is_err(), "{slip}");
        }
    }
}
