//! `Ready`: the platform is as wanted, and its gateway has answered.

use operator_api::Reason;

use super::Verdict;
use crate::observed::Observed;

pub(super) fn ready(observed: &Observed) -> Verdict {
    if let Some(obstacle) = &observed.obstacle {
        return Verdict::new(false, obstacle.reason, &obstacle.message);
    }

    let unready = observed.unready();
    // What is wrong is worth more to a reader than what is merely under way.
    let Some(telling) = unready
        .iter()
        .find(|part| part.is_failing())
        .or(unready.first())
    else {
        return Verdict::new(
            true,
            Reason::Ready,
            "every component is ready and the gateway answers",
        );
    };
    let sentences = observed
        .awaited()
        .iter()
        .map(|part| format!("{}: {}", part.component, part.message))
        .collect::<Vec<_>>();

    Verdict::new(false, telling.reason_for_all(), sentences.join("; "))
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, stopped_by};

    #[test]
    fn every_part_ready_is_ready() {
        assert!(ready(&observed(&[])).holds);
    }

    #[test]
    fn the_first_tier_that_is_missing_is_the_reason() {
        for (unready, expected) in [
            (
                vec![
                    (Component::Gateway, Reason::WaitingForDependencies),
                    (Component::Redis, Reason::Starting),
                ],
                Reason::WaitingForStores,
            ),
            (
                vec![(Component::MongoDb, Reason::SettingUpMongoDb)],
                Reason::SettingUpMongoDb,
            ),
            (
                vec![
                    (Component::Gateway, Reason::WaitingForDependencies),
                    (Component::Post, Reason::Starting),
                ],
                Reason::WaitingForServices,
            ),
            (
                vec![(Component::Gateway, Reason::Starting)],
                Reason::WaitingForGateway,
            ),
            (
                vec![(Component::Gateway, Reason::GatewayNotAnswering)],
                Reason::GatewayNotAnswering,
            ),
            (
                vec![
                    (Component::Redis, Reason::Starting),
                    (Component::Post, Reason::RolloutStuck),
                ],
                Reason::RolloutStuck,
            ),
        ] {
            let verdict = ready(&observed(&unready));

            assert!(!verdict.holds);
            assert_eq!(verdict.reason, expected);
        }
    }

    #[test]
    fn the_message_names_every_part_that_is_waited_for() {
        let verdict = ready(&observed(&[
            (Component::Gateway, Reason::Starting),
            (Component::Redis, Reason::Starting),
        ]));

        assert_eq!(
            verdict.message,
            "redis: 0 of 1 pods ready; gateway: 0 of 1 pods ready"
        );
    }

    #[test]
    fn an_obstacle_outweighs_ready_parts() {
        assert_eq!(
            ready(&stopped_by(Reason::Invalid)),
            Verdict::new(false, Reason::Invalid, "in a sentence")
        );
    }
}
