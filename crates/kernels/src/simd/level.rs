//! Which instruction set the processor has.

use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// AVX-512 F, BW, DQ and VL, which all but the first few processors with AVX-512 have, and AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The target's baseline.
    Portable,
}

impl Level {
    /// The best instruction set of this processor.
    #[inline]
    pub(crate) fn detect() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// All instruction sets of this processor, the best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx2 = has!("avx2") && has!("fma");
            if avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                levels.push(Self::Avx512);
            }
            if avx2 {
                levels.push(Self::Avx2);
            }
        }
        levels.push(Self::Portable);
        levels
    }
}
