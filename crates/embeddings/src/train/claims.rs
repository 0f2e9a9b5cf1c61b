//! Which rows one shard alone uses in a round: it may learn on the rows themselves, where others would need copies.
//!
//! Before a round every shard says which rows it is going to use. Most of them are rare words that no other shard asks for; what
//! becomes of such a row is what would have become of the one copy of it, without copying. Who asks first does not matter.

use std::sync::atomic::{AtomicU16, Ordering};

/// The claims on one table's rows.
pub(crate) struct Claims {
    /// For each row the round in which it was last claimed, and by whom.
    marks: Vec<AtomicU16>,
    round: u16,
}

/// Bits of a mark that say by whom.
const BITS: u32 = 5;

/// Stands for more than one shard.
const SEVERAL: u16 = (1 << BITS) - 1;

impl Claims {
    /// None yet, of shards below 31.
    pub(crate) fn new(rows: usize) -> Self {
        Self { marks: (0..rows).map(|_| AtomicU16::new(0)).collect(), round: 0 }
    }

    /// Forgets all claims.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        if self.round == 1 << (u16::BITS - BITS) {
            self.marks.iter_mut().for_each(|mark| *mark.get_mut() = 0);
            self.round = 1;
        }
    }

    /// The mark of a shard's own rows.
    pub(crate) fn mark(&self, shard: usize) -> u16 {
        debug_assert!(shard < SEVERAL.into());
        self.round << BITS | shard as u16
    }

    /// Claims rows for the shard of a mark. `alone`: no other thread does so now.
    pub(crate) fn claim(&self, rows: impl IntoIterator<Item = u32>, mine: u16, alone: bool) {
        for row in rows {
            let mark = &self.marks[row as usize];
            let mut seen = mark.load(Ordering::Relaxed);
            if seen >> BITS != self.round {
                if alone {
                    mark.store(mine, Ordering::Relaxed);
                    continue;
                }
                match mark.compare_exchange(seen, mine, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => continue,
                    Err(newer) => seen = newer,
                }
            }
            if seen != mine {
                mark.store(self.round << BITS | SEVERAL, Ordering::Relaxed);
            }
        }
    }

    /// Whether the row was claimed by the shard of this mark and no other.
    #[inline(always)]
    pub(crate) fn is_sole(&self, row: u32, mine: u16) -> bool {
        self.marks[row as usize].load(Ordering::Relaxed) == mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_ones_own_until_another_asks_for_it() {
        for alone in [true, false] {
            let mut claims = Claims::new(4);
            for _ in 0..5000 {
                claims.begin();
                let (first, second) = (claims.mark(0), claims.mark(15));
                claims.claim([0, 1, 1], first, alone);
                claims.claim([1, 2], second, alone);
                claims.claim([0, 1], first, alone);
                let sole = |mark| (0..4).map(|row| claims.is_sole(row, mark)).collect::<Vec<_>>();
                assert_eq!(sole(first), [true, false, false, false]);
                assert_eq!(sole(second), [false, false, true, false]);
            }
        }
    }

    #[test]
    fn threads_that_ask_at_the_same_time_share() {
        let mut claims = Claims::new(1000);
        for _ in 0..20 {
            claims.begin();
            std::thread::scope(|scope| {
                for shard in 0..4 {
                    let claims = &claims;
                    scope.spawn(move || claims.claim(shard as u32 * 200..1000, claims.mark(shard), false));
                }
            });
            let sole = |row| (0..4).any(|shard| claims.is_sole(row, claims.mark(shard)));
            assert!((0..1000).all(|row| sole(row) == (row < 200)));
        }
    }
}
