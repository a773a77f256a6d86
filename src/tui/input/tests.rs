use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::console::input::{Input, Key, KeyCode, Mouse, MouseAct};

const WAIT: Duration = Duration::from_millis(50);

/// What a row of the tables below leads to, in words: keys as people write them.
fn words(received: &[Received]) -> String {
    let word = |one: &Received| match one {
        Received::Input(Input::Key(key)) => key.to_string(),
        Received::Input(Input::Paste(text)) => format!("paste({text})"),
        Received::Input(Input::Mouse(Mouse { does, column, row })) => {
            let does = match does {
                MouseAct::Press => "press",
                MouseAct::WheelUp => "up",
                MouseAct::WheelDown => "down",
            };
            format!("{does}({column},{row})")
        }
        Received::Reply(Reply::TakenIn) => "taken-in".into(),
        Received::Reply(Reply::Background { light: true }) => "light".into(),
        Received::Reply(Reply::Background { light: false }) => "dark".into(),
        Received::Reply(Reply::Keyboard) => "keyboard".into(),
    };
    received.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The pieces, `gap` apart, and then long silence.
fn decoded(pieces: &[&[u8]], gap: Duration) -> String {
    let (mut decoder, mut now, mut out) = (Decoder::new(WAIT), Instant::now(), Vec::new());
    for piece in pieces {
        decoder.feed(piece, now, &mut out);
        now += gap;
        decoder.expire(now, &mut out);
    }
    while let Some(deadline) = decoder.deadline() {
        decoder.expire(deadline, &mut out);
    }
    words(&out)
}

/// What terminals send, and what it is.
const TABLE: &[(&str, &str)] = &[
    ("q", "q"),
    ("P", "P"),
    ("é文👍", "é 文 👍"),
    ("\r\t\x7f\x08\x01\x1a\x00\x1c\x1f\n", "Enter Tab Backspace Ctrl-h Ctrl-a Ctrl-z Ctrl-Space Ctrl-\\ Ctrl-_ Ctrl-j"),
    ("\x1b", "Esc"),
    ("\x1b\x1b", "Esc Esc"),
    ("\x1bx\x1bé\x1b\x7f\x1b\r\x1b\x01", "Alt-x Alt-é Alt-Backspace Alt-Enter Ctrl-Alt-a"),
    ("\x1b[", "Alt-["),
    ("\x1bO", "Alt-O"),
    ("\x1bP", "Alt-P"),
    ("\x1b]", "Alt-]"),
    ("\x1bP\x1bP", "Alt-P Alt-P"),
    ("\x1b]\r", "Alt-] Enter"),
    ("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F\x1b[Z", "Up Down Right Left Home End BackTab"),
    ("\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", "Up Down Right Left Home End"),
    ("\x1bOP\x1bOQ\x1bOR\x1bOS\x1bOM\x1bOk\x1bOp\x1bOy", "F1 F2 F3 F4 Enter + 0 9"),
    ("\x1b[1;5D\x1b[1;3C\x1b[1;2A\x1b[1;5P\x1b[3;5~", "Ctrl-Left Alt-Right Up Ctrl-F1 Ctrl-Delete"),
    ("\x1b[1~\x1b[2~\x1b[3~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~", "Home Insert Delete End PageUp PageDown Home End"),
    ("\x1b[11~\x1b[15~\x1b[17~\x1b[21~\x1b[23~\x1b[24~\x1b[25~\x1b[34~", "F1 F5 F6 F10 F11 F12 F13 F20"),
    ("\x1b[[A\x1b[[E", "F1 F5"),
    ("\x1b[3^\x1b[3$\x1b[3@\x1bOd", "Ctrl-Delete Delete Ctrl-Delete Ctrl-Left"),
    // The mouse, as SGR and as X10 have it; what is let go, moved or wheeled to the side is nothing.
    ("\x1b[<0;10;3M\x1b[<0;10;3m\x1b[<35;10;3M\x1b[<66;1;1M", "press(9,2)"),
    ("\x1b[<64;1;1M\x1b[<65;300;200M\x1b[<80;1;1M", "up(0,0) down(299,199) up(0,0)"),
    ("\x1b[M !!\x1b[M`+#", "press(0,0) up(10,2)"),
    ("\x1b[<0;0;0M\x1b[<0;99999;1M\x1b[<0M", ""),
    // xterm's modifyOtherKeys, and the protocol of kitty.
    ("\x1b[27;5;99~\x1b[27;5;105~\x1b[27;2;13~", "Ctrl-c Tab Enter"),
    ("\x1b[27u\x1b[99;5u\x1b[120;3u\x1b[97;4u\x1b[99;6u\x1b[32;5u", "Esc Ctrl-c Alt-x Alt-A Ctrl-c Ctrl-Space"),
    ("\x1b[105;5u\x1b[109;5u\x1b[91;5u\x1b[13;2u\x1b[9;2u\x1b[127;3u", "Tab Enter Esc Enter BackTab Alt-Backspace"),
    ("\x1b[97;1:3u\x1b[97;1:1u\x1b[97;129u\x1b[97;9u\x1b[1;1:3A", "a a"),
    ("\x1b[57399u\x1b[57414u\x1b[57419u\x1b[57376u\x1b[57358u", "0 Enter Up F13"),
    ("\x1b[49:33;4u\x1b[1086;3u", "Alt-! Alt-о"),
    // Answers that are waited for,
    ("\x1b[0n\x1b[?1u\x1b[?0u", "taken-in keyboard keyboard"),
    ("\x1b]11;rgb:1e1e/1e1e/2e2e\x07q", "dark q"),
    ("\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\q", "dark q"),
    ("\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\\x1b]11;rgb:f/f/f\x07\x1b]11;rgba:ff/ff/ff/00\x07q", "light light light q"),
    // and answers that nobody waits for: colours, names, versions, attributes, places, modes, sizes, focus, clipboard.
    ("\x1b]10;rgb:1e1e/1e1e/2e2e\x07q", "q"),
    ("\x1b]11;?\x07\x1b]11;rgb:1e1e/1e1e\x07\x1b]11;rgb:1e1e/xx/2e2e\x1b\\\x1b]11;rgb:11111/1/1\x07q", "q"),
    ("\x1bP11;rgb:1e1e/1e1e/2e2e\x1b\\q", "q"),
    ("\x1b]52;c;cnVu\x1b\\\x1b]l title\x1b\\q", "q"),
    ("\x1bP>|XTerm(390)\x1b\\q\x1bP!|00000000\x1b\\\x1bP1+r544e=787465726d\x1b\\", "q"),
    ("\x1b_Gi=31;OK\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\q", "q"),
    ("\x1b[?62;1;6;22c\x1b[>0;136;0c\x1b[=1cq", "q"),
    ("\x1b[1;1R\x1b[24;80R\x1b[?12;40;1Rq", "q"),
    ("\x1b[?2026;2$y\x1b[4;2$y\x1b[8;24;80t\x1b[I\x1b[O\x1b[?997;1n\x1b[3nq", "q"),
    ("\x1b[?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29cq", "q"),
    // Pastes: never a key, whatever is in them.
    ("\x1b[200~a\nq\x1b[A\x03é\x1b[201~q", "paste(a\nq\x1b[A\x03é) q"),
    ("\x1b[200~\x1b[201~q", "q"),
    // What is broken off, and what is no UTF-8.
    ("\x1b[12\x1b[Aq", "Up q"),
    ("\x1b[1;\rq", "Enter q"),
    ("\x1b]11;rgb:1e1e\rq", "Enter q"),
    ("\x1b]11;rgb:1e1e\x1b[Aq", "Up q"),
    ("\x1b]11;rgb:1e1e\x03q", "Ctrl-c q"),
];

#[test]
fn what_terminals_send_is_what_people_pressed() {
    for (bytes, wanted) in TABLE {
        assert_eq!(decoded(&[bytes.as_bytes()], WAIT), *wanted, "{bytes:?}");
    }
    assert_eq!(decoded(&[b"\xff\xc3\xa9\xc3q\x80\xf0\x9f\xed\xa0\x80z"], WAIT), "é q z", "what is no UTF-8 is nothing");
}

/// Every sequence cut at every place, and byte for byte, with a pause that is shorter than an escape's wait.
#[test]
fn a_sequence_may_come_in_pieces() {
    let pause = WAIT - Duration::from_millis(1);
    for (text, wanted) in TABLE {
        let bytes = text.as_bytes();
        for cut in 1..bytes.len() {
            // Ctrl-C alone ends a paste that hangs.
            assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]], pause), *wanted, "{text:?} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        if !text.contains('\x03') {
            assert_eq!(decoded(&single, pause), *wanted, "{text:?} byte for byte");
        }
    }
}

