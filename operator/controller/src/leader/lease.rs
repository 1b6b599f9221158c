//! What a Lease says, and what to do about it. Nothing here speaks to the API server.
//!
//! Whether a holder is still there is judged by how long its record has stood unchanged before our own eyes. The times
//! in it were written by another machine's clock and are for people to read.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;
use tokio::time::Instant;

/// How long others wait for a holder that does not renew.
pub const LEASE: Duration = Duration::from_secs(15);

/// What to do after a look.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// There is no Lease, and nobody who could have held it: make one.
    Create,
    /// It is ours, or nobody's, or its holder has not renewed in time: write our name into it.
    Write(Box<Lease>),
    /// Another holds it, until then at least.
    Wait { holder: String, until: Instant },
}

/// The Lease as it was last seen, and since when it says what it says.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What to write over; `None` when somebody has deleted it.
    lease: Option<Lease>,
    spec: LeaseSpec,
    since: Instant,
}

impl Seen {
    /// What is known after a look at `now` that found `lease`.
    pub fn after(before: Option<Self>, lease: Option<Lease>, now: Instant) -> Option<Self> {
        let Some(lease) = lease else {
            // Deleting a Lease does not stop its holder.
            return before.map(|seen| Self {
                lease: None,
                ..seen
            });
        };
        let spec = lease.spec.clone().unwrap_or_default();
        // Only what its holder writes is a renewal: a label that somebody adds is none.
        let since = before
            .filter(|before| before.spec == spec)
            .map_or(now, |before| before.since);

        Some(Self {
            lease: Some(lease),
            spec,
            since,
        })
    }

    fn holder(&self) -> Option<&str> {
        self.spec
            .holder_identity
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    /// When the holder's time is over. It counts by the length that the holder goes by.
    fn until(&self) -> Instant {
        let seconds = self.spec.lease_duration_seconds.unwrap_or_default();
        let length = u64::try_from(seconds).map_or(LEASE, Duration::from_secs);

        self.since + if length.is_zero() { LEASE } else { length }
    }
}

/// The whole of the election: what `me` does about what was seen, at `now`.
pub fn decide(seen: Option<&Seen>, me: &str, now: Instant) -> Decision {
    let Some(seen) = seen else {
        return Decision::Create;
    };
    if let Some(holder) = seen.holder()
        && holder != me
        && now < seen.until()
    {
        return Decision::Wait {
            holder: holder.to_owned(),
            until: seen.until(),
        };
    }

    match &seen.lease {
        Some(lease) => Decision::Write(Box::new(lease.clone())),
        None => Decision::Create,
    }
}

/// A first Lease, held by `me`.
pub fn new(name: &str, me: &str, now: Timestamp) -> Lease {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };

    held(
        Lease {
            metadata,
            spec: None,
        },
        me,
        now,
    )
}

/// The same Lease, held by `me`. Its resource version stays, so that the write fails if anybody was faster.
pub fn held(mut lease: Lease, me: &str, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(me) {
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |before| before + 1));
        spec.acquire_time = Some(MicroTime(now));
        spec.holder_identity = Some(me.to_owned());
    }
    spec.lease_duration_seconds = Some(i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX));
    spec.renew_time = Some(MicroTime(now));

    lease
}

