//! A row of how a server was over time: full while it served, light while it did not, low while it was being started, blank
//! where nobody looked.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::theme::Styles;
use crate::domain::series::SeriesPoint;

/// Of a column, or of all: the shares of the time in which the server served, and in which it was being started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServedShare {
    pub served: f32,
    pub starting: f32,
}

/// The shares of each column; `None` where nobody looked.
#[must_use]
pub fn times(served: &[Option<SeriesPoint>], starting: &[Option<SeriesPoint>]) -> Vec<Option<ServedShare>> {
    let started = |at: usize| starting.get(at).copied().flatten().map_or(0.0, |point| point.mean);
    let share = |(at, point): (usize, &Option<SeriesPoint>)| {
        point.map(|point| ServedShare {
            served: point.mean,
            starting: started(at).clamp(0.0, 1.0 - point.mean.min(1.0)),
        })
    };
    served.iter().enumerate().map(share).collect()
}

fn cell(share: Option<ServedShare>, styles: &Styles) -> (&'static str, Style) {
    let glyphs = &styles.glyphs;
    match share {
        None => (" ", styles.dim),
        Some(ServedShare { served, .. }) if served >= 0.999 => (glyphs.bar[0], styles.good),
        Some(ServedShare { served, starting }) if starting > 0.001 && served + starting >= 0.999 => {
            (glyphs.spark[0], styles.accent)
        }
        Some(ServedShare { served, starting }) if served + starting <= 0.001 => (glyphs.bar_empty, styles.bad),
        Some(_) => (glyphs.bar_partly, styles.warning),
    }
}

/// The strip, columns that look alike in one piece.
#[must_use]
pub fn strip(shares: &[Option<ServedShare>], styles: &Styles) -> Vec<Span<'static>> {
    let mut pieces: Vec<(String, Style)> = Vec::new();
    for share in shares {
        let (glyph, style) = cell(*share, styles);
        match pieces.last_mut().filter(|(_, own)| *own == style) {
            Some((text, _)) => text.push_str(glyph),
            None => pieces.push((glyph.to_owned(), style)),
        }
    }
    pieces.into_iter().map(|(text, style)| Span::styled(text, style)).collect()
}

/// The shares of the time that was looked at; `None` where nobody looked.
#[must_use]
pub fn sum(shares: &[Option<ServedShare>]) -> Option<ServedShare> {
    let known: Vec<ServedShare> = shares.iter().flatten().copied().collect();
    let mean = |share: fn(&ServedShare) -> f32| known.iter().map(share).sum::<f32>() / known.len() as f32;
    (!known.is_empty()).then(|| ServedShare { served: mean(|of| of.served), starting: mean(|of| of.starting) })
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
    fn a_strip_tells_served_not_served_both_a_start_and_unknown() {
        let point = |mean: f32| Some(SeriesPoint { mean, max: 1.0 });
        let served = [point(1.0), point(1.0), point(0.5), point(0.0), None, point(0.0), point(0.5), point(1.0)];
        let mut starting = [point(0.0); 8];
        (starting[5], starting[6]) = (point(1.0), point(0.5));
        let shares = times(&served, &starting);
        let text: String = strip(&shares, &Styles::plain()).iter().map(|span| span.content.to_string()).collect();
        assert_eq!(text, "▇▇▒░ ▁▁▇");
        let sum = sum(&shares[..7]).expect("it was looked at");
        assert_eq!((percent(sum.served), percent(sum.starting)), ("50.0 %".into(), "25.0 %".into()));
        assert_eq!(
            times(&served[..1], &[]),
            [Some(ServedShare { served: 1.0, starting: 0.0 })],
            "of a time before it was kept"
        );
        assert_eq!(
            (super::sum(&[None]), percent(0.9996), percent(1.0), percent(0.0)),
            (None, "99.9 %".into(), "100 %".into(), "0.0 %".into())
        );
    }
}
