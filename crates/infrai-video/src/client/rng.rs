//! Random numbers for jitter and idempotency keys.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// With a seed, jitter and keys are repeatable.
pub(super) struct Rng {
    generator: Mutex<fastrand::Rng>,
    seeded: bool,
}

impl Rng {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let generator = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { generator: Mutex::new(generator), seeded: seed.is_some() }
    }

    /// A number from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.lock().f64()
    }

    pub(super) fn uuid(&self) -> Uuid {
        if self.seeded {
            uuid::Builder::from_random_bytes(self.lock().u128(..).to_be_bytes()).into_uuid()
        } else {
            Uuid::now_v7()
        }
    }

    fn lock(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.generator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
