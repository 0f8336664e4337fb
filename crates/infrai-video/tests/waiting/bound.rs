//! A lower bound for every polling policy.

use super::lengths::density;
use super::service::PAGE;

/// Approximately the fewest requests with which a program can wait for `jobs` jobs, submitted together, with a mean delay of
/// `delay` seconds, if it knows the distribution of the lengths but not the length of a single job.
///
/// With intervals g(t), a wait sends the integral of c/g requests, where one look at all unfinished jobs costs c requests, and
/// its delay is the integral of f·g/2, where f is the density of the lengths. By the Cauchy-Schwarz inequality the product is
/// smallest where g is proportional to √(c/f). A look costs one request for each unfinished job or for each page of the list,
/// whichever is less.
///
/// Jobs that are submitted over a time need at least as many requests: the ends on one page are further apart.
pub(crate) fn least_requests(jobs: usize, delay: f64) -> f64 {
    const STEPS: u32 = 20_000;
    // From a tenth of a second to twelve hours, in steps that grow with the time.
    let (first, last) = (0.1_f64.ln(), 43_200.0_f64.ln());
    let step = (last - first) / f64::from(STEPS);
    let times: Vec<f64> = (0..STEPS).map(|at| (first + (f64::from(at) + 0.5) * step).exp()).collect();
    let jobs = jobs as f64;
    let pages = (jobs / f64::from(PAGE)).ceil();
    let mut open = 0.0;
    let mut root = 0.0;
    for time in times.iter().rev() {
        let ends = density(*time) * time * step;
        open += ends;
        let look = (jobs * open).min(pages);
        root += (look * density(*time) / 2.0).sqrt() * time * step;
    }
    root * root / delay
}
