//! The tables, and how far the goals are reached.

mod flow;
mod goal;

use std::fmt::{self, Display, Formatter};

use crate::load::Outcome;
use crate::measure::millis;

pub use crate::report::flow::Flow;
pub use crate::report::goal::{Bound, Goal};

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub posts: Option<u64>,
    pub outcome: Outcome,
    pub costs: Vec<Cost>,
}

/// What one request costs a process.
#[derive(Debug, Clone)]
pub struct Cost {
    pub process: &'static str,
    pub micros: f64,
}

/// Memory of a process, in bytes, and how long it took to be ready.
#[derive(Debug, Clone)]
pub struct Footprint {
    pub process: &'static str,
    /// Into an empty database.
    pub first_ready_millis: f64,
    /// Started again, as every replica but the first is.
    pub ready_millis: f64,
    pub idle: u64,
    pub after: u64,
}

#[derive(Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
    pub footprints: Vec<Footprint>,
    pub growth: Vec<Growth>,
    pub flows: Vec<Flow>,
    pub goals: Vec<Goal>,
}

/// Memory of a process before and while it was under a load, in bytes.
#[derive(Debug, Clone)]
pub struct Growth {
    pub process: &'static str,
    pub before: u64,
    pub peak: u64,
}

impl Report {
    /// The row of this name, at so many posts where it is about posts.
    pub fn row(&self, name: &str, posts: Option<u64>) -> Option<&Row> {
        let mut rows = self.rows.iter();

        rows.find(|row| row.name == name && row.posts == posts)
    }

    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name == name)
    }
}

impl Row {
    /// What a request costs this process, in microseconds; nothing when it was not looked at.
    pub fn cost(&self, process: &str) -> f64 {
        let cost = self.costs.iter().find(|cost| cost.process == process);

        cost.map_or(f64::NAN, |cost| cost.micros)
    }

    pub fn p50(&self) -> f64 {
        millis(self.outcome.p50)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | posts | requests/s | p50 ms | p99 ms | failed | CPU µs of each process for one request |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|---|")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        writeln!(
            f,
            "\n| process | ready after ms, first | again | MB idle | MB after all of it |\n|---|--:|--:|--:|--:|"
        )?;
        for footprint in &self.footprints {
            writeln!(f, "{footprint}")?;
        }
        writeln!(
            f,
            "\n| 50 uploads of 5 MB at once | MB before | MB at the peak |\n|---|--:|--:|"
        )?;
        for growth in &self.growth {
            writeln!(f, "{growth}")?;
        }
        writeln!(
            f,
            "\n| events | how many | s | events/s | of the bare loop |\n|---|--:|--:|--:|--:|"
        )?;
        for flow in &self.flows {
            writeln!(f, "{flow}")?;
        }
        writeln!(f, "\n| goal | seen | |\n|---|--:|---|")?;
        for goal in &self.goals {
            writeln!(f, "{goal}")?;
        }
        Ok(())
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let posts = self.posts.map(thousands).unwrap_or_default();
        let costs = self.costs.iter().filter(|cost| cost.micros >= 0.05);
        let costs: Vec<_> = costs
            .map(|cost| format!("{} {:.1}", cost.process, cost.micros))
            .collect();
        let outcome = &self.outcome;
        let share = 100.0 * outcome.failed as f64 / outcome.requests.max(1) as f64;
        let failed = if outcome.failed == 0 {
            "0".to_owned()
        } else {
            format!("{share:.1} %")
        };

        write!(
            f,
            "| {} | {posts} | {} | {:.2} | {:.2} | {failed} | {} |",
            self.name,
            rate(outcome.per_second),
            millis(outcome.p50),
            millis(outcome.p99),
            costs.join(", ")
        )
    }
}

impl Display for Footprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {:.0} | {:.0} | {:.1} | {:.1} |",
            self.process,
            self.first_ready_millis,
            self.ready_millis,
            megabytes(self.idle),
            megabytes(self.after)
        )
    }
}

impl Display for Growth {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (before, peak) = (megabytes(self.before), megabytes(self.peak));

        write!(f, "| {} | {before:.1} | {peak:.1} |", self.process)
    }
}

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let (head, tail) = digits.split_at(head);
    let tail = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let groups = (!head.is_empty())
        .then(|| head.into())
        .into_iter()
        .chain(tail);

    groups.collect::<Vec<_>>().join(",")
}

/// With as many digits as mean something.
fn rate(per_second: f64) -> String {
    if per_second < 100.0 {
        format!("{per_second:.1}")
    } else {
        thousands(per_second.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (7, "7"),
            (123, "123"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
