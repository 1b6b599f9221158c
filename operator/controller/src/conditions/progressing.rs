//! `Progressing`: a first start, a new version or new settings are being rolled out.

use operator_api::Reason;

use super::Verdict;
use crate::observed::{Observed, Part};

pub(super) fn progressing(observed: &Observed) -> Verdict {
    if let Some(obstacle) = &observed.obstacle {
        // A deletion ends by itself; everything else that stops a pass stops the rollout.
        let goes_on = matches!(
            obstacle.reason,
            Reason::WaitingForDeletion | Reason::Deleting
        );
        return Verdict::new(goes_on, obstacle.reason, &obstacle.message);
    }

    let unready = observed.unready();
    let is_any_failing = unready.iter().any(|part| part.is_failing());
    // What waits for a part that fails does not move either.
    let is_held_up = |part: &Part| {
        let waits_for_another = matches!(
            part.reason,
            Reason::WaitingForDependencies | Reason::WaitingForUpgrade
        );
        part.is_failing() || (waits_for_another && is_any_failing)
    };
    if let Some(moving) = unready.iter().find(|part| !is_held_up(part)) {
        return Verdict::new(
            true,
            moving.reason_for_all(),
            format!("{}: {}", moving.component, moving.message),
        );
    }

    // Pods that went away were not being rolled out; whatever else fails holds a start or a rollout up.
    match unready
        .iter()
        .find(|part| part.reason != Reason::PodsNotReady)
    {
        Some(stuck) => Verdict::new(
            false,
            stuck.reason,
            format!("{}: {}", stuck.component, stuck.message),
        ),
        // Everybody is served meanwhile, and for hours: the platform is ready all the same.
        None => observed.rotation().map_or_else(
            || Verdict::new(false, Reason::AsWanted, "nothing is being rolled out"),
            |rotation| Verdict::new(true, Reason::RotatingCredentials, rotation),
        ),
    }
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, rotating, stopped_by};

    #[test]
    fn a_part_on_its_way_is_progress() {
        let verdict = progressing(&observed(&[(Component::Post, Reason::RollingOut)]));

        assert_eq!(
            verdict,
            Verdict::new(true, Reason::RollingOut, "post: 1 of 1 pods ready")
        );
    }

    #[test]
    fn a_part_that_fails_is_none_and_says_what_holds_it_up() {
        for reason in [
            Reason::RolloutStuck,
            Reason::PodsRefused,
            Reason::ImageNotPulled,
            Reason::CrashLooping,
        ] {
            let verdict = progressing(&observed(&[(Component::Post, reason)]));

            assert_eq!((verdict.holds, verdict.reason), (false, reason));
        }
        let away = progressing(&observed(&[(Component::Post, Reason::PodsNotReady)]));
        assert_eq!((away.holds, away.reason), (false, Reason::AsWanted));
    }

    #[test]
    fn what_waits_for_a_part_that_fails_does_not_move() {
        for waiting in [Reason::WaitingForDependencies, Reason::WaitingForUpgrade] {
            let with_redis = |reason| {
                let parts = [(Component::Redis, reason), (Component::Post, waiting)];
                let verdict = progressing(&observed(&parts));
                (verdict.holds, verdict.reason)
            };

            assert_eq!(
                with_redis(Reason::ImageNotPulled),
                (false, Reason::ImageNotPulled)
            );
            assert_eq!(
                with_redis(Reason::Starting),
                (true, Reason::WaitingForStores)
            );
        }
    }

    #[test]
    fn passwords_and_keys_are_replaced_while_everything_is_ready() {
        let verdict = progressing(&rotating());

        assert_eq!(
            verdict,
            Verdict::new(true, Reason::RotatingCredentials, "in a sentence")
        );
    }

    #[test]
    fn rest_is_no_progress() {
        assert_eq!(progressing(&observed(&[])).reason, Reason::AsWanted);
    }

    #[test]
    fn a_deletion_that_has_to_end_is_progress_and_a_refusal_is_none() {
        assert!(progressing(&stopped_by(Reason::WaitingForDeletion)).holds);
        assert!(progressing(&stopped_by(Reason::Deleting)).holds);
        assert!(!progressing(&stopped_by(Reason::Invalid)).holds);
    }
}
