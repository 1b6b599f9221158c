//! The conditions of a platform: one pure function each, from what a pass saw to what it means.

mod available;
mod degraded;
mod progressing;
mod ready;
mod reconciling;
mod stalled;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use operator_api::{Condition, ConditionType, Reason};

use crate::observed::Observed;

/// What one condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    holds: bool,
    reason: Reason,
    message: String,
}

impl Verdict {
    fn new(holds: bool, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            holds,
            reason,
            message: message.into(),
        }
    }
}

/// Every condition for `generation`. A condition that says what it said `before` keeps its time of transition.
pub fn conditions(
    observed: &Observed,
    generation: i64,
    before: &[Condition],
    now: &Time,
) -> Vec<Condition> {
    ConditionType::ALL
        .into_iter()
        .map(|type_| {
            let Verdict {
                holds,
                reason,
                message,
            } = verdict(type_, observed);
            let status = if holds { "True" } else { "False" };
            let unchanged = before
                .iter()
                .find(|before| before.type_ == type_.as_str() && before.status == status);

            Condition {
                type_: type_.as_str().to_owned(),
                status: status.to_owned(),
                reason: reason.as_str().to_owned(),
                message: crate::status::bounded(message),
                observed_generation: Some(generation),
                last_transition_time: unchanged
                    .map_or(now, |before| &before.last_transition_time)
                    .clone(),
            }
        })
        .collect()
}

fn verdict(type_: ConditionType, observed: &Observed) -> Verdict {
    match type_ {
        ConditionType::Ready => ready::ready(observed),
        ConditionType::Available => available::available(observed),
        ConditionType::Progressing => progressing::progressing(observed),
        ConditionType::Degraded => degraded::degraded(observed),
        ConditionType::Reconciling => reconciling::reconciling(observed),
        ConditionType::Stalled => stalled::stalled(observed),
    }
}

/// Whether the condition is there and true.
pub fn is_true(conditions: &[Condition], type_: ConditionType) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == type_.as_str() && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, rotating, stopped_by};

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn find(conditions: &[Condition], type_: ConditionType) -> &Condition {
        conditions
            .iter()
            .find(|condition| condition.type_ == type_.as_str())
            .unwrap()
    }

    #[test]
    fn time_of_transition_moves_only_with_the_status() {
        let starting = conditions(
            &observed(&[(Component::Redis, Reason::Starting)]),
            1,
            &[],
            &at(10),
        );
        let waiting = conditions(
            &observed(&[(Component::Post, Reason::Starting)]),
            1,
            &starting,
            &at(20),
        );
        let done = conditions(&observed(&[]), 1, &waiting, &at(30));

        let ready = |conditions| {
            let ready = find(conditions, ConditionType::Ready);
            (ready.reason.clone(), ready.last_transition_time.clone())
        };
        assert_eq!(ready(&starting), ("WaitingForStores".to_owned(), at(10)));
        assert_eq!(ready(&waiting), ("WaitingForServices".to_owned(), at(10)));
        assert_eq!(ready(&done), ("Ready".to_owned(), at(30)));
    }

    #[test]
    fn every_condition_is_about_the_generation_that_was_looked_at() {
        let conditions = conditions(&observed(&[]), 7, &[], &at(0));

        assert_eq!(conditions.len(), ConditionType::ALL.len());
        assert!(
            conditions
                .iter()
                .all(|condition| condition.observed_generation == Some(7))
        );
    }

    #[test]
    fn tools_that_follow_kstatus_see_one_state_at_a_time() {
        for (observed, expected) in [
            (observed(&[]), (true, false, false)),
            (rotating(), (true, false, false)),
            (
                observed(&[(Component::Redis, Reason::Starting)]),
                (false, true, false),
            ),
            (
                observed(&[(Component::Redis, Reason::PodsNotReady)]),
                (false, true, false),
            ),
            (
                observed(&[(Component::Redis, Reason::ImageNotPulled)]),
                (false, true, false),
            ),
            (stopped_by(Reason::ReconcileFailed), (false, true, false)),
            (stopped_by(Reason::Deleting), (false, true, false)),
            (
                stopped_by(Reason::NamespaceTerminating),
                (false, true, false),
            ),
            (stopped_by(Reason::WaitingForDeletion), (false, true, false)),
            (stopped_by(Reason::ObjectNotOurs), (false, false, true)),
            (stopped_by(Reason::Invalid), (false, false, true)),
        ] {
            let conditions = conditions(&observed, 1, &[], &at(0));
            let is_true = |type_| is_true(&conditions, type_);

            let seen = (
                is_true(ConditionType::Ready),
                is_true(ConditionType::Reconciling),
                is_true(ConditionType::Stalled),
            );
            assert_eq!(seen, expected, "{observed:?}");
        }
    }
}
