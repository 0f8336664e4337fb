//! Numbers that look random but are the same on every machine.

/// A small generator (splitmix64): good enough to scatter stars, and free of dependencies.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// A generator for a prompt and a seed.
    pub(crate) fn new(prompt: &str, seed: u64) -> Self {
        // FNV-1a: every byte of the prompt counts.
        let hash = prompt.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { state: mixed(hash ^ mixed(seed)) }
    }

    /// A generator of its own for one part, so that a change in one part leaves the others as they were.
    pub(crate) fn branch(&self, part: u64) -> Self {
        Self { state: mixed(self.state ^ mixed(part.wrapping_add(1))) }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    /// A number from 0 up to, but without, 1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// A number from `low` up to `high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// One of the items.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[(self.bits() % items.len() as u64) as usize]
    }

    /// True with the given probability.
    pub(crate) fn happens(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }
}

/// Mixes the bits of a number so that near numbers end far apart.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A sine of `turns` full turns, within about 0.001. It uses only operations whose result the float standard fixes.
pub(crate) fn wave(turns: f32) -> f32 {
    let x = turns - (turns + 0.5).floor();
    let rough = 8.0 * x - 16.0 * x * x.abs();
    0.225 * (rough * rough.abs() - rough) + rough
}

/// A smooth step from 0 to 1 between the two edges.
pub(crate) fn smooth(edge0: f32, edge1: f32, x: f32) -> f32 {
    let t = ((x - edge0) / (edge1 - edge0)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Smooth noise along a line, for ridges and clouds.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    salt: u64,
}

impl Noise {
    /// Noise drawn from a generator.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self { salt: rng.bits() }
    }

    /// The value at `x`, from -1 to 1. Whole numbers are one bump apart.
    pub(crate) fn at(&self, x: f32) -> f32 {
        let cell = x.floor();
        let blend = smooth(0.0, 1.0, x - cell);
        let low = self.corner(cell as i64);
        low + (self.corner(cell as i64 + 1) - low) * blend
    }

    /// Several octaves added up, from about -1 to 1: each has twice the detail and half the height.
    pub(crate) fn fractal(&self, x: f32, octaves: u32) -> f32 {
        let (mut sum, mut height, mut step, mut total) = (0.0, 1.0, 1.0, 0.0);
        for octave in 0..octaves {
            sum += height * self.at(x * step + octave as f32 * 37.5);
            total += height;
            height *= 0.5;
            step *= 2.0;
        }
        sum / total
    }

    fn corner(&self, cell: i64) -> f32 {
        let bits = mixed(self.salt ^ mixed(cell as u64));
        (bits >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}
