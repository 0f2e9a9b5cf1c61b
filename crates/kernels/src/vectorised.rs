//! One source for several instruction sets.

/// The instruction sets that [`vectorised!`] compiles for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// The target's baseline.
    Plain,
    /// AVX2 and fused multiply-add.
    Avx2,
    /// AVX-512 with byte, word and double-word instructions.
    Avx512,
}

/// The best instruction set that this machine has.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn level() -> Level {
    use std::arch::is_x86_feature_detected as has;
    static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(|| {
        let avx2 = has!("avx2") && has!("fma");
        if avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
            Level::Avx512
        } else if avx2 {
            Level::Avx2
        } else {
            Level::Plain
        }
    })
}

/// Defines functions that the compiler builds for AVX-512, for AVX2 and for the target's baseline; each call takes the best one
/// that the machine has.
///
/// The body is plain Rust that vectorises. The compiler fuses no multiplication and addition by itself, so all of them give the
/// same bits.
macro_rules! vectorised {
    ($($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    portable($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    portable($($argument),*)
                }
                match $crate::vectorised::level() {
                    // SAFETY: the machine has these instructions, as just asked.
                    $crate::vectorised::Level::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: the machine has these instructions, as just asked.
                    $crate::vectorised::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::vectorised::Level::Plain => {}
                }
            }
            portable($($argument),*)
        }
    )*};
}

pub(crate) use vectorised;
