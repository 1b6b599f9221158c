//! What this project wants to reach, and whether it does.

use std::fmt::{self, Display, Formatter};

/// A measure of DESIGN §10 or PERFORMANCE.md, and what was seen.
#[derive(Debug, Clone)]
pub struct Goal {
    pub what: String,
    pub bound: Bound,
    pub seen: f64,
    pub unit: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_reached(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.seen <= bound,
            Bound::AtLeast(bound) => self.seen >= bound,
        }
    }
}

impl Display for Goal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (sign, bound) = match self.bound {
            Bound::AtMost(bound) => ('≤', bound),
            Bound::AtLeast(bound) => ('≥', bound),
        };
        let mark = if self.seen.is_nan() {
            "not measured"
        } else if self.is_reached() {
            "reached"
        } else {
            "**falls short**"
        };

        write!(
            f,
            "| {} {sign} {bound} {} | {:.2} | {mark} |",
            self.what, self.unit, self.seen
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_reaches_no_goal() {
        for bound in [Bound::AtMost(1.0), Bound::AtLeast(1.0)] {
            let goal = Goal {
                what: String::new(),
                bound,
                seen: f64::NAN,
                unit: "",
            };
            assert!(!goal.is_reached());
        }
    }
}
