//! Numbers as messages write them, and the ranges that a person's numbers must lie in.

use std::ops::RangeInclusive;

/// `1,204`.
#[must_use]
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `8 files`.
#[must_use]
pub fn count(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(number))
}

/// `a whole number from 1 to 10,000`.
#[must_use]
pub fn range(of: &RangeInclusive<u64>) -> String {
    format!("a whole number from {} to {}", grouped(*of.start()), grouped(*of.end()))
}

/// Reads a number that was typed for `field`.
///
/// # Errors
/// Naming the field, what was typed and the range.
pub fn typed(field: &str, text: &str, of: &RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| of.contains(number));
    number.ok_or_else(|| format!("{field} {text:?} is not {}", range(of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_ranges_exact() {
        assert_eq!([grouped(0), grouped(999), grouped(1_204), grouped(1_048_576)], ["0", "999", "1,204", "1,048,576"]);
        let of = 1..=10_000;
        assert_eq!([typed("weight", "1", &of), typed("weight", "10000", &of)], [Ok(1), Ok(10_000)]);
        for wrong in ["0", "10001", "-1", "x", "", "1.5", "99999999999999999999"] {
            let message = format!("weight {wrong:?} is not a whole number from 1 to 10,000");
            assert_eq!(typed("weight", wrong, &of), Err(message));
        }
    }
}
