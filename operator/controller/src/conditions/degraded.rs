//! `Degraded`: something that is wanted does not run, or cannot be done, although nothing is being rolled out there.

use operator_api::Reason;

use super::Verdict;
use crate::observed::Observed;

pub(super) fn degraded(observed: &Observed) -> Verdict {
    if let Some(obstacle) = &observed.obstacle
        && obstacle.reason == Reason::ReconcileFailed
    {
        return Verdict::new(true, obstacle.reason, &obstacle.message);
    }

    match observed
        .unready()
        .into_iter()
        .find(|part| part.is_failing())
    {
        Some(failing) => Verdict::new(
            true,
            failing.reason,
            format!("{}: {}", failing.component, failing.message),
        ),
        None => Verdict::new(false, Reason::AsWanted, "nothing that was ready is missing"),
    }
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, stopped_by};

    #[test]
    fn a_start_and_a_rollout_are_not_degraded() {
        for reason in [
            Reason::Starting,
            Reason::RollingOut,
            Reason::WaitingForDependencies,
        ] {
            assert!(!degraded(&observed(&[(Component::Post, reason)])).holds);
        }
    }

    #[test]
    fn pods_that_went_away_are() {
        let verdict = degraded(&observed(&[(Component::Post, Reason::PodsNotReady)]));

        assert_eq!(
            verdict,
            Verdict::new(true, Reason::PodsNotReady, "post: 0 of 1 pods ready")
        );
    }

    #[test]
    fn calls_that_fail_are() {
        assert!(degraded(&stopped_by(Reason::ReconcileFailed)).holds);
    }
}
