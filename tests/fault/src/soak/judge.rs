//! Whether what a process uses has stayed flat.

use super::process::Usage;

/// How much memory may grow: this many KiB, or this share if that is more.
const MEMORY_GROWTH: f64 = 2048.0;
const MEMORY_GROWTH_SHARE: f64 = 0.02;
/// How much any other figure may: a connection to SQLite has three file descriptors.
const GROWTH: f64 = 6.0;

/// What was measured at one time; sessions where there is a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) usage: Usage,
    pub(super) sessions: Option<usize>,
}

/// A figure of a sample.
type Figure = fn(&Sample) -> f64;

/// What was measured of a cell's process.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Before it connected.
    pub(super) started: Usage,
    /// Each second of the load.
    pub(super) samples: Vec<Sample>,
    /// After `close()`.
    pub(super) closed: Sample,
    /// How many sessions all its pools together may have.
    pub(super) max_sessions: usize,
}

impl Measured {
    /// What has grown, in words.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let figures: [(&str, Figure); 4] = [
            ("memory", resident),
            ("file descriptors", |sample| sample.usage.descriptors as f64),
            ("threads", |sample| sample.usage.threads as f64),
            ("sessions", |sample| sample.sessions.unwrap_or_default() as f64),
        ];
        for (name, figure) in figures {
            let (from, to) = self.medians(figure);
            let (limit, unit) = match name {
                "memory" => (MEMORY_GROWTH.max(from * MEMORY_GROWTH_SHARE), " KiB"),
                _ => (GROWTH, ""),
            };
            if to - from > limit {
                problems.push(format!("{name} grew from {from}{unit} to {to}{unit}"));
            }
        }
        let most = self.most_sessions();
        if most > self.max_sessions {
            problems.push(format!("{most} sessions at once; the most is {}", self.max_sessions));
        }
        if let Some(left) = self.closed.sessions.filter(|&left| left > 0) {
            problems.push(format!("{left} sessions are left after `close()`"));
        }
        let (before, after) = (self.started.descriptors, self.closed.usage.descriptors);
        if after > before {
            problems.push(format!("{after} file descriptors after `close()`, {before} before"));
        }
        problems
    }

    /// The medians of a figure in the second quarter of the load and in the last. The first is for
    /// warming up.
    pub(super) fn medians(&self, figure: fn(&Sample) -> f64) -> (f64, f64) {
        let quarter = self.samples.len() / 4;
        let median = |samples: &[Sample]| {
            let mut figures: Vec<_> = samples.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or_default()
        };
        (median(&self.samples[quarter..2 * quarter]), median(&self.samples[3 * quarter..]))
    }

    pub(super) fn most_sessions(&self) -> usize {
        self.samples.iter().filter_map(|sample| sample.sessions).max().unwrap_or_default()
    }

    pub(super) fn most_descriptors(&self) -> usize {
        self.samples.iter().map(|sample| sample.usage.descriptors).max().unwrap_or_default()
    }
}

/// The resident memory of a sample, in KiB.
pub(super) fn resident(sample: &Sample) -> f64 {
    sample.usage.resident as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(resident: usize, descriptors: usize, sessions: usize) -> Sample {
        Sample { usage: Usage { resident, descriptors, threads: 9 }, sessions: Some(sessions) }
    }

    fn measured(sample_at: impl Fn(usize) -> Sample) -> Measured {
        Measured {
            started: sample(9_000, 12, 0).usage,
            samples: (0..60).map(sample_at).collect(),
            closed: sample(9_000, 12, 0),
            max_sessions: 10,
        }
    }

    #[test]
    fn what_settles_after_the_first_quarter_is_flat() {
        let measured = measured(|second| sample(20_000 + second.min(14) * 1_000, 20, 9));
        assert_eq!(measured.problems(), Vec::<String>::new());
    }

    #[test]
    fn each_figure_that_grows_is_named() {
        let measured = measured(|second| sample(20_000 + second * 100, 20 + second / 4, 9));
        assert_eq!(
            measured.problems(),
            ["memory grew from 22200 KiB to 25200 KiB", "file descriptors grew from 25 to 33",]
        );
    }

    #[test]
    fn a_session_above_the_limit_and_what_is_left_at_the_end_are_named() {
        let mut measured = measured(|second| sample(20_000, 20, if second == 3 { 11 } else { 4 }));
        measured.closed = sample(20_000, 13, 1);
        assert_eq!(
            measured.problems(),
            [
                "11 sessions at once; the most is 10",
                "1 sessions are left after `close()`",
                "13 file descriptors after `close()`, 12 before",
            ]
        );
    }
}
