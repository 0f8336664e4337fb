//! What no way of polling can go below.

use super::lengths::density;
use super::service::PAGE;

/// About the fewest requests for which `jobs` that are submitted together can be waited for with so many seconds of mean
/// delay, by somebody who knows how long jobs take, but not this one.
///
/// With pauses of g(t) a wait sends the sum of c/g over its time, where a look at all open jobs costs c requests, and is late
/// by the sum of f·g/2, where f is the density of the ends. Their product is least where g is proportional to √(c/f), which
/// is Cauchy's and Schwarz's inequality. A look costs one request for each open job, or one for each page of the list.
///
/// Jobs that are submitted over a time need at least as many: the ends on a page are then further apart, and no look at it
/// tells of more of them.
pub fn least_requests(jobs: usize, delay: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_job_leaves_little_room_below_a_fixed_pause() {
        // A fixed pause of 5 s sends 40 requests for a mean job of 198 s, and is late by 2.5 s.
        let least = least_requests(1, 2.5);
        assert!((37.0..39.0).contains(&least), "{least}");
    }

    #[test]
    fn pages_make_many_jobs_cheaper_than_a_poll_for_each() {
        assert!(least_requests(1000, 2.5) < 1000.0 * least_requests(1, 2.5) / 15.0);
        assert!(least_requests(100, 2.5) < least_requests(1000, 2.5));
    }
}
