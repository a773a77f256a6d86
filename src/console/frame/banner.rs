//! The line that says that the past is shown: which moment, what is not known of it, and whether anything is amiss now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Pieces, paint_pair, width_of};
use crate::console::action::Action;
use crate::console::frame::header;
use crate::console::rewind::Play;
use crate::console::time;
use crate::console::view::View;
use crate::console::widgets::words;
use crate::domain::ensemble::EnsembleState;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::past::PastPart;
use crate::domain::snapshot::{SessionState, Snapshot};

/// What the banner tells.
pub struct Banner<'a> {
    /// Of the past.
    pub view: &'a View<'a>,
    pub live: &'a Snapshot,
    pub now: Timestamp,
    pub play: Option<Play>,
    /// Esc leads back to now, and closes nothing before.
    pub esc_leaves: bool,
}

impl Banner<'_> {
    /// Paints it over the whole line.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let line = Rect { height: 1, ..area };
        buffer.set_style(line, self.view.styles.selected);
        let rights = [self.keys(true), self.keys(false), Pieces::new()];
        let lefts = [(true, true), (false, true), (false, false)].map(|(whole, unknown)| self.told(whole, unknown));
        let pairs = lefts.iter().flat_map(|left| rights.iter().map(move |right| (left.clone(), right.clone())));
        let variants: Vec<(Pieces, Pieces)> = pairs.collect();
        // More of what is told comes before more of the keys.
        let room = usize::from(area.width);
        let fits = |(left, right): &&(Pieces, Pieces)| width_of(left) + width_of(right) + 2 <= room;
        let chosen = variants.iter().find(fits).or(variants.last()).cloned();
        paint_pair(&chosen.into_iter().collect::<Vec<_>>(), line, buffer);
    }

    fn told(&self, whole: bool, unknown: bool) -> Pieces {
        let styles = self.view.styles;
        let row = |style| styles.in_row(true, style);
        let at = self.view.now;
        let day = time::date(at) != time::date(self.now);
        let moment = if day { time::of_date(at) } else { time::of_day(at) };
        let ago = if whole { format!(", {} ago", words::age(at, self.now)) } else { String::new() };
        let mut pieces = vec![(" PAST ".to_owned(), row(styles.warning)), (format!("{moment}{ago}"), row(styles.text))];
        pieces.extend(self.play.map(|play| {
            let word = if play.is_stopped() { "stopped, " } else { "plays " };
            (format!("  {word}{}x", play.speed), row(styles.accent))
        }));
        pieces.extend(self.unknown().filter(|_| unknown).map(|text| (format!("  {text}"), row(styles.warning))));
        if let Some((text, style)) = self.amiss_now() {
            pieces.push((format!("   now: {text}"), row(style)));
        }
        pieces
    }

    /// What is not known of that moment, or not to the second.
    fn unknown(&self) -> Option<String> {
        let past = self.view.snapshot.past.as_ref()?;
        if !past.knows(PastPart::Servers) {
            return Some("nothing was measured: zkdeck did not run".to_owned());
        }
        past.fineness.filter(|fine| *fine > Millis(1_000)).map(|fine| format!("figures are means of {fine}"))
    }

    /// What an operator must not miss while he looks at the past.
    fn amiss_now(&self) -> Option<(String, Style)> {
        let (live, styles) = (self.live, self.view.styles);
        if !matches!(live.ensemble.state, EnsembleState::Healthy | EnsembleState::Unknown | EnsembleState::Starting) {
            return Some(header::verdict(&live.ensemble, styles));
        }
        if !matches!(live.session.state, SessionState::Connected | SessionState::Connecting) {
            return Some((format!("{} no session", styles.glyphs.bad), styles.bad));
        }
        let alerts = live.alerts.iter().filter(|alert| !alert.short.is_empty()).count() as u64;
        (alerts > 0).then(|| (format!("{} {}", styles.glyphs.warning, words::count(alerts, "alert")), styles.bad))
    }

    fn keys(&self, whole: bool) -> Pieces {
        let styles = self.view.styles;
        let hint = |action, does: &str| self.view.hint(action, does);
        let back = if self.esc_leaves { hint(Action::Back, "now") } else { Some(":now".to_owned()) };
        let earlier = self.view.key(Action::EarlierMoment).zip(self.view.key(Action::LaterMoment));
        let moves = earlier.map(|(earlier, later)| format!("{earlier} {later} move"));
        let plays = match self.play {
            Some(play) if !play.is_stopped() => hint(Action::PlayPause, "stop"),
            _ => hint(Action::PlayPause, "play"),
        };
        let all = if whole { vec![moves, plays, back] } else { vec![back] };
        let text = all.into_iter().flatten().collect::<Vec<_>>().join("   ");
        vec![(format!("{text} "), styles.in_row(true, styles.text))]
    }
}
