//! `Available`: every component has at least one ready pod, so people are served whatever else is under way.

use operator_api::Reason;

use super::Verdict;
use crate::observed::Observed;
use crate::tier::{Tier, tier};

pub(super) fn available(observed: &Observed) -> Verdict {
    let unready = observed.unready();
    let Some(missing) = unready.iter().find(|part| part.ready == 0) else {
        return Verdict::new(
            true,
            Reason::GatewayReady,
            "every component has a ready pod",
        );
    };
    let reason = match tier(missing.component) {
        Tier::Store => Reason::WaitingForStores,
        Tier::Service => Reason::WaitingForServices,
        Tier::Gateway => Reason::GatewayNotReady,
    };

    Verdict::new(
        false,
        reason,
        format!("{} has no ready pod", missing.component),
    )
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, stopped_by};

    #[test]
    fn a_rollout_that_keeps_a_pod_ready_serves_on() {
        assert!(available(&observed(&[(Component::Post, Reason::RollingOut)])).holds);
    }

    #[test]
    fn an_obstacle_to_changes_takes_nothing_from_what_runs() {
        assert!(available(&stopped_by(Reason::ObjectNotOurs)).holds);
    }

    #[test]
    fn a_component_without_a_pod_is_named() {
        let verdict = available(&observed(&[(Component::Gateway, Reason::Starting)]));

        assert_eq!(
            verdict,
            Verdict::new(false, Reason::GatewayNotReady, "gateway has no ready pod")
        );
    }
}