/// The same Lease, held by nobody; `None` when `me` does not hold it.
pub fn released(mut lease: Lease, me: &str, now: Timestamp) -> Option<Lease> {
    let spec = lease
        .spec
        .as_mut()
        .filter(|spec| spec.holder_identity.as_deref() == Some(me))?;
    spec.holder_identity = Some(String::new());
    spec.renew_time = Some(MicroTime(now));

    Some(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "operator-a";
    const OTHER: &str = "operator-b";

    fn lease(holder: &str, renewed: i64) -> Lease {
        let lease = new("operator", holder, Timestamp::UNIX_EPOCH);
        let spec = LeaseSpec {
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..lease.spec.unwrap()
        };

        Lease {
            spec: Some(spec),
            ..lease
        }
    }

    fn seen(lease: Lease, at: Instant) -> Seen {
        Seen::after(None, Some(lease), at).unwrap()
    }

    fn writes(over: Lease) -> Decision {
        Decision::Write(Box::new(over))
    }

    fn waits(holder: &str, until: Instant) -> Decision {
        Decision::Wait {
            holder: holder.to_owned(),
            until,
        }
    }

    #[test]
    fn a_lease_that_is_not_there_is_made() {
        assert_eq!(decide(None, ME, Instant::now()), Decision::Create);
    }

    #[test]
    fn a_lease_of_nobody_is_taken_at_once() {
        let now = Instant::now();
        let nobodys = Lease {
            spec: None,
            ..lease(OTHER, 0)
        };

        for lease in [lease("", 0), nobodys] {
            assert_eq!(
                decide(Some(&seen(lease.clone(), now)), ME, now),
                writes(lease)
            );
        }
    }

    #[test]
    fn our_own_is_renewed_and_taken_up_after_a_restart() {
        let now = Instant::now();

        assert_eq!(
            decide(Some(&seen(lease(ME, 0), now)), ME, now),
            writes(lease(ME, 0))
        );
    }

    #[test]
    fn anothers_is_waited_for_until_its_time_is_over() {
        let first = Instant::now();
        let seen = seen(lease(OTHER, 0), first);
        let end = first + LEASE;

        assert_eq!(decide(Some(&seen), ME, first), waits(OTHER, end));
        let moment = Duration::from_millis(1);
        assert_eq!(decide(Some(&seen), ME, end - moment), waits(OTHER, end));
        assert_eq!(decide(Some(&seen), ME, end), writes(lease(OTHER, 0)));
    }

    #[test]
    fn a_renewal_begins_the_wait_anew_whatever_its_clock_says() {
        let first = Instant::now();
        let later = first + Duration::from_secs(14);
        // Its clock went backwards.
        let renewed = Seen::after(
            Some(seen(lease(OTHER, 100), first)),
            Some(lease(OTHER, 1)),
            later,
        );

        assert_eq!(
            decide(renewed.as_ref(), ME, first + LEASE),
            waits(OTHER, later + LEASE)
        );
    }

    #[test]
    fn a_label_is_no_renewal_and_its_version_counts_for_the_write() {
        let first = Instant::now();
        let mut labelled = lease(OTHER, 0);
        labelled.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
        labelled.metadata.resource_version = Some("2".to_owned());
        let later = first + Duration::from_secs(14);

        let seen = Seen::after(
            Some(seen(lease(OTHER, 0), first)),
            Some(labelled.clone()),
            later,
        );

        assert_eq!(decide(seen.as_ref(), ME, first + LEASE), writes(labelled));
    }

    #[test]
    fn the_holders_own_length_counts() {
        let now = Instant::now();
        let with_length = |seconds| {
            let mut lease = lease(OTHER, 0);
            lease.spec.as_mut().unwrap().lease_duration_seconds = seconds;
            decide(Some(&seen(lease, now)), ME, now)
        };

        assert_eq!(
            with_length(Some(40)),
            waits(OTHER, now + Duration::from_secs(40))
        );
        for unusable in [None, Some(0), Some(-1)] {
            assert_eq!(with_length(unusable), waits(OTHER, now + LEASE));
        }
    }

    #[test]
    fn a_deleted_lease_of_another_is_made_anew_only_after_its_time() {
        let first = Instant::now();
        let deleted = Seen::after(Some(seen(lease(OTHER, 0), first)), None, first);

        assert_eq!(
            decide(deleted.as_ref(), ME, first),
            waits(OTHER, first + LEASE)
        );
        assert_eq!(
            decide(deleted.as_ref(), ME, first + LEASE),
            Decision::Create
        );

        let ours = Seen::after(Some(seen(lease(ME, 0), first)), None, first);
        assert_eq!(decide(ours.as_ref(), ME, first), Decision::Create);
    }

    #[test]
    fn a_change_of_holder_is_counted_and_a_renewal_is_not() {
        let now = Timestamp::from_second(7).unwrap();
        let taken = held(lease(OTHER, 0), ME, now).spec.unwrap();
        assert_eq!(taken.holder_identity.as_deref(), Some(ME));
        assert_eq!(taken.lease_transitions, Some(1));
        assert_eq!(taken.acquire_time, Some(MicroTime(now)));

        let renewed = held(lease(ME, 0), ME, now).spec.unwrap();
        assert_eq!(renewed.lease_transitions, Some(0));
        assert_eq!(renewed.acquire_time, Some(MicroTime(Timestamp::UNIX_EPOCH)));
        assert_eq!(renewed.renew_time, Some(MicroTime(now)));
    }

    #[test]
    fn only_its_holder_releases_it() {
        let now = Timestamp::UNIX_EPOCH;

        let free = released(lease(ME, 0), ME, now).unwrap().spec.unwrap();
        assert_eq!(free.holder_identity.as_deref(), Some(""));
        assert!(released(lease(OTHER, 0), ME, now).is_none());
    }
}
