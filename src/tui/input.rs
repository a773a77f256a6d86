//! Keys, clicks and pastes, read by a thread of their own.
//!
//! crossterm's `EventStream` reads the terminal inside the task that polls it: half an escape
//! sequence, or a terminal that has vanished, would hold the loop. A thread may be held.

use std::io;
use std::thread;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent, MouseEventKind};
use tokio::sync::mpsc;

use crate::console::input::{Input, Key, KeyCode, Mouse, MouseAct};

/// What may wait for the loop.
const INPUTS_MAX: usize = 256;
/// Errors in a row after which the terminal is given up.
const ERRORS_MAX: u32 = 16;

/// Starts the thread. The channel closes when the terminal cannot be read any more. The thread ends
/// with the process: a read cannot be called back.
///
/// # Errors
/// When the system has no thread left.
pub fn start() -> io::Result<mpsc::Receiver<Input>> {
    let (inputs, incoming) = mpsc::channel(INPUTS_MAX);
    thread::Builder::new().name("zkdeck-keys".into()).spawn(move || {
        let mut errors = 0;
        while errors < ERRORS_MAX {
            match event::read() {
                Ok(event) => {
                    errors = 0;
                    if let Some(input) = input(event)
                        && inputs.blocking_send(input).is_err()
                    {
                        return;
                    }
                }
                Err(_) => errors += 1,
            }
        }
    })?;
    Ok(incoming)
}

/// What the event is for the console; nothing where it is none of its keys. A size comes by its signal.
fn input(event: Event) -> Option<Input> {
    match event {
        Event::Key(event) if event.kind != KeyEventKind::Release => key(event).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Mouse(event) => mouse(event).map(Input::Mouse),
        Event::Key(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
    }
}

/// Shift goes into the character, and a letter with Ctrl is a small one, whatever was held beside it.
fn key(event: KeyEvent) -> Option<Key> {
    use crossterm::event::KeyCode as Pressed;
    let held = |modifier| event.modifiers.contains(modifier);
    let control = held(KeyModifiers::CONTROL);
    let code = match event.code {
        Pressed::Char(c) if control => KeyCode::Char(c.to_ascii_lowercase()),
        Pressed::Char(c) => KeyCode::Char(c),
        Pressed::F(number) => KeyCode::F(number),
        Pressed::Tab if held(KeyModifiers::SHIFT) => KeyCode::BackTab,
        Pressed::Enter => KeyCode::Enter,
        Pressed::Esc => KeyCode::Esc,
        Pressed::Tab => KeyCode::Tab,
        Pressed::BackTab => KeyCode::BackTab,
        Pressed::Backspace => KeyCode::Backspace,
        Pressed::Delete => KeyCode::Delete,
        Pressed::Insert => KeyCode::Insert,
        Pressed::Up => KeyCode::Up,
        Pressed::Down => KeyCode::Down,
        Pressed::Left => KeyCode::Left,
        Pressed::Right => KeyCode::Right,
        Pressed::Home => KeyCode::Home,
        Pressed::End => KeyCode::End,
        Pressed::PageUp => KeyCode::PageUp,
        Pressed::PageDown => KeyCode::PageDown,
        _ => return None,
    };
    Some(Key { code, control, alt: held(KeyModifiers::ALT) })
}

const fn mouse(event: MouseEvent) -> Option<Mouse> {
    let does = match event.kind {
        MouseEventKind::Down(_) => MouseAct::Press,
        MouseEventKind::ScrollUp => MouseAct::WheelUp,
        MouseEventKind::ScrollDown => MouseAct::WheelDown,
        _ => return None,
    };
    Some(Mouse { does, column: event.column, row: event.row })
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode as Pressed, KeyEventState};

    use super::*;

    fn press(code: Pressed, modifiers: KeyModifiers) -> String {
        key(KeyEvent::new(code, modifiers)).map_or_else(String::new, |key| key.to_string())
    }

    #[test]
    fn presses_are_the_keys_that_people_write() {
        assert_eq!(press(Pressed::Char('P'), KeyModifiers::SHIFT), "P");
        assert_eq!(press(Pressed::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT), "Ctrl-c");
        assert_eq!(press(Pressed::Char('x'), KeyModifiers::ALT), "Alt-x");
        assert_eq!(press(Pressed::Tab, KeyModifiers::SHIFT), "BackTab");
        assert_eq!(press(Pressed::BackTab, KeyModifiers::SHIFT), "BackTab");
        assert_eq!(press(Pressed::F(12), KeyModifiers::NONE), "F12");
        assert_eq!(press(Pressed::CapsLock, KeyModifiers::NONE), "", "it is none of the console's");
    }

    #[test]
    fn a_release_and_a_size_are_nothing_to_the_console() {
        let (code, modifiers, state) = (Pressed::Char('q'), KeyModifiers::NONE, KeyEventState::NONE);
        let key = |kind| Event::Key(KeyEvent { code, modifiers, kind, state });
        assert_eq!(input(key(KeyEventKind::Repeat)), Some(Input::Key(Key::plain(KeyCode::Char('q')))));
        assert_eq!((input(key(KeyEventKind::Release)), input(Event::Resize(80, 24))), (None, None));
        let wheel = MouseEvent { kind: MouseEventKind::ScrollUp, column: 3, row: 4, modifiers };
        assert_eq!(
            input(Event::Mouse(wheel)),
            Some(Input::Mouse(Mouse { does: MouseAct::WheelUp, column: 3, row: 4 }))
        );
        assert_eq!(input(Event::Mouse(MouseEvent { kind: MouseEventKind::Moved, ..wheel })), None);
    }
}
