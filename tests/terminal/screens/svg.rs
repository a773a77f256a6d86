//! Screens as SVG: one that stands still, and one that shows screens one after the other.

use std::collections::HashMap;
use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Size of one cell, and of the letters in it.
const CELL: (f64, f64) = (8.4, 18.0);
const LETTERS: f64 = 14.0;
const MARGIN: f64 = 10.0;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d8dee4";

/// One row of a screen, drawn at the top left: the same text for rows that look the same.
pub(super) type Row = String;

/// The rows of a screen.
pub(super) fn rows(screen: &Screen) -> Vec<Row> {
    (0..size(screen).1).map(|row| drawn(screen, row)).collect()
}

/// Columns and rows.
fn size(screen: &Screen) -> (u16, u16) {
    let (rows, columns) = screen.size();
    (columns.get(), rows.get())
}

/// A screen that stands still.
pub(super) fn still(screen: &Screen) -> String {
    let (width, height) = size(screen);
    let mut svg = begin(width, height, "");
    for (at, row) in rows(screen).iter().enumerate().filter(|(_, row)| !row.is_empty()) {
        _ = writeln!(svg, "<g transform=\"translate(0 {})\">{row}</g>", at as f64 * CELL.1);
    }
    svg + "</g></svg>\n"
}

/// Screens one after the other, each with when it comes, in milliseconds; all begins anew after `end`.
pub(super) fn film(frames: &[(u64, Vec<Row>)], end: u64, (width, height): (u16, u16)) -> String {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let (mut rows, mut shown, mut style) = (String::new(), String::new(), String::new());
    for (at, (from, frame)) in frames.iter().enumerate() {
        let until = frames.get(at + 1).map_or(end, |(next, _)| *next);
        let percent = |ms: u64| ms as f64 * 100.0 / end as f64;
        // What shows no animation shows the first.
        let (on, off, first) = (percent(*from), percent(until), if at == 0 { "visible" } else { "hidden" });
        _ = writeln!(
            style,
            "@keyframes f{at}{{0%{{visibility:{first}}}{on:.3}%{{visibility:visible}}{off:.3}%,100%{{visibility:hidden}}}}\
             .f{at}{{visibility:{first};animation-name:f{at}}}"
        );
        _ = write!(shown, "<g class=\"f f{at}\">");
        for (y, row) in frame.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
            let next = known.len();
            let id = *known.entry(row).or_insert_with(|| {
                _ = writeln!(rows, "<g id=\"r{next}\">{row}</g>");
                next
            });
            _ = write!(shown, "<use href=\"#r{id}\" y=\"{}\"/>", y as f64 * CELL.1);
        }
        shown.push_str("</g>\n");
    }
    let all = format!(".f{{visibility:hidden;animation:{}s step-end infinite}}\n{style}", end as f64 / 1000.0);
    format!("{}<defs>{rows}</defs>\n{shown}</g></svg>\n", begin(width, height, &all))
}

fn begin(width: u16, height: u16, style: &str) -> String {
    let (w, h) = (f64::from(width) * CELL.0 + 2.0 * MARGIN, f64::from(height) * CELL.1 + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {w:.1} {h:.1}\" width=\"{w:.0}\">\n\
         <style>text{{font:{LETTERS}px ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;white-space:pre;fill:{TEXT}}}\
         .b{{font-weight:bold}}.i{{font-style:italic}}.u{{text-decoration:underline}}.d{{opacity:.65}}\n{style}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n<g transform=\"translate({MARGIN} {MARGIN})\">\n"
    )
}

/// What makes a run of cells: how it looks, and whether anything is to be seen.
#[derive(PartialEq)]
struct Look {
    front: String,
    back: String,
    class: String,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (front, back) = (colour(cell.fgcolor(), TEXT), colour(cell.bgcolor(), GROUND));
        let (front, back) = if cell.inverse() { (back, front) } else { (front, back) };
        let marks = [(cell.bold(), "b"), (cell.italic(), "i"), (cell.underline(), "u"), (cell.dim(), "d")];
        let class: Vec<&str> = marks.iter().filter(|(set, _)| *set).map(|(_, class)| *class).collect();
        Self { front, back, class: class.join(" ") }
    }
}

