//! How many pages of the list a look reads before it asks for the rest one by one.

/// What is known of where the list shows a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// No page was read for it yet.
    Unknown,
    /// On this page, counted from 1, or a later one since jobs came before it.
    Page(usize),
    /// Not where pages were read.
    Nowhere,
}

impl Place {
    /// The place of a job that so many pages did not show; `ended` where there were no more.
    pub(super) fn not_on(self, pages: usize, ended: bool) -> Self {
        match self {
            Self::Page(page) if page > pages && !ended => self,
            Self::Page(_) if !ended => Self::Page(pages + 1),
            _ => Self::Nowhere,
        }
    }
}

/// How many pages with `size` jobs to read, so that they and the calls for the jobs behind them are the fewest requests. For
/// jobs that no look was for yet these are as many as they could fill, and as many again for jobs that nobody waits for.
pub(super) fn worth_reading(places: impl Iterator<Item = Place>, size: usize) -> usize {
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
    // Pages up to that of each job in turn, and a call for each one after it; none at all is the first choice.
    let choices = pages.into_iter().zip(1..).map(|(page, shown)| (page + jobs - shown, page));
    let (_, best) = choices.fold((jobs, 0), |best, choice| best.min(choice));
    best.max(2 * unknown.div_ceil(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worth(pages: &[usize]) -> usize {
        worth_reading(pages.iter().map(|page| Place::Page(*page)), 100)
    }

    #[test]
    fn a_page_is_read_where_it_saves_more_than_a_call() {
        assert_eq!(worth(&[]), 0);
        assert_eq!(worth(&[1]), 0, "a call is as good as a page");
        assert_eq!(worth(&[1, 1]), 1);
        assert_eq!(worth(&[1, 1, 9]), 1, "one call stands for eight pages");
        assert_eq!(worth(&[3, 3, 3, 3]), 3);
        assert_eq!(worth(&[3, 3, 3]), 0);
        assert_eq!(worth(&[1, 1, 1, 5, 5, 5, 5, 5]), 5);
    }

    #[test]
    fn jobs_that_are_new_are_looked_for_on_twice_the_pages_that_they_fill() {
        assert_eq!(worth_reading([Place::Unknown; 101].into_iter(), 100), 4);
        assert_eq!(worth_reading([Place::Unknown, Place::Nowhere].into_iter(), 100), 2);
    }

    #[test]
    fn a_job_moves_on_to_the_next_page_as_newer_ones_come() {
        assert_eq!(Place::Page(2).not_on(2, false), Place::Page(3));
        assert_eq!(Place::Page(1).not_on(2, false), Place::Page(3));
        assert_eq!(Place::Page(5).not_on(2, false), Place::Page(5), "nobody looked there");
        assert_eq!(Place::Page(2).not_on(2, true), Place::Nowhere);
        assert_eq!(Place::Unknown.not_on(2, false), Place::Nowhere);
        assert_eq!(Place::Nowhere.not_on(9, false), Place::Nowhere);
    }
}
