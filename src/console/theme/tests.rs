//! The themes that are shipped: readable in every role, on every background, with every number of colours.

use ratatui::style::{Color, Modifier, Style};

use super::built_in::{BUILT_IN, built_in};
use super::depth::{self, Depth, contrast, to_8, to_16, to_256};
use super::file::{Theme, ThemeSource};
use super::{Glyphs, Styles};

fn theme(name: &str) -> Theme {
    let read = |name: &str| built_in(name).ok_or_else(|| format!("there is no theme {name:?}"));
    Theme::load(name, &read).unwrap_or_else(|error| panic!("{error}"))
}

fn styles(name: &str, depth: Depth) -> Styles {
    theme(name).styles(depth, false).unwrap_or_else(|error| panic!("{error}"))
}

fn roles(styles: &Styles) -> [(&'static str, Style); 10] {
    let names = ["text", "dim", "accent", "good", "warning", "bad", "heading", "key", "border", "highlight"];
    let mut all = styles.in_text().into_iter();
    names.map(|name| (name, all.next().expect("one for each name")))
}

fn seen(colour: Color) -> [u8; 3] {
    depth::seen(colour).expect("a colour")
}

/// Backgrounds that text stands on beside a selected row: the theme's own, else those of terminals that it is made for.
fn grounds(name: &str, styles: &Styles, depth: Depth) -> Vec<Color> {
    if let Some(own) = styles.ground.bg {
        return vec![own];
    }
    let terminals = theme(name).backgrounds().unwrap_or_else(|error| panic!("{error}"));
    assert!(!terminals.is_empty(), "{name} names no background");
    terminals
        .into_iter()
        .map(|rgb| match depth {
            Depth::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Depth::Ansi256 => to_256(rgb),
            _ => to_16(rgb),
        })
        .collect()
}

#[test]
fn every_role_is_readable_on_every_background_selected_rows_too() {
    let mut checked = 0;
    for (name, _) in BUILT_IN {
        for depth in [Depth::True, Depth::Ansi256] {
            let styles = styles(name, depth);
            let selected = styles.selected.bg.expect("a background");
            let mut on = grounds(name, &styles, depth);
            on.push(selected);
            for (role, style) in roles(&styles) {
                for background in &on {
                    let row = if *background == selected { styles.in_row(true, style) } else { style };
                    let Some(colour) = row.fg else { continue };
                    let ratio = contrast(seen(colour), seen(*background));
                    assert!(ratio >= 4.5, "{name} at {depth:?}: {role} has {ratio:.2} on {background:?}");
                    checked += 1;
                }
            }
            for ground in grounds(name, &styles, depth) {
                assert_ne!(seen(ground), seen(selected), "{name} at {depth:?}: a selected row is seen");
            }
        }
    }
    assert!(checked >= 240, "only {checked} pairs were checked");
    assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 0.01);
}

/// The values of the sixteen are the terminal's own: with those of xterm, what WCAG asks of large text and signs is held.
#[test]
fn sixteen_colours_and_eight_are_told_apart_from_the_background() {
    for (name, _) in BUILT_IN {
        for depth in [Depth::Ansi16, Depth::Ansi8] {
            let styles = styles(name, depth);
            assert!(
                styles.selected.add_modifier.contains(Modifier::REVERSED) && styles.selected.bg.is_none(),
                "{name}"
            );
            for ground in grounds(name, &styles, depth) {
                for (role, style) in roles(&styles) {
                    let Some(colour) = style.fg else { continue };
                    assert!(depth == Depth::Ansi16 || to_8(colour) == colour, "{name}: {role} is none of the eight");
                    let ratio = contrast(seen(colour), seen(ground));
                    assert!(ratio >= 3.0, "{name} at {depth:?}: {role} has {ratio:.2} on {ground:?}");
                }
            }
        }
    }
}

#[test]
fn without_colour_there_is_none() {
    for (name, _) in BUILT_IN {
        let styles = styles(name, Depth::None);
        let all = roles(&styles).into_iter().chain([("ground", styles.ground), ("selected", styles.selected)]);
        for (role, style) in all {
            assert_eq!((style.fg, style.bg), (None, None), "{name}: {role}");
        }
        assert!(styles.selected.add_modifier.contains(Modifier::REVERSED));
        assert!(styles.bad.add_modifier.contains(Modifier::BOLD) && styles.dim.add_modifier.contains(Modifier::DIM));
    }
}

#[test]
fn themes_that_are_no_terminals_own_paint_every_background() {
    for name in ["light", "high-contrast", "catppuccin-mocha", "gruvbox-dark"] {
        for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16, Depth::Ansi8] {
            let styles = styles(name, depth);
            assert!(styles.ground.bg.is_some() && styles.ground.fg.is_some(), "{name} at {depth:?}");
            assert!(roles(&styles).iter().all(|(_, style)| style.bg.is_none()), "{name}: text on a selected row");
        }
    }
}

#[test]
fn good_and_bad_differ_in_brightness_for_colour_blind_eyes() {
    let styles = styles("colour-blind", Depth::True);
    let of = |style: Style| seen(style.fg.expect("coloured"));
    // The blue channel is what red-green blindness leaves.
    assert!(of(styles.good)[2].abs_diff(of(styles.bad)[2]) > 200);
    assert!(contrast(of(styles.warning), of(styles.bad)) > 1.5);
}

#[test]
fn the_ascii_twins_are_ascii_and_as_wide() {
    let all = |glyphs: Glyphs| {
        let Glyphs { good, warning, risk, bad, unknown, spark, bar, bar_empty, trigger, ellipsis, .. } = glyphs;
        let Glyphs { horizontal, vertical, corners, leader, ascending, descending, .. } = glyphs;
        let single = [good, warning, risk, bad, unknown, bar_empty, trigger, ellipsis, horizontal, vertical, leader];
        let single = single.into_iter().chain([ascending, descending]);
        single.chain(spark).chain(bar).chain(corners).collect::<Vec<_>>()
    };
    for (glyph, twin) in all(Glyphs::UNICODE).into_iter().zip(all(Glyphs::ASCII)) {
        assert!(twin.is_ascii() && twin.len() == 1, "{glyph}: {twin:?}");
        assert_eq!(crate::console::sanitise::width(glyph), 1, "{glyph}");
    }
    assert!(Glyphs::ASCII.arrow.is_ascii());
}

/// Whose theme darkens the colours of the default for a light terminal has a selected row that can be read all the same.
#[test]
fn colours_that_cannot_be_read_on_the_selected_background_are_reversed_instead() {
    let patched = |patch: &str| {
        let read = |name: &str| match name {
            "mine" => Ok(ThemeSource { file: "mine.toml".into(), text: format!("inherits = \"default\"\n{patch}") }),
            name => built_in(name).ok_or_else(String::new),
        };
        let theme = Theme::load("mine", &read).unwrap_or_else(|error| panic!("{error}"));
        theme.styles(Depth::True, false).unwrap_or_else(|error| panic!("{error}")).selected
    };
    assert!(patched("[palette]\nblue = \"#ffffff\"").bg.is_some());
    let dark = patched("[palette]\nblue = \"#00005f\"");
    assert!(dark.bg.is_none() && dark.add_modifier.contains(Modifier::REVERSED), "{dark:?}");
    let own = patched("[palette]\nblue = \"#00005f\"\n[roles]\nselected = { fg = \"#000000\", bg = \"#ffffff\" }");
    assert!(own.bg.is_none(), "the other colours are light: {own:?}");
}
