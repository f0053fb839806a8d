//! Two ways to do something, timed in turn in one run, so that a machine whose speed drifts does not decide.

use std::time::Instant;

/// Pairs of batches; each batch of either kind follows the other directly.
const PAIRS: usize = 41;

/// What a comparison found: nanoseconds for one operation, and the ratio pair by pair.
pub(crate) struct Found {
    pub(crate) ours_ns: f64,
    pub(crate) reference_ns: f64,
    pub(crate) ratio: f64,
    pub(crate) ratio_range: (f64, f64),
}

/// Times `ours` against `reference`, both on `threads` threads at once, in batches of `batch` operations a thread.
pub(crate) fn compare(
    threads: usize,
    batch: u32,
    ours: impl Fn() + Sync,
    reference: impl Fn() + Sync,
) -> Found {
    let mut pairs: Vec<(f64, f64)> = (0..=PAIRS)
        .map(|_| (time(threads, batch, &ours), time(threads, batch, &reference)))
        // The first pair warms up.
        .skip(1)
        .collect();
    pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let ratio = |pair: &(f64, f64)| pair.0 / pair.1;
    let middle = pairs.len() / 2;
    Found {
        ours_ns: median(pairs.iter().map(|pair| pair.0)),
        reference_ns: median(pairs.iter().map(|pair| pair.1)),
        ratio: ratio(&pairs[middle]),
        ratio_range: (ratio(&pairs[0]), ratio(&pairs[pairs.len() - 1])),
    }
}

impl Found {
    /// One line of the report.
    pub(crate) fn print(&self, what: &str, promise: f64) {
        let (least, most) = self.ratio_range;
        println!(
            "{what:<46} {:>8.1} ns  reference {:>8.1} ns  ratio {:.2} ({least:.2} to {most:.2})  promised <= {promise}",
            self.ours_ns, self.reference_ns, self.ratio
        );
    }
}

/// Nanoseconds for one operation of one thread, while all threads do the same.
fn time(threads: usize, batch: u32, operation: &(impl Fn() + Sync)) -> f64 {
    let barrier = std::sync::Barrier::new(threads);
    let spans = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    operation();
                    barrier.wait();
                    let begin = Instant::now();
                    for _ in 0..batch {
                        operation();
                    }
                    begin.elapsed()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    median(spans.iter().map(|span| span.as_nanos() as f64 / f64::from(batch)))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
