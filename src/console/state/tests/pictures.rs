//! How the console looks, for a person to review: each state in a file, text and style, in three sizes.
//!
//! A change that is wanted is accepted by `INSTA_UPDATE=always cargo test --locked --lib pictures`; `git diff` shows it.

use std::fmt::Write as _;
use std::panic::catch_unwind;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

use super::scenes::{SCENES, answer, no_quorum};
use super::*;
use crate::console::panes;
use crate::console::theme::built_in::{BUILT_IN, built_in, fallback};
use crate::console::theme::depth::Depth;
use crate::console::theme::file::Theme;

/// Panes whose pictures are kept.
const PICTURED: [&str; 5] = ["Files", "Health", "History", "Logs", "Scheduler"];
pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const DEPTHS: [(&str, Depth); 5] =
    [("none", Depth::None), ("8", Depth::Ansi8), ("16", Depth::Ansi16), ("256", Depth::Ansi256), ("true", Depth::True)];

/// Foreground, background and the rest.
type Look = (Color, Color, Modifier);

/// A console that shows a pane, with all answers that it wants.
pub(super) fn showing(pane: usize, snapshot: Snapshot, styles: Styles, (width, height): (u16, u16)) -> Console {
    let mut console =
        Console::new(&ConsoleConfig::default(), panes::all(), styles, Arc::new(snapshot), NOW).expect("default keys");
    if console.past().is_some() {
        console.live = Arc::new(no_quorum());
        console.panes.iter_mut().for_each(|pane| pane.rewind(&console.snapshot));
    }
    console.resize(Rect::new(0, 0, width, height));
    let mut orders = console.begin();
    orders.extend(console.show(pane));
    while !orders.is_empty() {
        for order in std::mem::take(&mut orders) {
            match order {
                Order::Work(Work::Fetch(fetch)) => answer(fetch, &console.snapshot, false),
                Order::Work(Work::Lines(fetch)) => _ = fetch.reply.send(Ok(Vec::new())),
                _ => {}
            }
        }
        orders = console.take_answers();
    }
    console
}

pub(super) fn painted(console: &Console, (width, height): (u16, u16)) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    console.draw(area, &mut buffer);
    buffer
}

/// The rows, and below them which columns of each have which role.
pub(super) fn told(buffer: &Buffer, styles: &Styles) -> String {
    let rows = || buffer.content().chunks(usize::from(buffer.area.width.max(1)));
    let mut told = String::new();
    for row in rows() {
        let text: String = row.iter().map(Cell::symbol).collect();
        _ = writeln!(told, "|{}", text.trim_end());
    }
    let names = names(styles);
    for (at, row) in rows().enumerate() {
        let runs = runs(row).into_iter().filter_map(|(from, to, look)| {
            let name = name(&names, look);
            (!name.is_empty()).then(|| format!("{from}-{to} {name}"))
        });
        let runs: Vec<String> = runs.collect();
        if !runs.is_empty() {
            _ = writeln!(told, "{at:>2}: {}", runs.join(", "));
        }
    }
    told
}

/// The columns of one look each; a blank between two words belongs to them, one at the end of a look to none.
fn runs(row: &[Cell]) -> Vec<(usize, usize, Look)> {
    let mut runs: Vec<(usize, usize, Look)> = Vec::new();
    for (at, cell) in row.iter().enumerate() {
        let bare = cell.symbol() == " " && !cell.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED);
        let seen = (cell.fg, cell.bg, cell.modifier);
        match runs.last_mut() {
            Some((_, to, look)) if *look == seen => *to = at,
            Some((.., look)) if bare && look.1 == cell.bg => {}
            None if bare && cell.bg == Color::Reset => {}
            _ => runs.push((at, at, seen)),
        }
    }
    runs
}

