//! `Reconciling`: the operator has work left and goes on by itself.

use operator_api::Reason;

use super::Verdict;
use super::ready::ready;
use super::stalled::stalled;
use crate::observed::Observed;

pub(super) fn reconciling(observed: &Observed) -> Verdict {
    let stalled = stalled(observed);
    if stalled.holds {
        return Verdict {
            holds: false,
            ..stalled
        };
    }

    match ready(observed) {
        Verdict { holds: true, .. } => {
            Verdict::new(false, Reason::AsWanted, "there is nothing left to do")
        }
        waiting => Verdict {
            holds: true,
            ..waiting
        },
    }
}

#[cfg(test)]
mod tests {
    use operator_api::Component;

    use super::*;
    use crate::observed::samples::{observed, stopped_by};

    #[test]
    fn what_ready_waits_for_is_the_reason() {
        let verdict = reconciling(&observed(&[(Component::Redis, Reason::Starting)]));

        assert_eq!(
            verdict,
            Verdict::new(true, Reason::WaitingForStores, "redis: 0 of 1 pods ready")
        );
    }

    #[test]
    fn neither_rest_nor_a_stall_is_work() {
        assert!(!reconciling(&observed(&[])).holds);
        assert!(!reconciling(&stopped_by(Reason::ObjectNotOurs)).holds);
    }
}
