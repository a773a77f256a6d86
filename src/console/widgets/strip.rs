//! A row of how a server was over time: full while it served, light while it did not, blank where nobody looked.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::theme::Styles;
use crate::domain::series::SeriesPoint;

/// What of a column's time the server served.
fn cell(point: Option<SeriesPoint>, styles: &Styles) -> (&'static str, Style) {
    let glyphs = &styles.glyphs;
    match point.map(|point| point.mean) {
        None => (" ", styles.dim),
        Some(share) if share >= 0.999 => (glyphs.bar[0], styles.good),
        Some(share) if share <= 0.001 => (glyphs.bar_empty, styles.bad),
        Some(_) => (glyphs.bar_partly, styles.warning),
    }
}

/// The strip, columns that look alike in one piece.
#[must_use]
pub fn strip(points: &[Option<SeriesPoint>], styles: &Styles) -> Vec<Span<'static>> {
    let mut pieces: Vec<(String, Style)> = Vec::new();
    for point in points {
        let (glyph, style) = cell(*point, styles);
        match pieces.last_mut().filter(|(_, own)| *own == style) {
            Some((text, _)) => text.push_str(glyph),
            None => pieces.push((glyph.to_owned(), style)),
        }
    }
    pieces.into_iter().map(|(text, style)| Span::styled(text, style)).collect()
}

/// The share of the time that was looked at in which it served; `None` where nobody looked.
#[must_use]
pub fn served(points: &[Option<SeriesPoint>]) -> Option<f32> {
    let known: Vec<f32> = points.iter().flatten().map(|point| point.mean).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f32>() / known.len() as f32)
}

/// `98.9 %`; what is not whole is never rounded up to 100.
#[must_use]
pub fn percent(share: f32) -> String {
    let tenths = (f64::from(share) * 1000.0).floor() / 10.0;
    if share >= 1.0 { "100 %".to_owned() } else { format!("{tenths:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_tells_served_not_served_both_and_unknown() {
        let point = |mean: f32| Some(SeriesPoint { mean, max: 1.0 });
        let points = [point(1.0), point(1.0), point(0.5), point(0.0), None, point(1.0)];
        let text: String = strip(&points, &Styles::plain()).iter().map(|span| span.content.to_string()).collect();
        assert_eq!(text, "▇▇▒░ ▇");
        assert_eq!(served(&points), Some(0.7));
        assert_eq!(
            (served(&[None]), percent(0.9996), percent(1.0), percent(0.0)),
            (None, "99.9 %".into(), "100 %".into(), "0.0 %".into())
        );
    }
}
