//! What a panic says.

use std::any::Any;

/// The words of a panic's payload.
#[must_use]
pub fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_payload_has_words() {
        assert_eq!(words(&"index 7"), "index 7");
        assert_eq!(words(&"index 8".to_owned()), "index 8");
        assert_eq!(words(&7), "a panic without words");
    }
}
