//! The number of pages that a round reads before it polls the remaining jobs one by one.

/// The place of a job in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// No page has been read for it.
    Unknown,
    /// On this page, counted from 1, or a later one if newer jobs precede it.
    Page(usize),
    /// On none of the pages that were read.
    Nowhere,
}

impl Place {
    /// The place of a job that the first `pages` pages do not show; `ended` if there are no more.
    pub(super) fn not_on(self, pages: usize, ended: bool) -> Self {
        match self {
            Self::Page(page) if page > pages && !ended => self,
            Self::Page(_) if !ended => Self::Page(pages + 1),
            _ => Self::Nowhere,
        }
    }
}

/// The number of pages with `size` jobs that minimizes the requests, including a `status` call for each job beyond them. New jobs
/// are expected on twice the pages that they fill, since there are other jobs between them.
pub(super) fn pages_to_read(places: impl Iterator<Item = Place>, size: usize) -> usize {
    let (mut unknown, mut pages) = (0_usize, Vec::new());
    for place in places {
        match place {
            Place::Unknown => unknown += 1,
            Place::Page(page) => pages.push(page),
            Place::Nowhere => {}
        }
    }
    pages.sort_unstable();
    let jobs = pages.len();
    // The pages up to that of each job, and a call for each job after it; the first choice is no page.
    let choices = pages.into_iter().zip(1..).map(|(page, shown)| (page + jobs - shown, page));
    let (_, best) = choices.fold((jobs, 0), |best, choice| best.min(choice));
    best.max(2 * unknown.div_ceil(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_jobs_on(pages: &[usize]) -> usize {
        pages_to_read(pages.iter().map(|page| Place::Page(*page)), 100)
    }

    #[test]
    fn a_page_is_read_if_it_saves_more_than_one_call() {
        assert_eq!(for_jobs_on(&[]), 0);
        assert_eq!(for_jobs_on(&[1]), 0, "a call is as good as a page");
        assert_eq!(for_jobs_on(&[1, 1]), 1);
        assert_eq!(for_jobs_on(&[1, 1, 9]), 1, "one call stands for eight pages");
        assert_eq!(for_jobs_on(&[3, 3, 3, 3]), 3);
        assert_eq!(for_jobs_on(&[3, 3, 3]), 0);
        assert_eq!(for_jobs_on(&[1, 1, 1, 5, 5, 5, 5, 5]), 5);
    }

    #[test]
    fn new_jobs_are_expected_on_twice_the_pages_that_they_fill() {
        assert_eq!(pages_to_read([Place::Unknown; 101].into_iter(), 100), 4);
        assert_eq!(pages_to_read([Place::Unknown, Place::Nowhere].into_iter(), 100), 2);
    }

    #[test]
    fn a_job_moves_to_the_next_page_as_newer_ones_are_added() {
        assert_eq!(Place::Page(2).not_on(2, false), Place::Page(3));
        assert_eq!(Place::Page(1).not_on(2, false), Place::Page(3));
        assert_eq!(Place::Page(5).not_on(2, false), Place::Page(5), "that page was not read");
        assert_eq!(Place::Page(2).not_on(2, true), Place::Nowhere);
        assert_eq!(Place::Page(5).not_on(2, true), Place::Nowhere);
        assert_eq!(Place::Unknown.not_on(2, false), Place::Nowhere);
        assert_eq!(Place::Nowhere.not_on(9, false), Place::Nowhere);
    }
}
