//! Copying by OSC 52: the terminal's own clipboard, which works over SSH too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most bytes of text in one copy: longer sequences are dropped by terminals without a word.
pub const COPY_MAX: usize = 74_994;

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    None,
    Tmux,
    Screen,
}

impl Multiplexer {
    /// Reads `TMUX` and `STY`, as the two set them.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("TMUX").is_some_and(|v| !v.is_empty()) {
            Self::Tmux
        } else if variable("STY").is_some_and(|v| !v.is_empty()) {
            Self::Screen
        } else {
            Self::None
        }
    }
}

/// The text is too long to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} bytes are too many to copy: terminals take {COPY_MAX} at most; mark less")]
pub struct TooLong {
    pub given: usize,
}

/// The bytes that make the terminal copy `text`.
///
/// # Errors
/// [`TooLong`] above [`COPY_MAX`] bytes.
pub fn sequence(text: &str, through: Multiplexer) -> Result<Vec<u8>, TooLong> {
    if text.len() > COPY_MAX {
        return Err(TooLong { given: text.len() });
    }
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    Ok(match through {
        Multiplexer::None => plain.into_bytes(),
        // Which of the two reaches the terminal is tmux's to choose: `set-clipboard` the plain one, `allow-passthrough`
        // the other.
        Multiplexer::Tmux => {
            let through = plain.replace('\x1b', "\x1b\x1b");
            format!("{plain}\x1bPtmux;{through}\x1b\\").into_bytes()
        }
        // GNU screen takes at most 768 bytes in one string of its own.
        Multiplexer::Screen => {
            let pieces: Vec<String> =
                plain.as_bytes().chunks(700).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
            pieces.iter().map(|piece| format!("\x1bP{piece}\x1b\\")).collect::<String>().into_bytes()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_rfc_4648() {
        for (text, code) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            let copied = sequence(text, Multiplexer::None).expect("short");
            assert_eq!(String::from_utf8(copied).expect("ascii"), format!("\x1b]52;c;{code}\x07"));
        }
    }

    #[test]
    fn multiplexers_get_their_wrapping() {
        let copied = |m| String::from_utf8(sequence("hi", m).expect("short")).expect("ascii");
        assert_eq!(copied(Multiplexer::None), "\x1b]52;c;aGk=\x07");
        assert_eq!(copied(Multiplexer::Tmux), "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(copied(Multiplexer::Screen), "\x1bP\x1b]52;c;aGk=\x07\x1b\\");
        let long = sequence(&"x".repeat(3000), Multiplexer::Screen).expect("fits");
        assert!(long.split(|b| *b == b'\\').all(|piece| piece.len() <= 768));
    }

    #[test]
    fn a_copy_has_a_bound() {
        assert!(sequence(&"x".repeat(COPY_MAX), Multiplexer::None).is_ok());
        assert_eq!(sequence(&"x".repeat(COPY_MAX + 1), Multiplexer::None), Err(TooLong { given: COPY_MAX + 1 }));
    }

    #[test]
    fn the_environment_names_the_multiplexer() {
        let with = |name: &'static str| move |v: &str| (v == name).then(|| "x".to_owned());
        assert_eq!(Multiplexer::detect(with("TMUX")), Multiplexer::Tmux);
        assert_eq!(Multiplexer::detect(with("STY")), Multiplexer::Screen);
        assert_eq!(Multiplexer::detect(|_| None), Multiplexer::None);
    }
}
