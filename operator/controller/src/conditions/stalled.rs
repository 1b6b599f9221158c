//! `Stalled`: the operator cannot go on until somebody changes something.

use operator_api::Reason;

use super::Verdict;
use crate::observed::Observed;

pub(super) fn stalled(observed: &Observed) -> Verdict {
    match &observed.obstacle {
        Some(obstacle) if obstacle.is_stalling() => {
            Verdict::new(true, obstacle.reason, &obstacle.message)
        }
        _ => Verdict::new(false, Reason::AsWanted, "nobody is waited for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::samples::{observed, stopped_by};

    #[test]
    fn only_what_a_person_must_change_stalls() {
        for reason in [
            Reason::Invalid,
            Reason::ObjectNotOurs,
            Reason::CredentialsInvalid,
            Reason::SecretMissing,
        ] {
            assert_eq!(
                stalled(&stopped_by(reason)),
                Verdict::new(true, reason, "in a sentence")
            );
        }
        for reason in [Reason::ReconcileFailed, Reason::WaitingForDeletion] {
            assert!(!stalled(&stopped_by(reason)).holds);
        }
        assert!(!stalled(&observed(&[])).holds);
    }
}
