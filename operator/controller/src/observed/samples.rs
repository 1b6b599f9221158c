//! Observations for tests: a platform at rest, but for the parts named.

use operator_api::{Component, CredentialsStatus, Reason};

use super::{Observed, Obstacle, Part};

pub fn part(component: Component, reason: Reason) -> Part {
    let ready = i32::from(matches!(
        reason,
        Reason::Ready | Reason::RollingOut | Reason::SettingUpMongoDb | Reason::GatewayNotAnswering
    ));

    Part {
        component,
        ready,
        desired: 1,
        updated: 1,
        reason,
        message: format!("{ready} of 1 pods ready"),
    }
}

pub fn observed(unready: &[(Component, Reason)]) -> Observed {
    let reason = |component| {
        unready
            .iter()
            .find(|(named, _)| *named == component)
            .map_or(Reason::Ready, |(_, reason)| *reason)
    };

    Observed {
        parts: Component::ALL
            .into_iter()
            .map(|component| part(component, reason(component)))
            .collect(),
        obstacle: None,
        credentials: None,
    }
}

pub fn stopped_by(reason: Reason) -> Observed {
    let obstacle = Obstacle {
        reason,
        message: "in a sentence".to_owned(),
    };

    Observed {
        obstacle: Some(obstacle),
        ..observed(&[])
    }
}

/// A platform at rest whose passwords or keys are being replaced.
pub fn rotating() -> Observed {
    let credentials = CredentialsStatus {
        token_keys_generation: 1,
        passwords_generation: 1,
        rotation: Some("in a sentence".to_owned()),
    };

    Observed {
        credentials: Some(credentials),
        ..observed(&[])
    }
}