#[test]
fn an_escape_waits_as_long_as_was_said_and_no_longer() {
    let pieces: &[&[u8]] = &[b"\x1b", b"[D"];
    assert_eq!(decoded(pieces, Duration::from_millis(49)), "Left");
    assert_eq!(decoded(pieces, Duration::from_millis(51)), "Esc [ D");
    // Once it is known to be more than a key it may pause for longer.
    assert_eq!(decoded(&[b"\x1b[", b"D"], Duration::from_millis(400)), "Left");
    assert_eq!(decoded(&[b"\x1b[1;", b"5D"], Duration::from_millis(400)), "Ctrl-Left");
    assert_eq!(decoded(&[b"\xc3", b"\xa9"], Duration::from_millis(400)), "é");
    let mut decoder = Decoder::new(ESCAPE_SSH);
    let now = Instant::now();
    decoder.feed(b"\x1b", now, &mut Vec::new());
    assert_eq!(decoder.deadline(), Some(now + Duration::from_millis(200)));
}

#[test]
fn what_has_lost_its_end_does_not_take_keys_for_ever() {
    let pause = Duration::from_millis(1100);
    for begun in ["\x1b]11;rgb:1e1e/", "\x1bP>|XTerm", "\x1b_G", "\x1b[12;", "\x1bO5", "\x1b[M!", "\u{e9}"] {
        let bytes = &begun.as_bytes()[..begun.len() - usize::from(begun == "\u{e9}")];
        assert_eq!(decoded(&[bytes, b"q"], pause), "q", "{begun:?}");
    }
    assert_eq!(decoded(&[b"\x1b[200~text", b"q"], pause), "paste(text) q");
    assert_eq!(decoded(&[b"\x1b[200~text", b"\x03", b"q"], WAIT), "paste(text) Ctrl-c q");
    // A key that is held comes without a pause.
    let held: Vec<&[u8]> = std::iter::once(&b"\x1b]11;"[..]).chain(std::iter::repeat_n(&b"j"[..], 200)).collect();
    let decoded = decoded(&held, Duration::from_millis(30));
    assert_eq!(decoded.len(), "j ".repeat(101).len() - 1, "after 3 s: {decoded}");
}

