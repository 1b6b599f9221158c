//! Uses that a process takes ahead for a client that asks often, so that not each of them costs a round trip.
//!
//! What Redis allows at once is a stretch of time that ends at the new TAT, an interval long for each use. Here they are
//! given away: each use takes an interval that begins when it is made or later, and no two take the same. So the uses
//! that are made in any span of time, by whatever processes, have room in that span and the tolerance after it, and
//! that is all the limit ever allows. An interval that has begun before it was taken is lost, as it is to a client that
//! does not ask.

/// For so long what was taken ahead can be used, in microseconds: then it is counted for nothing.
const KEPT: u64 = 1_000_000;
/// So long after a question nobody waits for its answer any longer, in microseconds.
const ANSWERED: u64 = 100_000;

/// What is left of one stretch, and how much to ask for next. All times in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ahead {
    begin: u64,
    end: u64,
    /// When Redis was asked for it, or for one use.
    asked: u64,
    /// Until then an answer may come that brings more than one.
    awaited_until: u64,
    /// How many uses Redis allowed the last time.
    allowed: u32,
}

impl Ahead {
    /// How many uses are left at `now`.
    pub fn left(&self, now: u64, interval: u64) -> u64 {
        if now > self.asked + KEPT {
            return 0;
        }

        self.end.saturating_sub(self.begin.max(now)) / interval
    }

    /// Whether there was a use left at `now`; it is not there any more.
    pub fn take(&mut self, now: u64, interval: u64) -> bool {
        let is_left = self.left(now, interval) > 0;
        if is_left {
            self.begin = self.begin.max(now) + interval;
        }

        is_left
    }

    /// How many uses to ask Redis for at `now`, when none is left: one for who asks seldom, then twice as many each
    /// time, up to `most`. While an answer is awaited others ask for themselves only.
    pub fn ask(&mut self, now: u64, most: u32) -> u32 {
        if now < self.awaited_until {
            return 1;
        }
        let asks_often = now < self.asked + KEPT;
        let wanted = if asks_often {
            self.allowed.saturating_mul(2).clamp(1, most)
        } else {
            1
        };
        self.asked = now;
        if wanted > 1 {
            self.awaited_until = now + ANSWERED;
        } else {
            self.allowed = 1;
        }

        wanted
    }

    /// Keeps what is left of `allowed` uses once the one they were asked for is made; `end` is the new TAT.
    pub fn keep(&mut self, allowed: u32, end: u64, interval: u64) {
        *self = Self {
            begin: end - u64::from(allowed - 1) * interval,
            end,
            asked: self.asked,
            awaited_until: 0,
            allowed,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u64 = 1_000;

    /// Asked for and answered at `now`, when the TAT was `before`.
    fn taken(ahead: &mut Ahead, now: u64, before: u64) -> u32 {
        let wanted = ahead.ask(now, 16);
        if wanted > 1 {
            ahead.keep(wanted, before + u64::from(wanted) * INTERVAL, INTERVAL);
        }

        wanted
    }

    fn used_up(ahead: &mut Ahead, now: u64) -> usize {
        (0..).take_while(|_| ahead.take(now, INTERVAL)).count()
    }

    #[test]
    fn who_asks_often_is_asked_for_less_and_less_often() {
        let mut ahead = Ahead::default();
        let mut seen = Vec::new();
        for now in [
            5 * KEPT,
            5 * KEPT + 1,
            5 * KEPT + 2,
            5 * KEPT + 3,
            5 * KEPT + 4,
        ] {
            let wanted = taken(&mut ahead, now, now);
            seen.push((wanted, used_up(&mut ahead, now)));
        }
        assert_eq!(seen, [(1, 0), (2, 1), (4, 3), (8, 7), (16, 15)]);

        assert_eq!(taken(&mut ahead, 6 * KEPT, 6 * KEPT), 16);
        assert_eq!(taken(&mut ahead, 8 * KEPT, 8 * KEPT), 1);
    }

    #[test]
    fn while_an_answer_is_awaited_others_ask_for_themselves() {
        let mut ahead = Ahead::default();
        let wanted = [0, 1, 2, 3].map(|now| ahead.ask(now, 16));
        assert_eq!(wanted, [1, 2, 1, 1]);

        // Some answers never come.
        assert_eq!(ahead.ask(1 + ANSWERED, 16), 2);
    }

    #[test]
    fn what_is_not_used_in_time_is_lost() {
        let now = 5 * KEPT;
        let mut ahead = Ahead {
            asked: now,
            ..Ahead::default()
        };
        ahead.keep(9, now + 9 * INTERVAL, INTERVAL);

        assert_eq!(ahead.left(now, INTERVAL), 8);
        assert_eq!(ahead.left(now + 2 * INTERVAL, INTERVAL), 7);
        assert_eq!(ahead.left(now + 8 * INTERVAL + 1, INTERVAL), 0);

        // Where the TAT is far ahead, it is kept from other processes for a while only.
        ahead.keep(9, now + 9 * KEPT, INTERVAL);
        assert_eq!(ahead.left(now + KEPT, INTERVAL), 8);
        assert_eq!(ahead.left(now + KEPT + 1, INTERVAL), 0);
    }
}
