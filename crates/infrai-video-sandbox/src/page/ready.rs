//! Predefined fault rules, which the page has switches for.

use serde::Serialize;

use crate::faults::{Fault, FaultRecord};

/// A predefined rule.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Ready {
    pub(super) title: &'static str,
    pub(super) summary: &'static str,
    pub(super) toml: &'static str,
}

/// The rules, in the order of the switches.
pub(super) const READY: [Ready; 8] = [
    Ready {
        title: "Lost response",
        summary: "The next job is accepted and charged, and the connection is closed without a response.",
        toml: "[[fault]]\noperation = \"generate\"\naction = \"accept_then_drop\"\ncount = 1\n",
    },
    Ready {
        title: "503 once",
        summary: "The next job is refused for now. Nothing is started or charged.",
        toml: "[[fault]]\noperation = \"generate\"\naction = \"status\"\nstatus = 503\ncount = 1\n",
    },
    Ready {
        title: "Too many polls",
        summary: "The next three polls get 429 and a Retry-After of two seconds.",
        toml: "[[fault]]\noperation = \"status\"\naction = \"status\"\nstatus = 429\nretry_after = 2\ncount = 3\n",
    },
    Ready {
        title: "No credit",
        summary: "New jobs get 402, regardless of the balance.",
        toml: "[[fault]]\noperation = \"generate\"\naction = \"status\"\nstatus = 402\n",
    },
    Ready {
        title: "Vendor fails",
        summary: "The next job that is accepted fails midway, and its charge is given back.",
        toml: "[[fault]]\noperation = \"generate\"\naction = \"fail_job\"\ncount = 1\n",
    },
    Ready {
        title: "Slow responses",
        summary: "Every poll takes two seconds of real time.",
        toml: "[[fault]]\noperation = \"status\"\naction = \"hang\"\nseconds = 2\naccepted = true\n",
    },
    Ready {
        title: "Truncated download",
        summary: "The next clip that is fetched ends after 20,000 bytes.",
        toml: "[[fault]]\noperation = \"clip\"\naction = \"cut\"\nafter_bytes = 20000\ncount = 1\n",
    },
    Ready {
        title: "Expired links",
        summary: "Links from download_url expire before they are used.",
        toml: "[[fault]]\noperation = \"download_url\"\naction = \"expire_at_once\"\n",
    },
];

impl Ready {
    /// Whether the rule is active, and can act.
    pub(super) fn is_on(&self, active: &[FaultRecord]) -> bool {
        self.rule().is_some_and(|rule| active.iter().any(|record| record.fault == rule && !record.is_spent()))
    }

    fn rule(&self) -> Option<Fault> {
        Fault::from_toml(self.toml).ok()?.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_rule_is_one_rule_unlike_the_others() {
        let rules: Vec<Fault> = READY
            .iter()
            .map(|ready| {
                let rules = Fault::from_toml(ready.toml).expect("a rule");
                assert_eq!(rules.len(), 1, "{}", ready.title);
                rules[0].clone()
            })
            .collect();
        for (place, rule) in rules.iter().enumerate() {
            assert!(!rules[..place].contains(rule), "{}", READY[place].title);
            let after = |acted| FaultRecord { fault: rule.clone(), matched: 9, acted };
            assert!(READY[place].is_on(&[after(0)]) && !READY[place].is_on(&[]));
            let is_limited = READY[place].toml.contains("count");
            assert_eq!(READY[place].is_on(&[after(9)]), !is_limited, "{}", READY[place].title);
            assert!(READY[place].is_on(&[after(9), after(0)]));
        }
    }
}