#[test]
fn a_paste_is_bounded_and_its_end_is_found_behind_the_bound() {
    let (mut decoder, now, mut out) = (Decoder::new(WAIT), Instant::now(), Vec::new());
    decoder.feed(b"\x1b[200~", now, &mut out);
    for _ in 0..5 {
        decoder.feed(&vec![b'x'; 1024 * 1024], now, &mut out);
    }
    decoder.feed(b"\x1b[201~q", now, &mut out);
    let [Received::Input(Input::Paste(text)), Received::Input(Input::Key(key))] = &out[..] else { panic!("{out:?}") };
    assert_eq!(*key, Key::plain(KeyCode::Char('q')));
    assert!((4_000_000..=4 * 1024 * 1024).contains(&text.len()) && text.bytes().all(|b| b == b'x'), "{}", text.len());
}

proptest! {
    /// Whatever comes, however it is cut, means the same, and leaves nothing begun behind.
    #[test]
    fn cuts_change_nothing(
        pieces in prop::collection::vec(prop::sample::select(TABLE), 0..6),
        cuts in prop::collection::vec(1usize..9, 1..40),
    ) {
        let bytes: Vec<u8> = pieces.iter().flat_map(|(bytes, _)| bytes.bytes()).filter(|b| *b != 3).collect();
        let whole = decoded(&[&bytes], WAIT);
        let (mut rest, mut cut) = (&bytes[..], Vec::new());
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            cut.push(piece);
            rest = left;
        }
        prop_assert_eq!(decoded(&cut, Duration::from_millis(1)), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decoded(&[&bytes, b"\x1b", &bytes], WAIT);
    }
}

#[tokio::test]
async fn all_that_was_typed_is_read_at_once_and_the_end_is_told() {
    let (reader, mut writer) = io::pipe().expect("pipe");
    let mut incoming = Incoming::of(File::from(std::os::fd::OwnedFd::from(reader)), WAIT).expect("thread");
    writer.write_all(&b"j".repeat(3600)).expect("written");
    let mut count = 0;
    while count < 3600 {
        let read = incoming.next().await.expect("read");
        count += read.len();
    }
    writer.write_all(b"\x1b").expect("written");
    assert_eq!(words(&incoming.next().await.expect("read")), "Esc", "an escape alone acts without another byte");
    drop(writer);
    assert_eq!(incoming.next().await, None);
}
