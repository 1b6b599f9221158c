use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

/// One a second, three at once.
const QUOTA: Quota = Quota {
    per_minute: 60,
    burst: 3,
};
const SECOND: u64 = 1_000_000;

#[test]
fn a_burst_is_allowed_and_then_one_at_a_time() {
    let mut known = Known::default();
    let times = [
        0,
        0,
        0,
        0,
        SECOND - 1,
        SECOND,
        SECOND,
        4 * SECOND,
        4 * SECOND,
    ];
    let allowed = times.map(|now| match known.count(now, QUOTA, 1) {
        Verdict::Decided(decision) => decision.is_allowed,
        Verdict::Undecided { .. } => true,
    });

    assert_eq!(
        allowed,
        [true, true, true, false, false, true, false, true, true]
    );
}

#[test]
fn a_decision_tells_what_is_left_and_when_there_is_more() {
    assert_eq!(
        QUOTA.decision(true, SECOND),
        Decision {
            is_allowed: true,
            limit: 3,
            remaining: 2,
            reset_after: Duration::from_secs(1),
            retry_after: Duration::ZERO,
        }
    );
    assert_eq!(
        QUOTA.decision(false, 5 * SECOND / 2),
        Decision {
            is_allowed: false,
            limit: 3,
            remaining: 0,
            reset_after: Duration::from_millis(2500),
            retry_after: Duration::from_millis(500),
        }
    );
}

#[test]
fn what_is_taken_ahead_counts_as_not_used() {
    let (quota, now) = (
        Quota {
            per_minute: 60,
            burst: 64,
        },
        5 * SECOND,
    );
    let mut known = Known::default();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let decision = match known.count(now, quota, 4) {
            Verdict::Decided(decision) => decision,
            Verdict::Undecided { wanted, .. } => {
                let used = seen.len() as u64 + u64::from(wanted);
                known.learn(now, wanted, used * SECOND, quota)
            }
        };
        seen.push((decision.remaining, decision.reset_after.as_secs()));
    }

    assert_eq!(seen, [(63, 1), (62, 2), (61, 3), (60, 4), (59, 5)]);
}

/// What [`TAKE`] does.
#[derive(Default)]
struct Shared {
    arrival: u64,
}

impl Shared {
    fn take(&mut self, now: u64, quota: Quota, wanted: u32) -> (u32, u64) {
        let ahead = self.arrival.saturating_sub(now);
        let free = quota.tolerance().saturating_sub(ahead) / quota.interval();
        let allowed = u64::from(wanted).min(free);
        if allowed == 0 {
            return (0, ahead);
        }
        let ahead = ahead + allowed * quota.interval();
        self.arrival = now + ahead;

        (u32::try_from(allowed).expect("no more than wanted"), ahead)
    }
}

/// A client asks a process; it takes so long until Redis hears of it, and so long again until the process has the answer.
#[derive(Debug, Clone)]
struct Use {
    pause: u64,
    process: usize,
    there: u64,
    back: u64,
}

/// What happens, in the order of its time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Asks {
        process: usize,
        there: u64,
        back: u64,
    },
    Hears {
        process: usize,
        asked: u64,
        wanted: u32,
        back: u64,
    },
    Learns {
        process: usize,
        asked: u64,
        allowed: u32,
        ahead: u64,
    },
}

/// When uses were allowed by processes that take ahead.
fn allowed(uses: &[Use], quota: Quota, most: u32) -> Vec<u64> {
    let mut shared = Shared::default();
    let mut processes = [Known::default(); PROCESSES];
    let mut times = Vec::new();
    let mut events = BinaryHeap::new();
    let mut now = START;
    for used in uses {
        now += used.pause;
        let Use {
            process,
            there,
            back,
            ..
        } = *used;
        events.push(Reverse((
            now,
            Event::Asks {
                process,
                there,
                back,
            },
        )));
    }
    while let Some(Reverse((now, event))) = events.pop() {
        match event {
            Event::Asks {
                process,
                there,
                back,
            } => match processes[process].count(now, quota, most) {
                Verdict::Decided(decision) if decision.is_allowed => times.push(now),
                Verdict::Decided(_) => {}
                Verdict::Undecided { wanted, .. } => {
                    let hears = Event::Hears {
                        process,
                        asked: now,
                        wanted,
                        back,
                    };
                    events.push(Reverse((now + there, hears)));
                }
            },
            Event::Hears {
                process,
                asked,
                wanted,
                back,
            } => {
                let (allowed, ahead) = shared.take(now, quota, wanted);
                if allowed > 0 {
                    times.push(now);
                }
                let learns = Event::Learns {
                    process,
                    asked,
                    allowed,
                    ahead,
                };
                events.push(Reverse((now + back, learns)));
            }
            Event::Learns {
                process,
                asked,
                allowed,
                ahead,
            } => {
                processes[process].learn(asked, allowed, ahead, quota);
            }
        }
    }
    times.sort_unstable();

    times
}

const PROCESSES: usize = 3;
const START: u64 = 10 * SECOND;

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let pause = prop_oneof![8 => 0..2_000_u64, 1 => 0..SECOND, 1 => 0..5 * SECOND];
    let delay = || prop_oneof![4 => 0..3_000_u64, 1 => 0..SECOND];
    let used = (pause, 0..PROCESSES, delay(), delay());
    let used = used.prop_map(|(pause, process, there, back)| Use {
        pause,
        process,
        there,
        back,
    });

    prop::collection::vec(used, 1..400)
}

proptest! {
    /// As one process that asked nobody would allow them, and not one more.
    #[test]
    fn processes_that_take_ahead_keep_the_limit(
        uses in uses(),
        per_minute in 60..60_000_u32,
        burst in 1..100_u32,
        most in 1..20_u32,
    ) {
        let quota = Quota { per_minute, burst };
        let mut limit = Shared::default();
        for time in allowed(&uses, quota, most) {
            prop_assert_eq!(limit.take(time, quota, 1).0, 1, "at {}", time);
        }
    }
}