fn drawn(screen: &Screen, row: u16) -> Row {
    let cells: Vec<&Cell> = (0..size(screen).0).filter_map(|column| screen.cell(row, column)).collect();
    let (mut ground, mut text) = (String::new(), String::new());
    let mut from = 0;
    for run in cells.chunk_by(|a, b| Look::of(a) == Look::of(b)) {
        let look = Look::of(run[0]);
        let (x, wide) = (from as f64 * CELL.0, run.len() as f64 * CELL.0);
        from += run.len();
        if look.back != GROUND {
            let fill = &look.back;
            _ = write!(ground, "<rect x=\"{x:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{fill}\"/>", CELL.1);
        }
        let letters: String = run.iter().filter(|cell| !cell.is_wide_continuation()).map(|cell| letter(cell)).collect();
        text.push_str(&words(&letters, run.len(), x, &look));
    }
    ground + &text
}

/// A run of text; blanks at its ends are left out, and it is as wide as its cells whatever the font.
fn words(letters: &str, cells: usize, x: f64, look: &Look) -> String {
    let shown = letters.trim();
    if shown.is_empty() {
        return String::new();
    }
    let before = letters.chars().take_while(|c| *c == ' ').count();
    let behind = letters.chars().rev().take_while(|c| *c == ' ').count();
    let wide = cells.saturating_sub(before + behind) as f64 * CELL.0;
    let fill = if look.front == TEXT { String::new() } else { format!(" style=\"fill:{}\"", look.front) };
    let class = if look.class.is_empty() { String::new() } else { format!(" class=\"{}\"", look.class) };
    let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let x = before as f64 * CELL.0 + x;
    format!("<text x=\"{x:.1}\" y=\"{LETTERS}\" textLength=\"{wide:.1}\"{class}{fill}>{escaped}</text>")
}

fn letter(cell: &Cell) -> String {
    if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() }
}

fn colour(colour: Color, unset: &str) -> String {
    const NAMED: [&str; 16] = [
        "#2e3436", "#e06c75", "#8fbf6b", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4", "#6b7280", "#f08088",
        "#a5d27f", "#f0d08c", "#7cc0ff", "#d898ee", "#70d0dc", "#ffffff",
    ];
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match colour {
        Color::Default => unset.to_owned(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Idx(at @ 0..16) => NAMED[usize::from(at)].to_owned(),
        Color::Idx(at @ 232..) => format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (at - 232)),
        Color::Idx(at) => {
            let [red, green, blue] = [(at - 16) / 36, (at - 16) / 6 % 6, (at - 16) % 6].map(|i| LEVELS[usize::from(i)]);
            format!("#{red:02x}{green:02x}{blue:02x}")
        }
    }
}

#[test]
fn a_screen_keeps_its_columns_colours_and_letters() {
    let cells = |n| std::num::NonZeroU16::new(n).expect("not 0");
    let mut parser = vt100::Parser::new(cells(2), cells(20), 0);
    parser.process(b"ab \x1b[1;38;2;1;2;3m<&>\x1b[0m\r\n\x1b[7m  x \x1b[0m\x1b[48;5;16m \x1b[0m");
    let [first, second] = rows(parser.screen()).try_into().expect("two rows");
    assert_eq!(
        first,
        "<text x=\"0.0\" y=\"14\" textLength=\"16.8\">ab</text>\
         <text x=\"25.2\" y=\"14\" textLength=\"25.2\" class=\"b\" style=\"fill:#010203\">&lt;&amp;&gt;</text>"
    );
    assert_eq!(
        second,
        format!(
            "<rect x=\"0.0\" width=\"33.6\" height=\"18\" fill=\"{TEXT}\"/>\
             <rect x=\"33.6\" width=\"8.4\" height=\"18\" fill=\"#000000\"/>\
             <text x=\"16.8\" y=\"14\" textLength=\"8.4\" style=\"fill:{GROUND}\">x</text>"
        )
    );
}

#[test]
fn a_film_has_each_row_once_and_each_screen_at_its_time() {
    let frames = [(0, vec!["a".to_owned(), "b".to_owned()]), (500, vec!["a".to_owned(), String::new()])];
    let film = film(&frames, 2_000, (2, 2));
    assert_eq!((film.matches("<g id=").count(), film.matches("<use ").count()), (2, 3), "{film}");
    assert!(film.contains("@keyframes f1{0%{visibility:hidden}25.000%{visibility:visible}100.000%,100%"), "{film}");
}
