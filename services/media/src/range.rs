//! Which bytes of a file a request asks for, RFC 9110 section 14.

/// What the `Range` header of a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// From the byte at `first` to the one at `last`, both included and both there.
    Part {
        first: u64,
        last: u64,
    },
    /// A range that begins behind the end of the file.
    Unsatisfiable,
}

/// Reads `header` for a file of `length` bytes, at least 1.
///
/// Anything that is not one range of bytes gets the whole file, as the RFC allows: other units, several ranges and
/// ranges nobody can read.
pub fn wanted(header: &str, length: u64) -> Wanted {
    parse(header, length).unwrap_or(Wanted::Whole)
}

fn parse(header: &str, length: u64) -> Option<Wanted> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let end = length - 1;

    let (first, last) = match (first, last) {
        ("", suffix) => match number(suffix)? {
            0 => return Some(Wanted::Unsatisfiable),
            suffix => (length.saturating_sub(suffix), end),
        },
        (first, "") => (number(first)?, end),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.min(end))
        }
    };

    Some(if first > end {
        Wanted::Unsatisfiable
    } else {
        Wanted::Part { first, last }
    })
}

/// Digits only. A number no file is large enough for is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());

    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Wanted {
        Wanted::Part { first, last }
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        let cases = [
            ("bytes=0-0", part(0, 0)),
            ("bytes=0-99", part(0, 99)),
            ("bytes=10-19", part(10, 19)),
            ("bytes=90-1000", part(90, 99)),
            ("bytes=99-", part(99, 99)),
            ("bytes=0-", part(0, 99)),
            ("bytes=-1", part(99, 99)),
            ("bytes=-100", part(0, 99)),
            ("bytes=-5000", part(0, 99)),
            ("BYTES = 1-2", part(1, 2)),
            ("bytes=0-99999999999999999999999", part(0, 99)),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(header, 100), expected, "{header}");
        }
    }

    #[test]
    fn a_range_behind_the_end_cannot_be_satisfied() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(wanted(header, 100), Wanted::Unsatisfiable, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_and_every_part_is_inside_the_file(
            header in "(bytes=)?[0-9 ,=-]{0,30}|.{0,40}",
            length in 1..u64::MAX,
        ) {
            if let Wanted::Part { first, last } = wanted(&header, length) {
                prop_assert!(first <= last && last < length, "{first}-{last} of {length}");
            }
        }

        #[test]
        fn a_range_inside_the_file_is_taken_as_it_is(length in 1..1_000_000_u64, a: u64, b: u64) {
            let (a, b) = (a % length, b % length);
            let (first, last) = (a.min(b), a.max(b));

            prop_assert_eq!(wanted(&format!("bytes={first}-{last}"), length), part(first, last));
            prop_assert_eq!(wanted(&format!("bytes={first}-"), length), part(first, length - 1));
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_gets_the_whole_file() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=+1-2",
            "bytes=--1",
            "bytes=1 - 2",
            "bytes=20-10",
            "bytes=0-1,3-4",
            "lines=0-1",
        ] {
            assert_eq!(wanted(header, 100), Wanted::Whole, "{header}");
        }
    }
}