fn roles(styles: &Styles) -> [(&'static str, Style); 12] {
    [
        ("", styles.ground),
        ("dim", styles.dim),
        ("accent", styles.accent),
        ("good", styles.good),
        ("warning", styles.warning),
        ("bad", styles.bad),
        ("heading", styles.heading),
        ("key", styles.key),
        ("border", styles.border),
        ("highlight", styles.highlight),
        ("text", styles.text),
        ("selected", styles.selected),
    ]
}

/// Each look that roles make, alone and on the selected row.
fn names(styles: &Styles) -> Vec<(Look, String)> {
    let seen = |style: Style| {
        let mut cell = Cell::new("x");
        cell.set_style(styles.ground).set_style(style);
        (cell.fg, cell.bg, cell.modifier)
    };
    let alone = roles(styles).into_iter().map(|(name, style)| (seen(style), name.to_owned()));
    let chosen =
        roles(styles).into_iter().map(|(name, style)| (seen(style.patch(styles.selected)), format!("{name}+selected")));
    let over =
        roles(styles).into_iter().map(|(name, style)| (seen(styles.selected.patch(style)), format!("selected+{name}")));
    alone.chain(chosen).chain(over).collect()
}

fn name(names: &[(Look, String)], look: Look) -> String {
    let found = names.iter().find(|(other, _)| *other == look);
    found.map_or_else(|| format!("{look:?}"), |(_, name)| name.clone())
}

/// Compares with the file of this name.
pub(super) fn kept(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

pub(super) fn pane_of(title: &str) -> usize {
    panes::all().iter().position(|pane| pane.title() == title).expect("a pane of this title")
}

fn file_of(scene: &str, title: &str) -> String {
    format!("{scene}-{}", title.to_lowercase())
}

#[test]
fn every_state_looks_as_it_was_reviewed() {
    let styles = fallback(Depth::True, false);
    let mut changed = Vec::new();
    for (scene, snapshot) in SCENES {
        for title in PICTURED {
            let pictures = SIZES.map(|size| {
                let console = showing(pane_of(title), snapshot(), styles.clone(), size);
                format!("{}x{}\n{}", size.0, size.1, told(&painted(&console, size), &styles))
            });
            let name = file_of(scene, title);
            if catch_unwind(|| kept(&name, &pictures.join("\n"))).is_err() {
                changed.push(name);
            }
        }
    }
    assert!(changed.is_empty(), "look at the differences above; {HOW_TO_ACCEPT}\n{}", changed.join("\n"));
}

pub(super) const HOW_TO_ACCEPT: &str = "if they are wanted: INSTA_UPDATE=always cargo test --locked --lib pictures";

/// For every theme and number of colours what each role is, and a digest of pictures.
#[test]
fn every_theme_looks_as_it_was_reviewed() {
    let read = |name: &str| built_in(name).ok_or_else(String::new);
    let mut text = String::new();
    for (theme, _) in BUILT_IN {
        let loaded = Theme::load(theme, &read).expect("built in");
        for ((colours, depth), ascii) in DEPTHS.into_iter().zip([true, false, false, false, false]) {
            let styles = loaded.styles(depth, ascii).expect("built in");
            _ = writeln!(text, "{theme}, colours {colours}{}", if ascii { ", ASCII" } else { "" });
            for (role, style) in roles(&styles) {
                _ = writeln!(text, "  {:<9} {}", if role.is_empty() { "ground" } else { role }, words(style));
            }
            for title in PICTURED {
                _ = writeln!(text, "  {title} {}", digest(title, &styles));
            }
        }
    }
    kept("themes", &text);
}

fn words(style: Style) -> String {
    let colour = |colour: Option<Color>| colour.map_or_else(|| "-".to_owned(), |colour| colour.to_string());
    let modifier = if style.add_modifier.is_empty() { String::new() } else { format!(" {:?}", style.add_modifier) };
    format!("{} on {}{modifier}", colour(style.fg), colour(style.bg))
}

/// Of what a pane shows of a few states.
fn digest(title: &str, styles: &Styles) -> String {
    let mut hash = blake3::Hasher::new();
    for (_, snapshot) in SCENES.iter().filter(|(name, _)| ["healthy", "degraded", "busy"].contains(name)) {
        let buffer = painted(&showing(pane_of(title), snapshot(), styles.clone(), SIZES[1]), SIZES[1]);
        for cell in buffer.content() {
            hash.update(format!("{}{:?}{:?}{:?}", cell.symbol(), cell.fg, cell.bg, cell.modifier).as_bytes());
        }
    }
    hash.finalize().to_hex()[..16].to_owned()
}
