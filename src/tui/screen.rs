//! What the terminal shows now, and the bytes that bring it to the next picture.

use super::{encode, scroll};
use crate::console::picture::{Easel, Picture, Size};

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";
const CLEAR: &[u8] = b"\x1b[m\x1b[2J";

/// The picture on the terminal.
#[derive(Debug, Default)]
pub struct Screen {
    easel: Easel,
    shown: Picture,
    next: Picture,
    /// The terminal's content is not known: after entering, a resize, a stop.
    unknown: bool,
}

impl Screen {
    /// A terminal of unknown content.
    #[must_use]
    pub fn new() -> Self {
        Self { unknown: true, ..Self::default() }
    }

    /// Paints everything anew at the next frame.
    pub const fn forget(&mut self) {
        self.unknown = true;
    }

    /// Paints into memory and appends to `out` one synchronized update with what differs; nothing
    /// when nothing differs. `extra` goes out first, unchanged.
    pub fn frame(
        &mut self,
        size: Size,
        extra: &[u8],
        out: &mut Vec<u8>,
        paint: impl FnOnce(Size, &mut Easel, &mut Picture),
    ) {
        if self.shown.size() != size {
            self.unknown = true;
        }
        out.extend_from_slice(extra);
        paint(size, &mut self.easel, &mut self.next);
        let start = out.len();
        out.extend_from_slice(SYNC_BEGIN);
        if self.unknown {
            self.shown = Picture::new(size);
            out.extend_from_slice(CLEAR);
            self.unknown = false;
        }
        let drawn = out.len();
        scroll::scroll(&mut self.shown, &self.next, out);
        encode::changes(&self.shown, &self.next, out);
        if out.len() == drawn && drawn == start + SYNC_BEGIN.len() {
            out.truncate(start);
        } else {
            out.extend_from_slice(SYNC_END);
        }
        std::mem::swap(&mut self.shown, &mut self.next);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn frame(screen: &mut Screen, width: u16, text: &str) -> String {
        let mut out = Vec::new();
        screen.frame(Size { columns: width, rows: 1 }, b"", &mut out, |size, easel, picture| {
            easel.draw(size, picture, |area, buffer| {
                buffer.set_stringn(0, 0, text, usize::from(area.width), Style::new());
            });
        });
        String::from_utf8(out).expect("text").replace('\x1b', "^")
    }

    #[test]
    fn only_what_differs_is_written_and_in_one_update() {
        let mut screen = Screen::new();
        assert_eq!(frame(&mut screen, 4, "abc"), "^[?2026h^[m^[2J^[1Habc^[?2026l");
        assert_eq!(frame(&mut screen, 4, "abc"), "");
        assert_eq!(frame(&mut screen, 4, "axc"), "^[?2026h^[1;2Hx^[?2026l");
        assert_eq!(frame(&mut screen, 3, "axc"), "^[?2026h^[m^[2J^[1Haxc^[?2026l", "a new size is a new picture");
        screen.forget();
        assert_eq!(frame(&mut screen, 3, ""), "^[?2026h^[m^[2J^[?2026l");
    }
}
