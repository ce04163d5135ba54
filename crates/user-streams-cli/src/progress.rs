//! How far a long command is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{FormattedDuration, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{output::remark, session::Session};

/// How often there is a line where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// The progress of something that is counted.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Shown,
    /// What is counted: `users`.
    unit: &'static str,
    /// The whole, in whatever the position is of: ids, or bytes of a file.
    total: Option<u64>,
    began: Instant,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines(Instant),
    Nothing,
}

impl Progress {
    pub(crate) fn new(session: &Session, unit: &'static str, total: Option<u64>) -> Self {
        let began = Instant::now();
        let shown = if session.is_quiet() {
            Shown::Nothing
        } else if io::stderr().is_terminal() {
            Shown::Bar(bar(total))
        } else {
            Shown::Lines(began)
        };
        Self { shown, unit, total, began }
    }

    /// So far: the position in the whole, and how many that are.
    pub(crate) fn update(&mut self, position: u64, count: u64) {
        let text = match &self.shown {
            Shown::Nothing => return,
            Shown::Lines(last) if last.elapsed() < LINE => return,
            Shown::Bar(_) | Shown::Lines(_) => self.text(position, count),
        };
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_message(text);
                bar.set_position(position);
            }
            Shown::Lines(last) => {
                *last = Instant::now();
                remark(text);
            }
        }
    }

    fn text(&self, position: u64, count: u64) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let count_text = HumanCount(count);
        let mut text = format!("{count_text} {}, {:.0}/s", self.unit, as_f64(count) / seconds);
        if let Some(total) = self.total.filter(|total| *total > 0 && position > 0) {
            let done = (as_f64(position) / as_f64(total)).min(1.0);
            let left = Duration::from_secs_f64(seconds * (1.0 - done) / done);
            text += &format!(", {:.0} %, {} left", done * 100.0, FormattedDuration(left));
        }
        text
    }
}

impl Drop for Progress {
    /// The results are written where the bar was.
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let template = if total.is_some() { "[{bar:30}] {msg}" } else { "{spinner} {msg}" };
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

#[expect(clippy::cast_precision_loss, reason = "for a percentage it is enough")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
