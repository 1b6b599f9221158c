//! Who needs whom: services need the stores, the gateway needs the services. What is not there yet waits for that.

use operator_api::Component;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Store,
    Service,
    Gateway,
}

impl Tier {
    fn needs(self) -> Option<Self> {
        match self {
            Self::Store => None,
            Self::Service => Some(Self::Store),
            Self::Gateway => Some(Self::Service),
        }
    }
}

pub fn tier(component: Component) -> Tier {
    match component {
        Component::MongoDb | Component::Redis | Component::RabbitMq => Tier::Store,
        Component::Identity | Component::Post | Component::Media | Component::Search => {
            Tier::Service
        }
        Component::Gateway => Tier::Gateway,
    }
}

/// What a component has to wait for before it is made. One that exists waits for nothing: it is kept as wanted.
pub fn awaited(component: Component, is_up: impl Fn(Component) -> bool) -> Vec<Component> {
    let needed = tier(component).needs();

    Component::ALL
        .into_iter()
        .filter(|other| Some(tier(*other)) == needed && !is_up(*other))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_wait_for_stores_and_the_gateway_for_services() {
        let nothing_is_up = |_| false;

        assert_eq!(awaited(Component::Redis, nothing_is_up), []);
        assert_eq!(
            awaited(Component::Post, nothing_is_up),
            [Component::MongoDb, Component::Redis, Component::RabbitMq]
        );
        assert_eq!(
            awaited(Component::Gateway, nothing_is_up),
            [
                Component::Identity,
                Component::Post,
                Component::Media,
                Component::Search
            ]
        );
    }

    #[test]
    fn what_is_up_is_not_waited_for() {
        assert_eq!(
            awaited(Component::Post, |component| component != Component::Redis),
            [Component::Redis]
        );
        assert_eq!(awaited(Component::Gateway, |_| true), []);
    }
}
