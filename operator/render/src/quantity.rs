//! Quantities as numbers, so that they can be compared and shared out, and back as Kubernetes spells them.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Processor time in thousandths of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MilliCpus(pub u64);

/// Memory or storage in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

const UNITS: [(&str, u64); 6] = [
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
];

impl MilliCpus {
    /// Reads `2`, `0.5` or `250m`. Zero, and anything finer than a thousandth, is nothing a container could be given.
    pub fn parse(text: &str) -> Option<Self> {
        let millis = match text.strip_suffix('m') {
            Some(millis) => whole(millis)?,
            None => thousandths(text)?,
        };

        (millis > 0).then_some(Self(millis))
    }

    pub fn quantity(self) -> Quantity {
        let Self(millis) = self;

        Quantity(if millis % 1000 == 0 {
            (millis / 1000).to_string()
        } else {
            format!("{millis}m")
        })
    }
}

impl ByteCount {
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    pub const fn gibibytes(count: u64) -> Self {
        Self(count << 30)
    }

    /// Reads an amount with its unit: `512Mi`, `8Gi`, `1.5G`. Zero, and what Kubernetes could not count, is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
        let bytes = u128::from(thousandths(number)?) * u128::from(unit) / 1000;
        let countable = i64::try_from(bytes).ok().filter(|bytes| *bytes > 0)?;

        Some(Self(countable.unsigned_abs()))
    }

    /// `percent` of this amount, to the byte below.
    pub const fn percent(self, percent: u64) -> Self {
        Self(self.0 / 100 * percent)
    }

    pub fn quantity(self) -> Quantity {
        let Self(bytes) = self;
        let binary = [("Gi", 30), ("Mi", 20), ("Ki", 10)]
            .into_iter()
            .find(|(_, shift)| bytes % (1 << shift) == 0);

        Quantity(match binary {
            Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
            None => bytes.to_string(),
        })
    }
}

/// Reads a number of at most three decimals as thousandths of it.
fn thousandths(text: &str) -> Option<u64> {
    let (units, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || decimals.len() > 3 {
        return None;
    }

    whole(units)?
        .checked_mul(1000)?
        .checked_add(whole(&format!("{decimals:0<3}"))?)
}

/// Reads digits and nothing else: the standard library's own reader takes a sign.
fn whole(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }

    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_read_to_the_thousandth() {
        let cases = [
            ("2", 2000),
            ("0.5", 500),
            ("0.05", 50),
            ("1.25", 1250),
            ("250m", 250),
            ("1000m", 1000),
        ];
        for (text, millis) in cases {
            assert_eq!(MilliCpus::parse(text), Some(MilliCpus(millis)), "{text}");
        }
        for text in [
            "",
            "0",
            "0m",
            "m",
            "-1",
            "+1",
            "1.",
            "0.0001",
            "1e3",
            " 1",
            "99999999999999999999",
        ] {
            assert_eq!(MilliCpus::parse(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_read_with_their_unit() {
        let cases = [
            ("1Mi", 1 << 20),
            ("1.5Gi", 3 << 29),
            ("2M", 2_000_000),
            ("999999Ti", 999_999 << 40),
        ];
        for (text, bytes) in cases {
            assert_eq!(ByteCount::parse(text), Some(ByteCount(bytes)), "{text}");
        }
        for text in [
            "",
            "1",
            "Mi",
            "0Gi",
            "1Ki",
            "1.2345Gi",
            "-1Gi",
            "1 Gi",
            "99999999999Ti",
        ] {
            assert_eq!(ByteCount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_kubernetes_keeps_them() {
        assert_eq!(MilliCpus(2000).quantity().0, "2");
        assert_eq!(MilliCpus(250).quantity().0, "250m");
        assert_eq!(ByteCount::gibibytes(8).quantity().0, "8Gi");
        assert_eq!(ByteCount(3 << 29).quantity().0, "1536Mi");
        assert_eq!(ByteCount(2_000_000).quantity().0, "2000000");
    }
}
